/*
 * diag.h - CBOR for tests, written as in RFC 8949 section 8: 1, -7, "text",
 * h'00ff', true, [1, 2], {1: "a"}; and 32*00 for 32 bytes of 0x00.  Map keys
 * stay in the order in which they are written.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SIM_DIAG_H
#define TESTS_SIM_DIAG_H

#include "sim/cbor_out.h"

/* Append it; fails the test where it is not well written. */
void diag(struct cbor_out *o, const char *text);

#endif
