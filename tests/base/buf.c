/*
 * buf.c - buffers: growth, limits, wiping; readers.
 *
 * Linked with --wrap=malloc and --wrap=free, so that memory is seen at the
 * moment it is given back.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tessera.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void __real_free(void *p);
void __wrap_free(void *p);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static int malloc_fails;
static const uint8_t *watched;	/* memory whose free is waited for */
static size_t watched_len;
static int watched_state;	/* 0 not freed yet, 1 freed wiped, -1 freed with content */

static int
all_zero(const uint8_t *p, size_t n)
{
	while (n > 0)
		if (p[--n] != 0)
			return 0;
	return 1;
}

void *
__wrap_malloc(size_t n)
{
	return malloc_fails ? NULL : __real_malloc(n);
}

void
__wrap_free(void *p)
{
	if (p != NULL && p == watched) {
		watched_state = all_zero(watched, watched_len) ? 1 : -1;
		watched = NULL;
	}
	__real_free(p);
}

static void
watch(const struct buf *b)
{
	watched = b->data;
	watched_len = b->len;
	watched_state = 0;
}

static void
fill(struct buf *b, size_t n)
{
	while (n-- > 0)
		assert_int_equal(buf_put_u8(b, 0xa5), TSR_OK);
}

/* A put of each kind, its bytes and its size. */
static int put_u8(struct buf *b) { return buf_put_u8(b, 0x12); }
static int put_u16(struct buf *b) { return buf_put_u16(b, 0x1234); }
static int put_u32(struct buf *b) { return buf_put_u32(b, 0x12345678u); }
static int put_u64(struct buf *b) { return buf_put_u64(b, 0x123456789abcdef0u); }
static int put_raw(struct buf *b) { return buf_put(b, "ab\0c", 4); }
static int put_none(struct buf *b) { return buf_put(b, NULL, 0); }
static int put_string(struct buf *b) { return buf_put_string(b, "xyz", 3); }
static int put_empty(struct buf *b) { return buf_put_string(b, NULL, 0); }
static int put_cstr(struct buf *b) { return buf_put_cstr(b, "text"); }
static int put_printf(struct buf *b) { return buf_printf(b, "%s=%d", "n", -7); }

static const struct row {
	const char *name;
	int (*put)(struct buf *b);
	const char *bytes;
	size_t n;
} puts_[] = {
	{ "u8", put_u8, "\x12", 1 },
	{ "u16 is big-endian", put_u16, "\x12\x34", 2 },
	{ "u32 is big-endian", put_u32, "\x12\x34\x56\x78", 4 },
	{ "u64 is big-endian", put_u64, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8 },
	{ "bytes with a NUL", put_raw, "ab\0c", 4 },
	{ "no bytes", put_none, "", 0 },
	{ "string has its length first", put_string, "\0\0\0\3xyz", 7 },
	{ "empty string", put_empty, "\0\0\0\0", 4 },
	{ "characters without the NUL", put_cstr, "text", 4 },
	{ "printf", put_printf, "n=-7", 4 },
};
#define N_PUTS	(sizeof(puts_) / sizeof(puts_[0]))

static void
test_put(void **state)
{
	const struct row *row;
	struct buf b;

	(void)state;
	for (row = puts_; row < puts_ + N_PUTS; row++) {
		print_message("%s\n", row->name);
		buf_init(&b, 100);
		assert_int_equal(row->put(&b), TSR_OK);
		assert_int_equal(b.len, row->n);
		if (row->n > 0)
			assert_memory_equal(b.data, row->bytes, row->n);
		buf_free(&b);
	}
}

/* Exactly at the limit each put succeeds; one byte short it changes nothing. */
static void
test_limit(void **state)
{
	const struct row *row;
	struct buf b;

	(void)state;
	for (row = puts_; row < puts_ + N_PUTS; row++) {
		print_message("%s\n", row->name);
		buf_init(&b, 3 + row->n);
		fill(&b, 3);
		assert_int_equal(row->put(&b), TSR_OK);
		assert_int_equal(b.len, 3 + row->n);
		buf_free(&b);
		if (row->n == 0)
			continue;
		buf_init(&b, 3 + row->n - 1);
		fill(&b, 3);
		assert_int_equal(row->put(&b), TSR_TOO_LARGE);
		assert_int_equal(b.len, 3);
		assert_memory_equal(b.data, "\xa5\xa5\xa5", 3);
		buf_free(&b);
	}
	buf_init(&b, 0);
	assert_int_equal(buf_put_u8(&b, 1), TSR_TOO_LARGE);
	buf_free(&b);
}

