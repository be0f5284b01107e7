/*
 * test_store_credential.c - credentials in the store: what goes in comes out,
 * once a key, in order, by conditional statements; altered rows are refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

static void
fill(char *text, size_t size, char with)
{
	memset(text, with, size - 1);
	text[size - 1] = '\0';
}

/* Every member at its largest. */
static void
largest(struct credential *c)
{
	help_credential(c, 7, "x", 0);
	fill(c->kind, sizeof(c->kind), 'k');
	fill(c->subject, sizeof(c->subject), 's');
	fill(c->label, sizeof(c->label), 'l');
	fill(c->module, sizeof(c->module), 'm');
	fill(c->token_serial, sizeof(c->token_serial), '1');
	fill(c->token_label, sizeof(c->token_label), '2');
	fill(c->token_manufacturer, sizeof(c->token_manufacturer), '3');
	fill(c->token_model, sizeof(c->token_model), '4');
	fill(c->key_label, sizeof(c->key_label), '5');
	c->uid = UINT32_MAX - 1;
	memset(c->key_id, 0xff, c->key_id_len = sizeof(c->key_id));
	memset(c->spki, 0xee, c->spki_len = sizeof(c->spki));
	c->certificate_len = PROTO_CERT_MAX;
	assert_non_null(c->certificate = malloc(c->certificate_len));
	memset(c->certificate, 0xdd, c->certificate_len);
	c->algorithm = PROTO_ED25519;
	c->acr = ACR_HARDWARE_PIN;
	c->vouched = 1;
	c->key_flags = UINT32_MAX;
	c->state = CREDENTIAL_SUSPENDED;
	c->created = c->last_used = c->proofs = INT64_MAX;
}

static void
smallest(struct credential *c)
{
	help_credential(c, 8, "y", 0);
	c->label[0] = c->module[0] = c->token_serial[0] = c->token_label[0] = '\0';
	c->key_id_len = 0;
	c->spki_len = 1;
	c->created = 0;
}

static void
assert_same(const struct credential *a, const struct credential *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->kind, b->kind);
	assert_string_equal(a->subject, b->subject);
	assert_string_equal(a->label, b->label);
	assert_string_equal(a->module, b->module);
	assert_string_equal(a->token_serial, b->token_serial);
	assert_string_equal(a->token_label, b->token_label);
	assert_string_equal(a->token_manufacturer, b->token_manufacturer);
	assert_string_equal(a->token_model, b->token_model);
	assert_string_equal(a->key_label, b->key_label);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->key_id_len, b->key_id_len);
	assert_memory_equal(a->key_id, b->key_id, a->key_id_len);
	assert_int_equal(a->spki_len, b->spki_len);
	assert_memory_equal(a->spki, b->spki, a->spki_len);
	assert_int_equal(a->certificate_len, b->certificate_len);
	if (a->certificate_len > 0)
		assert_memory_equal(a->certificate, b->certificate, a->certificate_len);
	else
		assert_null(b->certificate);
	assert_int_equal(a->algorithm, b->algorithm);
	assert_int_equal(a->acr, b->acr);
	assert_int_equal(a->vouched, b->vouched);
	assert_int_equal(a->key_flags, b->key_flags);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->created, b->created);
	assert_int_equal(a->last_used, b->last_used);
	assert_int_equal(a->proofs, b->proofs);
}

