/*
 * enrol_otp_read.c - see enrol_otp_read.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_otp_read.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/body.h"
#include "agent/enrol_otp.h"
#include "agent/enrol_subject.h"
#include "agent/problem.h"
#include "agent/recovery.h"
#include "oath/seed.h"
#include "include/tessera.h"

static const char *const read_admin[] = { "kind", "subject", "label", "algorithm", "digits", "period",
    "counter", "secret", "secret_format", "serial", "confirm", NULL };
static const char *const read_own[] = { "kind", "label", "algorithm", "digits", "period", "counter",
    "code", "otp", NULL };

int
enrol_otp_wanted(const struct http_request *r)
{
	char kind[8];

	return body_peek(r, "kind", kind, sizeof(kind)) == TSR_OK &&
	    (strcmp(kind, "totp") == 0 || strcmp(kind, "hotp") == 0);
}

/* Names and texts. */
static int
read_names(const struct http_request *r, const json_t *o, const char *own, struct otp_pending *p)
{
	const char *kind, *serial;
	struct credential *c = &p->credential;

	if (body_text(r, o, "kind", &kind) != TSR_OK || body_text(r, o, "serial", &serial) != TSR_OK)
		return TSR_INVALID;
	if (kind == NULL || (strcmp(kind, "totp") != 0 && strcmp(kind, "hotp") != 0))
		problem_invalid(r->conn, "\"kind\" is \"totp\" or \"hotp\"");
	else if (enrol_subject_read(r, o, own, c) != TSR_OK)
		;	/* answered */
	else if (serial != NULL && strlen(serial) >= sizeof(c->token_serial))
		problem_invalid(r->conn, "\"serial\" has at most %zu bytes", sizeof(c->token_serial) - 1);
	else {
		(void)snprintf(c->kind, sizeof(c->kind), "%s", kind);
		(void)snprintf(c->token_serial, sizeof(c->token_serial), "%s",
		    serial != NULL ? serial : "");
		p->record.kind = kind[0] == 'h' ? OTP_HOTP : OTP_TOTP;
		return TSR_OK;
	}
	return TSR_INVALID;
}

static int
read_parameters(const struct http_request *r, const json_t *o, struct otp_record *rec)
{
	int64_t digits = 6, period = 30, counter = 0;
	const char *algorithm;

	rec->hash = HMAC_SHA1;
	if (body_text(r, o, "algorithm", &algorithm) != TSR_OK ||
	    body_number(r, o, "digits", HOTP_DIGITS_MIN, HOTP_DIGITS_MAX, &digits) != TSR_OK ||
	    body_number(r, o, "period", 1, 3600, &period) != TSR_OK ||
	    body_number(r, o, "counter", 0, INT64_MAX - 1, &counter) != TSR_OK)
		return TSR_INVALID;
	if (algorithm != NULL && otp_hash_parse(algorithm, strlen(algorithm), &rec->hash) != TSR_OK)
		problem_invalid(r->conn, "\"algorithm\" is \"SHA1\", \"SHA256\" or \"SHA512\"");
	else if (json_object_get(o, "period") != NULL && rec->kind == OTP_HOTP)
		problem_invalid(r->conn, "\"period\" goes with \"totp\"");
	else if (json_object_get(o, "counter") != NULL && rec->kind == OTP_TOTP)
		problem_invalid(r->conn, "\"counter\" goes with \"hotp\"");
	else {
		rec->digits = (unsigned)digits;
		rec->period = (uint32_t)period;
		rec->watermark = rec->kind == OTP_HOTP ? counter - 1 : STORE_OTP_NONE;
		rec->expected = STORE_OTP_NONE;
		return TSR_OK;
	}
	return TSR_INVALID;
}

