/*
 * otp_code.c - fuzz target: what people type as a code.  One byte of digits, the
 * rest is the text.  Only that many ASCII digits are a code, and then it is
 * written as it was read.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oath/hotp.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t seed[HOTP_SEED_MIN] = { 1 };
	struct hotp h = { HMAC_SHA1, 6, seed, sizeof(seed) };
	struct hotp_window w = { 0, 4, 0 };
	char text[HOTP_DIGITS_MAX + 1];
	uint32_t code = 0;
	uint64_t at;
	size_t i;
	int r;

	if (size == 0)
		return 0;
	h.digits = data[0] % 12;
	r = hotp_parse((const char *)data + 1, size - 1, h.digits, &code);
	for (i = 1; i < size && data[i] >= '0' && data[i] <= '9'; i++)
		;
	if ((r == TSR_OK) != (i == size && size - 1 == h.digits && h.digits >= 6 && h.digits <= 8))
		abort();
	if (r != TSR_OK)
		return 0;
	hotp_text(text, h.digits, code);
	if (memcmp(text, data + 1, h.digits) != 0)
		abort();
	r = hotp_find(&h, &w, code, &at);
	if (r != TSR_NOT_FOUND && (r != TSR_OK || at > 3))
		abort();
	return 0;
}
