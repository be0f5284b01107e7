/*
 * test_session.c - what an earlier proof is still good for, and when it ends.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "agent/session.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"

#define UID		1000
#define LIFETIME	3600	/* s, of the sessions here */
#define PER_USER	16

static struct sessions *sessions;
static unsigned n_ended;
static char last_ended[STORE_ID_LEN + 1];

static void
ended(void *arg, const struct session *s)
{
	assert_ptr_equal(arg, &n_ended);
	n_ended++;
	memcpy(last_ended, s->sid, sizeof(last_ended));
}

static int
setup(void **state)
{
	(void)state;
	n_ended = 0;
	return sessions_new(ended, &n_ended, &sessions);
}

static int
teardown(void **state)
{
	(void)state;
	sessions_free(&sessions);
	return sessions != NULL;
}

static struct credential
credential(const char *id, const char *subject, enum acr acr)
{
	struct credential c;

	memset(&c, 0, sizeof(c));
	(void)snprintf(c.id, sizeof(c.id), "%s", id);
	(void)snprintf(c.subject, sizeof(c.subject), "%s", subject);
	(void)snprintf(c.label, sizeof(c.label), "label of %s", id);
	c.uid = UID;
	c.acr = acr;
	return c;
}

static char audience_name[] = "vpn";

static struct config_audience
audience(enum audience_reuse reuse, enum acr acr, uint32_t max_age)
{
	struct config_audience a;

	memset(&a, 0, sizeof(a));
	a.name = audience_name;
	a.reuse = reuse;
	a.acr = acr;
	a.max_age = max_age;
	return a;
}

/* A durable proof. */
static const struct session *
proved(const char *id, const char *subject, enum acr acr, const char *aud)
{
	struct credential c = credential(id, subject, acr);
	const struct session *s = NULL;

	assert_int_equal(session_proved(sessions, &c, aud, LIFETIME, PER_USER, &s), TSR_OK);
	session_settle(sessions, 1);
	return s;
}

static int
good(const struct config_audience *a, uint32_t max_age)
{
	const struct session *s = NULL;
	int r = session_good_for(sessions, UID, "alice", a, max_age, &s);

	assert_true((r == TSR_OK) == (s != NULL));
	return r;
}

static int
count_one(void *arg, const struct session *s)
{
	(void)s;
	++*(unsigned *)arg;
	return TSR_OK;
}

static unsigned
count(void)
{
	unsigned n = 0;

	assert_int_equal(session_each(sessions, UID, count_one, &n), TSR_OK);
	return n;
}