static void
test_limit_huge(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_put_u8(&b, 1), TSR_OK);
	assert_int_equal(buf_reserve(&b, SIZE_MAX), TSR_TOO_LARGE);
	assert_int_equal(buf_put_string(&b, b.data, SIZE_MAX), TSR_TOO_LARGE);
	assert_int_equal(b.len, 1);
	buf_free(&b);
}

static void
test_no_memory(void **state)
{
	const struct row *row;
	struct buf b;
	int r;

	(void)state;
	for (row = puts_; row < puts_ + N_PUTS; row++) {
		if (row->n == 0)
			continue;
		buf_init(&b, 1 << 20);
		assert_int_equal(buf_reserve(&b, 1), TSR_OK);
		fill(&b, b.cap);	/* not a byte of room is left */
		malloc_fails = 1;
		r = row->put(&b);
		malloc_fails = 0;
		assert_int_equal(r, TSR_NOMEM);
		assert_int_equal(b.len, b.cap);
		assert_int_equal(b.data[b.len - 1], 0xa5);
		buf_free(&b);
	}
}

static void
test_growth(void **state)
{
	struct buf b;
	size_t i, moves = 0;
	const uint8_t *at = NULL;

	(void)state;
	buf_init(&b, 100000);
	assert_null(b.data);
	for (i = 0; i < 100000; i++) {
		assert_int_equal(buf_put_u8(&b, (uint8_t)(i * 7)), TSR_OK);
		if (b.data != at)
			moves++;
		at = b.data;
	}
	assert_true(moves < 20);	/* it doubles */
	assert_int_equal(buf_put_u8(&b, 0), TSR_TOO_LARGE);
	for (i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_put_u8(&b, 1), TSR_OK);	/* usable again */
	buf_free(&b);
}

static void
test_wiped_when_moved(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	fill(&b, 200);
	watch(&b);
	assert_int_equal(buf_reserve(&b, b.cap), TSR_OK);
	assert_int_equal(watched_state, 1);
	assert_int_equal(b.len, 200);
	assert_int_equal(b.data[199], 0xa5);
	watch(&b);
	buf_free(&b);
	assert_int_equal(watched_state, 1);
}

/* What a first, cut attempt of buf_printf left behind the content is wiped. */
static void
test_wiped_printf(void **state)
{
	struct buf b;
	char secret[400];

	(void)state;
	memset(secret, 's', sizeof(secret) - 1);
	secret[sizeof(secret) - 1] = '\0';
	buf_init(&b, 1 << 20);
	assert_int_equal(buf_reserve(&b, 1), TSR_OK);
	memset(b.data, 0, b.cap);
	watch(&b);
	watched_len = b.cap;
	assert_int_equal(buf_printf(&b, "%s", secret), TSR_OK);
	assert_int_equal(watched_state, 1);
	assert_int_equal(b.len, 399);
	assert_memory_equal(b.data, secret, 399);
	buf_free(&b);
	buf_init(&b, 300);
	assert_int_equal(buf_printf(&b, "%s", secret), TSR_TOO_LARGE);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void
test_reset(void **state)
{
	struct buf b;
	uint8_t *at;

	(void)state;
	buf_init(&b, 1000);
	buf_reset(&b);		/* of nothing */
	fill(&b, 100);
	assert_int_equal(buf_reserve(&b, 50), TSR_OK);
	at = b.data;
	at[100] = 0x5a;		/* never content: not wiping's business */
	buf_reset(&b);
	assert_ptr_equal(b.data, at);
	assert_int_equal(b.len, 0);
	assert_true(all_zero(at, 100));
	assert_int_equal(at[100], 0x5a);
	buf_free(&b);
}

static void
test_added(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	fill(&b, 2);
	assert_int_equal(buf_reserve(&b, 3), TSR_OK);
	memcpy(b.data + b.len, "abc", 3);
	buf_added(&b, 3);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "\xa5\xa5" "abc", 5);
	buf_added(&b, 100000);	/* more than there is room for */
	assert_int_equal(b.len, b.cap);
	buf_free(&b);
}

static void
test_consume(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(buf_put_cstr(&b, "0123456789"), TSR_OK);
	buf_consume(&b, 0);
	assert_int_equal(b.len, 10);
	buf_consume(&b, 3);
	assert_int_equal(b.len, 7);
	assert_memory_equal(b.data, "3456789\0\0\0", 10);
	buf_consume(&b, 7);
	assert_int_equal(b.len, 0);
	assert_true(all_zero(b.data, 10));
	assert_int_equal(buf_put_cstr(&b, "ab"), TSR_OK);
	buf_consume(&b, 5);	/* more than there is: all of it */
	assert_int_equal(b.len, 0);
	assert_true(all_zero(b.data, 2));
	buf_free(&b);
}

