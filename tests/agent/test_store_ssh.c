/*
 * test_store_ssh.c - what the store keeps of the SSH CA and its certificates.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/store_backup.h"
#include "agent/store_check.h"
#include "agent/store_ssh.h"
#include "tessera.h"

#define NOW	1000000

/* --- keys --- */

static int
add_key(struct store *st, char id, enum ssh_ca_key_state state)
{
	struct ssh_ca_record rec = { .state = state, .created = NOW };
	int r;

	memset(rec.id, id, STORE_ID_LEN);
	memset(rec.public_key, id, sizeof(rec.public_key));
	assert_non_null(rec.seed = secret_new(STORE_SSH_PUBLIC));
	memset(rec.seed->data, id + 1, STORE_SSH_PUBLIC);
	assert_int_equal(store_begin(st), TSR_OK);
	if ((r = store_ssh_ca_add(st, &rec)) == TSR_OK)
		assert_int_equal(store_keep(st), TSR_OK);
	else
		store_undo(st);
	ssh_ca_record_clear(&rec);
	return r;
}

static int
move_key(struct store *st, char c, enum ssh_ca_key_state state)
{
	char id[STORE_ID_LEN + 1] = "";
	int r;

	memset(id, c, STORE_ID_LEN);
	assert_int_equal(store_begin(st), TSR_OK);
	if ((r = store_ssh_ca_set_state(st, id, state, NOW + (int)state)) == TSR_OK)
		assert_int_equal(store_keep(st), TSR_OK);
	else
		store_undo(st);
	return r;
}

/* "a2-" is key a, active, without a seed. */
static int
show_key(void *arg, const struct ssh_ca_record *r)
{
	char *out = arg;
	size_t n = strlen(out);

	if (r->seed != NULL)
		assert_int_equal(r->seed->data[0], r->id[0] + 1);
	(void)snprintf(out + n, 64 - n, "%c%d%c ", r->id[0], (int)r->state, r->seed != NULL ? '+' : '-');
	return TSR_OK;
}

static void
keys(struct store *st, const char *expect)
{
	char text[64] = "";

	assert_int_equal(store_ssh_ca_each(st, show_key, text), TSR_OK);
	assert_string_equal(text, expect);
}

static void
keys_go_forward_only(void **state)
{
	struct place *p = *state;

	help_open(p);
	assert_int_equal(add_key(p->st, 'a', SSH_CA_ACTIVE), TSR_OK);
	assert_int_equal(add_key(p->st, 'b', SSH_CA_ACTIVE), TSR_CONFLICT);
	assert_int_equal(add_key(p->st, 'a', SSH_CA_NEXT), TSR_CONFLICT);
	assert_int_equal(add_key(p->st, 'b', SSH_CA_NEXT), TSR_OK);
	assert_int_equal(add_key(p->st, 'c', SSH_CA_NEXT), TSR_CONFLICT);
	assert_int_equal(add_key(p->st, 'c', SSH_CA_RETIRED), TSR_INVALID);
	assert_int_equal(move_key(p->st, 'b', SSH_CA_ACTIVE), TSR_CONFLICT);
	assert_int_equal(move_key(p->st, 'a', SSH_CA_RETIRED), TSR_OK);
	assert_int_equal(move_key(p->st, 'b', SSH_CA_ACTIVE), TSR_OK);
	assert_int_equal(move_key(p->st, 'b', SSH_CA_NEXT), TSR_CONFLICT);
	assert_int_equal(move_key(p->st, 'a', SSH_CA_ACTIVE), TSR_CONFLICT);
	assert_int_equal(move_key(p->st, 'x', SSH_CA_GONE), TSR_NOT_FOUND);
	keys(p->st, "a3- b2+ ");
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
	/* what signs no more is not there any more */
	assert_int_equal(help_number(p->db, "SELECT length(sealed) FROM ssh_ca WHERE state = 3"), 0);
	assert_int_equal(help_number(p->db, "SELECT retired FROM ssh_ca WHERE state = 3"), NOW + 3);
	help_open(p);
	keys(p->st, "a3- b2+ ");
}

