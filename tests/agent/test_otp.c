/*
 * test_otp.c - codes against the store: each good once, near enough, in time, and
 * nothing for anybody else.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/otp.h"
#include "agent/store_check.h"
#include "clock_rig.h"
#include "oath/totp.h"
#include "tessera.h"

#define ALICE	"alice"
#define UID	1000

static const uint8_t boot[OTP_BOOT_LEN] = { 1 };
static struct place *p;

/* --- tokens --- */

/* Token n of alice: seed of 20 bytes n. */
static void
enrol(unsigned n, const char *kind, enum otp_trust trust)
{
	struct otp_record r = { .hash = HMAC_SHA1, .digits = 6, .period = 30,
	    .watermark = STORE_OTP_NONE, .expected = STORE_OTP_NONE, .trust = trust };
	struct credential c;

	help_credential(&c, n, ALICE, UID);
	(void)snprintf(c.kind, sizeof(c.kind), "%s", kind);
	c.spki_len = 0;
	c.algorithm = 0;
	c.acr = ACR_OTP;
	free(c.certificate);
	c.certificate = NULL;
	c.certificate_len = 0;
	r.kind = strcmp(kind, "hotp") == 0 ? OTP_HOTP : OTP_TOTP;
	(void)snprintf(r.credential, sizeof(r.credential), "%s", c.id);
	assert_non_null(r.seed = secret_new(20));
	memset(r.seed->data, (int)n, 20);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_add(p->st, &c), TSR_OK);
	assert_int_equal(store_otp_add(p->st, &r), TSR_OK);
	assert_int_equal(store_otp_add(p->st, &r), TSR_CONFLICT);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	otp_record_clear(&r);
}

static const char *
id_of(unsigned n)
{
	static char id[64];

	(void)snprintf(id, sizeof(id), "credential-%011u", n);
	return id;
}

static const char *
code_at(unsigned n, uint64_t counter)
{
	static char text[4][HOTP_DIGITS_MAX + 1];
	static unsigned turn;
	uint8_t seed[20];
	struct hotp h = { HMAC_SHA1, 6, seed, sizeof(seed) };
	uint32_t code;

	memset(seed, (int)n, sizeof(seed));
	assert_int_equal(hotp_code(&h, counter, &code), TSR_OK);
	turn = (turn + 1) % 4;
	hotp_text(text[turn], 6, code);
	return text[turn];
}

static uint64_t
step(void)
{
	return (uint64_t)clock_wall() / 30;
}

/* --- asking --- */

static struct otp_ask
asking(const char *code)
{
	struct otp_ask ask = { .subject = ALICE, .uid = UID, .acr = ACR_SELF, .source = "uid:1000",
	    .code = code, .clock_good = 1, .boot = boot };

	return ask;
}

/* One request: what comes of it is kept and committed. */
static int
prove_with(const struct otp_ask *ask)
{
	struct verdict v = { 0 };
	struct credential *c = NULL;
	int r;

	assert_int_equal(store_begin(p->st), TSR_OK);
	r = otp_prove(p->st, ask, &v, &c);
	assert_int_equal(verdict_allows(&v), r == TSR_OK);
	assert_int_equal(c != NULL, r == TSR_OK);
	credential_free(&c);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	return r;
}

static int
prove(const char *code)
{
	struct otp_ask ask = asking(code);

	return prove_with(&ask);
}

static int
prove_pair(const char *code, const char *next)
{
	struct otp_ask ask = asking(code);

	ask.next = next;
	return prove_with(&ask);
}

static const char *
wrong(void)
{
	static char text[7];
	static unsigned n;

	/* none of the tokens' codes in any window here: looked up by hand is not
	 * needed, three in a million would be one */
	(void)snprintf(text, sizeof(text), "%06u", 424242 + n++ % 7);
	return text;
}

/* --- tests --- */

static int
setup(void **state)
{
	if (help_setup(state) != 0)
		return -1;
	p = *state;
	help_open(p);
	return 0;
}

static void
totp_is_good_once(void **state)
{
	(void)state;
	enrol(1, "totp", OTP_USED);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);	/* RFC 6238 5.2 */
	assert_int_equal(prove(code_at(1, step() - 1)), TSR_BAD_GRANT);	/* step t, then t - 1 */
	clock_rig_advance(30000);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
	help_close(p);
	help_open(p);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);	/* after a restart */
}