/* One proof, for an audience or for none, and a token asked for later. */
static const struct reuse_row {
	const char *name;
	enum audience_reuse reuse;
	const char *proved_for;		/* NULL: POST /session */
	enum acr has, needs;
	uint64_t later_ms;
	uint32_t max_age, wish;		/* s */
	int code;
} reuse_rows[] = {
	{ "never: not even at once", REUSE_NEVER, "vpn", ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "audience: its own proof", REUSE_AUDIENCE, "vpn", ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_OK },
	{ "audience: another's proof", REUSE_AUDIENCE, "mail", ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "audience: a name that only begins alike", REUSE_AUDIENCE, "vpn2", ACR_HARDWARE,
	    ACR_HARDWARE, 0, 100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "audience: a proof for none", REUSE_AUDIENCE, NULL, ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "session: another's proof", REUSE_SESSION, "mail", ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_OK },
	{ "session: a proof for none", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_OK },

	{ "audience: as old as it may be", REUSE_AUDIENCE, "vpn", ACR_HARDWARE, ACR_HARDWARE,
	    100000, 100, UINT32_MAX, TSR_OK },
	{ "audience: a moment older", REUSE_AUDIENCE, "vpn", ACR_HARDWARE, ACR_HARDWARE,
	    100001, 100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "session: as old as it may be", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    100000, 100, UINT32_MAX, TSR_OK },
	{ "session: a moment older", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    100001, 100, UINT32_MAX, TSR_LOGIN_REQUIRED },
	{ "the caller wants it fresher", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    10001, 100, 10, TSR_LOGIN_REQUIRED },
	{ "and it is", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    10000, 100, 10, TSR_OK },
	{ "the caller may not want it staler", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    100001, 100, 1000, TSR_LOGIN_REQUIRED },
	{ "a wish for 0 s", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    1, 100, 0, TSR_LOGIN_REQUIRED },

	{ "the last moment of the session", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    LIFETIME * 1000 - 1, 2 * LIFETIME, UINT32_MAX, TSR_OK },
	{ "its end", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE,
	    LIFETIME * 1000, 2 * LIFETIME, UINT32_MAX, TSR_LOGIN_REQUIRED },

	{ "stronger than needed", REUSE_SESSION, NULL, ACR_HARDWARE_PIN, ACR_SELF, 0,
	    100, UINT32_MAX, TSR_OK },
	{ "recovery is more than self", REUSE_SESSION, NULL, ACR_RECOVERY, ACR_SELF, 0,
	    100, UINT32_MAX, TSR_OK },
	{ "self is less than recovery", REUSE_SESSION, NULL, ACR_SELF, ACR_RECOVERY, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
	{ "recovery is less than otp", REUSE_SESSION, NULL, ACR_RECOVERY, ACR_OTP, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
	{ "otp is less than software", REUSE_SESSION, NULL, ACR_OTP, ACR_SOFTWARE, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
	{ "software is less than hardware", REUSE_SESSION, NULL, ACR_SOFTWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
	{ "hardware is less than hardware-pin", REUSE_SESSION, NULL, ACR_HARDWARE, ACR_HARDWARE_PIN, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
	{ "weak, and its own audience's", REUSE_AUDIENCE, "vpn", ACR_SOFTWARE, ACR_HARDWARE, 0,
	    100, UINT32_MAX, TSR_STEP_UP_REQUIRED },
};

static void
test_reuse(void **state)
{
	struct config_audience a;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(reuse_rows) / sizeof(reuse_rows[0]); i++) {
		const struct reuse_row *row = &reuse_rows[i];

		(void)proved("one", "alice", row->has, row->proved_for);
		clock_rig_advance(row->later_ms);
		a = audience(row->reuse, row->needs, row->max_age);
		if ((r = good(&a, row->wish)) != row->code)
			fail_msg("%s: %d", row->name, r);
		(void)session_end_user(sessions, UID);
	}
}

static void
test_nobody(void **state)
{
	struct config_audience a = audience(REUSE_SESSION, ACR_SELF, 100);
	const struct session *s = NULL;

	(void)state;
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	assert_int_equal(session_good_for(sessions, UID + 1, "alice", &a, UINT32_MAX, &s),
	    TSR_LOGIN_REQUIRED);
	/* in the same bucket of the table */
	assert_int_equal(session_good_for(sessions, UID + 1024, "alice", &a, UINT32_MAX, &s),
	    TSR_LOGIN_REQUIRED);
	/* a number that came to another name */
	assert_int_equal(session_good_for(sessions, UID, "bob", &a, UINT32_MAX, &s),
	    TSR_LOGIN_REQUIRED);
	assert_null(s);
}

static void
test_freshest(void **state)
{
	struct config_audience a = audience(REUSE_SESSION, ACR_SELF, 1000);
	const struct session *s = NULL;

	(void)state;
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	clock_rig_advance(1);
	(void)proved("two", "alice", ACR_HARDWARE, NULL);
	clock_rig_advance(1);
	(void)proved("three", "bob", ACR_HARDWARE, NULL);
	assert_int_equal(session_good_for(sessions, UID, "alice", &a, UINT32_MAX, &s), TSR_OK);
	assert_string_equal(s->credential, "two");
	clock_rig_advance(1);
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	assert_int_equal(session_good_for(sessions, UID, "alice", &a, UINT32_MAX, &s), TSR_OK);
	assert_string_equal(s->credential, "one");
	/* the stronger one is found though the fresher one is too weak */
	clock_rig_advance(1);
	(void)proved("weak", "alice", ACR_SOFTWARE, NULL);
	a.acr = ACR_HARDWARE;
	assert_int_equal(session_good_for(sessions, UID, "alice", &a, UINT32_MAX, &s), TSR_OK);
	assert_string_equal(s->credential, "one");
	/* too old, and beside it too weak: a new proof of the same will do */
	a.max_age = 0;
	clock_rig_advance(1);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
}

static void
test_lives_on(void **state)
{
	struct config_audience a = audience(REUSE_AUDIENCE, ACR_SELF, 100);
	const struct session *s;
	char sid[STORE_ID_LEN + 1];
	int64_t auth_time;

	(void)state;
	s = proved("one", "alice", ACR_HARDWARE, "vpn");
	memcpy(sid, s->sid, sizeof(sid));
	auth_time = s->auth_time;
	clock_rig_advance(90000);
	s = proved("one", "alice", ACR_HARDWARE, "mail");
	assert_string_equal(s->sid, sid);
	assert_int_equal(s->auth_time, auth_time + 90);
	assert_int_equal(count(), 1);
	clock_rig_advance(10001);	/* vpn's own proof is what counts */
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	a = audience(REUSE_SESSION, ACR_SELF, 100);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	/* its end does not move */
	clock_rig_advance((LIFETIME - 101) * 1000 + 999);
	s = proved("one", "alice", ACR_HARDWARE, NULL);
	assert_string_not_equal(s->sid, sid);
	assert_int_equal(n_ended, 0);
	assert_int_equal(count(), 1);
	sessions_expire(sessions);
	assert_int_equal(n_ended, 1);
	assert_string_equal(last_ended, sid);
}

static void
test_unsettled(void **state)
{
	struct credential c = credential("one", "alice", ACR_HARDWARE);
	struct config_audience a = audience(REUSE_SESSION, ACR_SELF, 100);
	const struct session *s = NULL;

	(void)state;
	assert_int_equal(session_proved(sessions, &c, "vpn", LIFETIME, PER_USER, &s), TSR_OK);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(count(), 0);
	session_settle(sessions, 1);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	assert_int_equal(count(), 1);
	session_settle(sessions, 0);	/* a later batch's failure is not its own */
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);

	/* proved anew, and not durably: not even the earlier proof is left */
	assert_int_equal(session_proved(sessions, &c, "vpn", LIFETIME, PER_USER, &s), TSR_OK);
	assert_int_equal(session_proved(sessions, &c, "mail", LIFETIME, PER_USER, &s), TSR_OK);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(n_ended, 0);
	session_settle(sessions, 0);
	assert_int_equal(n_ended, 1);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(count(), 0);

	/* ended before it was settled */
	assert_int_equal(session_proved(sessions, &c, "vpn", LIFETIME, PER_USER, &s), TSR_OK);
	assert_int_equal(session_end_credential(sessions, "one"), 1);
	session_settle(sessions, 1);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
}

static void
test_per_user(void **state)
{
	char id[STORE_ID_LEN + 1], sids[4][STORE_ID_LEN + 1];
	struct credential c;
	const struct session *s = NULL;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		(void)snprintf(id, sizeof(id), "cred%d", i);
		c = credential(id, "alice", ACR_HARDWARE);
		assert_int_equal(session_proved(sessions, &c, NULL, LIFETIME, 3, &s), TSR_OK);
		memcpy(sids[i], s->sid, sizeof(sids[i]));
		clock_rig_advance(1);
	}
	session_settle(sessions, 1);
	assert_int_equal(n_ended, 1);
	assert_string_equal(last_ended, sids[0]);
	assert_int_equal(count(), 3);
	/* another user's are not counted, though they share the bucket */
	c = credential("other", "bob", ACR_HARDWARE);
	c.uid = UID + 1024;
	assert_int_equal(session_proved(sessions, &c, NULL, LIFETIME, 3, &s), TSR_OK);
	assert_int_equal(n_ended, 1);
	/* the same credential takes no further place */
	c = credential("cred1", "alice", ACR_HARDWARE);
	assert_int_equal(session_proved(sessions, &c, NULL, LIFETIME, 3, &s), TSR_OK);
	assert_string_equal(s->sid, sids[1]);
	assert_int_equal(n_ended, 1);
	/* the limit was lowered */
	c = credential("cred9", "alice", ACR_HARDWARE);
	assert_int_equal(session_proved(sessions, &c, NULL, LIFETIME, 1, &s), TSR_OK);
	session_settle(sessions, 1);
	assert_int_equal(n_ended, 4);
	assert_int_equal(count(), 1);
}

static void
test_many_audiences(void **state)
{
	struct config_audience a = audience(REUSE_AUDIENCE, ACR_SELF, 1000);
	char name[16];
	const struct session *s = NULL;
	int i;

	(void)state;
	for (i = 0; i < SESSION_AUDIENCES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "aud%d", i);
		s = proved("one", "alice", ACR_HARDWARE, name);
		clock_rig_advance(1);
	}
	(void)proved("one", "alice", ACR_HARDWARE, "aud0");	/* aud1 is the oldest now */
	clock_rig_advance(1);
	s = proved("one", "alice", ACR_HARDWARE, "new");
	assert_int_equal(s->n_audiences, SESSION_AUDIENCES_MAX);
	for (i = 0; i < SESSION_AUDIENCES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "aud%d", i);
		a.name = name;
		assert_int_equal(good(&a, UINT32_MAX), i == 1 ? TSR_LOGIN_REQUIRED : TSR_OK);
	}
	(void)snprintf(name, sizeof(name), "new");
	a.name = name;
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
}

