/*
 * admin.c - see admin.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/admin.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "agent/body.h"
#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/credential_json.h"
#include "agent/credential_state.h"
#include "agent/enrol.h"
#include "agent/enrol_fido.h"
#include "agent/enrol_otp.h"
#include "agent/enrol_otp_read.h"
#include "agent/enrol_webauthn.h"
#include "agent/http_form.h"
#include "agent/mint.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/jwt.h"

/* In user mode the user is his own administrator. */
static int
admin_is_root(const struct agent *a, const struct http_request *r)
{
	return r->caller->uid == 0 || (a->mode == CONFIG_USER && r->caller->uid == getuid());
}

int
admin_is(const struct agent *a, const struct http_request *r)
{
	return admin_is_root(a, r) || policy_is_admin(a->policy, r->caller);
}

int
admin_may_read(struct agent *a, const struct http_request *r)
{
	if (admin_is(a, r))
		return TSR_OK;
	problem(r->conn, TSR_DENIED, "you are not an administrator");
	return TSR_DENIED;
}

/* Is this an administrator's own fresh proof? */
static int
admin_token_good(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *token, size_t n)
{
	struct jwt_expect want = {
		.keys = keys_set(a->keys), .iss = a->issuer, .aud = POLICY_ADMIN_AUDIENCE,
		.now = clock_wall(), .leeway = 0, .max_lifetime = 3600
	};
	struct jwt_claims c;
	char client[MINT_CLIENT_MAX];
	enum acr acr;

	mint_client_uid(r->caller->uid, client);
	return jwt_check(token, n, &want, &c) == TSR_OK && !epochs_dead(a->epochs, &c) && strcmp(c.sub, who->name) == 0 &&
	    strcmp(c.client_id, client) == 0 && acr_parse(c.acr, &acr) == TSR_OK &&
	    acr >= ACR_HARDWARE && c.auth_time + ADMIN_PROOF_S >= want.now;
}

int
admin_may_change(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const struct http_text *t = &r->head.authorization;

	if (admin_may_read(a, r) != TSR_OK)
		return TSR_DENIED;
	if (admin_is_root(a, r))
		return TSR_OK;
	if (t->p != NULL && t->n > 7 && memcmp(t->p, "Bearer ", 7) == 0 && who->name[0] != '\0' &&
	    admin_token_good(a, r, who, t->p + 7, t->n - 7))
		return TSR_OK;
	problem_with(r->conn, TSR_STEP_UP_REQUIRED,
	    ",\"audience\":\"" POLICY_ADMIN_AUDIENCE "\",\"methods\":[\"device\"],\"acr\":\"hardware\"",
	    "a change takes a token of audience \"" POLICY_ADMIN_AUDIENCE "\" from a proof of the "
	    "last %d seconds with a hardware credential", ADMIN_PROOF_S);
	return TSR_STEP_UP_REQUIRED;
}

/* --- reading --- */

struct admin_list {
	struct buf *out;
	const char *subject;
	int n;
};

static int
admin_list_each(void *arg, const struct credential *c)
{
	struct admin_list *l = arg;
	int r;

	if (l->subject != NULL && strcmp(l->subject, c->subject) != 0)
		return TSR_OK;
	if (l->n++ > 0 && (r = buf_put_cstr(l->out, ",")) != TSR_OK)
		return r;
	return credential_json(l->out, c);
}

void
admin_credentials(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct form f;
	struct buf b;
	struct admin_list l = { &b, NULL, 0 };
	int code;

	(void)who;
	memset(&f, 0, sizeof(f));
	if (r->head.query.p != NULL && (form_parse(r->head.query.p, r->head.query.n, &f) != TSR_OK ||
	    f.n != 1 || (l.subject = form_get(&f, "subject")) == NULL)) {
		problem_invalid(r->conn, "the query is \"subject=NAME\"");
		form_free(&f);
		return;
	}
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = buf_put_cstr(&b, "{\"credentials\":[")) == TSR_OK &&
	    (code = store_credential_each(a->store, NULL, 0, admin_list_each, &l)) == TSR_OK &&
	    (code = buf_put_cstr(&b, "]}")) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else if (code == TSR_TOO_LARGE)
		problem(r->conn, code, "the list is too long for one answer: ask with \"subject=NAME\"");
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
	form_free(&f);
}

