/*
 * test_fido_proof.c - a login with a FIDO2 key, as far as its helper and its key are
 * believed: each false answer, and what the request gets for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "agent/authdata.h"
#include "agent/fido.h"
#include "agent/plug_act.h"
#include "include/tessera.h"
#include "tests/agent/fido_bed.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define TURNS		8	/* until a request that was asked is answered or blinks */

static struct fido_bed_client client, other;

static const struct row {
	const char *name;
	int verification;		/* as enrolled */
	struct fido_bed_false how;
	int status;
	const char *error;		/* NULL: a token */
} rows[] = {
	{ "a good one", 0, { .clear = 0 }, 200, NULL },
	{ "a good one, the person verified", 1, { .clear = 0 }, 200, NULL },
	{ "verified, though nobody asked for it", 0, { .set = AUTHDATA_UV }, 200, NULL },
	{ "UP clear: silent", 0, { .clear = AUTHDATA_UP }, 403, "unauthorized_client" },
	{ "UP clear, UV set", 1, { .clear = AUTHDATA_UP }, 403, "unauthorized_client" },
	{ "UV clear where it is enrolled", 1, { .clear = AUTHDATA_UV }, 403, "unauthorized_client" },
	{ "another relying party", 0, { .other_rp = 1 }, 403, "unauthorized_client" },
	{ "signed over other bytes", 0, { .other_hash = 1 }, 400, "invalid_grant" },
	{ "a signature with a bit flipped", 0, { .flip = 1 }, 400, "invalid_grant" },
	{ "a credential that was not asked for", 0, { .other_id = 1 }, 400, "invalid_grant" },
	{ "a flag without what it announces", 0, { .set = AUTHDATA_ED }, 400, "invalid_grant" },
	{ "a new credential where none is due", 0, { .set = AUTHDATA_AT }, 400, "invalid_grant" },
};

/* The operation that blinks, once it does. */
static struct fido_bed_op *
ask(struct agent *a)
{
	struct fido_bed_op *op = NULL;
	int i;

	fido_bed_ask(&client, "demo", "read");
	for (i = 0; i < TURNS && op == NULL; i++) {
		fido_bed_pass(a, FIDO_TURN_REST_MS);
		op = fido_bed_blinks();
	}
	assert_non_null(op);
	return op;
}

static void
answered(struct agent *a, const char *name, int status, const char *error)
{
	int got;

	fido_bed_pass(a, 1);
	if ((got = fido_bed_status(&client)) != status)
		fail_msg("%s: %d: %s", name, got, client.text);
	if (strstr(client.text, error != NULL ? error : "access_token") == NULL ||
	    (error != NULL && strstr(client.text, "access_token") != NULL))
		fail_msg("%s: %s", name, client.text);
	fido_bed_client_close(&client);
	(void)session_end_credential(a->sessions, fido_bed_credential.id);
	assert_int_equal(a->fido->proofs, 0);
}

static enum credential_state
state_of(struct agent *a)
{
	struct credential *c = NULL;
	enum credential_state state;

	assert_int_equal(store_credential_get(a->store, fido_bed_credential.id, &c), TSR_OK);
	state = c->state;
	credential_free(&c);
	return state;
}

static void
play(struct agent *a, int verification)
{
	const struct row *r;

	for (r = rows; r < rows + COUNT(rows); r++) {
		if (r->verification != verification)
			continue;
		fido_bed_sign(ask(a), &r->how);
		answered(a, r->name, r->status, r->error);
		assert_int_equal(state_of(a), CREDENTIAL_ACTIVE);	/* noise locks nobody out */
	}
}

/* What was signed for one request is nothing to the next. */
static void
play_replay(struct agent *a)
{
	uint8_t hash[FIDO_BED_HASH];
	struct fido_bed_op *op = ask(a);
	struct fido_bed_false how = { .hash = hash };

	memcpy(hash, op->hash, sizeof(hash));
	fido_bed_sign(op, NULL);
	answered(a, "the first", 200, NULL);
	fido_bed_sign(ask(a), &how);
	answered(a, "the first one's again", 400, "invalid_grant");
}

/* And the counter that goes back: the credential is suspended, once. */
static void
play_clone(struct agent *a)
{
	struct fido_bed_false how = { .back = 1, .flip = 1 };

	fido_bed_sign(ask(a), &how);
	answered(a, "a counter that goes back, badly signed: noise", 400, "invalid_grant");
	assert_int_equal(state_of(a), CREDENTIAL_ACTIVE);
	fido_bed_sign(ask(a), NULL);
	answered(a, "a good one", 200, NULL);
	how.flip = 0;
	fido_bed_sign(ask(a), &how);
	answered(a, "a counter that stands still", 403, "unauthorized_client");
	assert_int_equal(state_of(a), CREDENTIAL_SUSPENDED);
	fido_bed_ask(&client, "demo", "read");
	fido_bed_pass(a, FIDO_TURN_REST_MS);
	answered(a, "it is asked no more", 404, "device_not_found");
}

