/*
 * vendor.c - tables of tokens.  See vendor.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/vendor.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "oath/seed.h"
#include "tessera.h"

#define VENDOR_NAME_MAX	32	/* bytes of a column's name */

enum column {
	COLUMN_SERIAL, COLUMN_SECRET, COLUMN_TYPE, COLUMN_DIGITS, COLUMN_PERIOD, COLUMN_HASH,
	COLUMN_COUNTER, COLUMN_USER, COLUMNS,
	COLUMN_PASSED = COLUMNS		/* known, and not needed */
};

static const struct name {
	const char *name;
	enum column column;
	enum vendor_form form;
} vendor_names[] = {
	{ "serial", COLUMN_SERIAL, VENDOR_GUESS },
	{ "serialnumber", COLUMN_SERIAL, VENDOR_GUESS },
	{ "secret", COLUMN_SECRET, VENDOR_GUESS },
	{ "secretkey", COLUMN_SECRET, VENDOR_GUESS },
	{ "seed", COLUMN_SECRET, VENDOR_GUESS },
	{ "key", COLUMN_SECRET, VENDOR_GUESS },
	{ "secretbase32", COLUMN_SECRET, VENDOR_BASE32 },
	{ "secrethex", COLUMN_SECRET, VENDOR_HEX },
	{ "type", COLUMN_TYPE, VENDOR_GUESS },
	{ "digits", COLUMN_DIGITS, VENDOR_GUESS },
	{ "otplength", COLUMN_DIGITS, VENDOR_GUESS },
	{ "codelength", COLUMN_DIGITS, VENDOR_GUESS },
	{ "period", COLUMN_PERIOD, VENDOR_GUESS },
	{ "timeinterval", COLUMN_PERIOD, VENDOR_GUESS },
	{ "timestep", COLUMN_PERIOD, VENDOR_GUESS },
	{ "algorithm", COLUMN_HASH, VENDOR_GUESS },
	{ "hash", COLUMN_HASH, VENDOR_GUESS },
	{ "counter", COLUMN_COUNTER, VENDOR_GUESS },
	{ "movingfactor", COLUMN_COUNTER, VENDOR_GUESS },
	{ "user", COLUMN_USER, VENDOR_GUESS },
	{ "upn", COLUMN_USER, VENDOR_GUESS },
	{ "username", COLUMN_USER, VENDOR_GUESS },
	{ "account", COLUMN_USER, VENDOR_GUESS },
	{ "manufacturer", COLUMN_PASSED, VENDOR_GUESS },
	{ "model", COLUMN_PASSED, VENDOR_GUESS },
	{ "label", COLUMN_PASSED, VENDOR_GUESS }
};

struct vendor {
	struct csv csv;
	struct csv_row row;
	int first;			/* row holds the first row, which is no head */
	enum vendor_form form;
	int at[COLUMNS];		/* where each column is, or -1 */
};

/* The row of a column's name, or NULL. */
static const struct name *
vendor_name(const char *text, size_t n)
{
	char bare[VENDOR_NAME_MAX + 1];
	size_t i, m = 0;

	for (i = 0; i < n; i++) {
		if (text[i] == ' ' || text[i] == '-' || text[i] == '_')
			continue;
		if (m == VENDOR_NAME_MAX)
			return NULL;
		bare[m++] = text[i];
	}
	bare[m] = '\0';
	for (i = 0; i < sizeof(vendor_names) / sizeof(vendor_names[0]); i++)
		if (strcasecmp(vendor_names[i].name, bare) == 0)
			return &vendor_names[i];
	return NULL;
}

static int
vendor_head(struct vendor *v, const char **why)
{
	const struct name *name;
	size_t i;

	for (i = 0; i < v->row.n; i++) {
		if ((name = vendor_name(v->row.text[i], v->row.len[i])) == NULL ||
		    name->column == COLUMN_PASSED)
			continue;
		if (v->at[name->column] >= 0) {
			*why = "two columns have the same name";
			return TSR_INVALID;
		}
		v->at[name->column] = (int)i;
		if (name->form != VENDOR_GUESS)
			v->form = name->form;
	}
	if (v->form == VENDOR_GUESS)
		v->form = VENDOR_BASE32;
	if (v->at[COLUMN_SECRET] < 0 || v->at[COLUMN_SERIAL] < 0) {
		*why = "the first row names no column \"secret\" or no column \"serial\"";
		return TSR_INVALID;
	}
	return TSR_OK;
}

static void
vendor_headless(struct vendor *v)
{
	static const enum column order[] = { COLUMN_SERIAL, COLUMN_SECRET, COLUMN_TYPE,
	    COLUMN_DIGITS, COLUMN_PERIOD, COLUMN_HASH };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		v->at[order[i]] = (int)i;
	v->at[COLUMN_COUNTER] = v->at[COLUMN_PERIOD];	/* for HOTP it is that */
	if (v->form == VENDOR_GUESS)
		v->form = VENDOR_HEX;
	v->first = 1;
}

int
vendor_open(const char *text, size_t n, enum vendor_form form, struct vendor **out,
    const char **why)
{
	struct vendor *v = NULL;
	size_t i;
	int r;

	*why = NULL;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return TSR_NOMEM;
	v->form = form;
	for (i = 0; i < COLUMNS; i++)
		v->at[i] = -1;
	csv_init(&v->csv, text, n);
	if ((r = csv_next(&v->csv, &v->row)) != TSR_OK) {
		*why = r == TSR_NOT_FOUND ? "the table is empty" :
		    "the first row is not comma-separated values";
		r = TSR_INVALID;
		goto out;
	}
	for (i = 0; i < v->row.n && vendor_name(v->row.text[i], v->row.len[i]) == NULL; i++)
		;
	if (i == v->row.n)
		vendor_headless(v);
	else if ((r = vendor_head(v, why)) != TSR_OK)
		goto out;
	*out = v;
	v = NULL;
 out:
	vendor_free(&v);
	return r;
}

