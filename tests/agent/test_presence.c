/*
 * test_presence.c - tokens that come and go, told by readers and lists: who is
 * told, what is locked, and when.
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
#include "agent/presence.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define LOCK_MS		2000
#define UNWATCHED_MS	10000

static struct timers *timers;
static struct presence *presence;
static char said[512];		/* what the owner was told since the last look */
static int lists;		/* lists that were begun and not answered */
static int has_key;		/* a proof without a PIN can be asked for */
static unsigned last_round;
static int no_software;		/* s is not listed */
static struct device_list list;

static void
say(const char *what, const struct device *d)
{
	size_t n = strlen(said);

	(void)snprintf(said + n, sizeof(said) - n, "%s%s%s%s", n > 0 ? " " : "", what,
	    d != NULL ? ":" : "", d != NULL ? d->serial : "");
}

static int
on_list(void *arg)
{
	(void)arg;
	lists++;
	return TSR_OK;
}

#define SAYS(f, what)	static void f(void *arg, const struct device *d) { (void)arg; say(what, d); }
SAYS(on_added, "added")
SAYS(on_removed, "removed")
SAYS(on_away, "away")
SAYS(on_back, "back")

static void
on_lock(void *arg, const struct device *d, enum presence_reason why)
{
	(void)arg;
	say(why == PRESENCE_REMOVED ? "lock" : why == PRESENCE_FALSE ? "lock-false" : "lock-unwatched", d);
}