static void
altered_key_is_found(void **state)
{
	struct place *p = *state;
	char text[64] = "";

	help_open(p);
	assert_int_equal(add_key(p->st, 'a', SSH_CA_ACTIVE), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
	help_sql(p->db, "UPDATE ssh_ca SET state = 4");
	help_open(p);
	assert_int_equal(store_ssh_ca_each(p->st, show_key, text), TSR_CORRUPT);
}

static void
another_store_key_opens_them(void **state)
{
	struct place *p = *state;
	struct secret *fresh = secret_new(STORE_KEY_BYTES);

	assert_non_null(fresh);
	randombytes_buf(fresh->data, fresh->size);
	help_open(p);
	assert_int_equal(add_key(p->st, 'a', SSH_CA_ACTIVE), TSR_OK);
	assert_int_equal(add_key(p->st, 'b', SSH_CA_NEXT), TSR_OK);
	assert_int_equal(move_key(p->st, 'a', SSH_CA_RETIRED), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_rekey(p->st, fresh), TSR_OK);
	help_close(p);
	secret_free(&p->key);
	p->key = fresh;
	help_open(p);
	keys(p->st, "a3- b1+ ");
}

/* --- certificates --- */

struct cert {
	uint64_t serial;
	char ca, sid, credential;
	const char *subject;
	uid_t uid;
	int held;
	int64_t ends;
};

static const struct cert certs[] = {
	{ 40, 'a', 's', 'c', "anna", 1, 0, NOW + 300 },
	{ 10, 'a', 's', 'c', "anna", 1, 1, NOW + 300 },
	{ 30, 'a', 't', 'd', "anna", 1, 0, NOW + 300 },
	{ 20, 'b', 'u', 'e', "bert", 2, 0, NOW - 1 },
	{ INT64_MAX, 'a', 's', 'c', "anna", 1, 0, NOW - STORE_SSH_SLACK_S },
};

static void
fill(struct ssh_cert_record *r, const struct cert *c)
{
	memset(r, 0, sizeof(*r));
	r->serial = c->serial;
	memset(r->ca, c->ca, STORE_ID_LEN);
	memset(r->sid, c->sid, STORE_ID_LEN);
	memset(r->credential, c->credential, STORE_ID_LEN);
	(void)snprintf(r->subject, sizeof(r->subject), "%s", c->subject);
	(void)snprintf(r->fingerprint, sizeof(r->fingerprint), "SHA256:x");
	(void)snprintf(r->id, sizeof(r->id), "%s@host", c->subject);
	(void)snprintf(r->principals, sizeof(r->principals), "%s,staff", c->subject);
	r->uid = c->uid;
	r->held = c->held;
	r->valid_after = 1;
	r->valid_before = c->ends;
}

static int
add_cert(struct store *st, const struct ssh_cert_record *r)
{
	int code;

	assert_int_equal(store_begin(st), TSR_OK);
	if ((code = store_ssh_cert_add(st, r, NOW)) == TSR_OK)
		assert_int_equal(store_keep(st), TSR_OK);
	else
		store_undo(st);
	return code;
}

static void
add_all(struct store *st)
{
	struct ssh_cert_record r;
	size_t i;

	for (i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		fill(&r, &certs[i]);
		assert_int_equal(add_cert(st, &r), TSR_OK);
	}
	assert_int_equal(store_commit(st), TSR_OK);
}

static int
show_serial(void *arg, uint64_t serial)
{
	char *out = arg;
	size_t n = strlen(out);

	(void)snprintf(out + n, 128 - n, "%llu ", (unsigned long long)serial);
	return TSR_OK;
}

static void
revoked(struct store *st, char ca, int all, const char *expect)
{
	char id[STORE_ID_LEN + 1] = "", text[128] = "";

	memset(id, ca, STORE_ID_LEN);
	assert_int_equal(store_ssh_cert_serials(st, id, all, show_serial, text), TSR_OK);
	assert_string_equal(text, expect);
}

static const struct row {
	const char *name;
	enum store_ssh_which which;
	const char *key;	/* one letter: as often as an id has */
	int n;
	const char *a, *b;	/* serials that are revoked then, of either key */
} rows[] = {
	{ "a session", SSH_OF_SESSION, "s", 3, "10 40 9223372036854775807 ", "" },
	{ "a session's user holds the keys", SSH_OWN_OF_SESSION, "s", 2, "40 9223372036854775807 ", "" },
	{ "another session", SSH_OF_SESSION, "u", 1, "", "20 " },
	{ "no session", SSH_OF_SESSION, "x", 0, "", "" },
	{ "a credential", SSH_OF_CREDENTIAL, "d", 1, "30 ", "" },
	{ "a subject", SSH_OF_SUBJECT, "anna", 4, "10 30 40 9223372036854775807 ", "" },
	{ "a subject who holds the keys", SSH_OWN_OF_SUBJECT, "anna", 3, "30 40 9223372036854775807 ", "" },
	{ "all", SSH_OF_ALL, "", 5, "10 30 40 9223372036854775807 ", "20 " },
};

static void
what_names_it_is_revoked(void **state)
{
	struct place *p = *state;
	char key[STORE_ID_LEN + 1];
	size_t i;
	int n;

	help_open(p);
	add_all(p->st);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(key, sizeof(key), "%s", rows[i].key);
		if (strlen(key) == 1)
			memset(key, rows[i].key[0], STORE_ID_LEN);
		key[STORE_ID_LEN] = '\0';
		assert_int_equal(store_ssh_cert_has(p->st, rows[i].which, key), rows[i].n > 0 ? TSR_OK : TSR_NOT_FOUND);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(store_ssh_cert_revoke(p->st, rows[i].which, key, NOW, &n), TSR_OK);
		if (n != rows[i].n)
			fail_msg("%s: %d", rows[i].name, n);
		revoked(p->st, 'a', 0, rows[i].a);
		revoked(p->st, 'b', 0, rows[i].b);
		assert_int_equal(store_ssh_cert_has(p->st, rows[i].which, key), TSR_NOT_FOUND);
		store_undo(p->st);
	}
	revoked(p->st, 'a', 0, "");
	revoked(p->st, 'a', 1, "10 30 40 9223372036854775807 ");
}

