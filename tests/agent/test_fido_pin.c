/*
 * test_fido_pin.c - the PIN of a FIDO2 key: what the key made of it, told to the guard
 * of its tries, and who is asked once more.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "agent/fido_pin.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define PIN		"2580"

static struct agent agent;
static struct fido fido;
static struct caller caller;

static void
left(void *arg, uid_t uid)
{
	prompts_left(arg, uid);
}

static int
setup(void **state)
{
	(void)state;
	memset(&agent, 0, sizeof(agent));
	memset(&fido, 0, sizeof(fido));
	fido.agent = &agent;
	agent.seat = SEAT_ANY;
	caller.pid = getpid();
	caller.pidfd = -1;
	return loop_new(&agent.loop) != TSR_OK || pin_guard_new(&agent.guard) != TSR_OK ||
	    events_new(agent.loop, left, NULL, &agent.events) != TSR_OK ||
	    prompts_new(agent.loop, agent.events, &agent.seat, &agent.prompts) != TSR_OK;
}

static int
teardown(void **state)
{
	(void)state;
	prompts_free(&agent.prompts);
	events_free(&agent.events);
	pin_guard_free(&agent.guard);
	loop_free(&agent.loop);
	return 0;
}

static void
on_told(void *arg, int code, uint32_t number, const char *detail)
{
	(void)arg;
	(void)number;
	fail_msg("told %d: %s", code, detail);
}

static struct fido_pin
pin_new(void)
{
	return (struct fido_pin){ .fido = &fido, .about = { .requester = &caller },
	    .of = { .serial = "AAAAAAAAAAAAAAAAAAAAAA", .label = "fido" }, .told = on_told };
}

static int
take(struct fido_pin *p, const char *text, uint32_t tries)
{
	struct secret *pin = secret_from(text, strlen(text));
	int r = fido_pin_take(p, &pin, tries);

	secret_free(&pin);
	return r;
}

/* 1 where the guard knows it as one that was refused. */
static int
known(const struct fido_pin *p)
{
	struct secret *pin = secret_from(PIN, strlen(PIN));
	int r = pin_guard_knows(agent.guard, &p->of, pin);

	secret_free(&pin);
	return r;
}

static const struct row {
	const char *name;
	int code;
	uint32_t tries;		/* left, as the key tells then */
	int asked;		/* PINs asked for so far; 0: it came with the request */
	int again, known;	/* asked once more; remembered as wrong */
} rows[] = {
	{ "right", TSR_OK, 8, 1, 0, 0 },
	{ "wrong", TSR_PIN_WRONG, 7, 1, 1, 1 },
	{ "wrong for the second time", TSR_PIN_WRONG, 6, FIDO_PIN_ASKED, 0, 1 },
	{ "wrong, and came with the request", TSR_PIN_WRONG, 7, 0, 0, 1 },
	{ "wrong, and one try is left: nobody is hurried into it", TSR_PIN_WRONG, 1, 1, 0, 1 },
	{ "too short for the key, which never saw it", TSR_PIN_LENGTH, 8, 1, 1, 0 },
	{ "locked", TSR_PIN_LOCKED, 0, 1, 0, 1 },
	{ "wants to be plugged in again: it may be the right one", TSR_DEVICE_REPLUG, 5, 1, 0, 0 },
	{ "right, and nobody touched it", TSR_TOUCH_TIMEOUT, 8, 1, 0, 0 },
	{ "right, and falsely signed", TSR_BAD_SIGNATURE, 8, 1, 0, 0 },
	{ "gone before it was asked", TSR_DEVICE_REMOVED, 8, 1, 0, 0 },
	{ "held by another program", TSR_DEVICE_BUSY, 8, 1, 0, 0 },
	{ "it has no PIN", TSR_PIN_UNSET, 8, 1, 0, 0 },
	{ "the helper died: nobody knows", TSR_HELPER, PROTO_TRIES_UNKNOWN, 1, 0, 0 },
	{ "taken back: nobody knows", TSR_CANCELLED, PROTO_TRIES_UNKNOWN, 1, 0, 0 },
};

static void
test_answered(void **state)
{
	const struct row *r;
	struct fido_pin p;

	for (r = rows; r < rows + COUNT(rows); r++) {
		p = pin_new();
		assert_int_equal(take(&p, PIN, 8), TSR_OK);
		assert_non_null(p.pin);
		/* one at a time */
		assert_int_equal(pin_guard_begin(agent.guard, &p.of, NULL), TSR_DEVICE_BUSY);
		p.asked = r->asked;
		if (fido_pin_answered(&p, r->code, r->tries) != r->again)
			fail_msg("%s: asked again or not", r->name);
		if (known(&p) != r->known)
			fail_msg("%s: known or not", r->name);
		/* told once: the next answer is another try's */
		assert_int_equal(fido_pin_answered(&p, TSR_PIN_WRONG, 1), 0);
		assert_int_equal(pin_guard_begin(agent.guard, &p.of, NULL), TSR_OK);
		fido_pin_end(&p);
		assert_null(p.pin);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* What costs a try for nothing is not tried. */
static void
test_taken(void **state)
{
	struct fido_pin p = pin_new(), second = pin_new();

	(void)state;
	assert_int_equal(take(&p, PIN, 0), TSR_PIN_LOCKED);
	assert_int_equal(take(&p, PIN, PROTO_TRIES_FEW), TSR_PIN_REQUIRED);	/* nobody confirmed it */
	assert_int_equal(take(&p, PIN, 8), TSR_OK);
	assert_int_equal(take(&second, PIN, 8), TSR_DEVICE_BUSY);
	(void)fido_pin_answered(&p, TSR_PIN_WRONG, 7);
	assert_int_equal(take(&second, PIN, 7), TSR_PIN_WRONG);		/* refused before */
	assert_int_equal(take(&second, "1234", 7), TSR_OK);
	fido_pin_end(&second);		/* given up while the key was at it: the way is free */
	fido_pin_end(&p);
	assert_int_equal(take(&p, "9999", 7), TSR_OK);
	fido_pin_end(&p);
}

static void
test_nobody(void **state)
{
	struct prompt_show show = { .purpose = "login", .audience = "", .scope = "", .token_label = "",
	    .token_serial = "", .token_manufacturer = "", .token_model = "", .credential_id = "",
	    .credential_label = "" };
	struct fido_pin p = pin_new();

	(void)state;
	assert_int_equal(fido_pin_ask(&p, &show, 8, TSR_OK), TSR_NO_PROMPTER);
	assert_int_equal(p.asked, 0);
	assert_int_equal(fido_pin_ask(&p, &show, 0, TSR_OK), TSR_PIN_LOCKED);
	assert_true(strstr(fido_pin_text(TSR_PIN_LOCKED), "reset") != NULL);
	assert_string_equal(fido_pin_text(TSR_PIN_WRONG), "");
	fido_pin_end(&p);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_answered),
		TEST(test_taken),
		TEST(test_nobody),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
