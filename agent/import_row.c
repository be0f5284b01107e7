/*
 * import_row.c - see import_row.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/import_row.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "include/tessera.h"
#include "oath/seed.h"

static const char *
row_known(json_t *o)
{
	static const char *const allowed[] = { "line", "kind", "subject", "label", "serial", "algorithm",
	    "digits", "period", "counter", "secret", "secret_format" };
	const char *name;
	json_t *value;
	size_t i, n = sizeof(allowed) / sizeof(allowed[0]);

	json_object_foreach(o, name, value) {
		for (i = 0; i < n && strcmp(allowed[i], name) != 0; i++)
			;
		if (i == n)
			return "it has a member that no row has";
	}
	return NULL;
}

/* A text member of less than size bytes; "" where it is absent. */
static int
row_text(const json_t *o, const char *name, char *out, size_t size)
{
	const json_t *v = json_object_get(o, name);

	out[0] = '\0';
	if (v == NULL)
		return TSR_OK;
	if (!json_is_string(v) || json_string_length(v) >= size ||
	    !escape_is_text(json_string_value(v), json_string_length(v)))
		return TSR_INVALID;
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return TSR_OK;
}

static int
row_number(const json_t *o, const char *name, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL)
		return TSR_OK;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return TSR_INVALID;
	*out = json_integer_value(v);
	return TSR_OK;
}

static const char *
row_names(const json_t *o, struct import_row *row)
{
	if (row_text(o, "subject", row->text.subject, sizeof(row->text.subject)) != TSR_OK)
		return "that is no user name";
	if (row->text.subject[0] == '\0')
		return "nobody is named whose token it is: a token is enrolled for a user";
	if (row_text(o, "label", row->text.label, sizeof(row->text.label)) != TSR_OK)
		return "the label is longer than 64 bytes, or no text";
	if (row_text(o, "serial", row->text.serial, sizeof(row->text.serial)) != TSR_OK)
		return "the serial number is longer than 64 bytes, or no text";
	return NULL;
}

static const char *
row_parameters(const json_t *o, struct import_row *row)
{
	int64_t digits = 6, period = 30, counter = 0;
	char kind[8], hash[16];

	if (row_text(o, "kind", kind, sizeof(kind)) != TSR_OK ||
	    (strcmp(kind, "totp") != 0 && strcmp(kind, "hotp") != 0))
		return "the kind is totp or hotp";
	row->kind = kind[0] == 'h' ? OTP_HOTP : OTP_TOTP;
	row->hash = HMAC_SHA1;
	if (row_text(o, "algorithm", hash, sizeof(hash)) != TSR_OK ||
	    (hash[0] != '\0' && otp_hash_parse(hash, strlen(hash), &row->hash) != TSR_OK))
		return "the algorithm is SHA1, SHA256 or SHA512";
	if (row_number(o, "digits", 99, &digits) != TSR_OK ||
	    row_number(o, "period", 86400, &period) != TSR_OK ||
	    row_number(o, "counter", INT64_MAX - 1, &counter) != TSR_OK)
		return "digits, period or counter is not a number in its range";
	row->digits = (unsigned)digits;
	row->period = (uint32_t)period;
	row->watermark = row->kind == OTP_HOTP ? counter - 1 : STORE_OTP_NONE;
	return NULL;
}

/* The seed goes to the row; the limits of it and of all else are otp_check's. */
static const char *
row_seed(const json_t *o, struct import_row *row)
{
	const char *text = json_string_value(json_object_get(o, "secret")), *why = NULL;
	struct otp whole;
	char form[8];
	int code;

	if (text == NULL || row_text(o, "secret_format", form, sizeof(form)) != TSR_OK ||
	    (form[0] != '\0' && strcmp(form, "base32") != 0 && strcmp(form, "hex") != 0))
		return "there is no secret, or its format is neither base32 nor hex";
	otp_init(&whole);
	code = form[0] == 'h' ? seed_hex(text, strlen(text), &whole.seed) :
	    seed_base32(text, strlen(text), &whole.seed);
	whole.kind = row->kind;
	whole.hash = row->hash;
	whole.digits = row->digits;
	whole.period = row->period;
	if (code == TSR_DENIED)
		why = "the secret is shorter than 128 bits (RFC 4226, R6)";
	else if (code != TSR_OK)
		why = code == TSR_NOMEM ? "memory is out" : "the secret cannot be read";
	else if (otp_check(&whole, &why) == TSR_OK) {
		row->seed_len = whole.seed->size;
		memcpy(row->seed, whole.seed->data, whole.seed->size);
	}
	otp_clear(&whole);
	return why;
}

const char *
import_row_read(json_t *o, struct import_row *row)
{
	const char *why;

	memset(row, 0, sizeof(*row));
	if (!json_is_object(o))
		return "a row is an object";
	(void)row_number(o, "line", INT64_MAX, &row->line);
	if ((why = row_known(o)) != NULL || (why = row_names(o, row)) != NULL ||
	    (why = row_parameters(o, row)) != NULL)
		return why;
	return row_seed(o, row);
}

int
import_row_make(const struct import_row *row, struct credential *c, struct otp_record *r)
{
	memset(c, 0, sizeof(*c));
	memset(r, 0, sizeof(*r));
	store_make_id(c->id);
	c->state = CREDENTIAL_ACTIVE;
	c->uid = row->uid;
	(void)snprintf(c->kind, sizeof(c->kind), "%s", row->kind == OTP_HOTP ? "hotp" : "totp");
	(void)snprintf(c->subject, sizeof(c->subject), "%s", row->text.subject);
	(void)snprintf(c->label, sizeof(c->label), "%s", row->text.label);
	(void)snprintf(c->token_serial, sizeof(c->token_serial), "%s", row->text.serial);
	memcpy(r->credential, c->id, sizeof(c->id));
	r->kind = row->kind;
	r->hash = row->hash;
	r->digits = row->digits;
	r->period = row->period;
	r->watermark = row->watermark;
	r->expected = STORE_OTP_NONE;
	r->trust = OTP_FRESH;	/* from a shelf */
	r->seed = secret_from(row->seed, row->seed_len);
	return r->seed != NULL ? TSR_OK : TSR_NOMEM;
}