static void
test_ends(void **state)
{
	char sid[STORE_ID_LEN + 1];

	(void)state;
	memcpy(sid, proved("one", "alice", ACR_HARDWARE, NULL)->sid, sizeof(sid));
	(void)proved("two", "alice", ACR_HARDWARE, NULL);
	(void)proved("three", "bob", ACR_HARDWARE, NULL);
	assert_int_equal(session_end_credential(sessions, "on"), 0);
	assert_int_equal(session_end_credential(sessions, "one"), 1);
	assert_int_equal(n_ended, 1);
	assert_string_equal(last_ended, sid);
	assert_int_equal(session_end_user(sessions, UID + 1), 0);
	assert_int_equal(session_end_user(sessions, UID), 2);	/* whatever the name */
	assert_int_equal(n_ended, 3);
	assert_int_equal(count(), 0);

	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	clock_rig_advance(LIFETIME * 1000 - 1);
	sessions_expire(sessions);
	assert_int_equal(n_ended, 3);
	assert_int_equal(count(), 1);
	clock_rig_advance(1);
	assert_int_equal(count(), 0);
	sessions_expire(sessions);
	assert_int_equal(n_ended, 4);
}

static void
test_passing(void **state)
{
	struct credential c = credential("one", "alice", ACR_HARDWARE_PIN);
	struct config_audience a = audience(REUSE_SESSION, ACR_SELF, 100);
	struct session s;

	(void)state;
	session_passing(&c, &s);
	assert_string_equal(s.subject, "alice");
	assert_int_equal(s.acr, ACR_HARDWARE_PIN);
	assert_int_equal(strlen(s.sid), STORE_ID_LEN);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(count(), 0);
}

