/*
 * test_attestation_read.c - attestation statements as keys send them (WebAuthn level
 * 3 section 8.2 and 8.7): what is taken, and each way to be refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/attestation_read.h"
#include "tessera.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define ALG		"\x63" "alg"
#define SIG		"\x63" "sig"
#define X5C		"\x63" "x5c"

static const struct row {
	const char *name, *format, *map;
	size_t n;
	int result;
	enum proto_algorithm algorithm;
	size_t sig_len, n_certs;
} rows[] = {
#define GOOD(name, map, algorithm, sig_len, n_certs) \
	{ name, "packed", map, sizeof(map) - 1, TSR_OK, algorithm, sig_len, n_certs }
#define BAD(name, format, map, result)	{ name, format, map, sizeof(map) - 1, result, 0, 0, 0 }
	GOOD("self attestation, ES256", "\xa2" ALG "\x26" SIG "\x42\x01\x02", PROTO_ECDSA_P256_SHA256, 2, 0),
	GOOD("self attestation, EdDSA", "\xa2" ALG "\x27" SIG "\x41\x01", PROTO_ED25519, 1, 0),
	GOOD("one certificate", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x81\x43" "abc",
	    PROTO_ECDSA_P256_SHA256, 1, 1),
	GOOD("four certificates", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x84\x41" "a\x41" "b\x41" "c\x41" "d",
	    PROTO_ECDSA_P256_SHA256, 1, 4),
	GOOD("an empty signature, which is judged elsewhere", "\xa2" ALG "\x26" SIG "\x40",
	    PROTO_ECDSA_P256_SHA256, 0, 0),
	{ "none", "none", "\xa0", 1, TSR_OK, 0, 0, 0 },
	{ "none, with a statement nobody looks at", "none", "\xff\xff", 2, TSR_OK, 0, 0, 0 },
	BAD("no format", "", "\xa0", TSR_UNSUPPORTED),
	BAD("format cut short", "packe", "\xa0", TSR_UNSUPPORTED),
	BAD("none in capitals", "NONE", "\xa0", TSR_UNSUPPORTED),
	BAD("fido-u2f", "fido-u2f", "\xa2" SIG "\x41\x01" X5C "\x81\x41" "a", TSR_UNSUPPORTED),
	BAD("tpm", "tpm", "\xa0", TSR_UNSUPPORTED),
	BAD("nothing", "packed", "", TSR_INVALID),
	BAD("an empty map", "packed", "\xa0", TSR_INVALID),
	BAD("no algorithm", "packed", "\xa1" SIG "\x41\x01", TSR_INVALID),
	BAD("no signature", "packed", "\xa1" ALG "\x26", TSR_INVALID),
	BAD("a certificate and no signature", "packed", "\xa2" ALG "\x26" X5C "\x81\x41" "a", TSR_INVALID),
	BAD("RS256", "packed", "\xa2" ALG "\x39\x01\x00" SIG "\x41\x01", TSR_INVALID),
	BAD("an algorithm that is positive", "packed", "\xa2" ALG "\x06" SIG "\x41\x01", TSR_INVALID),
	BAD("an algorithm that is text", "packed", "\xa2" ALG "\x65" "ES256" SIG "\x41\x01", TSR_INVALID),
	BAD("a signature that is text", "packed", "\xa2" ALG "\x26" SIG "\x61" "a", TSR_INVALID),
	BAD("a signature cut short", "packed", "\xa2" ALG "\x26" SIG "\x42\x01", TSR_INVALID),
	BAD("a chain of none", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x80", TSR_INVALID),
	BAD("a chain of five", "packed",
	    "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x85\x41" "a\x41" "b\x41" "c\x41" "d\x41" "e", TSR_INVALID),
	BAD("a chain that is a string", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x41" "a", TSR_INVALID),
	BAD("an empty certificate", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x81\x40", TSR_INVALID),
	BAD("a certificate that is text", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x81\x61" "a",
	    TSR_INVALID),
	BAD("another member of three letters", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" "\x63" "ver\x01",
	    TSR_INVALID),
	BAD("a longer member", "packed", "\xa3" ALG "\x26" SIG "\x41\x01" "\x6a" "ecdaaKeyId\x41" "a",
	    TSR_INVALID),
	BAD("a member that is a number", "packed", "\xa3\x01\x02" ALG "\x26" SIG "\x41\x01", TSR_INVALID),
	BAD("four members", "packed", "\xa4\x61" "a\x01" ALG "\x26" SIG "\x41\x01" X5C "\x81\x41" "a",
	    TSR_INVALID),
	BAD("a member twice", "packed", "\xa3" ALG "\x26" ALG "\x26" SIG "\x41\x01", TSR_INVALID),
	BAD("members out of order", "packed", "\xa2" SIG "\x41\x01" ALG "\x26", TSR_INVALID),
	BAD("a byte too many", "packed", "\xa2" ALG "\x26" SIG "\x41\x01\x00", TSR_INVALID),
	BAD("a list", "packed", "\x82" ALG "\x26", TSR_INVALID),
	BAD("an indefinite map", "packed", "\xbf" ALG "\x26" SIG "\x41\x01\xff", TSR_INVALID),
	BAD("a length of 2^63", "packed", "\xa2" ALG "\x26" SIG "\x5b\x80\0\0\0\0\0\0\0", TSR_INVALID)
};

static void
test_rows(void **state)
{
	struct attestation_statement s;
	const struct row *r;
	uint8_t *map;

	(void)state;
	for (r = rows; r < rows + COUNT(rows); r++) {
		/* as long as it says, and not a byte longer */
		assert_non_null(map = malloc(r->n + (r->n == 0)));
		memcpy(map, r->map, r->n);
		memset(&s, 0x5a, sizeof(s));
		if (attestation_read(r->format, strlen(r->format), map, r->n, &s) != r->result)
			fail_msg("%s: not %d", r->name, r->result);
		if (r->result != TSR_OK)
			assert_int_equal(s.n_certs, (size_t)0x5a5a5a5a5a5a5a5a);	/* untouched */
		else if (s.packed != (r->algorithm != 0) || s.algorithm != r->algorithm ||
		    s.sig_len != r->sig_len || s.n_certs != r->n_certs)
			fail_msg("%s: read as something else", r->name);
		free(map);
	}
}

