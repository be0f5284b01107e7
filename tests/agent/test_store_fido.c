/*
 * test_store_fido.c - what the store keeps of FIDO2 keys: what goes in comes out,
 * the counter moves upwards alone, altered rows are refused.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <stdio.h>
#include <string.h>

#include "agent/store_fido.h"
#include "tessera.h"

static void
sample(struct fido_record *r, const char *credential, uint8_t n)
{
	memset(r, 0, sizeof(*r));
	(void)snprintf(r->credential, sizeof(r->credential), "%s", credential);
	memset(r->cred_id, n, r->cred_id_len = 64);
	(void)snprintf(r->rp_id, sizeof(r->rp_id), "tessera:test");
	memset(r->aaguid, 0xa0 + n, sizeof(r->aaguid));
	r->counter = 7;
	r->verification = 1;
	(void)snprintf(r->transports, sizeof(r->transports), "usb nfc");
	r->attestation = ATTESTATION_TRUSTED;
	r->native = 1;
}

static int
add(struct place *p, const struct fido_record *r)
{
	int code;

	assert_int_equal(store_begin(p->st), TSR_OK);
	if ((code = store_fido_add(p->st, r)) == TSR_OK)
		assert_int_equal(store_keep(p->st), TSR_OK);
	else
		store_undo(p->st);
	assert_int_equal(store_commit(p->st), TSR_OK);
	return code;
}

static int
count(struct place *p, const char *credential, uint32_t counter)
{
	int code;

	assert_int_equal(store_begin(p->st), TSR_OK);
	if ((code = store_fido_count(p->st, credential, counter)) == TSR_OK)
		assert_int_equal(store_keep(p->st), TSR_OK);
	else
		store_undo(p->st);
	assert_int_equal(store_commit(p->st), TSR_OK);
	return code;
}

static void
what_goes_in_comes_out(void **state)
{
	struct fido_record in, out;
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 1, id);
	sample(&in, id, 1);
	assert_int_equal(store_fido_get(p->st, id, &out), TSR_NOT_FOUND);
	assert_int_equal(add(p, &in), TSR_OK);
	help_close(p);
	help_open(p);
	memset(&out, 0xff, sizeof(out));
	assert_int_equal(store_fido_get(p->st, id, &out), TSR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	/* every member at its largest */
	help_add(p, 2, id);
	sample(&in, id, 2);
	memset(in.cred_id, 0xff, in.cred_id_len = sizeof(in.cred_id));
	memset(in.rp_id, 'r', sizeof(in.rp_id) - 1);
	memset(in.transports, 't', sizeof(in.transports) - 1);
	in.counter = UINT32_MAX;
	in.resident = 1;
	assert_int_equal(add(p, &in), TSR_OK);
	assert_int_equal(store_fido_get(p->st, id, &out), TSR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
members_out_of_range_are_refused(void **state)
{
	struct place *p = *state;
	struct fido_record r;
	char id[STORE_ID_LEN + 1];
	unsigned i;

	help_open(p);
	help_add(p, 1, id);
	for (i = 0; i < 8; i++) {
		sample(&r, id, 1);
		switch (i) {
		case 0: r.credential[3] = '\0'; break;
		case 1: r.cred_id_len = 0; break;
		case 2: r.cred_id_len = sizeof(r.cred_id) + 1; break;
		case 3: r.rp_id[0] = '\0'; break;
		case 4: r.rp_id[1] = '\n'; break;
		case 5: r.attestation = (enum attestation)9; break;
		case 6: r.verification = 2; break;
		case 7: memset(r.transports, 'u', sizeof(r.transports)); break;
		}
		assert_int_equal(add(p, &r), TSR_INVALID);
	}
}

static void
a_key_is_there_once(void **state)
{
	struct place *p = *state;
	char one[STORE_ID_LEN + 1], two[STORE_ID_LEN + 1];
	struct fido_record r;

	help_open(p);
	help_add(p, 1, one);
	help_add(p, 2, two);
	sample(&r, one, 1);
	assert_int_equal(add(p, &r), TSR_OK);
	r.cred_id[0]++;
	assert_int_equal(add(p, &r), TSR_CONFLICT);	/* the same credential */
	sample(&r, two, 1);
	assert_int_equal(add(p, &r), TSR_CONFLICT);	/* the same id of the key */
	r.cred_id[0]++;
	assert_int_equal(add(p, &r), TSR_OK);
}

static void
the_counter_moves_upwards_alone(void **state)
{
	static const struct row {
		uint32_t before, seen;
		int code;
	} rows[] = {
		{ 7, 8, TSR_OK }, { 7, UINT32_MAX, TSR_OK }, { 0, 1, TSR_OK }, { 0, 0, TSR_OK },
		{ 7, 7, TSR_CONFLICT }, { 7, 6, TSR_CONFLICT }, { 7, 0, TSR_CONFLICT },
		{ UINT32_MAX, 0, TSR_CONFLICT }, { UINT32_MAX, UINT32_MAX, TSR_CONFLICT },
	};
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	struct fido_record r;
	uint8_t i;

	help_open(p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		help_add(p, i, id);
		sample(&r, id, i);
		r.counter = rows[i].before;
		assert_int_equal(add(p, &r), TSR_OK);
		assert_int_equal(count(p, id, rows[i].seen), rows[i].code);
		assert_int_equal(store_fido_get(p->st, id, &r), TSR_OK);
		assert_int_equal(r.counter, rows[i].code == TSR_OK ? rows[i].seen : rows[i].before);
	}
	assert_int_equal(count(p, "0123456789012345678901", 1), TSR_NOT_FOUND);
}

static void
it_goes_with_its_credential(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	struct fido_record r;

	help_open(p);
	help_add(p, 1, id);
	sample(&r, id, 1);
	assert_int_equal(add(p, &r), TSR_OK);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, id), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_fido_get(p->st, id, &r), TSR_NOT_FOUND);
}

static void
an_altered_row_is_refused(void **state)
{
	static const char *const sql[] = {
		"UPDATE fido SET counter = 1", "UPDATE fido SET uv = 0",
		"UPDATE fido SET attestation = 0", "UPDATE fido SET cred_id = x'00'",
		"UPDATE fido SET rp_id = 'other'", "UPDATE fido SET native = 0"
	};
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];
	struct fido_record r;
	size_t i;

	help_open(p);
	help_add(p, 1, id);
	sample(&r, id, 1);
	assert_int_equal(add(p, &r), TSR_OK);
	help_close(p);
	for (i = 0; i < sizeof(sql) / sizeof(sql[0]); i++) {
		help_sql(p->db, sql[i]);
		help_open(p);
		assert_int_equal(store_fido_get(p->st, id, &r), TSR_CORRUPT);
		help_close(p);
	}
}

#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(what_goes_in_comes_out), T(members_out_of_range_are_refused), T(a_key_is_there_once),
		T(the_counter_moves_upwards_alone), T(it_goes_with_its_credential),
		T(an_altered_row_is_refused)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
