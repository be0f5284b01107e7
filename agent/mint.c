/*
 * mint.c - see mint.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/mint.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/misuse.h"
#include "agent/opaque.h"
#include "agent/watch.h"
#include "include/tessera.h"
#include "token/json.h"
#include "token/jwt.h"

#define MINT_EVENT_MAX	2048	/* bytes of a token-issued event */

void
mint_client_uid(uid_t uid, char out[MINT_CLIENT_MAX])
{
	(void)snprintf(out, MINT_CLIENT_MAX, "uid:%u", uid);
}

void
mint_client_id(const struct config_audience *a, const struct caller *c, char out[MINT_CLIENT_MAX])
{
	char unit[CALLER_UNIT_MAX];
	size_t i;

	/* The kernel is asked for the unit only where one is listed. */
	if (a->callers.units.n > 0 && caller_unit(c, unit) == TSR_OK)
		for (i = 0; i < a->callers.units.n; i++)
			if (strcmp(a->callers.units.v[i], unit) == 0) {
				(void)snprintf(out, MINT_CLIENT_MAX, "unit:%s", unit);
				return;
			}
	mint_client_uid(c->uid, out);
}

static int
mint_put_bytes(char *out, size_t size, const void *p, size_t n)
{
	if (n >= size)
		return TSR_TOO_LARGE;
	memcpy(out, p, n);
	out[n] = '\0';
	return TSR_OK;
}

static int
mint_put(char *out, size_t size, const char *text)
{
	return mint_put_bytes(out, size, text, strlen(text));
}

static int
mint_claims(const struct agent *a, const struct mint *m, struct jwt_claims *j)
{
	const struct mint_subject *s = m->subject;
	char client[MINT_CLIENT_MAX], jti[STORE_ID_LEN + 1];
	const char *amr[2];
	size_t i;
	int r;

	memset(j, 0, sizeof(*j));
	mint_client_id(m->audience, m->caller, client);
	store_make_id(jti);
	if ((r = mint_put(j->iss, sizeof(j->iss), a->issuer)) != TSR_OK ||
	    (r = mint_put(j->sub, sizeof(j->sub), s->subject)) != TSR_OK ||
	    (r = mint_put(j->aud, sizeof(j->aud), m->audience->name)) != TSR_OK ||
	    (r = mint_put(j->client_id, sizeof(j->client_id), client)) != TSR_OK ||
	    (r = mint_put(j->scope, sizeof(j->scope), m->scope)) != TSR_OK ||
	    (r = mint_put(j->jti, sizeof(j->jti), jti)) != TSR_OK ||
	    (r = mint_put(j->sid, sizeof(j->sid), s->sid)) != TSR_OK)
		return r;
	j->iat = j->nbf = clock_wall();
	j->exp = j->iat + m->audience->lifetime;
	if (s->acr == 0)	/* a service: nobody was proved */
		return TSR_OK;
	if ((r = mint_put(j->acr, sizeof(j->acr), acr_name(s->acr))) != TSR_OK)
		return r;
	j->n_amr = session_amr(s->acr, amr);
	for (i = 0; i < j->n_amr; i++)
		if ((r = mint_put(j->amr[i], sizeof(j->amr[i]), amr[i])) != TSR_OK)
			return r;
	j->auth_time = s->auth_time;
	return TSR_OK;
}

/* The mint is done whether or not somebody can be told; where its proof has yet
 * to become durable, so has the token to leave. */
static void
mint_tell(struct agent *a, const struct mint_subject *s, const struct jwt_claims *j, int stored)
{
	struct buf b;

	if (!events_listening(a->events, s->uid))
		return;
	buf_init(&b, MINT_EVENT_MAX);
	if (buf_printf(&b, "{\"audience\":\"%s\",\"client_id\":", j->aud) == TSR_OK &&
	    json_put_string(&b, j->client_id) == TSR_OK &&
	    buf_printf(&b, ",\"scope\":\"%s\",\"jti\":\"%s\"}", j->scope, j->jti) == TSR_OK)
		(s->unsettled || stored ? events_hold : events_send)(a->events, s->uid, "token-issued",
		    (const char *)b.data, b.len);
	buf_free(&b);
}

