/*
 * api.c - see api.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/api.h"

#include <stdio.h>
#include <string.h>

#include "agent/body.h"
#include "agent/credential_json.h"
#include "agent/credential_state.h"
#include "agent/opaque.h"
#include "agent/problem.h"
#include "agent/ssh_revoke.h"
#include "base/secret.h"
#include "include/tessera.h"
#include "token/json.h"

/* Answer 200 with what was written, or with the failure to write it. */
static void
api_answer(struct http_conn *c, int code, const struct buf *b)
{
	if (code == TSR_OK)
		http_answer(c, 200, NULL, b->data, b->len, 0);
	else
		problem(c, code, NULL);
}

void
api_jwks(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const char *json;
	size_t n;

	(void)who;
	json = keys_jwks(a->keys, &n);
	http_answer(r->conn, 200, NULL, json, n, 0);
}

/* RFC 8414: what there is, relative to the issuer.  The endpoints are reached
 * on the socket; the URLs are their names. */
void
api_metadata(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	int code;

	(void)who;
	buf_init(&b, HTTP_ANSWER_MAX);
	code = buf_printf(&b, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\","
	    "\"introspection_endpoint\":\"%s/introspect\",\"revocation_endpoint\":\"%s/revoke\","
	    "\"jwks_uri\":\"%s/.well-known/jwks.json\","
	    "\"response_types_supported\":[],\"token_endpoint_auth_methods_supported\":[\"none\"],"
	    "\"introspection_endpoint_auth_methods_supported\":[\"none\"],"
	    "\"revocation_endpoint_auth_methods_supported\":[\"none\"],"
	    "\"grant_types_supported\":[\"urn:tessera:grant:device\",\"urn:tessera:grant:otp\","
	    "\"urn:tessera:grant:assertion\",\"urn:tessera:grant:session\",\"refresh_token\","
	    "\"client_credentials\"]}",
	    a->issuer, a->issuer, a->issuer, a->issuer, a->issuer);
	api_answer(r->conn, code, &b);
	buf_free(&b);
}

/* --- sessions --- */

struct api_list {
	struct buf *out;
	int n;
};

static int
api_session_each(void *arg, const struct session *s)
{
	struct api_list *l = arg;
	int r;

	if (l->n++ > 0 && (r = buf_put_cstr(l->out, ",")) != TSR_OK)
		return r;
	return session_json(l->out, s);
}

void
api_session_get(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	struct api_list l = { &b, 0 };
	int code;

	(void)who;
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = buf_put_cstr(&b, "{\"sessions\":[")) == TSR_OK &&
	    (code = session_each(a->sessions, r->caller->uid, api_session_each, &l)) == TSR_OK)
		code = buf_put_cstr(&b, "]}");
	api_answer(r->conn, code, &b);
	buf_free(&b);
}

void
api_session_delete(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	int code;

	buf_init(&b, 64);
	code = buf_printf(&b, "{\"ended\":%u}", session_end_user(a->sessions, r->caller->uid));
	/* sessions of another start of the agent may have left some */
	if (code == TSR_OK && who->name[0] != '\0' &&
	    store_token_of_subject(a->store, who->name) != TSR_NOT_FOUND)
		code = opaque_end(a, who->name, NULL);
	if (code == TSR_OK && who->name[0] != '\0')
		code = ssh_revoke(a, SSH_OWN_OF_SUBJECT, who->name);
	if (code == TSR_OK)	/* what the sessions left behind ends with this batch */
		http_answer(r->conn, 200, NULL, b.data, b.len, 1);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}

/* --- credentials --- */

void
api_credentials(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	int code;

	buf_init(&b, HTTP_ANSWER_MAX);
	if (who->name[0] == '\0')	/* nobody: never the list of everybody */
		code = buf_put_cstr(&b, "{\"credentials\":[]}");
	else
		code = credential_json_list(&b, a->store, who->name, r->caller->uid);
	api_answer(r->conn, code, &b);
	buf_free(&b);
}

