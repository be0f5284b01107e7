/*
 * oath_csv.c - fuzz target: tables of tokens.  The first byte says how secrets
 * are written.  Every row that is accepted is a usable token.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>

#include "oath/vendor.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vendor *v = NULL;
	unsigned line = 0, last = 0;
	const char *why;
	struct otp o;
	int r;

	if (size == 0 || vendor_open((const char *)data + 1, size - 1,
	    (enum vendor_form)(data[0] % 3), &v, &why) != TSR_OK)
		return 0;
	while ((r = vendor_next(v, &o, &line, &why)) == TSR_OK || r == TSR_INVALID) {
		if (line <= last || (r == TSR_INVALID) != (why != NULL))
			abort();
		last = line;
		if (r != TSR_OK)
			continue;
		if (otp_check(&o, &why) != TSR_OK || o.serial[0] == '\0')
			abort();
		otp_clear(&o);
	}
	vendor_free(&v);
	return 0;
}