static void
one_is_revoked(void **state)
{
	struct place *p = *state;
	static const struct {
		uint64_t serial;
		int code;
	} tries[] = {
		{ 30, TSR_OK }, { 30, TSR_OK }, { 31, TSR_NOT_FOUND }, { UINT64_MAX, TSR_NOT_FOUND },
		{ INT64_MAX, TSR_OK }, { 0, TSR_NOT_FOUND }
	};
	size_t i;

	help_open(p);
	add_all(p->st);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		assert_int_equal(store_ssh_cert_revoke_serial(p->st, tries[i].serial, NOW + (int)i),
		    tries[i].code);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	revoked(p->st, 'a', 0, "30 9223372036854775807 ");
	help_close(p);
	assert_int_equal(help_number(p->db, "SELECT revoked FROM ssh_cert WHERE serial = 30"), NOW);
	/* an altered row is not believed, least of all about this */
	help_sql(p->db, "UPDATE ssh_cert SET ca = 'bbbbbbbbbbbbbbbbbbbbbb' WHERE serial = 30");
	help_open(p);
	{
		char text[128] = "";

		assert_int_equal(store_ssh_cert_serials(p->st, "bbbbbbbbbbbbbbbbbbbbbb", 0, show_serial, text),
		    TSR_CORRUPT);
	}
}

struct seen {
	unsigned n;
	uint64_t last;
};

static int
see(void *arg, const struct ssh_cert_record *c)
{
	struct seen *s = arg;

	s->n++;
	s->last = c->serial;
	return TSR_OK;
}

