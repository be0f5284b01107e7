/*
 * recovery.c - see recovery.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/recovery.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/otp.h"
#include "agent/problem.h"
#include "agent/ssh_revoke.h"
#include "base/hash.h"
#include "include/tessera.h"

#define RECOVERY_BYTES	10	/* of randomness */
#define RECOVERY_CHARS	16	/* without dashes */

static const char recovery_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* --- codes --- */

static int
recovery_chars(const char *text, char chars[RECOVERY_CHARS])
{
	size_t n = 0;
	char c;

	for (; *text != '\0'; text++) {
		if (*text == '-')
			continue;
		c = (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
		if (n == RECOVERY_CHARS || strchr(recovery_alphabet, c) == NULL)
			return TSR_INVALID;
		chars[n++] = c;
	}
	return n == RECOVERY_CHARS ? TSR_OK : TSR_INVALID;
}

int
recovery_is_code(const char *text)
{
	char chars[RECOVERY_CHARS];
	int r = strlen(text) <= RECOVERY_CODE_LEN ? recovery_chars(text, chars) : TSR_INVALID;

	sodium_memzero(chars, sizeof(chars));
	return r == TSR_OK;
}

static int
recovery_hash(const struct secret *key, const char *subject, uid_t uid,
    const char chars[RECOVERY_CHARS], uint8_t hash[STORE_RECOVERY_HASH])
{
	const struct hash_part parts[] = {
		{ &uid, sizeof(uid) }, { subject, strlen(subject) + 1 }, { chars, RECOVERY_CHARS }
	};

	return hash_parts(hash, STORE_RECOVERY_HASH, key->data, key->size, parts, 3);
}

/* 80 bits are 16 characters of five. */
static void
recovery_draw(char chars[RECOVERY_CHARS], char code[RECOVERY_CODE_LEN + 1])
{
	uint8_t raw[RECOVERY_CHARS];
	size_t i, n = 0;

	randombytes_buf(raw, sizeof(raw));
	for (i = 0; i < RECOVERY_CHARS; i++) {
		chars[i] = recovery_alphabet[raw[i] & 31];
		if (i > 0 && i % 4 == 0)
			code[n++] = '-';
		code[n++] = chars[i];
	}
	code[n] = '\0';
	sodium_memzero(raw, sizeof(raw));
}

/* count new codes of the user in place of those of that kind, inside a request. */
static int
recovery_make(struct store *st, const char *subject, uid_t uid, enum recovery_kind kind,
    char (*codes)[RECOVERY_CODE_LEN + 1], size_t count)
{
	int64_t ends = kind == RECOVERY_REPLACEMENT ? clock_wall() + RECOVERY_S : 0;
	uint8_t hash[STORE_RECOVERY_HASH];
	char chars[RECOVERY_CHARS];
	struct secret *key = NULL;
	size_t i;
	int r;

	if ((r = store_recovery_key(st, 1, &key)) != TSR_OK ||
	    (r = store_recovery_clear(st, subject, uid, kind)) != TSR_OK)
		goto out;
	for (i = 0; i < count && r == TSR_OK; i++) {
		recovery_draw(chars, codes[i]);
		if ((r = recovery_hash(key, subject, uid, chars, hash)) == TSR_OK)
			r = store_recovery_add(st, subject, uid, kind, hash, ends);
	}
	sodium_memzero(chars, sizeof(chars));
 out:
	secret_free(&key);
	return r;
}

static struct credential *
recovery_credential(const char *subject, uid_t uid)
{
	struct credential *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	(void)snprintf(c->id, sizeof(c->id), "recovery");
	(void)snprintf(c->kind, sizeof(c->kind), "recovery");
	(void)snprintf(c->subject, sizeof(c->subject), "%s", subject);
	c->uid = uid;
	c->acr = ACR_RECOVERY;
	c->state = CREDENTIAL_ACTIVE;
	return c;
}

int
recovery_spend(struct store *st, const char *subject, uid_t uid, const char *code,
    enum recovery_kind least, struct credential **out)
{
	uint8_t hash[STORE_RECOVERY_HASH];
	char chars[RECOVERY_CHARS];
	struct secret *key = NULL;
	int r;

	if (recovery_chars(code, chars) != TSR_OK)
		return TSR_BAD_GRANT;
	if ((r = store_recovery_key(st, 0, &key)) == TSR_OK &&
	    (r = recovery_hash(key, subject, uid, chars, hash)) == TSR_OK)
		r = store_recovery_spend(st, subject, uid, hash, least, clock_wall());
	secret_free(&key);
	sodium_memzero(chars, sizeof(chars));
	if (r == TSR_OK)
		r = otp_forgive_all(st, subject, uid);
	else if (r == TSR_NOT_FOUND)
		r = TSR_BAD_GRANT;
	if (r == TSR_OK && out != NULL && (*out = recovery_credential(subject, uid)) == NULL)
		r = TSR_NOMEM;
	return r;
}

void
recovery_tell(struct agent *a, uid_t uid, const char *audience)
{
	char json[SESSION_AUDIENCE_LEN + 32];
	int n = snprintf(json, sizeof(json), "{\"audience\":\"%s\"}", audience);

	events_hold(a->events, uid, "recovery-used", json, (size_t)n);
}

/* --- a list --- */

struct recovery_wait {
	struct agent *agent;
	const struct http_request *request;
	unsigned ticket;
	int *answered;		/* set where the look-up ends inside its call */
};

static void
recovery_gone(void *arg)
{
	struct recovery_wait *w = arg;

	names_cancel(w->agent->names, w->ticket);
	free(w);
}

static int
recovery_list_store(struct agent *a, const struct caller *by, const char *subject, uid_t uid,
    char (*codes)[RECOVERY_CODE_LEN + 1])
{
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if ((r = recovery_make(a->store, subject, uid, RECOVERY_PRINTED, codes, RECOVERY_CODES)) != TSR_OK ||
	    (r = audit_event_recovery(a, by, "recovery-codes-made", subject, uid, NULL)) != TSR_OK) {
		store_undo(a->store);
		return r;
	}
	return store_keep(a->store);
}

static void
recovery_list_named(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	char codes[RECOVERY_CODES][RECOVERY_CODE_LEN + 1];
	struct recovery_wait *w = arg;
	struct http_conn *conn = w->request->conn;
	struct buf out;
	size_t i;

	(void)gid;
	if (w->answered != NULL)
		*w->answered = 1;
	buf_init(&out, HTTP_ANSWER_MAX);
	if (code == TSR_OK &&
	    (code = recovery_list_store(w->agent, w->request->caller, name, uid, codes)) == TSR_OK)
		code = buf_put_cstr(&out, "{\"codes\":");
	for (i = 0; i < RECOVERY_CODES && code == TSR_OK; i++)
		code = buf_printf(&out, "%s\"%s\"", i == 0 ? "[" : ",", codes[i]);
	if (code == TSR_OK && (code = buf_put_cstr(&out, "]}")) == TSR_OK) {
		http_answer(conn, 201, NULL, out.data, out.len, 1);
		events_hold(w->agent->events, uid, "recovery-codes-made", "{}", 2);
	} else
		problem(conn, code, code == TSR_NOT_FOUND ? "there is no such user" : NULL);
	sodium_memzero(codes, sizeof(codes));
	buf_free(&out);
	free(w);
}

static void
recovery_list_begin(struct agent *a, const struct http_request *r, const char *subject)
{
	struct recovery_wait *w;
	unsigned ticket = 0;
	int code, answered = 0;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	w->agent = a;
	w->request = r;
	w->answered = &answered;	/* cppcheck-suppress autoVariables ; taken back below */
	code = names_uid_of(a->names, subject, recovery_list_named, w, &ticket);
	if (answered)
		return;
	if (code != TSR_OK) {
		recovery_list_named(w, code, 0, 0, NULL);
		return;
	}
	w->answered = NULL;
	w->ticket = ticket;
	http_park(r->conn, recovery_gone, w);
}

void
recovery_list(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "subject", NULL };
	const char *subject = NULL;
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	if (body_text(r, o, "subject", &subject) != TSR_OK)
		;	/* answered */
	else if (subject == NULL || subject[0] == '\0' || strlen(subject) >= NAMES_NAME_MAX)
		problem_invalid(r->conn, "\"subject\" is a user name");
	else
		recovery_list_begin(a, r, subject);
	json_decref(o);
}

