/*
 * test_plug.c - FIDO2 keys that come and go: who is told, what is locked, and
 * when.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/plug.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define LOCK_MS		2000
#define UNWATCHED_MS	10000

static struct timers *timers;
static struct plug *plug;
static char said[512];		/* what the owner was told since the last look */
static int look_code;		/* what look() says */

static void
say(const char *what, const char *whom)
{
	size_t n = strlen(said);

	(void)snprintf(said + n, sizeof(said) - n, "%s%s:%s", n > 0 ? " " : "", what, whom);
}

static int
on_look(void *arg, const struct watcher_key *k)
{
	(void)arg;
	say("look", k->device);
	return look_code;
}

#define SAYS_KEY(f, what) \
	static void f(void *arg, const struct watcher_key *k) { (void)arg; say(what, k->device); }
#define SAYS(f, what) \
	static void f(void *arg, const char *credential) { (void)arg; say(what, credential); }
SAYS_KEY(on_added, "added")
SAYS_KEY(on_removed, "removed")
SAYS(on_away, "away")
SAYS(on_back, "back")
SAYS(on_each, "holds")

static void
on_lock(void *arg, const char *credential, enum presence_reason why)
{
	(void)arg;
	say(why == PRESENCE_REMOVED ? "lock" : why == PRESENCE_FALSE ? "lock-false" : "lock-unwatched",
	    credential);
}

/* What was said since the last time. */
static void
heard(const char *want)
{
	assert_string_equal(said, want);
	said[0] = '\0';
}

static void
pass(uint64_t ms)
{
	clock_rig_pass(timers, ms);
}

static void
plugged(const char *device)
{
	struct watcher_key k;

	memset(&k, 0, sizeof(k));
	(void)snprintf(k.device, sizeof(k.device), "%s", device);
	plug_plugged(plug, &k);
}

/* The key was asked and holds that credential, or none (""). */
static void
looked(const char *device, int code, const char *credential, int proof)
{
	struct plug_found f;

	memset(&f, 0, sizeof(f));
	(void)snprintf(f.credential, sizeof(f.credential), "%s", credential);
	f.code = proof;
	plug_looked(plug, device, code, &f, credential[0] != '\0');
}

static int
setup(void **state)
{
	struct plug_owner o = { on_look, on_added, on_removed, on_away, on_back, on_lock, NULL };

	(void)state;
	said[0] = '\0';
	look_code = TSR_OK;
	assert_int_equal(timers_new(&timers), TSR_OK);
	assert_int_equal(plug_new(timers, &o, &plug), TSR_OK);
	plug_limits(plug, LOCK_MS, UNWATCHED_MS);
	plug_start(plug);
	/* K is plugged in and holds c, which has a session */
	plug_service(plug, 1);
	plugged("K");
	plug_ready(plug);
	heard("look:K");
	looked("K", TSR_OK, "c", TSR_OK);
	plug_holds(plug, "c", "K");
	plug_session(plug, "c");
	heard("");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plug_free(&plug);
	timers_free(&timers);
	return 0;
}

static void
test_pulled(void **state)
{
	(void)state;
	plug_unplugged(plug, "K");
	heard("removed:K away:c");
	assert_true(plug_is_away(plug, "c"));
	pass(LOCK_MS - 100);
	heard("");
	pass(100);
	heard("away:c lock:c");
	pass(60000);
	heard("");
	/* back too late: only its name is said */
	plugged("L");
	heard("look:L");
	looked("L", TSR_OK, "c", TSR_OK);
	heard("added:L");
	plug_each(plug, "L", on_each, NULL);
	heard("holds:c");
}

static void
test_back_in_time(void **state)
{
	(void)state;
	plug_unplugged(plug, "K");
	pass(LOCK_MS - 100);
	plugged("L");
	heard("removed:K away:c look:L");
	pass(PLUG_PROVE_MS);		/* it came in time and may take long to prove it */
	heard("");
	looked("L", TSR_OK, "c", TSR_OK);
	heard("back:c added:L");
	pass(60000);
	heard("");
	plug_unplugged(plug, "L");
	heard("removed:L away:c");
}

