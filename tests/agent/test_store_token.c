/*
 * test_store_token.c - what the store keeps of tokens that are looked up: what
 * goes in comes out, one is spent once, each end takes what it should.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <stdio.h>
#include <string.h>

#include "agent/store_token.h"
#include "tessera.h"

#define NOW	1000

static void
sample(struct store_token *t, enum store_token_kind kind, uint8_t n)
{
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	memset(t->hash, n, sizeof(t->hash));
	(void)snprintf(t->subject, sizeof(t->subject), "user%u", n % 10);
	t->uid = n % 10;
	memset(t->sid, 'a' + n % 10, STORE_ID_LEN);
	memset(t->credential, 'A' + n % 10, STORE_ID_LEN);
	(void)snprintf(t->audience, sizeof(t->audience), "app");
	(void)snprintf(t->client, sizeof(t->client), "uid:%u", n % 10);
	(void)snprintf(t->scope, sizeof(t->scope), "read write");
	t->acr = ACR_HARDWARE;
	t->auth_time = t->made = 900;
	t->ends = NOW + n;
	if (kind == TOKEN_REFRESH) {
		memset(t->newest, n + 1, sizeof(t->newest));
		memset(t->boot, 7, sizeof(t->boot));
		t->idle = NOW + n / 2;
	} else
		memset(t->jti, 'j', STORE_ID_LEN);
}

static int
settled(struct place *p, int code)
{
	if (code == TSR_OK)
		assert_int_equal(store_keep(p->st), TSR_OK);
	else
		store_undo(p->st);
	assert_int_equal(store_commit(p->st), TSR_OK);
	return code;
}

static int
add(struct place *p, const struct store_token *t)
{
	assert_int_equal(store_begin(p->st), TSR_OK);
	return settled(p, store_token_add(p->st, t, NOW));
}

static int
spend(struct place *p, const struct store_token *t, uint8_t next, int64_t now)
{
	uint8_t hash[STORE_TOKEN_HASH];

	memset(hash, next, sizeof(hash));
	assert_int_equal(store_begin(p->st), TSR_OK);
	return settled(p, store_token_spend(p->st, t, hash, now));
}

static int
there(struct place *p, enum store_token_kind kind, uint8_t n)
{
	uint8_t hash[STORE_TOKEN_HASH];
	struct store_token t;

	memset(hash, n, sizeof(hash));
	return store_token_get(p->st, kind, hash, &t);
}

static void
what_goes_in_comes_out(void **state)
{
	struct place *p = *state;
	struct store_token in, out;
	enum store_token_kind kind;

	help_open(p);
	for (kind = TOKEN_OPAQUE; kind <= TOKEN_REFRESH; kind++) {
		sample(&in, kind, (uint8_t)(20 + kind));
		assert_int_equal(add(p, &in), TSR_OK);
		assert_int_equal(add(p, &in), TSR_CONFLICT);
		memset(&out, 0xff, sizeof(out));
		assert_int_equal(store_token_get(p->st, kind, in.hash, &out), TSR_OK);
		assert_memory_equal(&in, &out, sizeof(in));
		assert_int_equal(there(p, kind == TOKEN_OPAQUE ? TOKEN_REFRESH : TOKEN_OPAQUE,
		    (uint8_t)(20 + kind)), TSR_NOT_FOUND);
	}
	in.acr = ACR_HARDWARE_PIN + 1;
	memset(in.hash, 99, sizeof(in.hash));
	assert_int_equal(add(p, &in), TSR_INVALID);
	help_close(p);
}

static void
a_token_is_spent_once(void **state)
{
	struct place *p = *state;
	struct store_token t, wrong;

	help_open(p);
	sample(&t, TOKEN_REFRESH, 40);
	assert_int_equal(add(p, &t), TSR_OK);
	wrong = t;
	memset(wrong.newest, 5, sizeof(wrong.newest));
	assert_int_equal(spend(p, &wrong, 50, NOW), TSR_CONFLICT);
	wrong = t;
	memset(wrong.boot, 5, sizeof(wrong.boot));
	assert_int_equal(spend(p, &wrong, 50, NOW), TSR_CONFLICT);
	assert_int_equal(spend(p, &t, 50, t.idle), TSR_CONFLICT);	/* idle too long */
	wrong = t;
	wrong.idle = NOW + 100;
	assert_int_equal(spend(p, &wrong, 50, NOW), TSR_OK);
	assert_int_equal(spend(p, &t, 51, NOW), TSR_CONFLICT);		/* the same once more */
	memset(t.newest, 50, sizeof(t.newest));
	assert_int_equal(spend(p, &t, 51, t.ends), TSR_CONFLICT);	/* the absolute end */
	assert_int_equal(spend(p, &t, 51, t.ends - 1), TSR_OK);
	help_close(p);
}