void
vendor_free(struct vendor **v)
{
	if (*v == NULL)
		return;
	csv_wipe(&(*v)->row);
	free(*v);
	*v = NULL;
}

int
vendor_user_column(struct vendor *v, const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; !v->first && i < v->row.n; i++)
		if (v->row.len[i] == n && strncasecmp(v->row.text[i], name, n) == 0) {
			v->at[COLUMN_USER] = (int)i;
			return TSR_OK;
		}
	return TSR_NOT_FOUND;
}

/* A field of the row; 0 where it is not there or empty. */
static int
vendor_field(const struct vendor *v, enum column column, const char **p, size_t *n)
{
	int at = v->at[column];

	if (at < 0 || (size_t)at >= v->row.n || v->row.len[at] == 0)
		return 0;
	*p = v->row.text[at];
	*n = v->row.len[at];
	return 1;
}

static int
vendor_text(const struct vendor *v, enum column column, char out[OTP_NAME_MAX + 1],
    const char **why)
{
	const char *p;
	size_t n;

	if (!vendor_field(v, column, &p, &n))
		return TSR_OK;
	if (n > OTP_NAME_MAX || !escape_is_text(p, n)) {
		*why = "a name is longer than 128 bytes, has control characters or is not UTF-8";
		return TSR_INVALID;
	}
	memcpy(out, p, n);
	out[n] = '\0';
	return TSR_OK;
}

static int
vendor_number(const struct vendor *v, enum column column, uint64_t max, uint64_t *out,
    const char **why)
{
	const char *p;
	size_t n;

	if (vendor_field(v, column, &p, &n) && otp_number(p, n, max, out) != TSR_OK) {
		*why = "digits, period or counter is not a number";
		return TSR_INVALID;
	}
	return TSR_OK;
}

static int
vendor_secret(const struct vendor *v, struct otp *o, const char **why)
{
	const char *p;
	size_t n;
	int r;

	if (!vendor_field(v, COLUMN_SECRET, &p, &n)) {
		*why = "there is no secret";
		return TSR_INVALID;
	}
	r = v->form == VENDOR_HEX ? seed_hex(p, n, &o->seed) : seed_base32(p, n, &o->seed);
	switch (r) {
	case TSR_OK:
	case TSR_NOMEM:
		return r;
	case TSR_DENIED:
		*why = "the secret is shorter than 128 bits";
		return TSR_INVALID;
	case TSR_TOO_LARGE:
		*why = "the secret is longer than 128 bytes";
		return TSR_INVALID;
	default:
		*why = v->form == VENDOR_HEX ? "the secret is not hexadecimal" :
		    "the secret is not base32";
		return TSR_INVALID;
	}
}

static int
vendor_kind(const struct vendor *v, struct otp *o, const char **why)
{
	const char *p;
	size_t n;

	if (vendor_field(v, COLUMN_TYPE, &p, &n)) {
		if (n == 4 && strncasecmp(p, "hotp", 4) == 0) {
			o->kind = OTP_HOTP;
		} else if (n != 4 || strncasecmp(p, "totp", 4) != 0) {
			*why = "the type is totp or hotp";
			return TSR_INVALID;
		}
	}
	if (vendor_field(v, COLUMN_HASH, &p, &n) &&
	    otp_hash_parse(p, n, &o->hash) != TSR_OK) {
		*why = "the algorithm is SHA1, SHA256 or SHA512";
		return TSR_INVALID;
	}
	return TSR_OK;
}

static int
vendor_read(const struct vendor *v, struct otp *o, const char **why)
{
	uint64_t digits = o->digits, period = o->period;
	int r;

	if ((r = vendor_text(v, COLUMN_SERIAL, o->serial, why)) != TSR_OK ||
	    (r = vendor_text(v, COLUMN_USER, o->account, why)) != TSR_OK ||
	    (r = vendor_kind(v, o, why)) != TSR_OK ||
	    (r = vendor_number(v, COLUMN_DIGITS, UINT32_MAX, &digits, why)) != TSR_OK)
		return r;
	o->digits = (unsigned)digits;
	if (o->kind == OTP_HOTP)
		r = vendor_number(v, COLUMN_COUNTER, INT64_MAX, &o->counter, why);
	else
		r = vendor_number(v, COLUMN_PERIOD, UINT32_MAX, &period, why);
	o->period = (uint32_t)period;
	if (r != TSR_OK || (r = vendor_secret(v, o, why)) != TSR_OK)
		return r;
	if (o->serial[0] == '\0') {
		*why = "there is no serial number";
		return TSR_INVALID;
	}
	return otp_check(o, why);
}

int
vendor_next(struct vendor *v, struct otp *o, unsigned *line, const char **why)
{
	struct otp read;
	int r;

	*why = NULL;
	if (!v->first && (r = csv_next(&v->csv, &v->row)) != TSR_OK) {
		*line = v->row.line;
		if (r == TSR_NOT_FOUND)
			return r;
		*why = r == TSR_TOO_LARGE ? "the row is too long or has too many fields" :
		    "the row is not comma-separated values";
		return TSR_CORRUPT;
	}
	v->first = 0;
	*line = v->row.line;
	otp_init(&read);
	if ((r = vendor_read(v, &read, why)) == TSR_OK)
		*o = read;	/* the seed goes with it */
	else
		otp_clear(&read);
	sodium_memzero(v->row.bytes, sizeof(v->row.bytes));
	return r;
}
