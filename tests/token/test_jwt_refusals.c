/*
 * test_jwt_refusals.c - access tokens that must be refused, by clause.
 *
 * Each row differs from a good token in one thing.  "Accepted" rows beside
 * them show that it is that thing which is refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/jwt.h"
#include "jwt_rows.h"
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))

static struct jwk_set keys;
static struct jws_verifier *verifier;
static struct jws_key *ed, *es, *stranger;
static unsigned failures;

/* Both ways of checking must say the same. */
static void
expect_code(const char *name, const char *clause, const void *token, size_t n, int code)
{
	struct jwt_expect want = help_expect(&keys);
	struct jwt_claims c;
	int plain, prepared;

	plain = jwt_check(token, n, &want, &c);
	want.keys = NULL;
	want.verifier = verifier;
	prepared = jwt_check(token, n, &want, &c);
	if (plain == code && prepared == code)
		return;
	failures++;
	print_error("%s [%s]: %s, prepared %s, due %s\n", name, clause,
	    help_code(plain), prepared == plain ? "the same" : "another", help_code(code));
}

static void
test_headers(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	failures = 0;
	buf_init(&b, 65536);
	for (i = 0; i < COUNT(header_rows); i++) {
		buf_reset(&b);
		help_sign(&b, ed, header_rows[i].header, HELP_CLAIMS);
		expect_code(header_rows[i].name, header_rows[i].clause, b.data, b.len,
		    header_rows[i].code);
	}
	buf_free(&b);
	assert_int_equal(failures, 0);
}

static void
test_claims(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	failures = 0;
	buf_init(&b, 65536);
	for (i = 0; i < COUNT(claims_rows); i++) {
		buf_reset(&b);
		help_sign(&b, ed, HELP_HEAD_ED, claims_rows[i].claims);
		expect_code(claims_rows[i].name, claims_rows[i].clause, b.data, b.len,
		    claims_rows[i].code);
	}
	buf_free(&b);
	assert_int_equal(failures, 0);
}

/* The claims are not looked at before the signature has been checked. */
static void
test_signature_first(void **state)
{
	struct buf b;
	size_t i;

	(void)state;
	failures = 0;
	buf_init(&b, 65536);
	for (i = 0; i < COUNT(claims_rows); i++) {
		buf_reset(&b);
		help_sign(&b, stranger, HELP_HEAD_ED, claims_rows[i].claims);
		expect_code(claims_rows[i].name, "RFC 7515 5.2, stranger's signature",
		    b.data, b.len, TSR_BAD_SIGNATURE);
	}
	buf_free(&b);
	assert_int_equal(failures, 0);
}

/* Changes of the text of a good token (t is NUL-terminated, has room). */
static void
cut_at_dot(char *t, int which, int keep)
{
	while (which-- > 0)
		t = strchr(t, '.') + 1;
	t = strchr(t, '.');
	t[keep] = '\0';
}

static void shape_one_part(char *t) { cut_at_dot(t, 0, 0); }
static void shape_one_dot(char *t) { cut_at_dot(t, 1, 0); }
static void shape_no_signature(char *t) { cut_at_dot(t, 1, 1); }
static void shape_three_dots(char *t) { strcat(t, "."); }
static void shape_jwe(char *t) { strcat(t, ".AAAA.AAAA"); }
static void shape_only_dots(char *t) { strcpy(t, ".."); }
static void shape_padding(char *t) { strcat(t, "=="); }
static void shape_newline(char *t) { strcat(t, "\n"); }
static void shape_space(char *t) { strcat(t, " "); }
static void shape_one_more(char *t) { strcat(t, "A"); }

static void
shape_insert(char *t, size_t at, const char *what)
{
	memmove(t + at + strlen(what), t + at, strlen(t + at) + 1);
	memcpy(t + at, what, strlen(what));
}

static void shape_bearer(char *t) { shape_insert(t, 0, "Bearer "); }
static void shape_leading_space(char *t) { shape_insert(t, 0, " "); }
static void shape_inner_space(char *t) { shape_insert(t, 10, " "); }
static void shape_inner_newline(char *t) { shape_insert(t, 10, "\r\n"); }
static void shape_leading_dot(char *t) { shape_insert(t, 0, "."); }

