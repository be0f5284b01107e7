/*
 * ssh_api.c - what is shown of SSH's certificates and CA, and what administrators
 * change.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/http_form.h"
#include "agent/problem.h"
#include "agent/ssh_ca.h"
#include "agent/ssh_revoke.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/json.h"
#include "token/ssh_cert.h"

#define KRL_TYPE	"application/octet-stream"
#define SERIAL_LEN	16	/* digits */

/* --- certificates --- */

struct list {
	struct agent *agent;
	struct buf *out;
	const char *subject;	/* of administrators: whose, or NULL */
	int admin, n;
	int64_t now;
};

static int
list_names(struct buf *out, const char *names)
{
	char name[SSH_CERT_PRINCIPAL_LEN];
	size_t n;
	int r;

	for (; *names != '\0'; names += n + (names[n] == ',')) {
		n = strcspn(names, ",");
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, names);
		if ((r = json_put_string(out, name)) != TSR_OK ||
		    (names[n] == ',' && (r = buf_put_cstr(out, ",")) != TSR_OK))
			return r;
	}
	return TSR_OK;
}

/* The key that signed it, as it is: revoked takes what it signed along. */
static const char *
list_ca(struct agent *a, const char *id, int *revoked)
{
	struct ssh_ca_entry e;
	struct ssh_ca_state s;
	size_t i;

	ssh_ca_state(a->ssh_ca, &s);
	for (i = 0; i < s.keys; i++) {
		ssh_ca_entry(a->ssh_ca, i, &e);
		if (strcmp(e.id, id) == 0) {
			*revoked |= e.state == SSH_CA_REVOKED;
			return e.fingerprint;
		}
	}
	return "";
}

static int
list_each(void *arg, const struct ssh_cert_record *c)
{
	struct list *l = arg;
	int revoked = c->revoked != 0, r;
	const char *ca = list_ca(l->agent, c->ca, &revoked);

	if (c->valid_before <= l->now || (l->subject != NULL && strcmp(l->subject, c->subject) != 0))
		return TSR_OK;
	if ((r = buf_printf(l->out, "%s{\"serial\":\"%016llx\"", l->n++ > 0 ? "," : "",
	    (unsigned long long)c->serial)) != TSR_OK ||
	    (l->admin && (r = json_put_member(l->out, "subject", c->subject)) != TSR_OK) ||
	    (r = json_put_member(l->out, "key_id", c->id)) != TSR_OK ||
	    (r = json_put_member(l->out, "fingerprint", c->fingerprint)) != TSR_OK ||
	    (r = buf_put_cstr(l->out, ",\"principals\":[")) != TSR_OK ||
	    (r = list_names(l->out, c->principals)) != TSR_OK)
		return r;
	return buf_printf(l->out, "],\"valid_after\":%lld,\"valid_before\":%lld,\"ca\":\"%s\",\"held\":%s,"
	    "\"revoked\":%s}", (long long)c->valid_after, (long long)c->valid_before, ca,
	    c->held ? "true" : "false", revoked ? "true" : "false");
}

/* Of who asks, or as an administrator all, or those of a subject. */
static void
list_answer(struct agent *a, const struct http_request *r, const struct asker *who, int admin,
    const char *subject)
{
	struct buf b;
	struct list l = { .agent = a, .out = &b, .subject = subject, .admin = admin, .now = clock_wall() };
	int code;

	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = buf_put_cstr(&b, "{\"certificates\":[")) == TSR_OK &&
	    (code = store_ssh_cert_each(a->store, admin ? NULL : who->name, r->caller->uid, list_each,
	    &l)) == TSR_OK &&
	    (code = buf_put_cstr(&b, "]}")) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, code == TSR_TOO_LARGE ? "the list is too long for one answer%s" : NULL,
		    admin ? ": ask with \"subject=NAME\"" : "");
	buf_free(&b);
}

void
ssh_certificates(struct agent *a, const struct http_request *r, const struct asker *who)
{
	if (!policy_config(a->policy)->ssh.there)
		problem(r->conn, TSR_NOT_FOUND, SSH_NOT_CONFIGURED);
	else	/* whoever has no name has none */
		list_answer(a, r, who, 0, NULL);
}

void
admin_ssh_certificates(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const char *subject = NULL;
	struct form f;

	memset(&f, 0, sizeof(f));
	if (r->head.query.p != NULL && (form_parse(r->head.query.p, r->head.query.n, &f) != TSR_OK ||
	    f.n != 1 || (subject = form_get(&f, "subject")) == NULL))
		problem_invalid(r->conn, "the query is \"subject=NAME\"");
	else
		list_answer(a, r, who, 1, subject);
	form_free(&f);
}

