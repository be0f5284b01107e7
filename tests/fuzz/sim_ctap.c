/*
 * sim_ctap.c - fuzz target: requests to the virtual FIDO2 key.
 *
 * The input: a byte of settings, then requests, each after its length in two
 * bytes.  A resident credential of "a.test" is there.  What it answers has to
 * be canonical CBOR.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/key.h"
#include "tessera.h"

#define REQUESTS_MAX	16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t first[] =
	"\x01\xa5\x01\x58\x20" "01234567890123456789012345678901"
	"\x02\xa1\x62id\x66" "a.test" "\x03\xa1\x62id\x41\x07"
	"\x04\x81\xa2\x63" "alg\x26\x64type\x6apublic-key" "\x07\xa1\x62rk\xf5";

static void
request(struct key *k, const uint8_t *p, size_t n)
{
	struct cbor_out out;
	struct cbor item;
	int status;

	cbor_out_init(&out, CTAP_MESSAGE);
	status = key_request(k, p, n, &out);
	if (status < 0 || (status > 0xff && status != CTAP_WAIT) || (status == CTAP_OK &&
	    out.buf.len > 0 && cbor_parse(out.buf.data, out.buf.len, &item) != TSR_OK))
		abort();
	cbor_out_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p;
	struct reader r;
	struct key k;
	uint8_t set;
	uint16_t n;
	int i;

	reader_init(&r, data, size);
	if (reader_u8(&r, &set) != TSR_OK || key_init(&k, NULL) != TSR_OK)
		return 0;
	k.touched = true;
	request(&k, first, sizeof(first) - 1);
	if ((set & 1) != 0)
		(void)key_set(&k, "pin", "1234");
	if ((set & 2) != 0)
		(void)key_set(&k, "uv", "ok");
	if ((set & 4) != 0)
		(void)key_set(&k, "version", "2.0");
	if ((set & 8) != 0)
		(void)key_set(&k, "attestation", "packed");
	k.touched = (set & 16) == 0;
	for (i = 0; i < REQUESTS_MAX && reader_u16(&r, &n) == TSR_OK; i++) {
		p = r.p;
		if (n > r.left)
			n = (uint16_t)r.left;
		r.p += n;
		r.left -= n;
		request(&k, p, n);
	}
	key_free(&k);
	return 0;
}
