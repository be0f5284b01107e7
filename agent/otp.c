/*
 * otp.c - see otp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/otp.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "oath/totp.h"
#include "tessera.h"

#define OTP_BEFORE	15	/* of the OTP_WINDOW steps, those before the middle */

/* One token that a code is tried on. */
struct attempt {
	struct otp_record record;
	struct credential *credential;	/* NULL for a decoy */
	int early;			/* held back, resting, or not to be used */
	int64_t at;			/* the counter it matches, or STORE_OTP_NONE */
	int64_t drift;			/* then */
	int64_t expected;		/* else: what to remember */
	int right;
};

/* A code tried on all tokens of somebody. */
struct trial {
	struct store *store;
	const struct otp_ask *ask;
	struct attempt attempt[OTP_PER_USER];
	size_t slots;			/* one where a credential is named: whoever asks knows that */
	size_t n;
	struct otp_now now;
	uint8_t source[OTP_SOURCE_LEN];
};

const char *
otp_complaint(const char *code)
{
	size_t i, n = strlen(code);

	for (i = 0; i < n && code[i] >= '0' && code[i] <= '9'; i++)
		;
	if (i < n)
		return "a code has digits only";
	if (n < HOTP_DIGITS_MIN || n > HOTP_DIGITS_MAX)
		return "a code has 6 to 8 digits";
	return NULL;
}

/* --- which tokens --- */

/* The user's own token of that id, NULL where there is none.  A stand-in is read
 * for one that is not there, so that the time does not tell. */
static int
trial_credential(const struct trial *t, const char *id, const char *stand_in,
    struct credential **out)
{
	struct credential *c = NULL;
	int r = TSR_NOT_FOUND;

	if (id != NULL && (r = store_credential_get(t->store, id, &c)) != TSR_OK && r != TSR_NOT_FOUND)
		return r;
	if (r == TSR_NOT_FOUND && stand_in[0] != '\0') {
		id = NULL;
		if ((r = store_credential_get(t->store, stand_in, &c)) == TSR_CORRUPT)
			r = TSR_OK;	/* its owner's trouble */
	}
	if (c != NULL && (id == NULL || !credential_is_otp(c) || c->uid != t->ask->uid ||
	    strcmp(c->subject, t->ask->subject) != 0))
		credential_free(&c);
	*out = c;
	return r == TSR_NOT_FOUND ? TSR_OK : r;
}