static void
rows_are_read_as_written(void **state)
{
	struct place *p = *state;
	struct seen s = { 0, 0 };
	struct ssh_cert_record r;

	help_open(p);
	add_all(p->st);
	assert_int_equal(store_ssh_cert_each(p->st, NULL, 0, see, &s), TSR_OK);
	assert_int_equal(s.n, 5);
	assert_int_equal(s.last, INT64_MAX);
	s.n = 0;
	assert_int_equal(store_ssh_cert_each(p->st, "bert", 2, see, &s), TSR_OK);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.last, 20);
	s.n = 0;
	assert_int_equal(store_ssh_cert_each(p->st, "bert", 1, see, &s), TSR_OK);
	assert_int_equal(s.n, 0);
	fill(&r, &certs[0]);
	assert_int_equal(add_cert(p->st, &r), TSR_CONFLICT);
	r.serial = 0;
	assert_int_equal(add_cert(p->st, &r), TSR_INVALID);
	r.serial = (uint64_t)INT64_MAX + 1;
	assert_int_equal(add_cert(p->st, &r), TSR_INVALID);
	r.serial = 7;
	r.principals[0] = '\0';
	assert_int_equal(add_cert(p->st, &r), TSR_INVALID);
	memset(r.principals, 'x', sizeof(r.principals));
	assert_int_equal(add_cert(p->st, &r), TSR_INVALID);
	r.principals[sizeof(r.principals) - 1] = '\0';
	assert_int_equal(add_cert(p->st, &r), TSR_OK);
	r.valid_before = r.valid_after;
	r.serial = 8;
	assert_int_equal(add_cert(p->st, &r), TSR_INVALID);
}

static void
uid_has_a_limit(void **state)
{
	struct place *p = *state;
	struct ssh_cert_record r;
	unsigned i;

	help_open(p);
	fill(&r, &certs[0]);
	for (i = 0; i < STORE_SSH_LIVE_MAX; i++) {
		r.serial = 1000 + i;
		assert_int_equal(add_cert(p->st, &r), TSR_OK);
	}
	r.serial = 1;
	assert_int_equal(add_cert(p->st, &r), TSR_SLOW_DOWN);
	r.uid = 2;
	assert_int_equal(add_cert(p->st, &r), TSR_OK);
}

static void
swept_when_a_late_clock_is_past(void **state)
{
	struct place *p = *state;
	struct seen s = { 0, 0 };

	help_open(p);
	assert_int_equal(store_ssh_cert_due(p->st, NOW), TSR_NOT_FOUND);
	assert_int_equal(add_key(p->st, 'a', SSH_CA_ACTIVE), TSR_OK);
	assert_int_equal(add_key(p->st, 'b', SSH_CA_NEXT), TSR_OK);
	assert_int_equal(move_key(p->st, 'a', SSH_CA_GONE), TSR_OK);
	add_all(p->st);
	assert_int_equal(store_ssh_cert_due(p->st, NOW - 1), TSR_NOT_FOUND);
	assert_int_equal(store_ssh_cert_due(p->st, NOW), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_ssh_cert_sweep(p->st, NOW), TSR_OK);
	assert_int_equal(store_ssh_cert_each(p->st, NULL, 0, see, &s), TSR_OK);
	assert_int_equal(s.n, 4);
	keys(p->st, "a5- b1+ ");	/* servers may trust it still, and it has certificates */
	assert_int_equal(store_ssh_cert_due(p->st, NOW - 2 + STORE_SSH_SLACK_S), TSR_NOT_FOUND);
	assert_int_equal(store_ssh_cert_due(p->st, NOW - 1 + STORE_SSH_SLACK_S), TSR_OK);
	assert_int_equal(store_ssh_cert_sweep(p->st, NOW + 300 + STORE_SSH_SLACK_S), TSR_OK);
	keys(p->st, "b1+ ");
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_ssh_cert_due(p->st, NOW + STORE_SSH_SLACK_S * 2), TSR_NOT_FOUND);
}

/* What an old copy says is not revoked may have been since. */
static void
confirmed_store_revokes_all(void **state)
{
	struct place *p = *state;
	unsigned dropped;

	help_open(p);
	add_all(p->st);
	assert_int_equal(store_suspect(p->st, STORE_RESTORED, 0), TSR_OK);
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	revoked(p->st, 'a', 0, "10 30 40 9223372036854775807 ");
	revoked(p->st, 'b', 0, "20 ");
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(keys_go_forward_only), T(altered_key_is_found), T(another_store_key_opens_them),
		T(what_names_it_is_revoked), T(one_is_revoked), T(rows_are_read_as_written),
		T(uid_has_a_limit), T(swept_when_a_late_clock_is_past), T(confirmed_store_revokes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
