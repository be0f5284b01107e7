/*
 * cbor_out.h - writer of CBOR with shortest heads and definite lengths.
 *
 * Map keys are written in the order of CTAP 2.1 section 8 by whoever calls.
 * The first error stays in .error, and nothing is written after it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CBOR_OUT_H
#define SIM_CBOR_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cbor_out {
	struct buf buf;
	int error;			/* TSR_OK, TSR_NOMEM or TSR_TOO_LARGE */
};

void cbor_out_init(struct cbor_out *o, size_t max);
void cbor_out_free(struct cbor_out *o);

void cbor_out_int(struct cbor_out *o, int64_t v);
void cbor_out_bool(struct cbor_out *o, bool v);
void cbor_out_bytes(struct cbor_out *o, const void *p, size_t n);
void cbor_out_text(struct cbor_out *o, const char *s);
void cbor_out_array(struct cbor_out *o, size_t n);	/* n items follow */
void cbor_out_map(struct cbor_out *o, size_t n);	/* n pairs follow */
void cbor_out_raw(struct cbor_out *o, const void *p, size_t n);

#endif
