/*
 * enrol_webauthn.c - see enrol_webauthn.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_webauthn.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/attestation_read.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/challenges.h"
#include "agent/clock.h"
#include "agent/enrol_fido_internal.h"
#include "agent/enrol_fido_judge.h"
#include "agent/enrol_otp.h"
#include "agent/problem.h"
#include "agent/remote_offer.h"
#include "agent/webauthn.h"
#include "include/tessera.h"
#include "token/b64.h"
#include "token/json.h"

#define EXCLUDE_MAX	PROTO_FIDO_IDS_MAX	/* credentials that a browser is told of */

/* --- the offer --- */

static void
enrol_webauthn_drop(void *of)
{
	enrol_fido_free(of);
}

static int
enrol_webauthn_draw(const struct enrol_fido *e, uint8_t out[CHALLENGE_LEN])
{
	const struct challenge_context context = {
		.purpose = CHALLENGE_ENROL, .issuer = e->agent->issuer, .credential = e->credential->id,
		.subject = e->credential->subject, .expiry = (uint64_t)clock_wall() + CHALLENGE_ENROL_S
	};

	return challenge_make(&context, out);
}

struct exclude {
	struct store *store;
	const char *rp_id;
	struct buf *out;
	size_t n;
};

static int
enrol_webauthn_exclude(void *arg, const struct credential *c)
{
	struct exclude *x = arg;
	struct fido_record rec;
	int r;

	if (!credential_is_fido(c) || x->n == EXCLUDE_MAX)
		return TSR_OK;
	if ((r = store_fido_get(x->store, c->id, &rec)) != TSR_OK)
		return r;
	return strcmp(rec.rp_id, x->rp_id) != 0 ? TSR_OK : remote_descriptor(x->out, &rec, x->n++ == 0);
}