/* --- what is stored --- */

static void
mint_row(const struct mint *m, const struct jwt_claims *j, const struct opaque *o,
    struct store_token *t)
{
	const struct mint_subject *s = m->subject;

	memset(t, 0, sizeof(*t));
	t->kind = o->kind;
	memcpy(t->hash, o->hash, sizeof(t->hash));
	t->uid = m->caller->uid;
	(void)snprintf(t->subject, sizeof(t->subject), "%s", s->subject);
	(void)snprintf(t->sid, sizeof(t->sid), "%s", s->sid);
	(void)snprintf(t->credential, sizeof(t->credential), "%s",
	    strlen(s->credential) == STORE_ID_LEN ? s->credential : "");
	(void)snprintf(t->audience, sizeof(t->audience), "%s", j->aud);
	(void)snprintf(t->client, sizeof(t->client), "%s", j->client_id);
	(void)snprintf(t->scope, sizeof(t->scope), "%s", j->scope);
	t->acr = (int)s->acr;
	t->auth_time = s->auth_time;
	t->made = j->iat;
}

static int64_t
mint_idle(const struct mint *m, int64_t ends)
{
	int64_t idle = (int64_t)(clock_boot_ms() + (uint64_t)m->audience->refresh_idle * 1000);

	return idle < ends ? idle : ends;
}

/* A refresh token: the next one of a family, or the first.  *row is the family's. */
static int
mint_refresh(struct agent *a, const struct mint *m, const struct jwt_claims *j,
    char text[OPAQUE_TEXT_MAX], struct store_token *row)
{
	int64_t now_ms = (int64_t)clock_boot_ms();
	struct opaque o;
	int r;

	if ((r = opaque_make(a, TOKEN_REFRESH, m->family_id, text, &o)) != TSR_OK)
		return r;
	if (m->family != NULL) {
		*row = *m->family;
		row->made = j->iat;
		row->idle = mint_idle(m, row->ends);
		r = store_token_spend(a->store, row, o.own, now_ms);
	} else {
		mint_row(m, j, &o, row);
		row->ends = (int64_t)m->subject->refresh_ends_ms;
		row->idle = mint_idle(m, row->ends);
		memcpy(row->newest, o.own, sizeof(row->newest));
		memcpy(row->boot, a->boot_id, sizeof(row->boot));
		r = store_token_add(a->store, row, now_ms);
	}
	sodium_memzero(&o, sizeof(o));
	return r;
}

static int
mint_opaque(struct agent *a, struct mint *m, const struct jwt_claims *j,
    const struct store_token *family)
{
	struct store_token row;
	struct opaque o;
	int r;

	if ((r = opaque_make(a, TOKEN_OPAQUE, NULL, m->text, &o)) != TSR_OK)
		return r;
	mint_row(m, j, &o, &row);
	(void)snprintf(row.jti, sizeof(row.jti), "%.*s", STORE_ID_LEN, j->jti);
	row.ends = j->exp;
	if ((row.has_family = family != NULL))
		memcpy(row.family, family->hash, sizeof(row.family));
	return store_token_add(a->store, &row, j->iat);
}

/* All that is stored of this token, with its line: there is never the one without
 * the other. */
static int
mint_stored(struct agent *a, struct mint *m, const struct jwt_claims *j, int opaque, int refresh,
    char text[OPAQUE_TEXT_MAX])
{
	struct store_token family;
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(a->store)) != TSR_OK)
		return r;
	if (refresh)
		r = mint_refresh(a, m, j, text, &family);
	if (r == TSR_OK && opaque)
		r = mint_opaque(a, m, j, refresh ? &family : NULL);
	if (r == TSR_OK)
		r = audit_event_mint(a, m->caller, m->subject, j, 1);
	if (r == TSR_OK)
		return store_keep(a->store);
	store_undo(a->store);
	return r;
}