static void
ends(void **state)
{
	static const struct row {
		const char *name;
		int session, subject, credential, all;
	} rows[] = {
		{ "session", 1, 0, 0, 0 }, { "subject", 0, 1, 0, 0 }, { "credential", 0, 0, 1, 0 },
		{ "everybody", 0, 0, 0, 1 }, { "one", 0, 0, 0, 0 }
	};
	struct place *p = *state;
	struct store_token t, opaque, other;
	size_t i;
	int n, r;

	help_open(p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sample(&t, TOKEN_REFRESH, 1);
		sample(&opaque, TOKEN_OPAQUE, 11);	/* of the same user, and family */
		opaque.has_family = 1;
		memcpy(opaque.family, t.hash, sizeof(t.hash));
		sample(&other, TOKEN_OPAQUE, 2);
		assert_int_equal(add(p, &t), TSR_OK);
		assert_int_equal(add(p, &opaque), TSR_OK);
		assert_int_equal(add(p, &other), TSR_OK);
		assert_int_equal(store_token_of_session(p->st, t.sid), TSR_OK);
		assert_int_equal(store_begin(p->st), TSR_OK);
		r = rows[i].session ? store_token_end_session(p->st, t.sid, &n) :
		    rows[i].subject ? store_token_end_subject(p->st, t.subject, &n) :
		    rows[i].credential ? store_token_end_credential(p->st, t.credential, &n) :
		    rows[i].all ? store_token_end_all(p->st, &n) : store_token_end(p->st, t.hash, &n);
		assert_int_equal(settled(p, r), TSR_OK);
		if (n != (rows[i].all ? 3 : 2))
			fail_msg("%s: %d rows ended", rows[i].name, n);
		assert_int_equal(there(p, TOKEN_REFRESH, 1), TSR_NOT_FOUND);
		assert_int_equal(there(p, TOKEN_OPAQUE, 11), TSR_NOT_FOUND);
		assert_int_equal(there(p, TOKEN_OPAQUE, 2), rows[i].all ? TSR_NOT_FOUND : TSR_OK);
		assert_int_equal(store_token_of_session(p->st, t.sid), TSR_NOT_FOUND);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(settled(p, store_token_end_all(p->st, NULL)), TSR_OK);
	}
	help_close(p);
}

struct sids {
	int n, wanted;
	const char *sid;
};

static void
each_sid(void *arg, const char *sid)
{
	struct sids *s = arg;

	s->n++;
	s->wanted += strcmp(sid, s->sid) == 0;
}

/* A session that goes on under another sid takes its families along, and nothing
 * that a verifier has seen. */