static int
enrol_webauthn_user(const struct enrol_fido *e, struct buf *out)
{
	uint8_t handle[FIDO_USER_LEN];
	int r;

	fido_user_id(e->agent->issuer, e->credential->subject, e->credential->uid, handle);
	if ((r = buf_put_cstr(out, ",\"user\":{\"id\":\"")) != TSR_OK ||
	    (r = b64_put(out, handle, sizeof(handle))) != TSR_OK ||
	    (r = buf_put_cstr(out, "\"")) != TSR_OK ||
	    (r = json_put_member(out, "name", e->credential->subject)) != TSR_OK ||
	    (r = json_put_member(out, "displayName", e->credential->subject)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "}");
}

/* As PublicKeyCredential.parseCreationOptionsFromJSON() takes it. */
static int
enrol_webauthn_options(const struct enrol_fido *e, const uint8_t challenge[CHALLENGE_LEN],
    struct buf *out)
{
	struct exclude x = { e->agent->store, e->record.rp_id, out, 0 };
	int r;

	if ((r = buf_printf(out, "{\"id\":\"%s\",\"expires_in\":%u,\"public_key\":{\"rp\":{\"id\":\"%s\","
	    "\"name\":\"Tessera\"}", e->credential->id, CHALLENGE_ENROL_S, e->record.rp_id)) != TSR_OK ||
	    (r = enrol_webauthn_user(e, out)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"challenge\":\"")) != TSR_OK ||
	    (r = b64_put(out, challenge, CHALLENGE_LEN)) != TSR_OK ||
	    (r = buf_printf(out, "\",\"pubKeyCredParams\":[{\"type\":\"public-key\",\"alg\":-7},"
	    "{\"type\":\"public-key\",\"alg\":-8}],\"timeout\":%u,\"attestation\":\"%s\","
	    "\"authenticatorSelection\":{\"residentKey\":\"%s\",\"requireResidentKey\":%s,"
	    "\"userVerification\":\"%s\"},\"excludeCredentials\":[", CHALLENGE_ENROL_S * 1000,
	    e->direct ? "direct" : "none", e->record.resident ? "required" : "discouraged",
	    e->record.resident ? "true" : "false",
	    e->record.verification ? "required" : "preferred")) != TSR_OK ||
	    (r = store_credential_each(e->agent->store, e->credential->subject, e->credential->uid,
	    enrol_webauthn_exclude, &x)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "]}}");
}

void
enrol_webauthn_offer(struct enrol_fido *e)
{
	const char *rp_id = policy_config(e->agent->policy)->webauthn.rp_id;
	struct challenge_held h = {
		.by = e->request->caller->uid, .uid = e->credential->uid, .purpose = CHALLENGE_ENROL,
		.admin = !e->own, .life_s = CHALLENGE_ENROL_S, .of = e, .drop = enrol_webauthn_drop
	};
	struct http_conn *conn = e->request->conn;
	struct buf out;
	int r = TSR_UNAVAILABLE;

	buf_init(&out, HTTP_ANSWER_MAX);
	memcpy(h.id, e->credential->id, sizeof(h.id));
	caller_source_uid(h.by, h.source);
	enrol_subject_end(&e->whom);
	if (rp_id != NULL) {
		memcpy(e->record.rp_id, rp_id, strlen(rp_id) + 1);	/* config_check_rp_id: it fits */
		if ((r = enrol_webauthn_draw(e, h.bytes)) == TSR_OK &&
		    (r = enrol_webauthn_options(e, h.bytes, &out)) == TSR_OK)
			r = challenge_add(e->agent->challenges, &h);
	}
	if (r == TSR_OK) {
		e->request = NULL;
		http_answer(conn, 202, NULL, out.data, out.len, 1);
	} else
		enrol_fido_fail(e, r, "", r == TSR_SLOW_DOWN ?
		    "too many enrolments and challenges wait for their answer" : "");
	sodium_memzero(&h, sizeof(h));
	buf_free(&out);
}

/* --- what the browser made of it --- */

int
enrol_webauthn_waits(struct agent *a, const struct http_request *r, const char *id, int admin)
{
	return challenge_waits(a->challenges, id, r->caller->uid, CHALLENGE_ENROL, admin);
}

/* The client data, before what it vouches for (WebAuthn level 3 section 7.1). */
static int
enrol_webauthn_client(const struct enrol_fido *e, const struct challenge_held *h,
    const struct webauthn *w, const char **detail)
{
	const struct clientdata_policy policy = {
		.type = CLIENTDATA_CREATE, .challenge = h->bytes, .challenge_len = CHALLENGE_LEN,
		.origins = &policy_config(e->agent->policy)->webauthn.origins
	};
	const char *rp_id = policy_config(e->agent->policy)->webauthn.rp_id;
	enum clientdata_fault fault;

	if (rp_id == NULL || strcmp(rp_id, e->record.rp_id) != 0) {
		*detail = "the configuration of webauthn { } changed meanwhile";
		return TSR_DENIED;
	}
	if (clientdata_check(&policy, (const char *)w->client, w->client_len, &fault) == TSR_OK)
		return TSR_OK;
	*detail = clientdata_fault_text(fault);
	return TSR_BAD_GRANT;
}

static int
enrol_webauthn_judge(struct enrol_fido *e, const struct challenge_held *h, const struct webauthn *w,
    const char **detail)
{
	const struct enrol_fido_wish wish = { e->credential, &e->record, e->direct, e->request->caller };
	enum assertion_fault fault = ASSERTION_GOOD;
	uint8_t hash[ASSERTION_HASH_LEN];
	struct enrol_fido_evidence ev;
	struct attestation_object o;
	int r;

	if ((r = enrol_webauthn_client(e, h, w, detail)) != TSR_OK)
		return r;
	*detail = "the attestation object is malformed";
	if (attestation_object_read(w->object, w->object_len, &o) != TSR_OK)
		return TSR_BAD_GRANT;
	assertion_client_hash(w->client, w->client_len, hash);
	ev = (struct enrol_fido_evidence){
		.hash = hash, .authdata = o.authdata, .authdata_len = o.authdata_len,
		.format = o.format, .format_len = o.format_len,
		.statement = o.statement, .statement_len = o.statement_len,
		.transports = w->transports, .transports_len = strlen(w->transports)
	};
	*detail = "";
	r = enrol_fido_judge(e->agent->fido, &wish, &ev, &fault);
	if (r == TSR_KEY_UNUSABLE)
		*detail = "a key of this make may not be enrolled here: see aaguids and attestation-roots";
	else if (fault != ASSERTION_GOOD)
		*detail = assertion_fault_text(fault);
	if (r == TSR_OK && (e->record.cred_id_len != w->id_len ||
	    memcmp(e->record.cred_id, w->id, w->id_len) != 0)) {
		*detail = "the browser names another credential than the key made";
		r = TSR_BAD_GRANT;
	}
	return r;
}

/* It is spent, whatever comes of it. */
static void
enrol_webauthn_made(struct enrol_fido *e, const struct challenge_held *h, const struct webauthn *w)
{
	const char *detail = "";
	int r;

	if ((r = enrol_webauthn_judge(e, h, w, &detail)) == TSR_OK && !caller_alive(e->request->caller))
		r = TSR_CLOSED;
	if (r == TSR_OK) {
		enrol_fido_finish(e);
		return;
	}
	(void)audit_event_enrol(e->agent, e->request->conn, r, e->credential, 0);
	enrol_fido_fail(e, r, "", detail);
}

static int
enrol_webauthn_read(const struct http_request *r, struct webauthn **out)
{
	static const char *const allowed[] = { "response", NULL };
	const char *what = "";
	json_t *o;
	int code;

	if ((code = body_read(r, allowed, &o)) != TSR_OK)
		return code;
	if ((code = webauthn_read_registration(json_object_get(o, "response"), out, &what)) == TSR_NOMEM)
		problem(r->conn, code, NULL);
	else if (code != TSR_OK)
		problem_invalid(r->conn, "\"response\": %s is missing or malformed", what);
	json_decref(o);
	return code;
}

void
enrol_webauthn_confirm(struct agent *a, const struct http_request *r, const char *id, int admin)
{
	struct challenge_held h;
	struct webauthn *w = NULL;
	struct enrol_fido *e;
	int code;

	if (enrol_webauthn_read(r, &w) != TSR_OK)
		return;
	if ((code = audit_ready(a->audit)) != TSR_OK ||
	    (code = challenge_take(a->challenges, id, r->caller->uid, CHALLENGE_ENROL, admin,
	    &h)) != TSR_OK)
		problem(r->conn, code, NULL);
	else {
		e = h.of;
		e->request = r;
		enrol_webauthn_made(e, &h, w);
		sodium_memzero(&h, sizeof(h));
	}
	free(w);
}

void
enrol_own_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	if (enrol_webauthn_waits(a, r, id, 0))
		enrol_webauthn_confirm(a, r, id, 0);
	else
		enrol_otp_own_confirm(a, r, who, id);
}