static void
totp_near_enough(void **state)
{
	(void)state;
	enrol(1, "totp", OTP_USED);
	assert_int_equal(prove(code_at(1, step() - 2)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(1, step() + 2)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(1, step() - 1)), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
	assert_int_equal(prove(code_at(1, step() + 1)), TSR_OK);
	clock_rig_advance(30000);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);	/* spent ahead of time */
}

/* A code early by a step moves the middle: the token's clock is remembered. */
static void
drift_is_remembered(void **state)
{
	int i;

	(void)state;
	enrol(1, "totp", OTP_USED);
	for (i = 1; i <= 5; i++) {
		clock_rig_advance(600000);
		assert_int_equal(prove(code_at(1, step() + (uint64_t)i)), TSR_OK);
	}
	clock_rig_advance(600000);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);	/* now five ahead */
}

static void
shelf_is_far_but_once(void **state)
{
	(void)state;
	enrol(1, "totp", OTP_FRESH);
	assert_int_equal(prove(code_at(1, step() + 16)), TSR_OK);
	clock_rig_advance(30000);
	assert_int_equal(prove(code_at(1, step() + 16)), TSR_OK);	/* drift */
	assert_int_equal(prove(code_at(1, step() + 19)), TSR_BAD_GRANT);
	enrol(2, "totp", OTP_FRESH);
	assert_int_equal(prove(code_at(2, step() - 16)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(2, step() - 15)), TSR_OK);
}

static void
two_in_a_row_resynchronise(void **state)
{
	uint64_t at;

	(void)state;
	enrol(1, "totp", OTP_USED);
	at = step() + 9;
	assert_int_equal(prove(code_at(1, at)), TSR_BAD_GRANT);
	assert_int_equal(prove(wrong()), TSR_BAD_GRANT);		/* not in a row */
	assert_int_equal(prove(code_at(1, at + 1)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(1, at + 2)), TSR_OK);
	/* both at once */
	clock_rig_advance(3600000);
	at = step() - 4;
	assert_int_equal(prove_pair(code_at(1, at), code_at(1, at + 2)), TSR_BAD_GRANT);
	assert_int_equal(prove_pair(code_at(1, at + 1), code_at(1, at)), TSR_BAD_GRANT);
	assert_int_equal(prove_pair(code_at(1, at), "12345x"), TSR_BAD_GRANT);
	assert_int_equal(prove_pair(code_at(1, at), code_at(1, at + 1)), TSR_OK);
	assert_int_equal(prove_pair(code_at(1, at), code_at(1, at + 1)), TSR_BAD_GRANT);
}

static void
hotp_goes_forward(void **state)
{
	(void)state;
	enrol(3, "hotp", OTP_USED);
	assert_int_equal(prove(code_at(3, 0)), TSR_OK);
	assert_int_equal(prove(code_at(3, 0)), TSR_BAD_GRANT);	/* RFC 4226 7.2 */
	assert_int_equal(prove(code_at(3, 10)), TSR_OK);	/* 7.4: ten ahead */
	assert_int_equal(prove(code_at(3, 5)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(3, 21)), TSR_BAD_GRANT);	/* eleven */
	assert_int_equal(prove(code_at(3, 22)), TSR_OK);	/* the one that follows */
	assert_int_equal(prove_pair(code_at(3, 60), code_at(3, 61)), TSR_BAD_GRANT);
	clock_rig_advance(4000);	/* that was the fifth, and the owner's */
	assert_int_equal(prove_pair(code_at(3, 40), code_at(3, 41)), TSR_OK);
	assert_int_equal(prove(code_at(3, 41)), TSR_BAD_GRANT);
}

/* The seed of one is not another's; a user who is not there has nothing. */
static void
whose_it_is(void **state)
{
	struct otp_ask ask;

	(void)state;
	enrol(1, "totp", OTP_USED);
	enrol(2, "totp", OTP_USED);
	ask = asking(code_at(1, step()));
	ask.subject = "mallory";
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask.credential = id_of(1);
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask = asking(code_at(1, step()));
	ask.uid = UID + 1;		/* the name came back with another uid */
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask.credential = id_of(1);
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask.uid = (uid_t)-1;
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask = asking(code_at(1, step()));
	ask.credential = id_of(2);
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask.credential = "decoy.0000000000000000";
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask = asking(code_at(1, step()));
	ask.acr = ACR_SOFTWARE;		/* what is asked for is more than a code */
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask.acr = ACR_OTP;
	ask.credential = id_of(1);
	assert_int_equal(prove_with(&ask), TSR_OK);
	assert_int_equal(prove(code_at(2, step())), TSR_OK);	/* one of the two */
}

