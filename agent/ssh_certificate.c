/*
 * ssh_certificate.c - POST /ssh/certificate: a key of the caller's own, certified for
 * a proof that pays for this one certificate.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/body.h"
#include "agent/grant_device.h"
#include "agent/problem.h"
#include "agent/prompt.h"
#include "agent/ssh_issue.h"
#include "include/tessera.h"
#include "token/json.h"

#define CERTIFICATE_EVENT_MAX	4096	/* bytes */
#define CERTIFICATE_LINE_MAX	(2 * SSH_CERT_MAX)	/* bytes of the certificate as a line */

/* What was asked for. */
struct certificate {
	struct buf key;
	char comment[SSH_KEY_COMMENT_MAX];
	json_t *names;			/* the texts of principal */
	const char *principal[SSH_CERT_PRINCIPALS_MAX];
	struct ssh_wish wish;
};

static void
certificate_free(void *arg)
{
	struct certificate *w = arg;

	buf_free(&w->key);
	json_decref(w->names);
	free(w);
}

/* --- reading --- */

static int
certificate_key(const struct http_request *r, const json_t *o, struct certificate *w)
{
	const char *line;
	int code;

	if (body_text(r, o, "public_key", &line) != TSR_OK)
		return TSR_INVALID;
	if (line == NULL) {
		problem_invalid(r->conn, "\"public_key\" is missing");
		return TSR_INVALID;
	}
	if ((code = ssh_key_parse(line, strlen(line), &w->key, w->comment)) == TSR_OK) {
		w->wish.key = w->key.data;
		w->wish.key_n = w->key.len;
		return TSR_OK;
	}
	if (code == TSR_UNSUPPORTED)
		problem_invalid(r->conn, "\"public_key\" is of a kind that is not certified: it is Ed25519, "
		    "ECDSA or RSA, in a FIDO2 key or not, and no certificate");
	else if (code == TSR_KEY_UNUSABLE)
		problem_invalid(r->conn, "\"public_key\" is too weak: an RSA key has 2048 bits or more");
	else if (code == TSR_INVALID || code == TSR_TOO_LARGE)
		problem_invalid(r->conn, "\"public_key\" is no line such as \"ssh-ed25519 AAAA... comment\"");
	else
		problem(r->conn, code, NULL);
	return code;
}

static int
certificate_names(const struct http_request *r, const json_t *o, struct certificate *w)
{
	json_t *list = json_object_get(o, "principals");
	size_t i, n = json_array_size(list);
	const char *name;

	if (list == NULL)
		return TSR_OK;
	if (!json_is_array(list) || n == 0 || n > SSH_CERT_PRINCIPALS_MAX) {
		problem_invalid(r->conn, "\"principals\" is a list of 1 to %d texts", SSH_CERT_PRINCIPALS_MAX);
		return TSR_INVALID;
	}
	for (i = 0; i < n; i++) {
		name = json_string_value(json_array_get(list, i));
		if (name == NULL || !ssh_cert_principal_ok(name)) {
			problem_invalid(r->conn, "\"principals\": the %zu. is no name that a certificate can "
			    "bear", i + 1);
			return TSR_INVALID;
		}
		w->principal[i] = name;
	}
	w->names = json_incref(list);
	w->wish.principals = w->principal;
	w->wish.n_principals = n;
	return TSR_OK;
}

static int
certificate_read(const struct http_request *r, const json_t *o, struct certificate *w)
{
	int64_t lifetime = 0;
	int code;

	if ((code = certificate_key(r, o, w)) != TSR_OK || (code = certificate_names(r, o, w)) != TSR_OK ||
	    (code = body_number(r, o, "lifetime", 1, UINT32_MAX, &lifetime)) != TSR_OK)
		return code;
	w->wish.lifetime = (uint32_t)lifetime;
	return TSR_OK;
}

/* --- the answer --- */

static int
certificate_json(const struct certificate *w, const struct buf *blob, const struct ssh_issued *made,
    struct buf *out)
{
	static struct ssh_cert_read cert;	/* large; one thread */
	struct buf line;
	size_t i;
	int r;

	buf_init(&line, CERTIFICATE_LINE_MAX);
	if ((r = ssh_cert_read(blob->data, blob->len, &cert)) != TSR_OK ||
	    (r = ssh_key_line(&line, blob->data, blob->len, w->comment)) != TSR_OK ||
	    (r = buf_put_u8(&line, '\0')) != TSR_OK ||
	    (r = buf_put_cstr(out, "{\"certificate\":")) != TSR_OK ||
	    (r = json_put_string(out, (const char *)line.data)) != TSR_OK ||
	    (r = buf_printf(out, ",\"serial\":\"%016llx\"", (unsigned long long)made->serial)) != TSR_OK ||
	    (r = json_put_member(out, "key_id", made->id)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"principals\":[")) != TSR_OK)
		goto out;
	for (i = 0; i < cert.n_principals; i++)
		if ((r = buf_put_cstr(out, i > 0 ? "," : "")) != TSR_OK ||
		    (r = json_put_string(out, cert.principals[i])) != TSR_OK)
			goto out;
	r = buf_printf(out, "],\"valid_after\":%lld,\"valid_before\":%lld,\"ca\":\"%s\"}",
	    (long long)made->valid_after, (long long)made->valid_before, made->ca);
 out:
	buf_free(&line);
	return r;
}