static int
on_prove(void *arg, const struct device *d, unsigned round)
{
	(void)arg;
	if (!has_key)
		return TSR_NOT_FOUND;
	say("prove", d);
	last_round = round;
	return TSR_OK;
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
reader(const char *name, uint32_t state, uint32_t count)
{
	struct watcher_reader r;

	memset(&r, 0, sizeof(r));
	(void)snprintf(r.name, sizeof(r.name), "%s", name);
	(void)snprintf(r.slot, sizeof(r.slot), "%s", name);
	r.state = state;
	r.count = count;
	presence_reader(presence, &r);
}

static void
listing(const char *serial, const char *where)
{
	struct device *d = &list.device[list.n++];

	memset(d, 0, sizeof(*d));
	(void)snprintf(d->module, sizeof(d->module), "m");
	(void)snprintf(d->serial, sizeof(d->serial), "%s", serial);
	(void)snprintf(d->label, sizeof(d->label), "card");
	(void)snprintf(d->reader, sizeof(d->reader), "%s", where);
	d->flags = where[0] == 'R' ? PROTO_TOKEN_REMOVABLE : 0;
	(void)device_make_id(d->id, d->module, d->serial, d->label);
}

/* The list that was asked for is what listing() made of it, and s. */
static void
listed(void)
{
	assert_true(lists > 0);
	if (!no_software && list.n_failures == 0)
		listing("s", "");
	lists--;
	presence_listed(presence, &list);
	list.n = 0;
}

static const char *
id(const char *serial)
{
	static char out[DEVICE_ID_LEN + 1];

	(void)device_make_id(out, "m", serial, "card");
	return out;
}

static int
setup(void **state)
{
	struct presence_owner o = { on_list, on_added, on_removed, on_away, on_back, on_lock, on_prove,
	    NULL };

	(void)state;
	said[0] = '\0';
	lists = 0;
	has_key = 1;
	no_software = 0;
	list.n = list.n_failures = 0;
	assert_int_equal(timers_new(&timers), TSR_OK);
	assert_int_equal(presence_new(timers, &o, &presence), TSR_OK);
	presence_limits(presence, LOCK_MS, UNWATCHED_MS);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	presence_free(&presence);
	timers_free(&timers);
	return 0;
}

/* Readers R and S, card 1 in R; a token of software, s. */
static void
begin(void)
{
	presence_start(presence);
	presence_service(presence, 1);
	reader("R", PROTO_READER_PRESENT, 1);
	reader("S", 0, 0);
	presence_ready(presence);
	listed();			/* begun before the readers were told */
	listing("1", "R");
	listed();
	assert_int_equal(lists, 0);
	heard("");			/* what was there is no event */
}

static void
pulled_and_lost(void **state)
{
	(void)state;
	begin();
	reader("R", 0, 2);
	heard("removed:1 away:1");
	assert_true(presence_is_away(presence, id("1")));
	pass(LOCK_MS - 100);
	heard("");
	pass(100);
	heard("lock:1");
	reader("R", PROTO_READER_PRESENT, 3);
	listing("1", "R");
	listed();
	heard("added:1");		/* locked is locked: nothing to prove */
}

static void
back_in_time(void **state)
{
	(void)state;
	begin();
	reader("R", 0, 2);
	pass(1900);
	reader("S", PROTO_READER_PRESENT, 1);
	heard("removed:1 away:1");
	pass(500);			/* the list takes its time: it was in time */
	heard("");
	listing("1", "S");
	listed();
	heard("added:1 prove:1");
	pass(500);
	presence_proved(presence, id("1"), last_round, TSR_OK);
	heard("back:1");
	pass(10000);
	heard("");
	reader("R", PROTO_READER_PRESENT, 9);	/* its old reader is not its own any more */
	reader("R", 0, 10);
	heard("");
	reader("S", 0, 2);
	heard("removed:1 away:1");
}

static void
back_without_a_key(void **state)
{
	(void)state;
	has_key = 0;
	begin();
	reader("R", 0, 2);
	reader("R", PROTO_READER_PRESENT, 3);
	listing("1", "R");
	listed();
	heard("removed:1 away:1 added:1");
	pass(LOCK_MS);
	heard("lock:1");
}

static void
back_and_false(void **state)
{
	(void)state;
	begin();
	reader("R", 0, 2);
	reader("R", PROTO_READER_PRESENT, 3);
	listing("1", "R");
	listed();
	heard("removed:1 away:1 added:1 prove:1");
	presence_proved(presence, id("1"), last_round, TSR_BAD_SIGNATURE);
	heard("away:1 lock-false:1");
}

static void
once_more(void)
{
	heard("");
	pass(PRESENCE_RETRY_MS);
	listing("1", "R");
	listed();
	heard("prove:1");
}

/* A card that is pushed in stumbles: a few proofs, and never without end. */
static void
back_and_stumbling(void **state)
{
	(void)state;
	begin();
	reader("R", 0, 2);
	reader("R", PROTO_READER_PRESENT, 3);
	listing("1", "R");
	listed();
	heard("removed:1 away:1 added:1 prove:1");
	presence_proved(presence, id("1"), last_round, TSR_DEVICE_REMOVED);
	once_more();
	presence_proved(presence, id("1"), last_round - 1, TSR_OK);	/* of an earlier round */
	heard("");
	presence_proved(presence, id("1"), last_round, TSR_TIMEOUT);
	once_more();
	presence_proved(presence, id("1"), last_round, TSR_TIMEOUT);
	heard("away:1 lock-false:1");
}

/* Out and in again within one look of pcscd: only the count tells. */
static void
swapped_unseen(void **state)
{
	(void)state;
	begin();
	reader("R", PROTO_READER_PRESENT, 3);
	heard("removed:1 away:1");
	listing("2", "R");
	listed();
	heard("added:2");
	pass(LOCK_MS);
	heard("lock:1");
}

/* Other programs use the card: nothing happens. */
static void
in_use(void **state)
{
	(void)state;
	begin();
	reader("R", PROTO_READER_PRESENT | PROTO_READER_IN_USE, 1);
	reader("R", PROTO_READER_PRESENT | PROTO_READER_EXCLUSIVE, 1);
	reader("R", PROTO_READER_PRESENT, 1);
	heard("");
	assert_int_equal(lists, 0);
}

/* Pulled again while it proves itself; what the old proof says is nothing. */
static void
pulled_while_proving(void **state)
{
	unsigned round;

	(void)state;
	begin();
	reader("R", 0, 2);
	reader("R", PROTO_READER_PRESENT, 3);
	listing("1", "R");
	listed();
	round = last_round;
	reader("R", 0, 4);
	heard("removed:1 away:1 added:1 prove:1 removed:1 away:1");
	presence_proved(presence, id("1"), round, TSR_OK);
	heard("");
	pass(LOCK_MS);
	heard("lock:1");
}

/* A list that was begun before the card was pulled still has it. */
static void
stale_list(void **state)
{
	(void)state;
	begin();
	reader("S", PROTO_READER_PRESENT, 1);
	assert_int_equal(lists, 1);
	reader("R", 0, 2);
	heard("removed:1 away:1");
	listing("1", "R");
	listed();
	heard("");
	pass(LOCK_MS);
}

static void
reader_unplugged(void **state)
{
	(void)state;
	begin();
	reader("R", PROTO_READER_GONE, 0);
	heard("removed:1 away:1");
	pass(LOCK_MS);
	heard("lock:1");
}

static void
contactless(void **state)
{
	(void)state;
	begin();
	reader("S", PROTO_READER_PRESENT | PROTO_READER_CONTACTLESS, 1);
	listing("1", "R");
	listing("t", "S");
	listed();
	reader("S", 0, 2);
	heard("added:t removed:t");
	pass(UNWATCHED_MS);
	heard("");
}

/* Known by listing alone: never away, whatever happens to it. */
static void
software(void **state)
{
	(void)state;
	begin();
	no_software = 1;
	reader("S", PROTO_READER_PRESENT, 1);
	listing("1", "R");
	listed();
	heard("removed:s");
	presence_service(presence, 0);
	pass(UNWATCHED_MS);
	heard("away:1 lock-unwatched:1");
}

/* pcscd ends and begins; the card was there all the time, and is found late. */
static void
service_restarted(void **state)
{
	(void)state;
	has_key = 0;
	begin();
	presence_service(presence, 0);
	pass(1000);
	presence_service(presence, 1);
	reader("R", 0, 0);
	reader("S", 0, 0);
	presence_ready(presence);
	listed();			/* the module has not found it either */
	pass(400);
	reader("R", PROTO_READER_PRESENT, 1);
	heard("");
	while (lists > 0) {
		listing("1", "R");
		listed();
	}
	pass(20000);
	heard("");
	reader("R", 0, 2);
	heard("removed:1 away:1");
}

/* The same, and the card has a key: it proves itself, and the session goes on
 * meanwhile. */
static void
service_restarted_with_key(void **state)
{
	(void)state;
	begin();
	presence_service(presence, 0);
	presence_service(presence, 1);
	reader("R", PROTO_READER_PRESENT, 1);
	presence_ready(presence);
	listing("1", "R");
	listed();
	heard("prove:1");
	presence_proved(presence, id("1"), last_round, TSR_BAD_SIGNATURE);
	heard("away:1 lock-false:1");
}

/* It was pulled meanwhile. */
static void
pulled_in_the_gap(void **state)
{
	(void)state;
	begin();
	presence_service(presence, 0);
	pass(1000);
	presence_service(presence, 1);
	reader("R", 0, 0);
	presence_ready(presence);
	while (lists > 0) {
		listed();
	}
	pass(PRESENCE_DOUBT_MS);
	heard("removed:1 away:1");
	while (lists > 0)
		listed();
	pass(LOCK_MS);
	heard("lock:1");
}

/* Nobody watches: for a while it counts as there, then it does not. */
static void
unwatched(void **state)
{
	struct device d;

	(void)state;
	begin();
	presence_service(presence, 0);
	pass(UNWATCHED_MS - 100);
	heard("");
	pass(100);
	heard("away:1 lock-unwatched:1");
	memset(&d, 0, sizeof(d));
	(void)snprintf(d.serial, sizeof(d.serial), "1");
	(void)snprintf(d.id, sizeof(d.id), "%s", id("1"));
	presence_session(presence, &d);		/* a new proof, and still nobody watches */
	heard("away:1 lock-unwatched:1");
	presence_service(presence, 1);
	reader("R", PROTO_READER_PRESENT, 1);
	presence_ready(presence);
	presence_session(presence, &d);
	heard("");
}

/* A proof by a token that no list has shown yet, and that goes at once. */
static void
proved_and_gone(void **state)
{
	struct device d;
	int n;

	(void)state;
	begin();
	memset(&d, 0, sizeof(d));
	(void)snprintf(d.module, sizeof(d.module), "m");
	(void)snprintf(d.serial, sizeof(d.serial), "3");
	(void)snprintf(d.id, sizeof(d.id), "%s", id("3"));
	reader("S", PROTO_READER_PRESENT, 1);
	presence_session(presence, &d);
	for (n = 0; n < 20 && said[0] == '\0'; n++) {
		listing("1", "R");
		listed();
		if (lists == 0)
			pass(PRESENCE_RETRY_MS);
	}
	heard("away:3 lock:3");
	assert_int_equal(n, 1 + PRESENCE_LOOKS);	/* the first began before the proof */
}

/* A card that is not ready when it is listed is looked for again; one that no
 * module knows is not looked for without end. */
static void
looked_for_again(void **state)
{
	int n;

	(void)state;
	begin();
	reader("S", PROTO_READER_PRESENT, 1);
	listing("1", "R");
	listed();
	pass(PRESENCE_RETRY_MS);
	listing("1", "R");
	listing("2", "S");
	listed();
	heard("added:2");
	pass(20000);
	assert_int_equal(lists, 0);
	reader("S", 0, 2);
	reader("S", PROTO_READER_PRESENT, 3);
	said[0] = '\0';
	for (n = 0; n < 50 && lists > 0; n++) {
		listing("1", "R");
		listed();
		pass(PRESENCE_RETRY_MS);
	}
	assert_int_equal(n, PRESENCE_LOOKS);
}

/* A module that fails has not lost its tokens. */
static void
module_failed(void **state)
{
	static struct device_failure f = { .module = "m", .code = TSR_HELPER };

	(void)state;
	begin();
	reader("S", PROTO_READER_PRESENT, 1);
	list.failure = &f;
	list.n_failures = 1;
	listed();
	list.n_failures = 0;
	heard("");
}

/* Whatever the watcher says: a bound on what is kept of it. */
static void
many_readers(void **state)
{
	char name[16];
	int i;

	(void)state;
	begin();
	for (i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "X%d", i);
		reader(name, i % 2 != 0 ? PROTO_READER_PRESENT : 0, 1);
	}
	assert_true(lists <= 1);
	reader("R", 0, 2);
	heard("removed:1 away:1");
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pulled_and_lost), T(back_in_time), T(back_without_a_key), T(back_and_false),
		T(back_and_stumbling), T(swapped_unseen), T(in_use), T(pulled_while_proving),
		T(stale_list), T(reader_unplugged), T(contactless), T(software), T(service_restarted),
		T(service_restarted_with_key), T(pulled_in_the_gap), T(unwatched), T(proved_and_gone),
		T(looked_for_again), T(module_failed), T(many_readers),
	};

	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