/* --- the answer --- */

static int
mint_jwt(struct agent *a, struct mint *m, const struct jwt_claims *j)
{
	struct buf b;
	int r;

	buf_init(&b, JWT_MAX);
	if ((r = jwt_mint(&b, keys_active(a->keys), j)) == TSR_OK)
		r = mint_put_bytes(m->text, sizeof(m->text), b.data, b.len);
	buf_free(&b);
	return r;
}

int
mint_again(const char *token, int64_t left, const char *scope, struct buf *out)
{
	return buf_printf(out, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\","
	    "\"expires_in\":%lld,\"scope\":\"%s\"}", token, (long long)left, scope);
}

int
mint_token(struct agent *a, struct mint *m, struct buf *out)
{
	enum token_format format = m->wish.format != 0 ? m->wish.format : m->audience->format;
	int refresh = m->family != NULL || (m->wish.refresh && m->subject->refresh_ends_ms > 0);
	/* a reload may have come between the wish and the proof */
	int opaque = format == FORMAT_OPAQUE || m->audience->format == FORMAT_OPAQUE, r;
	char text[OPAQUE_TEXT_MAX] = "";
	struct jwt_claims j;

	if (!caller_alive(m->caller))
		return TSR_CLOSED;
	if (epochs_wait(a->epochs, clock_wall()) > 0)	/* it would be dead from the first */
		return TSR_UNAVAILABLE;
	if ((r = watch_mint(a->watch)) != TSR_OK || (r = mint_claims(a, m, &j)) != TSR_OK ||
	    (!opaque && (r = mint_jwt(a, m, &j)) != TSR_OK) ||
	    (r = opaque || refresh ? mint_stored(a, m, &j, opaque, refresh, text) :
	    audit_event_mint(a, m->caller, m->subject, &j, 0)) != TSR_OK ||
	    (r = mint_again(m->text, m->audience->lifetime, m->scope, out)) != TSR_OK)
		goto out;
	if (refresh) {
		buf_cut(out, out->len - 1);
		if ((r = buf_printf(out, ",\"refresh_token\":\"%s\"}", text)) != TSR_OK)
			goto out;
	}
	m->exp = j.exp;
	mint_tell(a, m->subject, &j, opaque || refresh);
	misuse_token(a, m->caller, m->subject->uid, m->subject->subject, m->audience->name);
 out:
	sodium_memzero(text, sizeof(text));
	return r;
}

void
mint_of_session(const struct session *s, const struct config_audience *aud,
    struct mint_subject *out)
{
	uint64_t paid = session_paid_ms(s, aud);
	uint64_t ends = paid + 1000 * (uint64_t)(aud->refresh_lifetime < aud->max_age ?
	    aud->refresh_lifetime : aud->max_age);

	memset(out, 0, sizeof(*out));
	out->subject = s->subject;
	out->sid = s->sid;
	out->credential = s->credential;
	out->uid = s->uid;
	out->acr = s->acr;
	out->auth_time = s->auth_time;
	out->unsettled = s->unsettled;
	if (aud->refresh && aud->class == CLASS_INTERACTIVE && paid > 0)
		out->refresh_ends_ms = ends < s->ends_ms ? ends : s->ends_ms;
}

int
mint_wished(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct mint_wish *wish, const struct caller *c, struct buf *out)
{
	struct mint_subject subject;
	struct mint m;
	int r;

	mint_of_session(s, aud, &subject);
	memset(&m, 0, sizeof(m));
	m.audience = aud;
	m.subject = &subject;
	m.scope = scope;
	m.caller = c;
	if (wish != NULL)
		m.wish = *wish;
	r = mint_token(a, &m, out);
	sodium_memzero(m.text, sizeof(m.text));
	return r;
}

int
mint_answer(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct caller *c, struct buf *out)
{
	return mint_wished(a, aud, s, scope, NULL, c, out);
}
