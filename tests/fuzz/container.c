/*
 * container.c - fuzz target: PSKC containers.  Every key that is accepted is a
 * usable token.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>

#include "client/container.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libpskc forgets an element that a key has twice; the command ends soon after. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libpskc";
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct container *c = NULL;
	unsigned at = 0, last = 0;
	const char *why;
	struct otp o;
	int r;

	if (container_open((const char *)data, size, &c, &why) != TSR_OK)
		return 0;
	while ((r = container_next(c, &o, &at, &why)) == TSR_OK || r == TSR_INVALID) {
		if (at != ++last || (r == TSR_INVALID) != (why != NULL))
			abort();
		if (r != TSR_OK)
			continue;
		if (otp_check(&o, &why) != TSR_OK)
			abort();
		otp_clear(&o);
	}
	container_free(&c);
	return 0;
}