/* The credential of that id; where there is none the request was answered. */
static struct credential *
admin_find(struct agent *a, const struct http_request *r, const char *id)
{
	struct credential *c = NULL;
	int code;

	if ((code = store_credential_get(a->store, id, &c)) != TSR_OK)
		problem(r->conn, code, code == TSR_NOT_FOUND ?
		    "there is no credential \"%s\"" : "the credential \"%s\" cannot be read", id);
	return c;
}

void
admin_credential(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	struct credential *c;
	struct buf b;
	int code;

	(void)who;
	if ((c = admin_find(a, r, id)) == NULL)
		return;
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = credential_json(&b, c)) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
	credential_free(&c);
}

/* --- changing --- */

void
admin_enrol(struct agent *a, const struct http_request *r, const struct asker *who)
{
	if (admin_may_change(a, r, who) != TSR_OK)
		return;
	if (enrol_otp_wanted(r))
		enrol_otp_admin(a, r, who);
	else if (enrol_fido_wanted(r))
		enrol_fido_admin(a, r, who);
	else
		enrol_pkcs11(a, r, who);
}

void
admin_enrol_confirm(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	if (admin_may_change(a, r, who) != TSR_OK)
		return;
	if (enrol_webauthn_waits(a, r, id, 1))
		enrol_webauthn_confirm(a, r, id, 1);
	else
		enrol_otp_admin_confirm(a, r, who, id);
}

static void
admin_change(struct agent *a, const struct http_request *r, const struct asker *who, const char *id,
    enum credential_change what)
{
	static const char *const allowed[] = { "force", NULL };
	struct credential *c;
	json_t *o;
	int force = 0, code;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	code = body_flag(r, o, "force", &force);
	json_decref(o);
	if (code != TSR_OK || (c = admin_find(a, r, id)) == NULL)
		return;
	credential_change(a, r->conn, c, what, force);
	credential_free(&c);
}

void
admin_credential_disable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	admin_change(a, r, who, id, CREDENTIAL_DISABLE);
}

void
admin_credential_enable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	admin_change(a, r, who, id, CREDENTIAL_ENABLE);
}

void
admin_credential_remove(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	admin_change(a, r, who, id, CREDENTIAL_REMOVE);
}

static int
admin_resync(struct agent *a, const struct http_request *r, const struct credential *c,
    const char *code, const char *next)
{
	int result;

	if ((result = audit_ready(a->audit)) != TSR_OK || (result = store_begin(a->store)) != TSR_OK)
		return result;
	if ((result = otp_resync(a->store, c->id, code, next)) != TSR_OK ||
	    (result = audit_event_credential(a, r->caller, "credential-resynchronised", c, 0)) != TSR_OK) {
		store_undo(a->store);
		return result;
	}
	return store_keep(a->store);
}

/* POST /admin/credentials/ID/resync {"code", "next"}. */
void
admin_credential_resync(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	char code[OTP_TEXT_MAX + 1], next[OTP_TEXT_MAX + 1];
	struct credential *c;
	int result;

	if (admin_may_change(a, r, who) != TSR_OK || enrol_otp_read_codes(r, code, next) != TSR_OK ||
	    (c = admin_find(a, r, id)) == NULL)
		return;
	if (!credential_is_otp(c))
		problem_invalid(r->conn, "the credential \"%s\" shows no codes", id);
	else if (next[0] == '\0')
		problem_invalid(r->conn, "\"next\" is missing: two codes that follow each other");
	else if ((result = admin_resync(a, r, c, code, next)) != TSR_OK)
		problem(r->conn, result, result == TSR_BAD_GRANT ?
		    "these are not two codes of this token that follow each other" : NULL);
	else
		http_answer(r->conn, 200, NULL, "{}", 2, 1);
	credential_free(&c);
	sodium_memzero(code, sizeof(code));
	sodium_memzero(next, sizeof(next));
}
