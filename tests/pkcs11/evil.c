/*
 * evil.c - the production helper with modules that misbehave: each gives an
 * error with a name, in time, and no process stays behind.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/frame.h"
#include "tessera.h"
#include "tests/pkcs11/helper.h"

#define DEADLINE_MS	300
#define LATE_MS		1500	/* beyond the deadline, on a busy machine */

enum step { OPEN, TOKENS, KEYS, PROVE };

/* Each step before the one named must work; that one gives the code.  NULL
 * detail: any.  DONE: it works. */
#define DONE	0
static const struct row {
	const char *evil;
	enum step step;
	const char *pin;
	int code;
	uint32_t tries;
	const char *detail;
	uint32_t confirmed;	/* tries that somebody confirmed */
} rows[] = {
	{ "", PROVE, "good", DONE, 0, NULL, 0 },
	{ "load-hang", OPEN, "", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "load-abort", OPEN, "", TSR_HELPER, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "init-hang", OPEN, "", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "init-fails", OPEN, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_Initialize: CKR_DEVICE_ERROR", 0 },
	{ "list-none", OPEN, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "CKR_GENERAL_ERROR", 0 },
	{ "list-null", OPEN, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "lacks functions", 0 },
	{ "list-holes", OPEN, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "lacks functions", 0 },
	{ "slots-huge", TOKENS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_GetSlotList: 2147483647", 0 },
	{ "slots-more", TOKENS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_GetSlotList: 2147483647", 0 },
	{ "slots-later", KEYS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_GetSlotList: CKR_GENERAL_ERROR", 0 },
	{ "slots-at-init", PROVE, "good", DONE, 0, NULL, 0 },
	{ "slots-never", PROVE, "good", TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN, "no token \"evil\"", 0 },
	{ "init-once", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_Initialize: CKR_DEVICE_ERROR", 0 },
	{ "slot-bad", PROVE, "good", DONE, 0, NULL, 0 },
	{ "text", PROVE, "good", DONE, 0, NULL, 0 },
	{ "text-nul", PROVE, "good", DONE, 0, NULL, 0 },
	{ "mechanisms-huge", KEYS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_GetMechanismList", 0 },
	{ "mechanisms-more", KEYS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_GetMechanismList", 0 },
	{ "session-none", KEYS, "", TSR_DEVICE_BUSY, PROTO_TRIES_UNKNOWN, "CKR_SESSION_COUNT", 0 },
	{ "find-fails", KEYS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_FindObjectsInit", 0 },
	{ "find-more", KEYS, "", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_FindObjects: 2147483647", 0 },
	{ "find-endless", PROVE, "good", DONE, 0, NULL, 0 },
	{ "attribute-huge", PROVE, "good", DONE, 0, NULL, 0 },
	{ "attribute-none", PROVE, "good", DONE, 0, NULL, 0 },
	{ "attribute-pointer", PROVE, "good", DONE, 0, NULL, 0 },
	{ "point-off", PROVE, "good", DONE, 0, NULL, 0 },
	{ "pin-lengths", PROVE, "good", DONE, 0, NULL, 0 },
	{ "pin-locked", PROVE, "good", TSR_PIN_LOCKED, 0, "locked", 0 },
	{ "pin-locks", PROVE, "baad", TSR_PIN_LOCKED, 0, "CKR_PIN_INCORRECT, and the PIN is locked", 0 },
	{ "pin-final", PROVE, "baad", TSR_PIN_WRONG, 1, "CKR_PIN_INCORRECT", 1 },
	{ "pin-final", PROVE, "good", DONE, 0, NULL, 1 },
	{ "pin-final", PROVE, "good", TSR_PIN_REQUIRED, 1, "1 try left", 0 },
	{ "pin-final", PROVE, "baad", TSR_PIN_REQUIRED, 1, "1 try left", 2 },
	{ "pin-locked", PROVE, "good", TSR_PIN_LOCKED, 0, "locked", 1 },
	{ "pin-low", PROVE, "baad", TSR_PIN_WRONG, PROTO_TRIES_UNKNOWN, "CKR_PIN_INCORRECT", 0 },
	{ "pin-pad", PROVE, "", DONE, 0, NULL, 0 },
	{ "", PROVE, "baad", TSR_PIN_WRONG, PROTO_TRIES_UNKNOWN, "C_Login: CKR_PIN_INCORRECT", 0 },
	{ "", PROVE, "", TSR_PIN_REQUIRED, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "", PROVE, "gooood bad", TSR_PIN_LENGTH, PROTO_TRIES_UNKNOWN, "4 to 8", 0 },
	{ "no-login", PROVE, "", DONE, 0, NULL, 0 },
	{ "login-hang", PROVE, "good", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "login-exit", PROVE, "good", TSR_HELPER, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "login-fork", PROVE, "good", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "login-strange", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "CKR_VENDOR_DEFINED (0x80001234)", 0 },
	{ "login-nowhere", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "CKR_? (0x1234567)", 0 },
	{ "login-locked", PROVE, "good", TSR_PIN_LOCKED, 0, "CKR_PIN_LOCKED", 0 },
	{ "login-already", PROVE, "good", DONE, 0, NULL, 0 },
	{ "login-session", PROVE, "good", DONE, 0, NULL, 0 },
	{ "logout-hang", PROVE, "good", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "logout-fails", PROVE, "good", DONE, 0, NULL, 0 },
	{ "logout-never", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "C_Logout: CKR_FUNCTION_FAILED", 0 },
	{ "sign-spin", PROVE, "good", TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "sign-abort", PROVE, "good", TSR_HELPER, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "sign-crash", PROVE, "good", TSR_HELPER, PROTO_TRIES_UNKNOWN, NULL, 0 },
	{ "sign-removed", PROVE, "good", TSR_DEVICE_REMOVED, PROTO_TRIES_UNKNOWN, "CKR_DEVICE_REMOVED", 0 },
	{ "sign-swapped", PROVE, "good", TSR_DEVICE_REMOVED, PROTO_TRIES_UNKNOWN, "CKR_USER_NOT_LOGGED_IN", 0 },
	{ "sign-huge", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "a signature of 2147483647 bytes", 0 },
	{ "sign-short", PROVE, "good", TSR_MODULE, PROTO_TRIES_UNKNOWN, "a signature of 10 bytes", 0 },
	{ "swapped", PROVE, "good", DONE, 0, NULL, 0 },
};

static void
start(struct helper *h, const char *folder, const char *module, const char *evil)
{
	char more[128] = "";

	if (evil[0] != '\0')
		snprintf(more, sizeof(more), "\tenvironment = {\"EVIL=%s\"}\n", evil);
	helper_config(folder, module, more);
	helper_start(h, folder);
}

static int
ask_for(struct helper *h, enum step step, const char *pin, uint32_t confirmed)
{
	static const uint8_t id = 1;
	static const char challenge[] = "challenge";
	struct proto_value open = proto_text("m");
	struct proto_value v[] = {
		proto_text("E1"), proto_text("evil"), proto_bytes(&id, 1),
		proto_u32(PROTO_ECDSA_P256_SHA256), proto_text(pin),
		proto_bytes(challenge, sizeof(challenge)), proto_u32(confirmed),
	};

	switch (step) {
	case OPEN:
		(void)helper_ask(h, PROTO_OPEN, DEADLINE_MS, &open, 1);
		break;
	case TOKENS:
		(void)helper_ask(h, PROTO_TOKENS, DEADLINE_MS, NULL, 0);
		break;
	case KEYS:
		(void)helper_ask(h, PROTO_KEYS, DEADLINE_MS, v, 2);
		break;
	case PROVE:
		(void)helper_ask(h, PROTO_PROVE, DEADLINE_MS, v, 7);
		break;
	}
	if (h->closed)
		return TSR_CLOSED;
	return helper_code(h);
}

static int
ask(struct helper *h, enum step step, const char *pin)
{
	return ask_for(h, step, pin, 0);
}

static void
check(const struct row *row, struct helper *h)
{
	enum step s;
	uint64_t began;
	int code;

	for (s = OPEN; s <= row->step; s++) {
		/* "slots-later" has no list any more, "swapped" another token */
		if (s == KEYS && row->step == PROVE)
			continue;
		began = helper_now();
		code = ask_for(h, s, row->pin, row->confirmed);
		if (helper_now() - began > DEADLINE_MS + LATE_MS)
			fail_msg("\"%s\" step %d: %lu ms", row->evil, s, helper_now() - began);
		if (code != (s == row->step ? row->code : 0))
			fail_msg("\"%s\" step %d: %d %s", row->evil, s, code,
			    code != 0 && !h->closed ? helper_text(&h->reply[h->n - 1].v[2]) : "");
	}
	if (row->code == DONE)
		return;
	if (h->reply[h->n - 1].v[1].u32 != row->tries)
		fail_msg("\"%s\": %u tries", row->evil, h->reply[h->n - 1].v[1].u32);
	if (row->detail != NULL &&
	    strstr(helper_text(&h->reply[h->n - 1].v[2]), row->detail) == NULL)
		fail_msg("\"%s\": %s", row->evil, helper_text(&h->reply[h->n - 1].v[2]));
}

static void
test_rows(void **state)
{
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(&h, folder, EVIL_MODULE, rows[i].evil);
		check(&rows[i], &h);
		helper_stop(&h);
	}
	helper_remove(folder);
}

/* A second proof, where the first worked. */
static const struct again {
	const char *evil;
	int code;
} agains[] = {
	{ "", DONE },
	{ "slots-once", DONE },			/* warm: slots are not listed again */
	{ "login-session", DONE },		/* the session died, a new one is opened */
	{ "logout-fails", DONE },		/* by closing all sessions */
	{ "slots-never", TSR_DEVICE_NOT_FOUND },
	{ "init-once", TSR_CLOSED },		/* the module did not start again */
	{ "logout-never", TSR_CLOSED },		/* only the worker's end is left */
	{ "swapped", TSR_DEVICE_REMOVED },
};

static void
test_again(void **state)
{
	char folder[256];
	struct helper h;
	size_t i;
	int code;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(agains) / sizeof(agains[0]); i++) {
		start(&h, folder, EVIL_MODULE, agains[i].evil);
		assert_int_equal(ask(&h, OPEN, ""), DONE);
		(void)ask(&h, PROVE, "good");
		if (agains[i].code == TSR_CLOSED)	/* unasked */
			(void)helper_wait(&h);
		code = ask(&h, PROVE, "good");
		if (code != agains[i].code)
			fail_msg("\"%s\": %d", agains[i].evil, code);
		helper_stop(&h);
	}
	helper_remove(folder);
}

/* The token is logged out after a proof, whatever became of it.  This module
 * says in its model whether it is. */
static void
test_logged_out(void **state)
{
	static const struct {
		const char *evil, *pin;
		int code;
	} proofs[] = {
		{ "state", "good", DONE },
		{ "state", "baad", TSR_PIN_WRONG },
		{ "state-sign-fails", "good", TSR_MODULE },
	};
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		start(&h, folder, EVIL_MODULE, proofs[i].evil);
		assert_int_equal(ask(&h, OPEN, ""), DONE);
		assert_int_equal(ask(&h, PROVE, proofs[i].pin), proofs[i].code);
		assert_int_equal(ask(&h, TOKENS, ""), DONE);
		assert_string_equal(helper_text(&h.reply[0].v[3]), "logged out");
		helper_stop(&h);
	}
	helper_remove(folder);
}

/* What a token and its key say of themselves is made safe. */
static void
test_text(void **state)
{
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	start(&h, folder, EVIL_MODULE, "text");
	assert_int_equal(ask(&h, OPEN, ""), DONE);
	assert_int_equal(ask(&h, TOKENS, ""), DONE);
	assert_int_equal(h.n, 2);
	assert_string_equal(helper_text(&h.reply[0].v[0]), "E1");
	assert_int_equal(h.reply[0].v[2].n, 4 * 32);
	for (i = 0; i < 32; i++)
		assert_memory_equal(h.reply[0].v[2].p + 4 * i, "\\xff", 4);
	assert_int_equal(h.reply[0].v[3].n, 4 * 16);
	assert_memory_equal(h.reply[0].v[3].p, "\\x1b", 4);
	assert_int_equal(ask(&h, KEYS, ""), DONE);
	assert_int_equal(h.n, 2);
	assert_string_equal(helper_text(&h.reply[0].v[1]), "k\\x1b[2J\\xff");
	helper_stop(&h);

	start(&h, folder, EVIL_MODULE, "text-nul");
	assert_int_equal(ask(&h, OPEN, ""), DONE);
	assert_int_equal(ask(&h, TOKENS, ""), DONE);
	assert_string_equal(helper_text(&h.reply[0].v[2]), "tests");
	helper_stop(&h);
	helper_remove(folder);
}

/* How many keys a module with strange attributes shows. */
static const struct count {
	const char *evil;
	size_t keys;
} counts[] = {
	{ "", 1 }, { "find-endless", 64 }, { "attribute-huge", 0 }, { "attribute-none", 0 },
	{ "attribute-pointer", 0 }, { "point-off", 0 },
};

static void
test_counts(void **state)
{
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		start(&h, folder, EVIL_MODULE, counts[i].evil);
		assert_int_equal(ask(&h, OPEN, ""), DONE);
		assert_int_equal(ask(&h, KEYS, ""), DONE);
		if (h.n != counts[i].keys + 1)
			fail_msg("\"%s\": %zu keys", counts[i].evil, h.n - 1);
		helper_stop(&h);
	}
	helper_remove(folder);
}

/* What code that took over the worker meets. */
static void
test_escape(void **state)
{
	static const struct {
		const char *name;
		int allowed[3];		/* errno; 0 ends */
	} tries[] = {
		{ "read /etc/passwd", { EACCES, 0 } },
		{ "list /tmp", { EACCES, 0 } },
		{ "write /tmp", { EACCES, 0 } },
		{ "execve", { EACCES, EPERM, 0 } },
		{ "TCP socket", { EAFNOSUPPORT, EPERM, 0 } },
		{ "signal the keeper", { EPERM, 0 } },
		{ "ptrace the keeper", { EPERM, 0 } },
		{ "the keeper's memory", { EACCES, EPERM, 0 } },
		{ "fork", { EPERM, 0 } },
	};
	char folder[256];
	struct helper h;
	size_t i, k;

	(void)state;
	helper_folder(folder);
	start(&h, folder, EVIL_MODULE, "escape");
	assert_int_equal(ask(&h, OPEN, ""), DONE);
	assert_int_equal(ask(&h, PROVE, "good"), DONE);
	assert_int_equal(h.reply[0].v[0].n, 64);
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		int got = h.reply[0].v[0].p[i];

		for (k = 0; tries[i].allowed[k] != 0 && tries[i].allowed[k] != got; k++)
			;
		if (tries[i].allowed[k] == 0)
			fail_msg("%s: %d", tries[i].name, got);
	}
	assert_int_equal(h.reply[0].v[0].p[9], 1);
	assert_int_equal(h.reply[0].v[0].p[10], 1);
	helper_stop(&h);
	helper_remove(folder);
}

static void
test_no_module(void **state)
{
	static const struct {
		const char *path, *detail;
	} modules[] = {
		{ "/usr/lib/no-such-module.so", "cannot load the module" },
		{ NO_MODULE, "is not a PKCS#11 module" },
		{ NO_MODULE_TEXT, "cannot load the module" },
	};
	char folder[256];
	struct helper h;
	size_t i;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		start(&h, folder, modules[i].path, "");
		if (ask(&h, OPEN, "") != TSR_MODULE ||
		    strstr(helper_text(&h.reply[0].v[2]), modules[i].detail) == NULL)
			fail_msg("%s: %d", modules[i].path, helper_code(&h));
		helper_stop(&h);
	}
	/* one that is not configured */
	helper_config(folder, EVIL_MODULE, "");
	helper_start(&h, folder);
	assert_int_equal(helper_ask(&h, PROTO_OPEN, DEADLINE_MS,
	    &(struct proto_value){ .p = (const uint8_t *)"other", .n = 5 }, 1), PROTO_ERROR);
	assert_int_equal(helper_code(&h), TSR_NOT_FOUND);
	helper_stop(&h);
	helper_remove(folder);
}

/* Bytes that are no frame, or none that an agent sends. */
static void
test_garbage(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[40];
		size_t n;
	} frames[] = {
		{ "zeros", { 0 }, 16 },
		{ "length beyond the limit", { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9 }, 16 },
		{ "unknown type", { 0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 1, 0, 0, 99, 0, 0 }, 16 },
		{ "a helper's message", { 0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 1, 0, 0, PROTO_DONE, 0, 0 }, 16 },
		{ "open again", { 0, 0, 0, 17, 0, 0, 0, 9, 0, 0, 1, 0, 0, PROTO_OPEN, 0, 0, 0, 0, 0, 1, 'm' }, 21 },
		{ "trailing byte", { 0, 0, 0, 13, 0, 0, 0, 9, 0, 0, 1, 0, 0, PROTO_TOKENS, 0, 0, 7 }, 17 },
		{ "field beyond the frame", { 0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 1, 0, 0, PROTO_KEYS, 0, 0, 0, 0, 0, 9 }, 20 },
		{ "text", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
	};
	char folder[256];
	uint8_t answer[256];
	struct helper h;
	size_t i, have;
	ssize_t n;

	(void)state;
	helper_folder(folder);
	for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		start(&h, folder, EVIL_MODULE, "");
		assert_int_equal(ask(&h, OPEN, ""), DONE);
		assert_int_equal(write(h.fd, frames[i].bytes, frames[i].n), (ssize_t)frames[i].n);
		for (have = 0, n = 1; n > 0 && have < sizeof(answer); have += n > 0 ? (size_t)n : 0) {
			(void)helper_wait(&h);
			n = read(h.fd, answer + have, sizeof(answer) - have);
		}
		/* the keeper closed, with a last word or without */
		if (have >= FRAME_HEAD && (answer[13] != PROTO_ERROR || answer[19] != -TSR_INVALID))
			fail_msg("%s: answered", frames[i].name);
		helper_stop(&h);
	}
	helper_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_logged_out),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_no_module),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("pkcs11_evil", tests, NULL, NULL);
}