static void
test_reader_numbers(void **state)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct reader r;
	uint8_t a = 0;
	uint16_t b = 0;
	uint32_t c = 0;
	uint64_t d = 0;

	(void)state;
	reader_init(&r, in, sizeof(in));
	assert_int_equal(reader_u8(&r, &a), TSR_OK);
	assert_int_equal(reader_u16(&r, &b), TSR_OK);
	assert_int_equal(reader_u32(&r, &c), TSR_OK);
	assert_int_equal(reader_end(&r), TSR_INVALID);
	assert_int_equal(reader_u64(&r, &d), TSR_OK);
	assert_int_equal(reader_end(&r), TSR_OK);
	assert_int_equal(a, 1);
	assert_int_equal(b, 0x0203);
	assert_int_equal(c, 0x04050607);
	assert_true(d == 0x08090a0b0c0d0e0fu);
	reader_init(&r, NULL, 0);
	assert_int_equal(reader_end(&r), TSR_OK);
}

/* One byte too few: nothing moves, nothing is written. */
static void
test_reader_short(void **state)
{
	static const uint8_t in[8] = { 0 };
	struct reader r;
	uint8_t a = 99;
	uint16_t b = 99;
	uint32_t c = 99;
	uint64_t d = 99;

	(void)state;
	reader_init(&r, in, 0);
	assert_int_equal(reader_u8(&r, &a), TSR_INVALID);
	reader_init(&r, in, 1);
	assert_int_equal(reader_u16(&r, &b), TSR_INVALID);
	assert_int_equal(r.left, 1);
	reader_init(&r, in, 3);
	assert_int_equal(reader_u32(&r, &c), TSR_INVALID);
	assert_int_equal(r.left, 3);
	reader_init(&r, in, 7);
	assert_int_equal(reader_u64(&r, &d), TSR_INVALID);
	assert_int_equal(r.left, 7);
	assert_ptr_equal(r.p, in);
	assert_true(a == 99 && b == 99 && c == 99 && d == 99);
}

static const struct string_row {
	const char *name;
	const char *in;
	size_t n, max;
	int r;
	size_t len, left;
} strings[] = {
	{ "whole", "\0\0\0\3abc", 7, 10, TSR_OK, 3, 0 },
	{ "as long as allowed", "\0\0\0\3abc", 7, 3, TSR_OK, 3, 0 },
	{ "empty", "\0\0\0\0", 4, 0, TSR_OK, 0, 0 },
	{ "with bytes after it", "\0\0\0\1abc", 7, 10, TSR_OK, 1, 2 },
	{ "over the maximum", "\0\0\0\3abc", 7, 2, TSR_TOO_LARGE, 0, 7 },
	{ "cut in the bytes", "\0\0\0\3ab", 6, 10, TSR_INVALID, 0, 6 },
	{ "cut in the length", "\0\0\0", 3, 10, TSR_INVALID, 0, 3 },
	{ "nothing at all", "", 0, 10, TSR_INVALID, 0, 0 },
	{ "length of 4 GiB", "\xff\xff\xff\xff" "abc", 7, SIZE_MAX, TSR_INVALID, 0, 7 },
};

static void
test_reader_string(void **state)
{
	const struct string_row *row;
	struct reader r;
	const uint8_t *p;
	size_t n;

	(void)state;
	for (row = strings; row < strings + sizeof(strings) / sizeof(strings[0]); row++) {
		print_message("%s\n", row->name);
		p = NULL;
		n = 77;
		reader_init(&r, row->in, row->n);
		assert_int_equal(reader_string(&r, row->max, &p, &n), row->r);
		assert_int_equal(r.left, row->left);
		if (row->r == TSR_OK) {
			assert_int_equal(n, row->len);
			assert_ptr_equal(p, (const uint8_t *)row->in + 4);
		} else {
			assert_null(p);
			assert_int_equal(n, 77);
			assert_ptr_equal(r.p, row->in);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_huge),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_wiped_when_moved),
		cmocka_unit_test(test_wiped_printf),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_consume),
		cmocka_unit_test(test_reader_numbers),
		cmocka_unit_test(test_reader_short),
		cmocka_unit_test(test_reader_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