/* The user's listeners hear of it, once it is durable. */
static void
certificate_tell(const struct device_grant *d, const struct ssh_issued *made)
{
	const struct events_about who = { .uid = d->uid, .requester = d->request->caller };
	struct buf b;

	buf_init(&b, CERTIFICATE_EVENT_MAX);
	if (buf_printf(&b, "{\"serial\":\"%016llx\"", (unsigned long long)made->serial) == TSR_OK &&
	    json_put_member(&b, "key_id", made->id) == TSR_OK &&
	    buf_printf(&b, ",\"valid_before\":%lld", (long long)made->valid_before) == TSR_OK &&
	    prompt_requester_json(&b, &who) == TSR_OK && buf_put_cstr(&b, "}") == TSR_OK)
		events_hold(d->agent->events, d->uid, "ssh-certificate", (const char *)b.data, b.len);
	buf_free(&b);
}

/* The proof was accepted and is recorded. */
static int
certificate_answer(struct device_grant *d, const struct credential *c, const struct session *s,
    struct buf *out, char *detail)
{
	const struct config_audience *aud = ssh_audience(d->agent, d->request->caller);
	struct certificate *w = d->with;
	struct ssh_issued made;
	struct buf blob;
	int r;

	if (aud == NULL || strcmp(aud->name, d->audience) != 0)	/* since then */
		return TSR_DENIED;
	w->wish.subject = d->subject;
	w->wish.uid = d->uid;
	w->wish.caller = d->request->caller;
	w->wish.credential = c->id;
	w->wish.sid = s->sid;
	buf_init(&blob, SSH_CERT_MAX);
	if ((r = ssh_issue(d->agent, &w->wish, &blob, &made, detail)) == TSR_OK &&
	    (r = certificate_json(w, &blob, &made, out)) == TSR_OK)
		certificate_tell(d, &made);
	buf_free(&blob);
	return r;
}

/* --- beginning --- */

/* What a person is shown, and what the device signs: for which key. */
static int
certificate_grant(struct device_grant *d, const struct config_audience *aud, struct certificate *w)
{
	char fingerprint[SSH_FINGERPRINT_MAX];
	int r;

	if ((r = ssh_key_fingerprint(w->key.data, w->key.len, fingerprint)) != TSR_OK)
		return r;
	d->acr = aud->acr;
	d->class = aud->class;
	d->reuse = REUSE_NEVER;
	d->answer = certificate_answer;
	d->with = w;
	d->with_free = certificate_free;
	(void)snprintf(d->audience, sizeof(d->audience), "%s", aud->name);
	(void)snprintf(d->scope, sizeof(d->scope), "certificate %s", fingerprint);
	mint_client_id(aud, d->request->caller, d->client);
	return TSR_OK;
}

/* Refused before somebody is asked for his device. */
static int
certificate_admit(struct agent *a, const struct http_request *r, const struct asker *who,
    struct certificate *w)
{
	char detail[256] = "";
	uid_t only;
	int code;

	if (!policy_config(a->policy)->ssh.there)
		problem(r->conn, TSR_NOT_FOUND, "SSH is not configured: see the section ssh of "
		    "tessera.conf(5)");
	else if (policy_login_helper(a->policy, r->caller, &only))
		problem(r->conn, TSR_DENIED, "a login helper has no SSH certificates");
	else if (who->name[0] == '\0')
		problem(r->conn, TSR_DENIED, "uid %u has no user name", r->caller->uid);
	else {
		w->wish.subject = who->name;
		w->wish.uid = r->caller->uid;
		w->wish.caller = r->caller;
		w->wish.credential = w->wish.sid = "";
		if ((code = ssh_issue_check(a, &w->wish, detail)) == TSR_OK)
			return TSR_OK;
		problem(r->conn, code, detail[0] != '\0' ? "%s" : NULL, detail);
	}
	return TSR_DENIED;
}

static void
certificate_begin(struct agent *a, const struct http_request *r, const struct asker *who,
    const json_t *o, struct certificate *w)
{
	const char *credential, *device;
	struct device_grant *d = NULL;
	int code;

	if (body_text(r, o, "credential", &credential) != TSR_OK ||
	    body_text(r, o, "device", &device) != TSR_OK || certificate_read(r, o, w) != TSR_OK ||
	    certificate_admit(a, r, who, w) != TSR_OK) {
		certificate_free(w);
		return;
	}
	if ((code = device_grant_new(a, r, credential, device, &d)) == TSR_OK)
		code = certificate_grant(d, ssh_audience(a, r->caller), w);
	if (code == TSR_OK) {
		device_grant_whose(d, who, who->name);
		return;
	}
	if (d != NULL)
		device_grant_free(d);
	certificate_free(w);
	problem(r->conn, code, NULL);
}

void
ssh_certificate(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "public_key", "lifetime", "principals", "credential",
	    "device", NULL };
	struct certificate *w;
	json_t *o;

	if (body_read(r, allowed, &o) != TSR_OK)
		return;
	if ((w = calloc(1, sizeof(*w))) == NULL)
		problem(r->conn, TSR_NOMEM, NULL);
	else {
		buf_init(&w->key, SSH_KEY_MAX);
		certificate_begin(a, r, who, o, w);
	}
	json_decref(o);
}