/* RFC 4226 R6: as long as the hash, and never shorter than 160 bits. */
static int
read_drawn(const struct http_request *r, struct otp_record *rec)
{
	if ((rec->seed = secret_new(hmac_size(rec->hash))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return TSR_NOMEM;
	}
	randombytes_buf(rec->seed->data, rec->seed->size);
	return TSR_OK;
}

static int
read_seed(const struct http_request *r, const json_t *o, struct otp_record *rec)
{
	const char *text, *format;
	int code;

	if (body_text(r, o, "secret", &text) != TSR_OK ||
	    body_text(r, o, "secret_format", &format) != TSR_OK)
		return TSR_INVALID;
	if (text == NULL)
		return read_drawn(r, rec);
	if (format != NULL && strcmp(format, "base32") != 0 && strcmp(format, "hex") != 0) {
		problem_invalid(r->conn, "\"secret_format\" is \"base32\" or \"hex\"");
		return TSR_INVALID;
	}
	code = format != NULL && format[0] == 'h' ? seed_hex(text, strlen(text), &rec->seed) :
	    seed_base32(text, strlen(text), &rec->seed);
	if (code == TSR_DENIED)
		problem_invalid(r->conn, "the secret is shorter than 128 bits (RFC 4226, R6)");
	else if (code == TSR_TOO_LARGE)
		problem_invalid(r->conn, "the secret is longer than %d bytes", HOTP_SEED_MAX);
	else if (code == TSR_INVALID)
		problem_invalid(r->conn, "the secret is not %s", format != NULL && format[0] == 'h' ?
		    "hexadecimal" : "base32");
	else if (code != TSR_OK)
		problem(r->conn, code, NULL);
	return code;
}

static int
read_wish(const struct http_request *r, const json_t *o, struct enrol_otp_wish *wish)
{
	const char *code, *otp, *why = NULL;
	int unconfirmed;

	if (body_text(r, o, "code", &code) != TSR_OK || body_text(r, o, "otp", &otp) != TSR_OK ||
	    body_flag(r, o, "confirm", &wish->confirm) != TSR_OK)
		return TSR_INVALID;
	unconfirmed = json_object_get(o, "confirm") != NULL && !wish->confirm;
	wish->confirm = !unconfirmed;
	wish->drawn = json_object_get(o, "secret") == NULL;
	if (otp != NULL && !recovery_is_code(otp) && (why = otp_complaint(otp)) != NULL)
		problem_invalid(r->conn, "\"otp\": %s", why);
	else if (otp != NULL && code != NULL)
		problem_invalid(r->conn, "either \"code\" or \"otp\"");
	else if (code != NULL && strlen(code) >= sizeof(wish->enrol_code))
		problem_invalid(r->conn, "\"code\" is an enrolment code");
	else if (unconfirmed && wish->drawn)
		problem_invalid(r->conn, "\"confirm\" is false for a secret that is given alone: "
		    "nobody knows whether this one arrived");
	else {
		(void)snprintf(wish->enrol_code, sizeof(wish->enrol_code), "%s", code != NULL ? code : "");
		(void)snprintf(wish->otp, sizeof(wish->otp), "%s", otp != NULL ? otp : "");
		return TSR_OK;
	}
	return TSR_INVALID;
}

int
enrol_otp_read(const struct http_request *r, const char *own, struct enrol_otp_wish *wish,
    struct otp_pending *p)
{
	json_t *o;
	int code;

	if ((code = body_read(r, own != NULL ? read_own : read_admin, &o)) != TSR_OK)
		return code;
	store_make_id(p->credential.id);
	(void)snprintf(p->record.credential, sizeof(p->record.credential), "%s", p->credential.id);
	p->credential.state = CREDENTIAL_ACTIVE;
	if ((code = read_names(r, o, own, p)) == TSR_OK &&
	    (code = read_parameters(r, o, &p->record)) == TSR_OK &&
	    (code = read_wish(r, o, wish)) == TSR_OK)
		code = read_seed(r, o, &p->record);
	body_free(o);
	return code;
}

int
enrol_otp_read_codes(const struct http_request *r, char code[OTP_TEXT_MAX + 1],
    char next[OTP_TEXT_MAX + 1])
{
	static const char *const allowed[] = { "code", "next", NULL };
	const char *c = NULL, *n = NULL, *why;
	json_t *o;
	int result = TSR_INVALID;

	if (body_read(r, allowed, &o) != TSR_OK)
		return TSR_INVALID;
	if (body_text(r, o, "code", &c) != TSR_OK || body_text(r, o, "next", &n) != TSR_OK)
		;	/* answered */
	else if (c == NULL)
		problem_invalid(r->conn, "\"code\" is missing");
	else if ((why = otp_complaint(c)) != NULL)
		problem_invalid(r->conn, "\"code\": %s", why);
	else if (n != NULL && (why = otp_complaint(n)) != NULL)
		problem_invalid(r->conn, "\"next\": %s", why);
	else {
		(void)snprintf(code, OTP_TEXT_MAX + 1, "%s", c);
		(void)snprintf(next, OTP_TEXT_MAX + 1, "%s", n != NULL ? n : "");
		result = TSR_OK;
	}
	body_free(o);
	return result;
}
