/*
 * test_hide.c - what a support bundle hides, and the archive it is put in.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/hide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/tar.h"
#include "tessera.h"

static void
test_hide(void **state)
{
	static const struct row {
		const char *name, *text, *want;
	} rows[] = {
		{ "nothing", "nothing to hide", "nothing to hide" },
		{ "a user", "for bob: no", "for [user]: no" },
		{ "at both ends", "bob and bob", "[user] and [user]" },
		{ "whatever the case", "BOB", "[user]" },
		{ "in a path", "/home/bob/.config", "/home/[user]/.config" },
		{ "before a hyphen", "bob-laptop", "[user]-laptop" },
		{ "not inside a word", "bobby kabob bob_2", "bobby kabob bob_2" },
		{ "a host", "https://desk7.example/x", "https://[host]/x" },
		{ "the longer word first", "bob's key", "[label]" },
		{ "in JSON", "{\"a\":\"say \\\"hi\\\"\"}", "{\"a\":\"[label]\"}" },
		{ "escaped for people", "a \\x1b[2J b", "a [label] b" },
		{ "a serial of digits", "serial 12345", "serial [serial]" },
		{ "three digits are any number", "status 200", "status 200" },
		{ "accounts that all have", "root tessera", "root tessera" },
		{ "a token", "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJodHRwczovL3gifQ.c2lnbmF0dXJlMTIzNDU2Nzg5MEFB",
		    "[secret].[secret].[secret]" },
		{ "an opaque token", "tsr_at_Zm9vYmFyMTIzNDU2Nzg5MA", "[secret]" },
		{ "a credential's id", "ID w3TnNmJz0Vd0aXk1b2V4Qg.", "ID [secret]." },
		{ "a key in hexadecimal", "00112233445566778899aabbccddeeff", "[secret]" },
		{ "a version is none", "libsodium23 1.0.18-1+deb12u1", "libsodium23 1.0.18-1+deb12u1" },
		{ "a path is none", "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
		    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so" },
		{ "a kid is none", "SDTkyD-A", "SDTkyD-A" },
	};
	struct hide *h = NULL;
	struct buf b;
	size_t i;

	(void)state;
	assert_int_equal(hide_new(&h), TSR_OK);
	assert_int_equal(hide_word(h, "bob", "[user]"), TSR_OK);
	assert_int_equal(hide_word(h, "desk7.example", "[host]"), TSR_OK);
	assert_int_equal(hide_word(h, "bob's key", "[label]"), TSR_OK);
	assert_int_equal(hide_word(h, "say \"hi\"", "[label]"), TSR_OK);
	assert_int_equal(hide_word(h, "\x1b[2J", "[label]"), TSR_OK);
	assert_int_equal(hide_word(h, "12345", "[serial]"), TSR_OK);
	assert_int_equal(hide_word(h, "200", "[serial]"), TSR_OK);
	assert_int_equal(hide_word(h, "root", "[user]"), TSR_OK);
	assert_int_equal(hide_word(h, "", "[user]"), TSR_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&b, 1024);
		assert_int_equal(hide_text(h, rows[i].text, strlen(rows[i].text), &b), TSR_OK);
		if (b.len != strlen(rows[i].want) || memcmp(b.data, rows[i].want, b.len) != 0)
			fail_msg("%s: \"%.*s\"", rows[i].name, (int)b.len, (const char *)b.data);
		buf_free(&b);
	}
	buf_init(&b, 4);
	assert_int_equal(hide_text(h, "abcdef", 6, &b), TSR_TOO_LARGE);
	buf_free(&b);
	hide_free(&h);
	hide_free(&h);
}

static void
test_limit(void **state)
{
	struct hide *h = NULL;
	char word[32];
	int i, r = TSR_OK;

	(void)state;
	assert_int_equal(hide_new(&h), TSR_OK);
	for (i = 0; i < HIDE_WORDS_MAX && r == TSR_OK; i++) {
		(void)snprintf(word, sizeof(word), "user%d", i);
		r = hide_word(h, word, "[user]");
	}
	assert_int_equal(r, TSR_OK);
	assert_int_equal(hide_word(h, "USER7", "[user]"), TSR_OK);
	assert_int_equal(hide_word(h, "onemore", "[user]"), TSR_TOO_LARGE);
	hide_free(&h);
}

static void
test_tar(void **state)
{
	char path[] = "/tmp/tessera-tar-XXXXXX", name[TAR_NAME_MAX + 1], block[3 * TAR_BLOCK];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	memset(block, 'x', sizeof(block));
	memset(name, 'n', sizeof(name));
	name[TAR_NAME_MAX] = '\0';
	assert_int_equal(tar_put(fd, name, "", 0, 0), TSR_TOO_LARGE);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(tar_put(fd, "empty", NULL, 0, -1), TSR_OK);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), TAR_BLOCK);
	assert_int_equal(tar_put(fd, "one", block, TAR_BLOCK, 1), TSR_OK);	/* no padding */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3 * TAR_BLOCK);
	assert_int_equal(tar_put(fd, "more", block, TAR_BLOCK + 1, 1), TSR_OK);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 6 * TAR_BLOCK);
	assert_int_equal(tar_end(fd), TSR_OK);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 8 * TAR_BLOCK);
	assert_int_equal(pread(fd, block, TAR_BLOCK, TAR_BLOCK), TAR_BLOCK);
	assert_string_equal(block + 124, "00000001000");	/* size, octal */
	assert_memory_equal(block + 257, "ustar\0" "00", 8);
	assert_int_equal(close(fd), 0);
	assert_int_equal(tar_put(fd, "x", "", 0, 0), TSR_SYSTEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hide),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_tar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