static void
a_session_moves(void **state)
{
	static const char to[] = "zzzzzzzzzzzzzzzzzzzzzz";
	struct place *p = *state;
	struct store_token t, out;
	struct sids sids = { .sid = to };

	help_open(p);
	sample(&t, TOKEN_OPAQUE, 11);
	assert_int_equal(add(p, &t), TSR_OK);
	sample(&t, TOKEN_REFRESH, 2);
	assert_int_equal(add(p, &t), TSR_OK);
	sample(&t, TOKEN_REFRESH, 1);
	assert_int_equal(add(p, &t), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(settled(p, store_token_move_session(p->st, t.sid, to)), TSR_OK);
	assert_int_equal(there(p, TOKEN_OPAQUE, 11), TSR_NOT_FOUND);
	assert_int_equal(there(p, TOKEN_REFRESH, 2), TSR_OK);
	assert_int_equal(store_token_get(p->st, TOKEN_REFRESH, t.hash, &out), TSR_OK);
	assert_string_equal(out.sid, to);
	assert_int_equal(store_token_of_session(p->st, t.sid), TSR_NOT_FOUND);
	assert_int_equal(store_token_of_session(p->st, to), TSR_OK);
	assert_int_equal(store_token_of_subject(p->st, "user1"), TSR_OK);
	assert_int_equal(store_token_of_subject(p->st, "user3"), TSR_NOT_FOUND);
	assert_int_equal(store_token_sids(p->st, each_sid, &sids), TSR_OK);
	assert_int_equal(sids.n, 2);
	assert_int_equal(sids.wanted, 1);
	help_close(p);
}

static int
sweep(struct place *p, int64_t wall, int64_t boot_ms, uint8_t boot, int other)
{
	uint8_t id[OTP_BOOT_LEN];
	int n = 0, due;

	memset(id, boot, sizeof(id));
	due = store_token_due(p->st, wall, boot_ms, id, other);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(settled(p, store_token_sweep(p->st, wall, boot_ms, id, other, &n)), TSR_OK);
	assert_int_equal(due, n > 0 ? TSR_OK : TSR_NOT_FOUND);
	return n;
}

static void
what_is_over_goes_in_steps(void **state)
{
	struct place *p = *state;
	struct store_token t;
	unsigned i;

	help_open(p);
	for (i = 0; i < STORE_TOKEN_SWEEP + 10; i++) {
		sample(&t, TOKEN_OPAQUE, 3);
		memcpy(t.hash, &i, sizeof(i));
		assert_int_equal(add(p, &t), TSR_OK);
	}
	sample(&t, TOKEN_REFRESH, 40);
	assert_int_equal(add(p, &t), TSR_OK);
	assert_int_equal(sweep(p, NOW + 2, NOW, 7, 1), 0);
	assert_int_equal(sweep(p, NOW + 3, NOW, 7, 1), STORE_TOKEN_SWEEP);
	assert_int_equal(sweep(p, NOW + 3, NOW, 7, 1), 10);
	assert_int_equal(sweep(p, NOW + 3, NOW, 8, 0), 0);	/* not asked for */
	assert_int_equal(sweep(p, NOW + 3, NOW, 8, 1), 1);	/* another boot's */
	assert_int_equal(add(p, &t), TSR_OK);
	assert_int_equal(sweep(p, NOW, t.ends, 7, 0), 1);
	help_close(p);
}

static void
nobody_has_too_many(void **state)
{
	struct place *p = *state;
	struct store_token t;
	unsigned i;

	help_open(p);
	sample(&t, TOKEN_REFRESH, 3);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < STORE_TOKEN_REFRESH_MAX; i++) {
		memcpy(t.hash, &i, sizeof(i));
		assert_int_equal(store_token_add(p->st, &t, NOW), TSR_OK);
	}
	assert_int_equal(settled(p, TSR_OK), TSR_OK);
	memset(t.hash, 99, sizeof(t.hash));
	assert_int_equal(add(p, &t), TSR_SLOW_DOWN);
	t.kind = TOKEN_OPAQUE;
	assert_int_equal(add(p, &t), TSR_OK);
	sample(&t, TOKEN_REFRESH, 4);
	assert_int_equal(add(p, &t), TSR_OK);	/* another user */
	help_close(p);
}

static void
altered_rows_are_refused(void **state)
{
	struct place *p = *state;
	struct store_token t;

	help_open(p);
	sample(&t, TOKEN_OPAQUE, 3);
	assert_int_equal(add(p, &t), TSR_OK);
	help_close(p);
	help_sql(p->db, "UPDATE token SET ends = ends + 1000000");
	help_open(p);
	assert_int_equal(there(p, TOKEN_OPAQUE, 3), TSR_CORRUPT);
	help_close(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_goes_in_comes_out, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(a_token_is_spent_once, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(ends, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(a_session_moves, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(what_is_over_goes_in_steps, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(nobody_has_too_many, help_setup, help_teardown),
		cmocka_unit_test_setup_teardown(altered_rows_are_refused, help_setup, help_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