/* What the helper says went wrong. */
static const struct error_row {
	int code, status;
	const char *error, *words;
} error_rows[] = {
	{ TSR_TIMEOUT, 408, "touch_timeout", "try again" },
	{ TSR_CANCELLED, 409, "cancelled", "cancelled" },
	{ TSR_DEVICE_REMOVED, 409, "device_removed", "plug it in and try again" },
	{ TSR_DEVICE_BUSY, 409, "device_busy", "try again" },
	{ TSR_DEVICE_FAILED, 503, "temporarily_unavailable", "try it again or another one" },
	{ TSR_DEVICE_REPLUG, 401, "pin_locked", "plugged in again" },
	{ TSR_PIN_UNSET, 401, "pin_required", "tessera device pin set" },
	{ TSR_PIN_LOCKED, 401, "pin_locked", "has to be reset" },
	{ TSR_PIN_REQUIRED, 401, "pin_required", "PIN" },
	{ TSR_NOT_FOUND, 404, "device_not_found", "plug it in" },
	{ TSR_HELPER, 503, "temporarily_unavailable", "" },
};

static void
play_errors(struct agent *a)
{
	const struct error_row *r;

	for (r = error_rows; r < error_rows + COUNT(error_rows); r++) {
		fido_bed_error(ask(a), r->code, PROTO_TRIES_UNKNOWN);
		fido_bed_pass(a, 1);
		assert_int_equal(fido_bed_status(&client), r->status);
		if (strstr(client.text, r->words) == NULL)
			fail_msg("%d: %s", r->code, client.text);
		answered(a, r->error, r->status, r->error);
	}
}

/* No key that holds one of them blinks, and which one is missed is said. */
static void
play_absent(struct agent *a)
{
	int i;

	for (fido_bed_found = FIDO_BED_ABSENT; fido_bed_found <= FIDO_BED_HOLDS_OTHER; fido_bed_found++) {
		fido_bed_ask(&client, "demo", "read");
		for (i = 0; i < TURNS; i++)
			fido_bed_pass(a, 1);
		assert_null(fido_bed_blinks());
		assert_int_equal(fido_bed_status(&client), 404);
		assert_non_null(strstr(client.text, "plug in the key \\\"key\\\""));
		answered(a, "absent", 404, "device_not_found");
	}
	fido_bed_found = FIDO_BED_HOLDS;
}

/* A key that merely says that it holds the credential is not asked before one that
 * has proved it: it would get the PIN. */
static void
play_claimed(struct agent *a)
{
	struct fido_bed_op *op;

	plug_act_free(&a->plugs);
	assert_int_equal(plug_act_new(a, 1, "/nowhere", &a->plugs), TSR_OK);
	plug_act_holds(a->plugs, &fido_bed_credential, FIDO_BED_DEVICE);
	fido_bed_found = FIDO_BED_CLAIMED;
	op = ask(a);
	assert_string_equal(op->device, FIDO_BED_DEVICE);
	fido_bed_sign(op, NULL);
	answered(a, "claimed by another", 200, NULL);
	fido_bed_found = FIDO_BED_HOLDS;
}

/* However a touch came to nothing: the finger on its way to it pays for nobody
 * else's. */
static void
play_rest(struct agent *a)
{
	static const int codes[] = { TSR_OK, TSR_DEVICE_FAILED, TSR_DEVICE_REMOVED, TSR_DEVICE_BUSY };
	struct fido_bed_false how = { .flip = 1 };
	struct fido_bed_op *op;
	size_t i;
	int k;

	for (i = 0; i < COUNT(codes); i++) {
		op = ask(a);
		fido_bed_ask(&other, "demo", "read");
		fido_bed_pass(a, 1);
		if (codes[i] == TSR_OK)
			fido_bed_sign(op, &how);
		else
			fido_bed_error(op, codes[i], PROTO_TRIES_UNKNOWN);
		for (k = 0; k < 4; k++) {
			fido_bed_pass(a, FIDO_TURN_REST_MS / 5);
			assert_null(fido_bed_blinks());
		}
		assert_true(fido_bed_status(&client) >= 400);
		fido_bed_client_close(&client);
		for (k = 0; k < TURNS && fido_bed_blinks() == NULL; k++)
			fido_bed_pass(a, FIDO_TURN_REST_MS);
		assert_non_null(fido_bed_blinks());
		fido_bed_client_close(&other);
		fido_bed_pass(a, FIDO_TURN_REST_MS);
		assert_int_equal(a->fido->proofs, 0);
	}
}

static void
drive(struct agent *a)
{
	play_absent(a);
	play(a, 0);
	play_replay(a);
	play_errors(a);
	play_rest(a);
	play_clone(a);
}

static void
drive_verified(struct agent *a)
{
	play(a, 1);
	play_claimed(a);
	play_clone(a);
}

static void
test_answers(void **state)
{
	(void)state;
	assert_int_equal(fido_bed_life(0, drive), 1);
	assert_int_equal(fido_bed_life(1, drive_verified), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_answers) };

	client.fd = other.fd = -1;
	fido_bed_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