/* --- the CA --- */

static int
show_key(struct buf *b, const struct ssh_ca_entry *e, int first)
{
	static const char *const names[] = {
		[SSH_CA_NEXT] = "next", [SSH_CA_ACTIVE] = "active", [SSH_CA_RETIRED] = "retired",
		[SSH_CA_REVOKED] = "revoked", [SSH_CA_GONE] = "gone"
	};
	int r;

	if ((r = buf_printf(b, "%s{\"id\":\"%s\",\"state\":\"%s\"", first ? "" : ",", e->id,
	    names[e->state])) != TSR_OK ||
	    (r = json_put_member(b, "public_key", e->line)) != TSR_OK ||
	    (r = buf_printf(b, ",\"fingerprint\":\"%s\",\"created\":%lld,\"activated\":", e->fingerprint,
	    (long long)e->created)) != TSR_OK)
		return r;
	return e->activated == 0 ? buf_put_cstr(b, "null}") :
	    buf_printf(b, "%lld}", (long long)e->activated);
}

static int
show_ca(struct agent *a, struct buf *b)
{
	const struct config *c = policy_config(a->policy);
	struct ssh_ca_entry e;
	struct ssh_ca_state s;
	size_t i;
	int r, n = 0;

	ssh_ca_state(a->ssh_ca, &s);
	if ((r = buf_put_cstr(b, "{\"keys\":[")) != TSR_OK)
		return r;
	for (i = 0; i < s.keys; i++) {
		ssh_ca_entry(a->ssh_ca, i, &e);
		if (e.state != SSH_CA_GONE && (r = show_key(b, &e, n++ == 0)) != TSR_OK)
			return r;
	}
	if ((r = buf_printf(b, "],\"krl_version\":%llu,\"published\":%s", (unsigned long long)s.krl_version,
	    s.unpublished || s.stale ? "false" : "true")) != TSR_OK ||
	    (r = json_put_member(b, "audience", c->ssh.audience)) != TSR_OK ||
	    (r = buf_printf(b, ",\"forwarding\":%s,\"namespaces\":[",
	    c->ssh.forwarding ? "true" : "false")) != TSR_OK)
		return r;
	for (i = 0; i < c->ssh.namespaces.n; i++)
		if ((r = buf_put_cstr(b, i > 0 ? "," : "")) != TSR_OK ||
		    (r = json_put_string(b, c->ssh.namespaces.v[i])) != TSR_OK)
			return r;
	return buf_put_cstr(b, "]}");
}

