/*
 * store_otp.c - see store_otp.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_otp.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/seal.h"
#include "agent/store_sqlite.h"
#include "oath/totp.h"
#include "tessera.h"

#define OTP_DRIFT_MAX	1000000	/* steps */

_Static_assert(PLACE_OTP == 5, "the place in SQL_GET");

#define SQL_ADD	"INSERT INTO otp (credential, kind, hash, digits, period, start, watermark," \
	" drift, expected, trust, seed, throttle) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9," \
	" ?10, ?11, ?12)"
#define SQL_GET	"SELECT otp.*, tag FROM otp LEFT JOIN row_tag ON place = 5 AND row = otp.seq" \
	" WHERE credential = ?1"
#define SQL_SPEND	"UPDATE otp SET watermark = ?2, drift = ?3, expected = -1, trust = 0," \
	" throttle = ?4 WHERE credential = ?1 AND watermark < ?2"
#define SQL_REFUSE	"UPDATE otp SET expected = ?2, throttle = ?3 WHERE credential = ?1"
#define SQL_EXISTS	"SELECT 1 FROM otp WHERE credential = ?1"
#define SQL_ANY	"SELECT credential FROM otp WHERE EXISTS (SELECT 1 FROM credential" \
	" WHERE id = otp.credential) ORDER BY seq LIMIT 1"

/* As in the table; each is also the number of its parameter. */
enum column {
	COLUMN_SEQ, COLUMN_CREDENTIAL, COLUMN_KIND, COLUMN_HASH, COLUMN_DIGITS, COLUMN_PERIOD, COLUMN_START,
	COLUMN_WATERMARK, COLUMN_DRIFT, COLUMN_EXPECTED, COLUMN_TRUST, COLUMN_SEED,
	COLUMN_THROTTLE
};

void
otp_record_clear(struct otp_record *r)
{
	secret_free(&r->seed);
	sodium_memzero(r, sizeof(*r));
}

/* What may be written is what will be accepted when read. */
static int
check(const struct otp_record *r)
{
	const char *why;
	struct otp o;

	otp_init(&o);
	o.kind = r->kind;
	o.hash = r->hash;
	o.digits = r->digits;
	o.period = r->period;
	o.seed = r->seed;
	if (strnlen(r->credential, STORE_ID_LEN + 1) != STORE_ID_LEN ||
	    otp_check(&o, &why) != TSR_OK ||
	    r->period < TOTP_PERIOD_MIN || r->period > TOTP_PERIOD_MAX ||
	    r->watermark < STORE_OTP_NONE || r->watermark == INT64_MAX ||
	    r->expected < STORE_OTP_NONE || r->drift < -OTP_DRIFT_MAX || r->drift > OTP_DRIFT_MAX ||
	    r->trust < OTP_USED || r->trust > OTP_DOUBTED || r->throttle.n_known > OTP_KNOWN_MAX)
		return TSR_INVALID;
	return TSR_OK;
}

static int
bind_id(sqlite3_stmt *s, const char *id)
{
	return sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
}

int
store_otp_add(struct store *st, const struct otp_record *r)
{
	uint8_t sealed[HOTP_SEED_MAX + SEAL_OVERHEAD], throttle[OTP_THROTTLE_LEN];
	const int64_t numbers[] = { r->kind, r->hash, r->digits, r->period, r->start, r->watermark,
	    r->drift, r->expected, r->trust };
	sqlite3_stmt *s;
	size_t i;
	int rc, code;

	if ((code = check(r)) != TSR_OK ||
	    (code = seal_make(st->seal, "otp", r->credential, r->seed->data, r->seed->size,
	    sealed)) != TSR_OK ||
	    (code = store_stmt(st, STMT_OTP_ADD, SQL_ADD, &s)) != TSR_OK)
		return code;
	otp_throttle_put(&r->throttle, throttle);
	rc = bind_id(s, r->credential);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_int64(s, COLUMN_KIND + (int)i, numbers[i]);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_SEED, sealed,
		    (int)(r->seed->size + SEAL_OVERHEAD), SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_bind_blob(s, COLUMN_THROTTLE, throttle, sizeof(throttle),
		    SQLITE_STATIC);
	return store_write(st, s, rc, NULL);
}

static int
read_numbers(sqlite3_stmt *s, struct otp_record *r)
{
	int64_t kind, hash, digits, period, trust;
	int code;

	if ((code = store_column_int(s, COLUMN_KIND, OTP_HOTP, OTP_TOTP, &kind)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_HASH, HMAC_SHA1, HMAC_SHA512, &hash)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_DIGITS, HOTP_DIGITS_MIN, HOTP_DIGITS_MAX,
	    &digits)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_PERIOD, TOTP_PERIOD_MIN, TOTP_PERIOD_MAX,
	    &period)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_START, INT64_MIN, INT64_MAX, &r->start)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_WATERMARK, STORE_OTP_NONE, INT64_MAX - 1,
	    &r->watermark)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_DRIFT, -OTP_DRIFT_MAX, OTP_DRIFT_MAX,
	    &r->drift)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_EXPECTED, STORE_OTP_NONE, INT64_MAX,
	    &r->expected)) != TSR_OK ||
	    (code = store_column_int(s, COLUMN_TRUST, OTP_USED, OTP_DOUBTED, &trust)) != TSR_OK)
		return code;
	r->kind = (enum otp_kind)kind;
	r->hash = (enum hmac_hash)hash;
	r->digits = (unsigned)digits;
	r->period = (uint32_t)period;
	r->trust = (enum otp_trust)trust;
	return TSR_OK;
}