void
api_credential_disable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	static const char *const allowed[] = { NULL };
	struct credential *c = NULL;
	json_t *o;
	int code;

	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	json_decref(o);
	code = store_credential_get(a->store, id, &c);
	if (code == TSR_OK && (c->uid != r->caller->uid || strcmp(c->subject, who->name) != 0))
		code = TSR_NOT_FOUND;	/* somebody else's looks like none */
	if (code == TSR_OK)
		credential_change(a, r->conn, c, CREDENTIAL_DISABLE, 0);
	else
		problem(r->conn, code, code == TSR_NOT_FOUND ? "you have no such credential" : NULL);
	credential_free(&c);
}

/* --- events and prompts --- */

void
api_events(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const struct http_text *q = &r->head.query;
	enum events_prompter kind = EVENTS_WATCHER;
	int code;

	(void)who;
	if (q->p != NULL && q->n == 13 && memcmp(q->p, "prompter=self", 13) == 0)
		kind = EVENTS_SELF;
	else if (q->p != NULL && q->n == 12 && memcmp(q->p, "prompter=all", 12) == 0)
		kind = EVENTS_ALL;
	else if (q->p != NULL) {
		problem_invalid(r->conn, "the query is \"prompter=self\" or \"prompter=all\"");
		return;
	}
	if ((code = events_listen(a->events, r->conn, kind)) != TSR_OK)
		problem_with(r->conn, code, ",\"retry_after\":1", "too many event streams are open");
}

static int
api_prompt_pin(const struct http_request *r, const json_t *o, struct secret **pin,
    uint32_t *confirmed)
{
	const json_t *v = json_object_get(o, "pin"), *n = json_object_get(o, "confirm");
	int cancel;

	if (body_flag(r, o, "cancel", &cancel) != TSR_OK)
		return TSR_INVALID;
	if (cancel && v == NULL && n == NULL)
		return TSR_OK;
	if (n != NULL && !json_is_null(n)) {
		if (!json_is_integer(n) || json_integer_value(n) < 1 ||
		    json_integer_value(n) > PROTO_TRIES_FEW) {
			problem_invalid(r->conn, "\"confirm\" is the number of tries left that was shown");
			return TSR_INVALID;
		}
		*confirmed = (uint32_t)json_integer_value(n);
		if (!cancel && v == NULL)	/* the reader takes the PIN */
			return TSR_OK;
	}
	if (cancel || !json_is_string(v) || json_string_length(v) == 0 ||
	    json_string_length(v) > PROTO_PIN_MAX) {
		problem_invalid(r->conn, "either \"cancel\" is true or \"pin\" has 1 to %d bytes",
		    PROTO_PIN_MAX);
		return TSR_INVALID;
	}
	if ((*pin = secret_from(json_string_value(v), json_string_length(v))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return TSR_NOMEM;
	}
	return TSR_OK;
}

static void
api_prompt_told(const struct http_request *r, int code, uint32_t wait_s)
{
	char members[64];

	if (code == TSR_OK)
		http_answer(r->conn, 200, NULL, "{}", 2, 0);
	else if (code == TSR_PIN_REQUIRED)
		problem_invalid(r->conn, "few tries are left: \"confirm\" repeats the number that the "
		    "prompt has there, once the person has seen it");
	else if (code == TSR_INVALID)
		problem_invalid(r->conn, "the PIN is entered at the reader, or is missing here");
	else if (code == TSR_SLOW_DOWN) {
		(void)snprintf(members, sizeof(members), ",\"retry_after\":%u", wait_s);
		problem_with(r->conn, code, members, "a PIN was refused: wait, or answer at the machine");
	} else
		problem(r->conn, code, code == TSR_NOT_FOUND ?
		    "this prompt is over, or is not yours to answer" : NULL);
}

void
api_prompt(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	static const char *const allowed[] = { "pin", "confirm", "cancel", NULL };
	struct secret *pin = NULL;
	uint32_t confirmed = 0, wait_s = 0;
	json_t *o;
	int code;

	(void)who;
	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	code = api_prompt_pin(r, o, &pin, &confirmed);
	json_decref(o);
	if (code != TSR_OK)
		return;
	code = prompts_answer(a->prompts, id, r->caller, &pin, confirmed, &wait_s);
	secret_free(&pin);
	api_prompt_told(r, code, wait_s);
}