/* --- in place of a lost one --- */

static int
recovery_replace_store(struct agent *a, const struct caller *by, const struct credential *c,
    char (*code)[RECOVERY_CODE_LEN + 1])
{
	int r = TSR_OK;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if (c->state == CREDENTIAL_ACTIVE)
		r = store_credential_set_state(a->store, c->id, CREDENTIAL_ACTIVE, CREDENTIAL_DISABLED);
	if (r != TSR_OK || (r = ssh_revoke_within(a, SSH_OF_CREDENTIAL, c->id)) != TSR_OK ||
	    (r = recovery_make(a->store, c->subject, c->uid, RECOVERY_REPLACEMENT, code, 1)) != TSR_OK ||
	    (r = audit_event_recovery(a, by, "credential-replaced", c->subject, c->uid, c->id)) != TSR_OK) {
		store_undo(a->store);
		return r;
	}
	return store_keep(a->store);
}

void
recovery_replace(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id)
{
	static const char *const allowed[] = { NULL };
	char code[1][RECOVERY_CODE_LEN + 1], json[256];
	struct credential *c = NULL;
	json_t *o;
	int n, result;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	json_decref(o);
	if ((result = store_credential_get(a->store, id, &c)) != TSR_OK)
		problem(r->conn, result, result == TSR_NOT_FOUND ? "there is no such credential" : NULL);
	else if ((result = recovery_replace_store(a, r->caller, c, code)) != TSR_OK)
		problem(r->conn, result, NULL);
	else {
		/* sessions end even if the commit should fail: that is the safe side */
		(void)session_end_credential(a->sessions, c->id);
		n = snprintf(json, sizeof(json), "{\"id\":\"%s\"}", c->id);
		events_hold(a->events, c->uid, "credential-replaced", json, (size_t)n);
		n = snprintf(json, sizeof(json), "{\"code\":\"%s\",\"expires_in\":%d}", code[0], RECOVERY_S);
		http_answer(r->conn, 201, NULL, json, (size_t)n, 1);
	}
	sodium_memzero(json, sizeof(json));
	sodium_memzero(code, sizeof(code));
	credential_free(&c);
}