static void
what_goes_in_comes_out(void **state)
{
	void (*const make[])(struct credential *c) = { largest, smallest };
	struct place *p = *state;
	struct credential in, *out = NULL;
	size_t i;

	help_open(p);
	for (i = 0; i < 2; i++) {
		make[i](&in);
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(store_credential_add(p->st, &in), TSR_OK);
		assert_int_equal(store_keep(p->st), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
		help_close(p);
		help_open(p);
		assert_int_equal(store_credential_get(p->st, in.id, &out), TSR_OK);
		assert_same(&in, out);
		credential_free(&out);
		free(in.certificate);
	}
	assert_int_equal(store_credential_get(p->st, "credential-00000000099", &out), TSR_NOT_FOUND);
	assert_int_equal(store_credential_get(p->st, "", &out), TSR_NOT_FOUND);
	assert_int_equal(store_credential_get(p->st, "credential-000000000070", &out), TSR_NOT_FOUND);
	assert_null(out);
	credential_free(&out);
}

static void bad_id(struct credential *c) { c->id[21] = '\0'; }
static void endless_id(struct credential *c) { memset(c->id, 'x', sizeof(c->id)); }
static void no_kind(struct credential *c) { c->kind[0] = '\0'; }
static void no_subject(struct credential *c) { c->subject[0] = '\0'; }
static void endless(struct credential *c) { memset(c->label, 'x', sizeof(c->label)); }
static void half_character(struct credential *c) { (void)snprintf(c->key_label, sizeof(c->key_label), "x\xc3"); }
static void two_lines(struct credential *c) { (void)snprintf(c->token_label, sizeof(c->token_label), "a\nb"); }
static void no_uid(struct credential *c) { c->uid = (uid_t)-1; }
static void no_key(struct credential *c) { c->spki_len = 0; }
static void long_key(struct credential *c) { c->spki_len = PROTO_SPKI_MAX + 1; }
static void long_id(struct credential *c) { c->key_id_len = sizeof(c->key_id) + 1; }
static void empty_cert(struct credential *c) { c->certificate = c->spki; }
static void no_cert(struct credential *c) { c->certificate_len = 1; }
static void algorithm_0(struct credential *c) { c->algorithm = (enum proto_algorithm)0; }
static void algorithm_6(struct credential *c) { c->algorithm = (enum proto_algorithm)6; }
static void acr_0(struct credential *c) { c->acr = (enum acr)0; }
static void acr_7(struct credential *c) { c->acr = (enum acr)7; }
static void state_0(struct credential *c) { c->state = (enum credential_state)0; }
static void state_4(struct credential *c) { c->state = (enum credential_state)4; }
static void before_1970(struct credential *c) { c->created = -1; }

static void
long_cert(struct credential *c)
{
	c->certificate = c->spki;	/* its length is looked at first */
	c->certificate_len = PROTO_CERT_MAX + 1;
}

static void
members_out_of_range_are_refused(void **state)
{
	static const struct row {
		const char *name;
		void (*spoil)(struct credential *c);
	} rows[] = {
		{ "short id", bad_id }, { "id without end", endless_id }, { "no kind", no_kind },
		{ "no subject", no_subject }, { "label without end", endless }, { "no uid", no_uid },
		{ "no key", no_key }, { "key too long", long_key }, { "key id too long", long_id },
		{ "certificate too long", long_cert }, { "empty certificate", empty_cert },
		{ "length without certificate", no_cert }, { "algorithm 0", algorithm_0 },
		{ "algorithm 6", algorithm_6 }, { "acr 0", acr_0 }, { "acr 7", acr_7 },
		{ "half a character", half_character }, { "a control character", two_lines },
		{ "state 0", state_0 }, { "state 4", state_4 }, { "created before 1970", before_1970 },
	};
	struct place *p = *state;
	struct credential c;
	size_t i;
	int r;

	help_open(p);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		help_credential(&c, 1, "user0", 1000);
		rows[i].spoil(&c);
		if ((r = store_credential_add(p->st, &c)) != TSR_INVALID)
			fail_msg("%s: %d", rows[i].name, r);
	}
	assert_int_equal(help_count(p->st), 0);
}

static void
a_key_is_enrolled_once(void **state)
{
	struct place *p = *state;
	struct credential c;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 1, id);
	assert_int_equal(store_begin(p->st), TSR_OK);
	help_credential(&c, 1, "somebody else", 2000);	/* same key, other id */
	snprintf(c.id, sizeof(c.id), "credential-00000000002");
	assert_int_equal(store_credential_add(p->st, &c), TSR_CONFLICT);
	help_credential(&c, 3, "user0", 1000);		/* other key, same id */
	snprintf(c.id, sizeof(c.id), "%s", id);
	assert_int_equal(store_credential_add(p->st, &c), TSR_CONFLICT);
	help_credential(&c, 4, "user0", 1000);		/* the request goes on */
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(help_count(p->st), 2);
	assert_int_equal(store_begin(p->st), TSR_OK);	/* removed: free again */
	assert_int_equal(store_credential_remove(p->st, id), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, id), TSR_NOT_FOUND);
	help_credential(&c, 1, "somebody else", 2000);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
}