static unsigned n_locked;
static char last_locked[STORE_ID_LEN + 1], next_locked[STORE_ID_LEN + 1];
static char last_reason[32];

static void
locked(void *arg, const struct session *s, const char *to, const char *reason)
{
	(void)arg;
	assert_true(s->locked);
	assert_string_not_equal(s->sid, to);
	memcpy(next_locked, to, sizeof(next_locked));
	memcpy(last_locked, s->sid, sizeof(last_locked));
	n_locked++;
	(void)snprintf(last_reason, sizeof(last_reason), "%s", reason);
}

/* Its user leaves: nothing of his is good until he proves himself again, and no
 * device that is there makes up for it. */
static void
test_left(void **state)
{
	struct config_audience a = audience(REUSE_SESSION, ACR_HARDWARE, 3600), tap = a;
	const struct session *s;

	(void)state;
	n_locked = 0;
	tap.presence = PRESENCE_PROOF;
	sessions_on_lock(sessions, locked, NULL);
	s = proved("one", "alice", ACR_HARDWARE, NULL);
	assert_int_equal(session_lock_user(sessions, s->uid + 1, "logout"), 0);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	assert_int_equal(session_lock_user(sessions, s->uid, "logout"), 1);
	assert_int_equal(session_lock_user(sessions, s->uid, "logout"), 0);
	assert_int_equal(n_locked, 1);
	assert_string_equal(s->sid, next_locked);
	assert_string_equal(last_reason, "logout");
	session_device_back(sessions, s->device);
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(good(&tap, UINT32_MAX), TSR_LOGIN_REQUIRED);
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	assert_int_equal(sessions_lock_all(sessions, "suspend"), 1);
	assert_string_equal(last_reason, "suspend");
	assert_int_equal(good(&tap, UINT32_MAX), TSR_LOGIN_REQUIRED);
	/* locked for its device first, and then left: presence of no kind will do */
	(void)proved("one", "alice", ACR_HARDWARE, NULL);
	session_device_away(sessions, s->device);
	assert_int_equal(session_device_lock(sessions, s->device, "device_removed"), 1);
	assert_int_equal(good(&tap, UINT32_MAX), TSR_OK);
	assert_int_equal(sessions_lock_all(sessions, "suspend"), 0);
	assert_int_equal(good(&tap, UINT32_MAX), TSR_LOGIN_REQUIRED);
}