/* The user's tokens, and decoys for the rest. */
static int
trial_load(struct trial *t)
{
	char ids[OTP_PER_USER][STORE_ID_LEN + 1], stand_in[STORE_ID_LEN + 1] = "";
	char decoy[STORE_ID_LEN + 1];
	const char *id;
	struct attempt *a;
	size_t n = 0;
	int r;

	if (t->ask->credential == NULL &&
	    (((r = store_otp_stand_in(t->store, stand_in)) != TSR_OK && r != TSR_NOT_FOUND) ||
	    (r = store_credential_tokens(t->store, t->ask->subject, t->ask->uid, OTP_PER_USER, ids,
	    &n)) != TSR_OK))
		return r;
	for (; t->n < t->slots; t->n++) {
		a = &t->attempt[t->n];
		id = t->ask->credential != NULL ? t->ask->credential : t->n < n ? ids[t->n] : NULL;
		if ((r = trial_credential(t, id, stand_in, &a->credential)) != TSR_OK)
			return r;
		store_otp_decoy((unsigned)t->n, decoy);
		if ((r = store_otp_get(t->store, a->credential != NULL ? a->credential->id : decoy,
		    &a->record)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

/* --- one token --- */

/* The run of counters that is searched.  TSR_INVALID where the time is before
 * the token's start. */
static int
attempt_window(const struct attempt *a, const struct trial *t, struct hotp_window *w,
    uint64_t *middle)
{
	const struct otp_record *r = &a->record;
	struct totp clock = { r->period, r->start };
	int code;

	if (r->kind == OTP_HOTP) {
		w->first = w->least = *middle = (uint64_t)(r->watermark + 1);
		w->count = OTP_WINDOW;
		return TSR_OK;
	}
	if ((code = totp_step(&clock, t->now.wall, middle)) != TSR_OK)
		return code;
	return totp_window(*middle, r->drift, OTP_BEFORE, OTP_WINDOW - OTP_BEFORE - 1,
	    r->watermark, w);
}

/* Is a match this far from where it is expected good by itself? */
static int
attempt_near(const struct attempt *a, int64_t at, uint64_t middle)
{
	const struct otp_record *r = &a->record;
	int64_t off = at - (int64_t)middle - (r->kind == OTP_TOTP ? r->drift : 0);

	if (r->trust != OTP_USED)
		return r->trust == OTP_FRESH;
	if (r->kind == OTP_HOTP)
		return off < OTP_LOOK_AHEAD;
	return off >= -OTP_STEPS && off <= OTP_STEPS;
}

/* A match: right at once where it is near, or where the code before it came just
 * now; else the one after it is waited for. */
static void
attempt_match(struct attempt *a, uint64_t found, uint64_t middle, int pair)
{
	a->at = (int64_t)found;
	a->drift = a->record.kind == OTP_TOTP ? a->at - (int64_t)middle : 0;
	a->right = pair || a->at == a->record.expected || attempt_near(a, a->at, middle);
	a->expected = a->at + 1;
}

static int
attempt_search(struct attempt *a, const struct trial *t)
{
	uint32_t code = UINT32_MAX, next = UINT32_MAX;	/* no token has such a code */
	struct hotp_window w = { 0, OTP_WINDOW, 0 };
	uint64_t found = 0, middle = 0;
	struct hotp h = { a->record.hash, a->record.digits, a->record.seed->data,
	    a->record.seed->size };
	int r;

	a->at = a->expected = STORE_OTP_NONE;
	(void)hotp_parse(t->ask->code, strlen(t->ask->code), h.digits, &code);
	if (attempt_window(a, t, &w, &middle) != TSR_OK)
		code = UINT32_MAX;	/* searched all the same */
	if (t->ask->next == NULL)
		r = hotp_find(&h, &w, code, &found);
	else if (code != UINT32_MAX &&
	    hotp_parse(t->ask->next, strlen(t->ask->next), h.digits, &next) != TSR_OK)
		r = hotp_find_pair(&h, &w, UINT32_MAX, UINT32_MAX, &found);
	else
		r = hotp_find_pair(&h, &w, code, next, &found);
	if (r == TSR_OK)
		attempt_match(a, found, middle, t->ask->next != NULL);
	return r == TSR_NOT_FOUND ? TSR_OK : r;
}

static int
attempt_try(struct attempt *a, const struct trial *t)
{
	const struct otp_throttle *th = &a->record.throttle;

	a->early = a->credential == NULL || a->credential->state != CREDENTIAL_ACTIVE ||
	    a->credential->acr < t->ask->acr || otp_rests(th) || otp_wait(th, &t->now) > 0 ||
	    (a->record.kind == OTP_TOTP && !t->ask->clock_good);
	return attempt_search(a, t);
}

/* --- what comes of it --- */

/* One row for every token that was looked at. */
static int
trial_refused(struct trial *t)
{
	struct attempt *a;
	int r;

	for (a = t->attempt; a < t->attempt + t->n; a++) {
		if (a->credential == NULL || !(otp_rests(&a->record.throttle) ||
		    otp_wait(&a->record.throttle, &t->now) > 0))
			otp_failed(&a->record.throttle, &t->now);
		if ((r = store_otp_refuse(t->store, a->record.credential,
		    a->early ? a->record.expected : a->expected, &a->record.throttle)) != TSR_OK)
			return r;
	}
	return TSR_BAD_GRANT;
}

static int
trial_spend(struct trial *t, struct attempt *a, struct verdict *v, struct credential **out)
{
	int r;

	otp_succeeded(&a->record.throttle, &t->now);
	if ((r = store_otp_spend(t->store, a->record.credential, a->at, a->drift,
	    &a->record.throttle)) == TSR_OK)
		r = store_credential_used(t->store, a->credential->id, t->now.wall);
	if (r == TSR_CONFLICT || r == TSR_NOT_FOUND)
		return TSR_BAD_GRANT;	/* spent by somebody else in this very batch */
	if (r != TSR_OK)
		return r;
	verdict_judge(v, r);
	*out = a->credential;
	a->credential = NULL;	/* the caller's */
	return TSR_OK;
}

static int
trial_run(struct trial *t, struct verdict *v, struct credential **out)
{
	struct attempt *a, *right = NULL;
	int r;

	if ((r = store_otp_decoys(t->store)) != TSR_OK || (r = trial_load(t)) != TSR_OK)
		return r;
	for (a = t->attempt; a < t->attempt + t->n; a++) {
		if ((r = attempt_try(a, t)) != TSR_OK)
			return r;
		if (a->right && !a->early && right == NULL)
			right = a;
	}
	return right == NULL ? trial_refused(t) : trial_spend(t, right, v, out);
}

int
otp_prove(struct store *st, const struct otp_ask *ask, struct verdict *v, struct credential **out)
{
	struct trial t;
	size_t i;
	int r;

	memset(&t, 0, sizeof(t));
	t.store = st;
	t.ask = ask;
	t.slots = ask->credential != NULL ? 1 : OTP_PER_USER;
	otp_source(ask->source, strlen(ask->source), t.source);
	t.now.source = t.source;
	t.now.boot = ask->boot;
	t.now.boot_s = clock_boot_ms() / 1000;
	t.now.started_s = ask->started_s;
	t.now.wall = clock_wall();
	r = trial_run(&t, v, out);
	for (i = 0; i < OTP_PER_USER; i++) {
		credential_free(&t.attempt[i].credential);
		otp_record_clear(&t.attempt[i].record);
	}
	sodium_memzero(&t, sizeof(t));
	return r;
}

/* --- by somebody who may --- */

static int
resync_window(const struct otp_record *r, struct hotp_window *w, uint64_t *middle)
{
	struct totp clock = { r->period, r->start };
	int code;

	*middle = 0;
	if (r->kind == OTP_HOTP) {
		w->first = w->least = (uint64_t)(r->watermark + 1);
		w->count = OTP_RESYNC;
		return TSR_OK;
	}
	if ((code = totp_step(&clock, clock_wall(), middle)) != TSR_OK)
		return code;
	return totp_window(*middle, 0, OTP_RESYNC / 2, OTP_RESYNC / 2, r->watermark, w);
}

static int
resync_search(const struct otp_record *r, const char *code, const char *next, uint64_t *at,
    uint64_t *middle)
{
	struct hotp h = { r->hash, r->digits, r->seed->data, r->seed->size };
	struct hotp_window w;
	uint32_t first, second;

	if (hotp_parse(code, strlen(code), h.digits, &first) != TSR_OK ||
	    hotp_parse(next, strlen(next), h.digits, &second) != TSR_OK ||
	    resync_window(r, &w, middle) != TSR_OK)
		return TSR_NOT_FOUND;
	return hotp_find_pair(&h, &w, first, second, at);
}

int
otp_resync(struct store *st, const char *credential, const char *code, const char *next)
{
	struct otp_record rec;
	uint64_t at = 0, middle = 0;
	int r;

	if ((r = store_otp_get(st, credential, &rec)) != TSR_OK)
		return r;
	if ((r = resync_search(&rec, code, next, &at, &middle)) == TSR_OK) {
		otp_forgive(&rec.throttle);
		r = store_otp_spend(st, credential, (int64_t)at,
		    rec.kind == OTP_TOTP ? (int64_t)(at - middle) : 0, &rec.throttle);
	}
	otp_record_clear(&rec);
	return r == TSR_NOT_FOUND || r == TSR_CONFLICT ? TSR_BAD_GRANT : r;
}

int
otp_forgive_one(struct store *st, const char *credential)
{
	struct otp_record rec;
	int r;

	if ((r = store_otp_get(st, credential, &rec)) != TSR_OK)
		return r;
	if (rec.throttle.failures > 0) {
		otp_forgive(&rec.throttle);
		r = store_otp_refuse(st, credential, rec.expected, &rec.throttle);
	}
	otp_record_clear(&rec);
	return r;
}

struct forgiven {
	char id[STORE_CREDENTIALS_MAX][STORE_ID_LEN + 1];
	size_t n;
};

static int
forgive_gather(void *arg, const struct credential *c)
{
	struct forgiven *f = arg;

	if (credential_is_otp(c) && f->n < STORE_CREDENTIALS_MAX)
		(void)snprintf(f->id[f->n++], STORE_ID_LEN + 1, "%s", c->id);
	return TSR_OK;
}

int
otp_forgive_all(struct store *st, const char *subject, uid_t uid)
{
	struct forgiven f = { .n = 0 };
	size_t i;
	int r;

	if ((r = store_credential_each(st, subject, uid, forgive_gather, &f)) != TSR_OK)
		return r;
	for (i = 0; i < f.n; i++)
		if ((r = otp_forgive_one(st, f.id[i])) != TSR_OK && r != TSR_NOT_FOUND)
			return r;
	return TSR_OK;
}