static void
a_subject_has_a_limit(void **state)
{
	struct place *p = *state;
	struct credential c;
	unsigned i;

	help_open(p);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < STORE_CREDENTIALS_MAX; i++) {
		help_credential(&c, i, "anna", 1000);
		assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	}
	help_credential(&c, i++, "anna", 1000);
	assert_int_equal(store_credential_add(p->st, &c), TSR_TOO_LARGE);
	help_credential(&c, i++, "anna", 1001);		/* name and uid both */
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	help_credential(&c, i++, "berta", 1000);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
}

struct seen {
	char ids[8][STORE_ID_LEN + 1];
	size_t n, stop_at;
};

static int
see(void *arg, const struct credential *c)
{
	struct seen *s = arg;

	snprintf(s->ids[s->n++ % 8], sizeof(s->ids[0]), "%s", c->id);
	return s->n == s->stop_at ? TSR_CANCELLED : TSR_OK;
}

static void
lists_in_order_of_creation(void **state)
{
	static const unsigned order[] = { 5, 3, 9, 1 };
	struct place *p = *state;
	struct seen s = { .n = 0 };
	struct credential c;
	size_t i;

	help_open(p);
	assert_int_equal(store_credential_each(p->st, NULL, 0, see, &s), TSR_OK);
	assert_int_equal(s.n, 0);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < 4; i++) {
		help_credential(&c, order[i], i == 2 ? "berta" : "anna", 1000);
		c.created = 1700000000;
		assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	}
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_credential_each(p->st, "anna", 1000, see, &s), TSR_OK);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.ids[0], "credential-00000000005");
	assert_string_equal(s.ids[1], "credential-00000000003");
	assert_string_equal(s.ids[2], "credential-00000000001");
	s.n = 0;
	assert_int_equal(store_credential_each(p->st, NULL, 0, see, &s), TSR_OK);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.ids[2], "credential-00000000009");
	s.n = 0;
	assert_int_equal(store_credential_each(p->st, "anna", 1001, see, &s), TSR_OK);
	assert_int_equal(store_credential_each(p->st, "ANNA", 1000, see, &s), TSR_OK);
	assert_int_equal(s.n, 0);
	s.stop_at = 2;
	assert_int_equal(store_credential_each(p->st, "anna", 1000, see, &s), TSR_CANCELLED);
	assert_int_equal(s.n, 2);
	assert_int_equal(help_active(p->st, "anna", 1000), 3);
	assert_int_equal(help_active(p->st, "anna", 1001), 0);
}

static void
states_change_on_condition(void **state)
{
	static const struct row {
		const char *name;
		enum credential_state from, to;
		int code;
		unsigned active;
	} rows[] = {
		{ "disable", CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED, TSR_OK, 0 },
		{ "disable again", CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED, TSR_CONFLICT, 0 },
		{ "lift what is not suspended", CREDENTIAL_SUSPENDED, CREDENTIAL_ACTIVE, TSR_CONFLICT, 0 },
		{ "enable", CREDENTIAL_DISABLED, CREDENTIAL_ACTIVE, TSR_OK, 1 },
		{ "suspend", CREDENTIAL_ACTIVE, CREDENTIAL_SUSPENDED, TSR_OK, 0 },
		{ "to nothing", CREDENTIAL_SUSPENDED, (enum credential_state)0, TSR_INVALID, 0 },
		{ "beyond", CREDENTIAL_SUSPENDED, (enum credential_state)4, TSR_INVALID, 0 },
		{ "lift", CREDENTIAL_SUSPENDED, CREDENTIAL_ACTIVE, TSR_OK, 1 },
	};
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	unsigned n;
	size_t i;
	int r;

	help_open(p);
	help_add(p, 1, id);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(store_begin(p->st), TSR_OK);
		r = store_credential_set_state(p->st, id, rows[i].from, rows[i].to);
		n = help_active(p->st, "user0", 1000);
		if (r != rows[i].code || n != rows[i].active)
			fail_msg("%s: %d, %u active", rows[i].name, r, n);
		assert_int_equal(store_keep(p->st), TSR_OK);
		assert_int_equal(store_commit(p->st), TSR_OK);
	}
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_set_state(p->st, "credential-00000000002",
	    CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED), TSR_NOT_FOUND);
	assert_string_equal(credential_state_name(CREDENTIAL_ACTIVE), "active");
	assert_string_equal(credential_state_name(CREDENTIAL_DISABLED), "disabled");
	assert_string_equal(credential_state_name(CREDENTIAL_SUSPENDED), "suspended");
	assert_string_equal(credential_state_name((enum credential_state)9), "unknown");
}