static void
shape_no_header(char *t)
{
	char *dot = strchr(t, '.');

	memmove(t, dot, strlen(dot) + 1);
}

static void
shape_no_claims(char *t)
{
	char *dot = strchr(t, '.') + 1, *next = strchr(dot, '.');

	memmove(dot, next, strlen(next) + 1);
}

/* In the signature, where - and _ would be other alphabets' + and /. */
static void
shape_swap(char *t, char from, char to)
{
	char *p = strchr(strrchr(t, '.'), from);

	assert_non_null(p);
	*p = to;
}

static void shape_plus(char *t) { shape_swap(t, '-', '+'); }
static void shape_slash(char *t) { shape_swap(t, '_', '/'); }

/* 64 bytes end in a character with four unused bits: A, Q, g or w. */
static void
shape_last_character(char *t)
{
	t[strlen(t) - 1]++;
}

static void
shape_last_of_claims(char *t)
{
	strrchr(t, '.')[-1]++;
}

static const struct shape_row {
	const char *name, *clause;
	void (*change)(char *);
	int code;
} shape_rows[] = {
	{ "one part", "RFC 7515 7.1", shape_one_part, TSR_INVALID },
	{ "one dot", "RFC 7515 7.1", shape_one_dot, TSR_INVALID },
	{ "empty signature", "RFC 8725 3.2", shape_no_signature, TSR_INVALID },
	{ "empty header", "RFC 7515 7.1", shape_no_header, TSR_INVALID },
	{ "empty claims", "RFC 7515 7.1", shape_no_claims, TSR_INVALID },
	{ "three dots", "RFC 7515 7.1", shape_three_dots, TSR_INVALID },
	{ "four dots, a JWE", "RFC 7516 9", shape_jwe, TSR_INVALID },
	{ "only dots", "RFC 7515 7.1", shape_only_dots, TSR_INVALID },
	{ "leading dot", "RFC 7515 7.1", shape_leading_dot, TSR_INVALID },
	{ "padding", "RFC 7515 2", shape_padding, TSR_INVALID },
	{ "trailing newline", "RFC 7515 2", shape_newline, TSR_INVALID },
	{ "trailing space", "RFC 7515 2", shape_space, TSR_INVALID },
	{ "leading space", "RFC 7515 2", shape_leading_space, TSR_INVALID },
	{ "inner space", "RFC 7515 2", shape_inner_space, TSR_INVALID },
	{ "inner line end", "RFC 7515 2", shape_inner_newline, TSR_INVALID },
	{ "plus", "RFC 4648 5", shape_plus, TSR_INVALID },
	{ "slash", "RFC 4648 5", shape_slash, TSR_INVALID },
	{ "one more character", "RFC 8037 3.1", shape_one_more, TSR_BAD_SIGNATURE },
	{ "last character not canonical", "RFC 4648 3.5", shape_last_character, TSR_INVALID },
	{ "claims' last character not canonical", "RFC 4648 3.5", shape_last_of_claims, TSR_BAD_SIGNATURE },
	{ "Bearer before it", "RFC 7515 2", shape_bearer, TSR_INVALID }
};

/* A token whose signature has both a - and a _ in it. */
static void
shape_token(struct buf *b)
{
	char claims[512];
	int i;

	for (i = 0;; i++) {
		buf_reset(b);
		(void)snprintf(claims, sizeof(claims), C_JTI("\"jti\":\"%d\","), i);
		help_sign(b, ed, HELP_HEAD_ED, claims);
		assert_int_equal(buf_put_u8(b, 0), TSR_OK);
		if (strchr(strrchr((char *)b->data, '.'), '-') != NULL &&
		    strchr(strrchr((char *)b->data, '.'), '_') != NULL)
			break;
	}
}

