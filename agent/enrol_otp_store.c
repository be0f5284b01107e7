/*
 * enrol_otp_store.c - see enrol_otp_store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_otp_store.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/caller_source.h"
#include "agent/clock.h"
#include "agent/credential_json.h"
#include "agent/enrol_store.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "agent/recovery.h"
#include "agent/watch.h"
#include "oath/otpauth.h"
#include "token/json.h"
#include "include/tessera.h"

void
enrol_otp_name(const struct agent *a, struct otp_pending *p)
{
	const struct otp_record *r = &p->record;
	struct credential *c = &p->credential;

	c->acr = a->mode == CONFIG_USER ? ACR_SELF : ACR_OTP;
	if (r->kind == OTP_TOTP)
		(void)snprintf(c->token_model, sizeof(c->token_model), "TOTP %s, %u digits, %u s",
		    otp_hash_name(r->hash), r->digits, r->period);
	else
		(void)snprintf(c->token_model, sizeof(c->token_model), "HOTP %s, %u digits",
		    otp_hash_name(r->hash), r->digits);
	if (c->label[0] == '\0')
		(void)snprintf(c->label, sizeof(c->label), "%s", r->kind == OTP_TOTP ? "totp" : "hotp");
}

/* Host of the issuer: what an authenticator application shows above the code. */
static void
offer_issuer(const struct agent *a, char *out, size_t size)
{
	const char *host = strstr(a->issuer, "://");
	size_t n;

	host = host != NULL ? host + 3 : a->issuer;
	n = strcspn(host, "/:");
	(void)snprintf(out, size, "%.*s", (int)n, host);
}

static int
offer_uri(struct buf *out, const struct agent *a, const struct otp_pending *p)
{
	struct buf uri;
	struct otp o;
	int r;

	otp_init(&o);
	o.kind = p->record.kind;
	o.hash = p->record.hash;
	o.digits = p->record.digits;
	o.period = p->record.period;
	o.counter = (uint64_t)(p->record.watermark + 1);
	o.seed = p->record.seed;	/* stays p's */
	offer_issuer(a, o.issuer, sizeof(o.issuer));
	(void)snprintf(o.account, sizeof(o.account), "%s", p->credential.subject);
	buf_init(&uri, OTPAUTH_MAX);
	if ((r = otpauth_put(&uri, &o)) == TSR_OK && (r = buf_put_u8(&uri, 0)) == TSR_OK &&
	    (r = buf_put_cstr(out, ",\"uri\":")) == TSR_OK)
		r = json_put_string(out, (const char *)uri.data);
	buf_free(&uri);
	return r;
}

int
enrol_otp_offer(struct buf *out, const struct agent *a, const struct otp_pending *p, int drawn)
{
	int r;

	if ((r = buf_printf(out, "{\"id\":\"%s\",\"kind\":\"%s\",\"subject\":", p->credential.id,
	    p->credential.kind)) != TSR_OK ||
	    (r = json_put_string(out, p->credential.subject)) != TSR_OK ||
	    (r = buf_printf(out, ",\"codes\":%d,\"expires_in\":%d",
	    p->record.kind == OTP_HOTP ? 2 : 1, OTP_PENDING_S)) != TSR_OK ||
	    (drawn && (r = offer_uri(out, a, p)) != TSR_OK))
		return r;
	return buf_put_cstr(out, "}");
}

int
enrol_otp_prove(struct agent *a, const struct http_request *r, const struct credential *c,
    const char *code, char id[STORE_ID_LEN + 1])
{
	char source[CALLER_SOURCE_MAX];
	struct otp_ask ask = {
		.subject = c->subject, .uid = c->uid, .acr = ACR_OTP, .source = source, .code = code,
		.clock_good = watch_mint(a->watch) != TSR_CLOCK,
		.boot = a->boot_id, .started_s = a->started_s
	};
	struct credential *by = NULL;
	struct verdict v = { 0 };
	int result;

	caller_source(r->caller->uid, NULL, source);
	if ((result = audit_ready(a->audit)) != TSR_OK || (result = store_begin(a->store)) != TSR_OK)
		return result;
	if (recovery_is_code(code)) {	/* an administrator's word, as an enrolment code is */
		result = recovery_spend(a->store, c->subject, c->uid, code, RECOVERY_REPLACEMENT, &by);
		verdict_judge(&v, result);
	} else
		result = otp_prove(a->store, &ask, &v, &by);
	if (result == TSR_OK)
		result = audit_event_proof(a, r->caller, NULL, by, NULL, 0);
	if (result != TSR_OK && result != TSR_BAD_GRANT)
		store_undo(a->store);
	else if (store_keep(a->store) != TSR_OK)
		result = TSR_STORE;
	if (result == TSR_OK && verdict_allows(&v)) {
		if (by->acr == ACR_RECOVERY)
			recovery_tell(a, c->uid, "");
		/* such a code is no credential that could be disabled meanwhile */
		(void)snprintf(id, STORE_ID_LEN + 1, "%s", by->acr == ACR_RECOVERY ? "" : by->id);
	}
	else if (result == TSR_OK)
		result = TSR_BAD_GRANT;
	credential_free(&by);
	return result;
}

/* --- stored --- */

static int
store_count(void *arg, const struct credential *c)
{
	*(unsigned *)arg += (unsigned)credential_is_otp(c);
	return TSR_OK;
}

static int
store_add(struct store *st, const void *record)
{
	return store_otp_add(st, record);
}

static int
store_both(struct agent *a, struct http_conn *conn, struct otp_pending *p)
{
	struct enrol_end end = {
		.credential = &p->credential, .add = store_add, .record = &p->record,
		.word = &p->word, .voucher = p->voucher, .by = p
	};
	unsigned n = 0;
	int r;

	if ((r = store_credential_each(a->store, p->credential.subject, p->credential.uid, store_count,
	    &n)) != TSR_OK)
		return r;
	return n >= OTP_PER_USER ? TSR_TOO_LARGE : enrol_store(a, conn, &end);
}

int
enrol_otp_store(struct agent *a, struct http_conn *conn, struct otp_pending *p, struct buf *out)
{
	int r;

	p->credential.created = clock_wall();
	/* The answer first: what is stored can be told. */
	if ((r = credential_json(out, &p->credential)) == TSR_OK)
		r = store_both(a, conn, p);
	return r;
}

void
enrol_otp_refused(struct http_conn *conn, int code, const struct otp_pending *p)
{
	if (code == TSR_TOO_LARGE)
		problem(conn, TSR_CONFLICT, "%s has %d tokens that show codes, or too many credentials: "
		    "remove one first", p->credential.subject, OTP_PER_USER);
	else if (code == TSR_BAD_GRANT || code == TSR_DENIED)
		problem(conn, code, "%s", enrol_store_text(code));
	else
		problem(conn, code, NULL);
}