static int
read_row(struct store *st, sqlite3_stmt *s, void *out)
{
	struct otp_record *r = out;
	const uint8_t *p;
	size_t n;
	int code;

	if ((code = store_tag_check_at(st, PLACE_OTP, s)) != TSR_OK ||
	    (code = store_column_text(s, COLUMN_CREDENTIAL, r->credential, STORE_ID_LEN,
	    sizeof(r->credential))) != TSR_OK ||
	    (code = read_numbers(s, r)) != TSR_OK ||
	    (code = store_column_blob(s, COLUMN_THROTTLE, OTP_THROTTLE_LEN, OTP_THROTTLE_LEN, &p,
	    &n)) != TSR_OK ||
	    (code = otp_throttle_get(p, n, &r->throttle)) != TSR_OK ||
	    (code = store_column_blob(s, COLUMN_SEED, SEAL_OVERHEAD + HOTP_SEED_MIN,
	    SEAL_OVERHEAD + HOTP_SEED_MAX, &p, &n)) != TSR_OK ||
	    (code = seal_open(st->seal, "otp", r->credential, p, n, &r->seed)) != TSR_OK)
		return code;
	return check(r) == TSR_OK ? TSR_OK : TSR_CORRUPT;
}

int
store_otp_get(struct store *st, const char *credential, struct otp_record *out)
{
	struct otp_record r;
	int code;

	memset(&r, 0, sizeof(r));
	code = store_one(st, STMT_OTP_GET, SQL_GET, credential, COLUMN_CREDENTIAL, read_row, &r);
	if (code == TSR_OK)
		*out = r;	/* the seed goes with it */
	else
		otp_record_clear(&r);
	return code;
}

int
store_otp_spend(struct store *st, const char *credential, int64_t at, int64_t drift,
    const struct otp_throttle *t)
{
	uint8_t throttle[OTP_THROTTLE_LEN];
	sqlite3_stmt *s;
	int n, rc, code;

	if (at < 0 || at == INT64_MAX || drift < -OTP_DRIFT_MAX || drift > OTP_DRIFT_MAX)
		return TSR_INVALID;
	if ((code = store_stmt(st, STMT_OTP_SPEND, SQL_SPEND, &s)) != TSR_OK)
		return code;
	otp_throttle_put(t, throttle);
	if ((rc = bind_id(s, credential)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, at)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 3, drift)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 4, throttle, sizeof(throttle), SQLITE_STATIC);
	if ((code = store_write(st, s, rc, &n)) != TSR_OK)
		return code;
	return store_changed(st, n, STMT_OTP_EXISTS, SQL_EXISTS, credential);
}

int
store_otp_refuse(struct store *st, const char *credential, int64_t expected,
    const struct otp_throttle *t)
{
	uint8_t throttle[OTP_THROTTLE_LEN];
	sqlite3_stmt *s;
	int n, rc, code;

	if (expected < STORE_OTP_NONE)
		return TSR_INVALID;
	if ((code = store_stmt(st, STMT_OTP_REFUSE, SQL_REFUSE, &s)) != TSR_OK)
		return code;
	otp_throttle_put(t, throttle);
	if ((rc = bind_id(s, credential)) == SQLITE_OK &&
	    (rc = sqlite3_bind_int64(s, 2, expected)) == SQLITE_OK)
		rc = sqlite3_bind_blob(s, 3, throttle, sizeof(throttle), SQLITE_STATIC);
	if ((code = store_write(st, s, rc, &n)) != TSR_OK)
		return code;
	return n == 1 ? TSR_OK : TSR_NOT_FOUND;
}

/* --- decoys --- */

void
store_otp_decoy(unsigned n, char id[STORE_ID_LEN + 1])
{
	/* no credential has such an id: theirs have no "." */
	(void)snprintf(id, STORE_ID_LEN + 1, "decoy.%016u", n);
}

static int
make_decoy(struct store *st, unsigned n)
{
	struct otp_record r = { .kind = OTP_TOTP, .hash = HMAC_SHA1, .digits = 6, .period = 30,
	    .watermark = STORE_OTP_NONE, .expected = STORE_OTP_NONE };
	int code;

	store_otp_decoy(n, r.credential);
	if ((r.seed = secret_new(20)) == NULL)
		return TSR_NOMEM;
	randombytes_buf(r.seed->data, r.seed->size);
	code = store_otp_add(st, &r);
	otp_record_clear(&r);
	return code;
}

int
store_otp_decoys(struct store *st)
{
	char id[STORE_ID_LEN + 1];
	unsigned i, made = 0;
	int code;

	if (st->decoys)
		return TSR_OK;
	for (i = 0; i < STORE_DECOYS; i++) {
		store_otp_decoy(i, id);
		code = store_exists(st, STMT_OTP_EXISTS, SQL_EXISTS, id);
		if (code == TSR_NOT_FOUND && (code = make_decoy(st, i)) == TSR_OK)
			made++;
		if (code != TSR_OK)
			return code;
	}
	/* what was written in this batch may be undone with it; nobody removes one */
	st->decoys = made == 0 && !st->dirty;
	return TSR_OK;
}

int
store_otp_stand_in(struct store *st, char id[STORE_ID_LEN + 1])
{
	sqlite3_stmt *s;
	int rc, code;

	if ((code = store_stmt(st, STMT_OTP_ANY, SQL_ANY, &s)) != TSR_OK)
		return code;
	if ((rc = sqlite3_step(s)) == SQLITE_ROW)
		code = store_column_text(s, 0, id, STORE_ID_LEN, STORE_ID_LEN + 1);
	else
		code = rc == SQLITE_DONE ? TSR_NOT_FOUND : store_code_of(st, rc);
	sqlite3_reset(s);
	return code;
}