static void
proofs_count_only_while_active(void **state)
{
	struct place *p = *state;
	struct credential *c = NULL;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 1, id);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_used(p->st, id, 1800000000), TSR_OK);
	assert_int_equal(store_credential_used(p->st, id, 1800000001), TSR_OK);
	assert_int_equal(store_credential_used(p->st, id, -1), TSR_INVALID);
	assert_int_equal(store_credential_used(p->st, "credential-00000000002", 1), TSR_NOT_FOUND);
	assert_int_equal(store_credential_set_state(p->st, id, CREDENTIAL_ACTIVE,
	    CREDENTIAL_DISABLED), TSR_OK);
	assert_int_equal(store_credential_used(p->st, id, 1800000002), TSR_CONFLICT);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_credential_get(p->st, id, &c), TSR_OK);
	assert_int_equal(c->last_used, 1800000001);
	assert_int_equal(c->proofs, 2);
	credential_free(&c);
}

/* Done to the file behind the agent's back. */
static void
altered_rows_are_refused(void **state)
{
	static const char *const rows[] = {
		"state = 0", "state = 4", "acr = 0", "acr = 7", "algorithm = 0", "algorithm = 6",
		"algorithm = 4294967297", "vouched = 2", "uid = -1", "uid = 4294967295",
		"key_flags = -1", "created = -1", "last_used = -1", "proofs = -1",
		"subject = ''", "subject = 'user0' || char(0) || 'x'",
		"subject = hex(zeroblob(32))", "label = hex(zeroblob(40))", "kind = 'longer than eleven'",
		"spki = zeroblob(91)", "spki = zeroblob(2049)", "spki_hash = zeroblob(32)",
		"spki_hash = zeroblob(31)", "key_id = zeroblob(65)", "certificate = zeroblob(0)",
		"certificate = zeroblob(16385)",
	};
	struct place *p = NULL;
	struct credential *c = NULL;
	char id[STORE_ID_LEN + 1], sql[160];
	struct seen s = { .n = 0 };
	void *mine;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(help_setup(&mine), 0);
		p = mine;
		help_open(p);
		help_add(p, 1, id);
		help_close(p);
		snprintf(sql, sizeof(sql), "UPDATE credential SET %s", rows[i]);
		help_sql(p->db, sql);
		help_open(p);
		if ((r = store_credential_get(p->st, id, &c)) != TSR_CORRUPT || c != NULL)
			fail_msg("%s: %d", rows[i], r);
		assert_int_equal(store_credential_each(p->st, NULL, 0, see, &s), TSR_CORRUPT);
		assert_int_equal(s.n, 0);
		help_teardown(&mine);
	}
}

static void
ids_are_random(void **state)
{
	char a[STORE_ID_LEN + 1], b[STORE_ID_LEN + 1];

	(void)state;
	store_make_id(a);
	store_make_id(b);
	assert_int_equal(strlen(a), STORE_ID_LEN);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
	    STORE_ID_LEN);
	assert_string_not_equal(a, b);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(what_goes_in_comes_out), T(members_out_of_range_are_refused),
		T(a_key_is_enrolled_once), T(a_subject_has_a_limit), T(lists_in_order_of_creation),
		T(states_change_on_condition), T(proofs_count_only_while_active),
		cmocka_unit_test(altered_rows_are_refused), cmocka_unit_test(ids_are_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
