/*
 * cbor.h - CBOR as authenticators write it: the canonical form of CTAP 2.1
 * section 8 (message encoding), checked and not decoded.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CBOR_H
#define AGENT_CBOR_H

#include <stddef.h>
#include <stdint.h>

#define CBOR_DEPTH_MAX	4	/* nested maps and arrays (CTAP 2.1 section 8) */

/*
 * One item at p: definite lengths, shortest numbers, map keys in order and once,
 * text that is UTF-8, no tags, no floating point, no simple values but false,
 * true and null, at most CBOR_DEPTH_MAX deep.  *used is how many bytes it has.
 * TSR_INVALID for everything else and for an item that is cut short.
 */
int cbor_item(const uint8_t *p, size_t n, size_t *used);

/* The same for a map. */
int cbor_map(const uint8_t *p, size_t n, size_t *used);

#endif
