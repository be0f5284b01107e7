/*
 * result.c - tokens and sessions as the agent gives them.  See tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/conn.h"
#include "client/lib/form.h"

struct tsr_token {
	char *text, *scope;
	int expires_in;
};

struct tsr_sessions {
	struct record record;
	const struct doc_node *first;	/* NULL where there is none */
	size_t n;
	int alone;			/* the record is the one session */
};

/* --- from an answer --- */

static int
result_token(struct tsr_client *c, const struct record *r)
{
	const struct doc_node *o = r->doc.node;
	struct tsr_token *t;
	int64_t seconds = 0;
	int code;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return TSR_NOMEM;
	if ((code = record_copy(r, o, "access_token", &t->text)) == TSR_OK) {
		code = record_copy(r, o, "scope", &t->scope);
		if (code == TSR_NOT_FOUND)
			code = (t->scope = strdup("")) != NULL ? TSR_OK : TSR_NOMEM;
	}
	(void)record_number(r, o, "expires_in", &seconds);
	t->expires_in = seconds > 0 && seconds <= INT_MAX ? (int)seconds : 0;
	if (code == TSR_OK && !form_is_token(t->text))
		code = TSR_INVALID;
	if (code != TSR_OK)
		tsr_token_free(&t);
	c->token = t;
	return code == TSR_NOT_FOUND ? TSR_INVALID : code;
}

/* Takes the record on success. */
static int
result_sessions(struct tsr_client *c, struct record *r, int alone)
{
	const struct doc_node *all = record_find(r, r->doc.node, "sessions"), *one;
	struct tsr_sessions *s;

	if (!alone && !doc_is(all, DOC_ARRAY))
		return TSR_INVALID;
	for (one = alone ? NULL : doc_first(&r->doc, all); one != NULL; one = doc_next(&r->doc, one))
		if (!doc_is(one, DOC_OBJECT))
			return TSR_INVALID;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return TSR_NOMEM;
	s->alone = alone;
	s->n = alone ? 1 : all->count;
	s->first = alone ? r->doc.node : doc_first(&r->doc, all);
	s->record = *r;
	memset(r, 0, sizeof(*r));
	c->sessions = s;
	return TSR_OK;
}

static int
result_ended(struct tsr_client *c, const struct record *r)
{
	int64_t n = 0;

	if (record_number(r, r->doc.node, "ended", &n) != TSR_OK || n < 0 || n > INT_MAX)
		return TSR_INVALID;
	c->ended = (int)n;
	return TSR_OK;
}

int
result_take(struct tsr_client *c, const struct http_answer *a)
{
	struct record r;
	const char *body;
	size_t n;
	int code;

	if (a->stream || a->status < 200 || a->status >= 300)
		return fault_answer(&c->fault, c->ask.hc, a);
	if (c->what == CONN_PROMPT)
		return TSR_OK;
	body = http_client_body(c->ask.hc, &n);
	if (!a->json)
		return fault_code(&c->fault, TSR_INVALID);
	if ((code = record_read(&r, body, n)) != TSR_OK)
		return fault_code(&c->fault, code);
	switch (c->what) {
	case TSR_TOKEN_GET:
		code = result_token(c, &r);
		break;
	case TSR_SESSION_LOGOUT:
		code = result_ended(c, &r);
		break;
	default:
		code = result_sessions(c, &r, c->what == TSR_SESSION_LOGIN);
		break;
	}
	record_clear(&r);
	return code == TSR_OK ? code : fault_code(&c->fault, code);
}

void
result_drop(struct tsr_client *c)
{
	tsr_token_free(&c->token);
	tsr_sessions_free(&c->sessions);
	c->ended = -1;
}

int
tsr_client_token(struct tsr_client *c, struct tsr_token **out)
{
	if (c->token == NULL)
		return TSR_NOT_FOUND;
	*out = c->token;
	c->token = NULL;
	return TSR_OK;
}

int
tsr_client_sessions(struct tsr_client *c, struct tsr_sessions **out)
{
	if (c->sessions == NULL)
		return TSR_NOT_FOUND;
	*out = c->sessions;
	c->sessions = NULL;
	return TSR_OK;
}

int
tsr_client_ended(struct tsr_client *c, unsigned *ended)
{
	if (c->ended < 0)
		return TSR_NOT_FOUND;
	*ended = (unsigned)c->ended;
	c->ended = -1;
	return TSR_OK;
}

/* --- tokens --- */

const char *
tsr_token_text(const struct tsr_token *t)
{
	return t->text;
}

const char *
tsr_token_scope(const struct tsr_token *t)
{
	return t->scope;
}

int
tsr_token_expires_in(const struct tsr_token *t)
{
	return t->expires_in;
}

void
tsr_token_free(struct tsr_token **t)
{
	if (*t == NULL)
		return;
	if ((*t)->text != NULL)
		sodium_memzero((*t)->text, strlen((*t)->text));
	free((*t)->text);
	free((*t)->scope);
	free(*t);
	*t = NULL;
}

/* --- sessions --- */

size_t
tsr_session_count(const struct tsr_sessions *s)
{
	return s->n;
}

static const struct doc_node *
session_at(const struct tsr_sessions *s, size_t i)
{
	const struct doc_node *one = i < s->n ? s->first : NULL;

	for (; one != NULL && i > 0; i--)
		one = doc_next(&s->record.doc, one);
	return one;
}

int
tsr_session_text(const struct tsr_sessions *s, size_t i, const char *member, char *out, size_t size)
{
	if (size == 0)
		return TSR_TOO_LARGE;
	return record_text(&s->record, session_at(s, i), member, out, size);
}

int
tsr_session_number(const struct tsr_sessions *s, size_t i, const char *member, int64_t *out)
{
	return record_number(&s->record, session_at(s, i), member, out);
}

int
tsr_session_flag(const struct tsr_sessions *s, size_t i, const char *member)
{
	return record_flag(&s->record, session_at(s, i), member);
}

void
tsr_sessions_free(struct tsr_sessions **s)
{
	if (*s == NULL)
		return;
	record_clear(&(*s)->record);
	free(*s);
	*s = NULL;
}