/* The device goes, comes back, goes for good. */
static void
test_removed(void **state)
{
	struct config_audience a = audience(REUSE_SESSION, ACR_HARDWARE, 3600), tap = a;
	struct credential other = credential("other", "alice", ACR_HARDWARE);
	const struct session *s = NULL, *again = NULL;
	char device[DEVICE_ID_LEN + 1];

	(void)state;
	n_locked = 0;
	tap.presence = PRESENCE_PROOF;
	sessions_on_lock(sessions, locked, NULL);
	s = proved("one", "alice", ACR_HARDWARE, NULL);
	memcpy(device, s->device, sizeof(device));
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	session_device_away(sessions, device);
	assert_int_equal(good(&a, UINT32_MAX), TSR_DEVICE_REMOVED);
	assert_int_equal(good(&tap, UINT32_MAX), TSR_OK);
	session_device_back(sessions, device);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	assert_int_equal(session_device_lock(sessions, device, "x"), 0);	/* it is there */
	session_device_away(sessions, device);
	assert_int_equal(session_device_lock(sessions, device, "device_removed"), 1);
	assert_int_equal(session_device_lock(sessions, device, "device_removed"), 0);	/* once */
	assert_int_equal(n_locked, 1);
	assert_string_equal(last_reason, "device_removed");
	assert_string_not_equal(last_locked, s->sid);	/* whose tokens are dead */
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	assert_int_equal(good(&tap, UINT32_MAX), TSR_OK);
	session_device_back(sessions, device);			/* is no proof by its owner */
	assert_int_equal(good(&a, UINT32_MAX), TSR_LOGIN_REQUIRED);
	/* another device's session goes on */
	(void)snprintf(other.token_serial, sizeof(other.token_serial), "2");
	assert_int_equal(session_proved(sessions, &other, NULL, LIFETIME, PER_USER, &again), TSR_OK);
	session_settle(sessions, 1);
	session_device_away(sessions, device);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	session_device_away(sessions, again->device);
	assert_int_equal(good(&a, UINT32_MAX), TSR_DEVICE_REMOVED);
	/* a proof unlocks its own; what ended is ended */
	again = proved("one", "alice", ACR_HARDWARE, NULL);
	assert_ptr_equal(again, s);
	assert_false(s->locked || s->away);
	assert_int_equal(good(&a, UINT32_MAX), TSR_OK);
	session_device_away(sessions, device);
	(void)session_device_lock(sessions, device, "device_removed");
	assert_int_equal(session_end_credential(sessions, "one"), 1);
	assert_int_equal(count(), 1);
}

static void
test_json(void **state)
{
	struct credential c = credential("one", "alice", ACR_HARDWARE_PIN);
	const struct session *s = NULL;
	struct buf b;
	json_t *o;

	(void)state;
	(void)snprintf(c.label, sizeof(c.label), "\"a\\b\" \xc3\xa9");
	assert_int_equal(session_proved(sessions, &c, "vpn", LIFETIME, PER_USER, &s), TSR_OK);
	buf_init(&b, 4096);
	assert_int_equal(session_json(&b, s), TSR_OK);
	assert_non_null(o = json_loadb((const char *)b.data, b.len, 0, NULL));
	assert_string_equal(json_string_value(json_object_get(o, "label")), c.label);
	assert_string_equal(json_string_value(json_object_get(o, "acr")), "hardware-pin");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "amr"), 1)), "pin");
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "audiences"), 0)), "vpn");
	assert_int_equal(json_integer_value(json_object_get(o, "expires")) -
	    json_integer_value(json_object_get(o, "auth_time")), LIFETIME);
	json_decref(o);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freshest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lives_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unsettled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_per_user, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_audiences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_passing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_left, setup, teardown),
		cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	};

	if (sodium_init() < 0)
		return 1;
	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