static void
test_shapes(void **state)
{
	char text[2048];
	struct buf b;
	size_t i;

	(void)state;
	failures = 0;
	buf_init(&b, 65536);
	shape_token(&b);
	expect_code("good", "RFC 7515 7.1", b.data, b.len - 1, TSR_OK);
	expect_code("a NUL behind it", "RFC 7515 2", b.data, b.len, TSR_INVALID);
	for (i = 0; i < COUNT(shape_rows); i++) {
		memcpy(text, b.data, b.len);
		shape_rows[i].change(text);
		expect_code(shape_rows[i].name, shape_rows[i].clause, text,
		    strlen(text), shape_rows[i].code);
	}
	expect_code("nothing", "RFC 7515 7.1", "", 0, TSR_INVALID);
	buf_free(&b);
	assert_int_equal(failures, 0);
}

/* As large as said; filler in a claim that we do not know. */
static char *
large_claims(size_t n, const char *before, char fill, const char *after)
{
	char *s = malloc(n + 4096);
	size_t head;

	assert_non_null(s);
	head = (size_t)sprintf(s, "{" ISS SUB AUD EXP IAT JTI CID ",\"x\":%s", before);
	memset(s + head, fill, n);
	strcpy(s + head + n, after);
	return s;
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *name, *clause, *before, *after;
		size_t n;
		char fill;
		int code;
	} rows[] = {
		{ "claims of 5 KB", "RFC 8725 3.10", "\"", "\"}", 5000, 'x', TSR_OK },
		{ "token over 8 KiB", "RFC 8725 3.10", "\"", "\"}", 8000, 'x', TSR_TOO_LARGE },
		{ "token of 256 KB", "RFC 8725 3.10", "\"", "\"}", 256 * 1024, 'x', TSR_TOO_LARGE },
		{ "depth 1000", "RFC 8259 9", "", "", 1000, '[', TSR_TOO_LARGE },
		{ "depth 4000 of objects cut short", "RFC 8259 9", "", "", 4000, '{', TSR_TOO_LARGE },
		{ "4000 closed that were not opened", "RFC 8259 9", "", "", 4000, ']', TSR_INVALID }
	};
	char *claims, *kid;
	struct buf b;
	size_t i;

	(void)state;
	failures = 0;
	buf_init(&b, 1048576);
	for (i = 0; i < COUNT(rows); i++) {
		claims = large_claims(rows[i].n, rows[i].before, rows[i].fill, rows[i].after);
		buf_reset(&b);
		help_unsigned(&b, HELP_HEAD_ED, claims);
		{
			uint8_t sig[JWS_SIGNATURE_LEN];

			assert_int_equal(jws_key_sign(ed, b.data, b.len, sig), TSR_OK);
			help_append(&b, sig, sizeof(sig));
		}
		expect_code(rows[i].name, rows[i].clause, b.data, b.len, rows[i].code);
		free(claims);
	}
	kid = malloc(262344);
	assert_non_null(kid);
	for (i = 2; i <= 256; i += 254) {	/* KB: beyond the header, beyond the token */
		size_t at = (size_t)sprintf(kid, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"");

		memset(kid + at, 'k', i * 1024);
		strcpy(kid + at + i * 1024, "\"}");
		buf_reset(&b);
		help_unsigned(&b, kid, HELP_CLAIMS);
		help_append(&b, (const uint8_t *)"signature", 9);
		expect_code("kid of 2 and of 256 KB", "RFC 8725 3.10", b.data, b.len, TSR_TOO_LARGE);
	}
	free(kid);
	buf_free(&b);
	assert_int_equal(failures, 0);
}

static int
setup(void **state)
{
	struct secret *s;

	(void)state;
	help_set(&keys);
	ed = help_key_ed();
	es = help_key_es();
	s = secret_new(32);
	if (s == NULL || jws_key_load(JWK_EDDSA, s, &stranger) != TSR_OK ||
	    jws_verifier_new(&keys, &verifier) != TSR_OK)
		return -1;
	secret_free(&s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	jws_key_free(&ed);
	jws_key_free(&es);
	jws_key_free(&stranger);
	jws_verifier_free(&verifier);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_signature_first),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