/* What a key that comes may say, and what becomes of it. */
static void
test_answers(void **state)
{
	static const struct row {
		const char *name;
		int code;
		const char *credential;
		int proof;
		const char *now, *then;
	} rows[] = {
		{ "another key", TSR_OK, "", 0, "added:L", "away:c lock:c" },
		{ "another key, of another credential", TSR_OK, "d", TSR_OK, "added:L", "away:c lock:c" },
		{ "a bad signature", TSR_OK, "c", TSR_BAD_SIGNATURE, "away:c lock-false:c added:L", "" },
		{ "a counter that did not grow", TSR_OK, "c", TSR_DENIED, "away:c lock-false:c added:L", "" },
		{ "one that is not ours went wrong", TSR_OK, "d", TSR_BAD_SIGNATURE, "added:L", "away:c lock:c" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		plug_unplugged(plug, "K");
		plugged("L");
		heard("removed:K away:c look:L");
		looked("L", rows[i].code, rows[i].credential, rows[i].proof);
		heard(rows[i].now);
		pass(LOCK_MS);
		heard(rows[i].then);
		plug_unplugged(plug, "L");
		heard("removed:L");
		(void)teardown(NULL);
		(void)setup(NULL);
	}
}

static void
test_busy(void **state)
{
	int i;

	(void)state;
	plug_unplugged(plug, "K");
	plugged("L");
	heard("removed:K away:c look:L");
	looked("L", TSR_DEVICE_BUSY, "", 0);
	heard("");
	pass(PLUG_RETRY_MS);
	heard("look:L");
	looked("L", TSR_OK, "c", TSR_DEVICE_BUSY);	/* found, not proved */
	pass(PLUG_RETRY_MS);
	heard("look:L");
	looked("L", TSR_OK, "c", TSR_OK);
	heard("back:c added:L");
	/* one that never answers is given up, and named */
	plugged("M");
	for (i = 0; i < PLUG_TRIES; i++) {
		heard("look:M");
		looked("M", TSR_DEVICE_FAILED, "", 0);
		if (i < PLUG_TRIES - 1) {
			heard("");
			pass(PLUG_RETRY_MS);
		}
	}
	heard("added:M");
	/* nothing to ask for */
	look_code = TSR_NOT_FOUND;
	plugged("N");
	heard("look:N added:N");
	/* the helper cannot be started: later */
	look_code = TSR_HELPER;
	plugged("O");
	heard("look:O");
	look_code = TSR_OK;
	pass(PLUG_RETRY_MS);
	heard("look:O");
}

static void
test_one_at_a_time(void **state)
{
	(void)state;
	plugged("L");
	plugged("M");
	heard("look:L");
	plug_unplugged(plug, "L");	/* while it is asked */
	heard("removed:L");
	looked("L", TSR_OK, "d", TSR_OK);
	heard("look:M");
	looked("M", TSR_OK, "d", TSR_OK);
	heard("added:M");
	plug_each(plug, "M", on_each, NULL);
	heard("holds:d");
}

static void
test_pulled_while_it_proves(void **state)
{
	(void)state;
	plug_unplugged(plug, "K");
	plugged("L");
	pass(1000);
	heard("removed:K away:c look:L");
	plug_unplugged(plug, "L");
	heard("removed:L");
	looked("L", TSR_OK, "c", TSR_OK);	/* too late */
	heard("");
	assert_true(plug_is_away(plug, "c"));
	pass(1000);				/* counted from the first time */
	heard("away:c lock:c");
}

/* A proof whose key the watcher has not told of, or told of as gone. */
static void
test_unknown_key(void **state)
{
	(void)state;
	plug_holds(plug, "d", "L");
	plug_session(plug, "d");
	pass(PLUG_EXPECT_MS - 100);
	heard("");
	plugged("L");
	heard("look:L");
	looked("L", TSR_OK, "d", TSR_OK);
	heard("added:L");
	pass(60000);
	heard("");
	plug_holds(plug, "e", "M");
	plug_session(plug, "e");
	pass(PLUG_EXPECT_MS);
	heard("away:e");
	pass(LOCK_MS);
	heard("away:e lock:e");
	plug_unplugged(plug, "L");
	heard("removed:L away:d");
	plug_holds(plug, "d", "L");	/* it was touched just before */
	plug_session(plug, "d");
	heard("away:d");
	pass(LOCK_MS);
	heard("away:d lock:d");
	plug_session(plug, "f");	/* nobody knows where */
	heard("away:f lock-unwatched:f");
}

static void
test_watcher_killed(void **state)
{
	(void)state;
	plugged("L");
	looked("L", TSR_OK, "d", TSR_OK);
	plug_holds(plug, "d", "L");
	plug_session(plug, "d");
	heard("look:L added:L");
	plug_service(plug, 0);
	pass(UNWATCHED_MS - 100);
	heard("");
	/* what happened meanwhile */
	plug_service(plug, 1);
	plugged("K");
	plugged("M");
	heard("look:M");
	plug_ready(plug);
	heard("removed:L away:d");
	looked("M", TSR_OK, "d", TSR_OK);
	heard("back:d added:M");
	/* longer than the limit */
	plug_service(plug, 0);
	pass(UNWATCHED_MS);
	heard("away:d lock-unwatched:d away:c lock-unwatched:c");
	plug_holds(plug, "c", "K");
	plug_session(plug, "c");		/* pays for its own token */
	heard("away:c lock-unwatched:c");
	plug_service(plug, 1);
	plugged("K");
	plugged("M");
	plug_ready(plug);
	plug_holds(plug, "c", "K");
	plug_session(plug, "c");
	heard("");
}

static void
test_many(void **state)
{
	char name[STORE_ID_LEN + 1];
	int i;

	(void)state;
	for (i = 0; i < PROTO_FIDO_KEYS_MAX + 8; i++) {
		(void)snprintf(name, sizeof(name), "k%d", i);
		plugged(name);
		said[0] = '\0';
		looked(name, TSR_OK, "", 0);
		said[0] = '\0';
	}
	for (i = 0; i < PLUG_HELD_MAX + 8; i++) {
		(void)snprintf(name, sizeof(name), "c%d", i);
		plug_holds(plug, name, "K");	/* the oldest without a session makes room */
	}
	heard("");
	for (i = 0; i < PLUG_HELD_MAX + 8; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		plug_holds(plug, name, "K");
		plug_session(plug, name);
		if (i < PLUG_HELD_MAX - 1)
			heard("");
		else
			said[0] = '\0';		/* locked at once */
	}
	plug_unplugged(plug, "K");
	assert_true(plug_is_away(plug, "c") && plug_is_away(plug, "s0") && plug_is_away(plug, "s254"));
	assert_false(plug_is_away(plug, "s255"));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_pulled),
		T(test_back_in_time),
		T(test_answers),
		T(test_busy),
		T(test_one_at_a_time),
		T(test_pulled_while_it_proves),
		T(test_unknown_key),
		T(test_watcher_killed),
		T(test_many),
	};

	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
