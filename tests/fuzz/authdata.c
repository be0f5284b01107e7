/*
 * authdata.c - fuzz target: authenticator data.  What is accepted is read to its
 * end and points into itself.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>

#include "agent/authdata.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authdata a, cut;

	if (authdata_read(data, size, &a) != TSR_OK)
		return 0;
	if (a.rp != data || ((a.flags & AUTHDATA_AT) != 0) != (a.id != NULL) ||
	    (a.id != NULL && (a.id < data || a.id + a.id_len > data + size || a.spki_len == 0)))
		abort();
	if (size > 0 && authdata_read(data, size - 1, &cut) == TSR_OK)
		abort();	/* nothing of it may be missing */
	return 0;
}