static void
disabled_is_refused(void **state)
{
	(void)state;
	enrol(1, "totp", OTP_USED);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_set_state(p->st, id_of(1), CREDENTIAL_ACTIVE,
	    CREDENTIAL_DISABLED), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_set_state(p->st, id_of(1), CREDENTIAL_DISABLED,
	    CREDENTIAL_ACTIVE), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
}

static void
untrusted_clock_stops_totp(void **state)
{
	struct otp_ask ask;

	(void)state;
	enrol(1, "totp", OTP_USED);
	enrol(3, "hotp", OTP_USED);
	ask = asking(code_at(1, step()));
	ask.clock_good = 0;
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	ask = asking(code_at(3, 0));
	ask.clock_good = 0;
	assert_int_equal(prove_with(&ask), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
}

static void
too_early_is_refused(void **state)
{
	struct otp_ask ask;
	int i;

	(void)state;
	enrol(3, "hotp", OTP_USED);
	for (i = 0; i < OTP_FREE; i++)
		assert_int_equal(prove(wrong()), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(3, 0)), TSR_BAD_GRANT);
	ask = asking(code_at(3, 0));
	ask.source = "rhost:192.0.2.1";		/* no budget of his own */
	assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
	help_close(p);
	help_open(p);
	assert_int_equal(prove(code_at(3, 0)), TSR_BAD_GRANT);	/* a restart forgives nothing */
	clock_rig_advance(1000);
	assert_int_equal(prove(code_at(3, 0)), TSR_BAD_GRANT);
	clock_rig_advance(1000);
	assert_int_equal(prove(code_at(3, 0)), TSR_OK);
	for (i = 0; i < OTP_FREE - 1; i++)
		assert_int_equal(prove(wrong()), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(3, 1)), TSR_OK);
}

static void
a_hundred_and_it_rests(void **state)
{
	struct otp_ask ask;
	int i;

	(void)state;
	enrol(3, "hotp", OTP_USED);
	assert_int_equal(prove(code_at(3, 0)), TSR_OK);		/* the owner is known */
	for (i = 0; i < OTP_FAILURES_MAX; i++) {
		ask = asking(wrong());
		ask.source = i % 2 ? "rhost:192.0.2.1" : "rhost:192.0.2.2";
		assert_int_equal(prove_with(&ask), TSR_BAD_GRANT);
		if (i == OTP_FAILURES_MAX - 2)
			assert_int_equal(prove(code_at(3, 1)), TSR_OK);
		clock_rig_advance(OTP_DELAY_MAX * 1000u);
	}
	assert_int_equal(prove(code_at(3, 2)), TSR_BAD_GRANT);	/* even the right one, of the owner */
	clock_rig_advance(7u * 24 * 3600 * 1000);
	assert_int_equal(prove(code_at(3, 2)), TSR_BAD_GRANT);
}

/* What nobody typed as a code is as wrong as a wrong one. */
static void
no_codes(void **state)
{
	static const struct row {
		const char *name, *code;
	} rows[] = {
		{ "nothing", "" }, { "five digits", "12345" }, { "nine digits", "123456789" },
		{ "seven for six", "1234567" }, { "a letter", "12345a" }, { "a space", " 12345" },
		{ "other digits", "\xd9\xa1\xd9\xa2\xd9\xa3" }, { "a sign", "+12345" },
		{ "long", "123456123456123456123456123456" }
	};
	size_t i;

	(void)state;
	enrol(1, "totp", OTP_USED);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].name);
		clock_rig_advance(OTP_DELAY_MAX * 1000u);
		assert_int_equal(prove(rows[i].code), TSR_BAD_GRANT);
		assert_int_equal(otp_complaint(rows[i].code) == NULL, strlen(rows[i].code) == 7 &&
		    rows[i].code[0] == '1');
	}
	assert_null(otp_complaint("123456"));
	assert_null(otp_complaint("12345678"));
}

/* Two requests of one batch: one wins. */
static void
once_in_a_batch(void **state)
{
	struct verdict v[2] = { { 0 }, { 0 } };
	struct credential *c = NULL;
	struct otp_ask ask;
	int i;

	(void)state;
	enrol(1, "totp", OTP_USED);
	ask = asking(code_at(1, step()));
	for (i = 0; i < 2; i++) {
		assert_int_equal(store_begin(p->st), TSR_OK);
		assert_int_equal(otp_prove(p->st, &ask, &v[i], &c), i == 0 ? TSR_OK : TSR_BAD_GRANT);
		credential_free(&c);
		assert_int_equal(store_keep(p->st), TSR_OK);
	}
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_true(verdict_allows(&v[0]) && !verdict_allows(&v[1]));
}