/* A statement with a certificate of n bytes, in every spelling of a length. */
static int
read_certificate(size_t n)
{
	static const char head[] = "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x81";
	struct attestation_statement s;
	uint8_t *map, *p;
	int r;

	assert_non_null(map = calloc(1, n + 64));
	memcpy(map, head, sizeof(head) - 1);
	p = map + sizeof(head) - 1;
	if (n > 0xff) {
		*p++ = 0x59;
		*p++ = (uint8_t)(n >> 8);
	} else
		*p++ = 0x58;
	*p++ = (uint8_t)n;
	r = attestation_read("packed", 6, map, (size_t)(p - map) + n, &s);
	if (r == TSR_OK) {
		assert_ptr_equal(s.cert[0], p);
		assert_int_equal(s.cert_len[0], n);
	}
	free(map);
	return r;
}

static void
test_lengths(void **state)
{
	(void)state;
	assert_int_equal(read_certificate(24), TSR_OK);
	assert_int_equal(read_certificate(0xff), TSR_OK);
	assert_int_equal(read_certificate(0x100), TSR_OK);
	assert_int_equal(read_certificate(ATTESTATION_CERT_MAX), TSR_OK);
	assert_int_equal(read_certificate(ATTESTATION_CERT_MAX + 1), TSR_INVALID);
	assert_int_equal(read_certificate(23), TSR_INVALID);	/* not the shortest spelling */
}

/* Cut anywhere it is none. */
static void
test_cuts(void **state)
{
	static const char whole[] = "\xa3" ALG "\x26" SIG "\x41\x01" X5C "\x82\x43" "abc\x42" "de";
	struct attestation_statement s;
	uint8_t *map;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(whole); n++) {
		assert_non_null(map = malloc(n + (n == 0)));
		memcpy(map, whole, n);
		assert_int_equal(attestation_read("packed", 6, map, n, &s),
		    n == sizeof(whole) - 1 ? TSR_OK : TSR_INVALID);
		free(map);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
