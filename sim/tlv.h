/*
 * tlv.h - BER-TLV as smart cards use it (ISO/IEC 7816-4, 5.2.2): tags of one
 * to three bytes, lengths of at most two.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_TLV_H
#define SIM_TLV_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The next element of r; *v points into the memory read.  TSR_INVALID, and r
 * and the outputs are unchanged. */
int tlv_next(struct reader *r, uint32_t *tag, const uint8_t **v, size_t *n);

/* The first element with that tag in p[0..size), not looking into others.
 * TSR_NOT_FOUND; TSR_INVALID for what is malformed before it. */
int tlv_find(const uint8_t *p, size_t size, uint32_t tag, const uint8_t **v, size_t *n);

/* Append an element.  TSR_TOO_LARGE beyond 65535 bytes or the buffer's
 * maximum, TSR_NOMEM. */
int tlv_put(struct buf *b, uint32_t tag, const void *v, size_t n);

#endif