/* Undone with its request, a code was not spent. */
static void
undone_is_not_spent(void **state)
{
	struct verdict v = { 0 };
	struct credential *c = NULL;
	struct otp_ask ask;

	(void)state;
	enrol(1, "totp", OTP_USED);
	ask = asking(code_at(1, step()));
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(otp_prove(p->st, &ask, &v, &c), TSR_OK);
	credential_free(&c);
	store_undo(p->st);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
}

/* A copy of the store that comes back: two codes that follow each other, or none. */
static void
restored_needs_two(void **state)
{
	unsigned dropped = 0;

	(void)state;
	enrol(3, "hotp", OTP_USED);
	enrol(1, "totp", OTP_USED);
	assert_int_equal(prove(code_at(3, 0)), TSR_OK);
	assert_int_equal(store_suspect(p->st, STORE_ROLLED_BACK, store_generation(p->st) + 1), TSR_OK);
	assert_int_equal(prove(code_at(3, 1)), TSR_BAD_GRANT);		/* suspended */
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	assert_int_equal(dropped, 0);
	assert_int_equal(prove(code_at(3, 4)), TSR_BAD_GRANT);
	assert_int_equal(prove(code_at(3, 5)), TSR_OK);
	assert_int_equal(prove(code_at(3, 6)), TSR_OK);
	assert_int_equal(prove(code_at(1, step())), TSR_BAD_GRANT);
	clock_rig_advance(30000);
	assert_int_equal(prove(code_at(1, step())), TSR_OK);
}

/* Seeds are sealed: none is found in the file; another record's does not open. */
static void
seeds_are_sealed(void **state)
{
	char seed[20], sql[256];

	(void)state;
	enrol('A', "totp", OTP_USED);
	enrol('B', "totp", OTP_USED);
	help_close(p);
	memset(seed, 'A', sizeof(seed));
	assert_int_equal(help_number(p->db, "SELECT count(*) FROM otp WHERE instr(seed, "
	    "x'4141414141')"), 0);
	(void)snprintf(sql, sizeof(sql), "UPDATE otp SET seed = (SELECT seed FROM otp WHERE "
	    "credential = '%s') WHERE seq = 1", id_of('B'));
	help_sql(p->db, sql);
	help_open(p);
	assert_int_equal(store_begin(p->st), TSR_OK);
	{
		struct otp_ask ask = asking(code_at('A', step()));
		struct verdict v = { 0 };
		struct credential *c = NULL;

		assert_int_equal(otp_prove(p->st, &ask, &v, &c), TSR_CORRUPT);
		assert_false(verdict_allows(&v));
	}
	store_undo(p->st);
}

/* One statement says whether a counter can be spent, whatever was read before it. */
static void
watermark_only_rises(void **state)
{
	static const struct {
		int64_t at;
		int code;
	} rows[] = {
		{ 5, TSR_OK }, { 5, TSR_CONFLICT }, { 4, TSR_CONFLICT }, { 0, TSR_CONFLICT },
		{ 6, TSR_OK }, { 5, TSR_CONFLICT }, { -1, TSR_INVALID }, { INT64_MAX, TSR_INVALID },
	};
	struct otp_throttle t = { .failures = 0 };
	size_t i;

	(void)state;
	enrol(1, "hotp", OTP_USED);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(store_otp_spend(p->st, id_of(1), rows[i].at, 0, &t), rows[i].code);
	assert_int_equal(store_otp_spend(p->st, id_of(2), 7, 0, &t), TSR_NOT_FOUND);
	store_undo(p->st);
}

/* With the credential goes its seed. */
static void
removed_together(void **state)
{
	(void)state;
	enrol(1, "totp", OTP_USED);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_credential_remove(p->st, id_of(1)), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
	assert_int_equal(help_number(p->db, "SELECT count(*) FROM otp"), 0);
	help_open(p);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(totp_is_good_once), T(totp_near_enough), T(drift_is_remembered),
		T(shelf_is_far_but_once), T(two_in_a_row_resynchronise), T(hotp_goes_forward),
		T(whose_it_is), T(disabled_is_refused), T(untrusted_clock_stops_totp),
		T(too_early_is_refused), T(a_hundred_and_it_rests), T(no_codes), T(once_in_a_batch),
		T(undone_is_not_spent), T(restored_needs_two), T(seeds_are_sealed),
		T(removed_together), T(watermark_only_rises)
	};

	clock_rig_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