void
ssh_show_ca(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;
	int code;

	(void)who;
	if (!policy_config(a->policy)->ssh.there) {
		problem(r->conn, TSR_NOT_FOUND, SSH_NOT_CONFIGURED);
		return;
	}
	buf_init(&b, HTTP_ANSWER_MAX);
	if ((code = show_ca(a, &b)) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}

void
ssh_show_krl(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const void *p;
	size_t n;

	(void)who;
	p = ssh_ca_krl(a->ssh_ca, &n);
	if (n == 0)
		problem(r->conn, TSR_NOT_FOUND, "%s",
		    policy_config(a->policy)->ssh.there ? "the list is not made yet" : SSH_NOT_CONFIGURED);
	else if (n > HTTP_ANSWER_MAX)
		problem(r->conn, TSR_TOO_LARGE, "the list is too long for one answer: it is the file "
		    SSH_KRL_FILE " of the public folder");
	else
		http_answer_as(r->conn, 200, KRL_TYPE, p, n);
}

/* --- changes --- */

enum change_what { CHANGE_PREPARE, CHANGE_ROTATE, CHANGE_RETIRE };

static const struct change {
	enum change_what what;
	const char *word, *event, *line;
	int at_once;
} changes[] = {
	{ CHANGE_PREPARE, "prepare", "ssh-ca-prepared", "a next key of the SSH CA was made", 0 },
	{ CHANGE_ROTATE, "rotate", "ssh-ca-rotated", "the next key of the SSH CA signs", 0 },
	{ CHANGE_ROTATE, "rotate", "ssh-ca-replaced", "the keys of the SSH CA were revoked and replaced", 1 },
	{ CHANGE_RETIRE, "retire", "ssh-ca-retired", "a key of the SSH CA is trusted no more", 0 }
};

/* By a clock that is not believed no key's times can be set. */
static int
change_ca(struct agent *a, const struct http_request *r, const struct change *w, const char *id)
{
	int64_t now = clock_wall();
	int code;

	if ((code = watch_mint(a->watch)) != TSR_OK || (code = audit_ready(a->audit)) != TSR_OK)
		return code;
	code = w->what == CHANGE_PREPARE ? ssh_ca_prepare(a->ssh_ca, now) :
	    w->what == CHANGE_ROTATE ? ssh_ca_rotate(a->ssh_ca, w->at_once, now) :
	    ssh_ca_retire(a->ssh_ca, id, now);
	return code != TSR_OK ? code : audit_event_admin(a, r->caller, w->event);
}

static void
change_refused(const struct http_request *r, const struct change *w, int code)
{
	if (code == TSR_CONFLICT)
		problem(r->conn, code, w->what == CHANGE_PREPARE ? "there is a next key already: rotate to it "
		    "when every server trusts it" :
		    "only a retired key can be taken out: rotate first");
	else if (code == TSR_NOT_FOUND && w->what == CHANGE_ROTATE)
		problem(r->conn, TSR_CONFLICT, "there is no next key: prepare one, bring it to the servers, "
		    "then rotate");
	else if (code == TSR_NOT_FOUND)
		problem(r->conn, code, "there is no such key");
	else if (code == TSR_TOO_LARGE)
		problem(r->conn, TSR_CONFLICT, "too many keys are trusted still: retire the oldest");
	else if (code == TSR_CORRUPT)
		problem(r->conn, TSR_UNAVAILABLE, "the keys of the SSH CA were altered and cannot be read");
	else
		problem(r->conn, code == TSR_AGAIN || code == TSR_INVALID ? TSR_UNAVAILABLE : code, NULL);
}

static void
change_answer(struct agent *a, const struct http_request *r, const char *word, const char *id,
    int at_once)
{
	const struct change *w = NULL;
	char text[96];
	size_t i;
	int code, n;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (word != NULL && strcmp(changes[i].word, word) == 0 && changes[i].at_once == at_once)
			w = &changes[i];
	if (w == NULL)
		problem_invalid(r->conn, "\"do\" is \"prepare\", \"rotate\" or \"retire\"; \"at_once\" goes "
		    "with \"rotate\"");
	else if ((id != NULL) != (w->what == CHANGE_RETIRE))
		problem_invalid(r->conn, "\"id\" goes with \"retire\"");
	else if (!policy_config(a->policy)->ssh.there)
		problem(r->conn, TSR_NOT_FOUND, SSH_NOT_CONFIGURED);
	else if ((code = change_ca(a, r, w, id)) != TSR_OK)
		change_refused(r, w, code);
	else {
		log_line(LOG_NOTICE, "%s", w->line);
		n = snprintf(text, sizeof(text), "{\"do\":\"%s\",\"at_once\":%s}", word,
		    at_once ? "true" : "false");
		http_answer(r->conn, 200, NULL, text, (size_t)n, 1);
	}
}

void
admin_ssh_ca(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "do", "id", "at_once", NULL };
	const char *word, *id;
	int at_once = 0;
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "do", &word) == TSR_OK && body_text(r, o, "id", &id) == TSR_OK &&
	    body_flag(r, o, "at_once", &at_once) == TSR_OK)
		change_answer(a, r, word, id, at_once);
	json_decref(o);
}

/* 16 digits, as all that shows one writes it. */
static int
revoke_serial(const char *text, uint64_t *serial)
{
	if (strlen(text) != SERIAL_LEN || strspn(text, "0123456789abcdef") != SERIAL_LEN)
		return TSR_INVALID;
	*serial = strtoull(text, NULL, 16);
	return TSR_OK;
}

void
admin_ssh_revoke(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "serial", "subject", NULL };
	const char *text, *subject;
	uint64_t serial = 0;
	int code, n = 1;
	char json[32];
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "serial", &text) != TSR_OK || body_text(r, o, "subject", &subject) != TSR_OK)
		;	/* answered */
	else if ((text == NULL) == (subject == NULL) ||
	    (text != NULL && revoke_serial(text, &serial) != TSR_OK))
		problem_invalid(r->conn, "either \"serial\" of %d digits, or \"subject\"", SERIAL_LEN);
	else if ((code = subject != NULL ? ssh_revoke_subject(a, r->caller, subject, &n) :
	    ssh_revoke_serial(a, r->caller, serial)) != TSR_OK)
		problem(r->conn, code, code == TSR_NOT_FOUND ? "there is no such certificate" : NULL);
	else {
		code = snprintf(json, sizeof(json), "{\"revoked\":%d}", n);
		http_answer(r->conn, 200, NULL, json, (size_t)code, 1);
	}
	json_decref(o);
}
