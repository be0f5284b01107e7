/*
 * mint.c - see mint.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/mint.h"

#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
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
mint_put(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		return TSR_TOO_LARGE;
	memcpy(out, text, n + 1);
	return TSR_OK;
}

static int
mint_claims(const struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct caller *c, struct jwt_claims *j)
{
	char client[MINT_CLIENT_MAX], jti[STORE_ID_LEN + 1];
	const char *amr[2];
	size_t i;
	int r;

	mint_client_id(aud, c, client);
	store_make_id(jti);
	if ((r = mint_put(j->iss, sizeof(j->iss), a->issuer)) != TSR_OK ||
	    (r = mint_put(j->sub, sizeof(j->sub), s->subject)) != TSR_OK ||
	    (r = mint_put(j->aud, sizeof(j->aud), aud->name)) != TSR_OK ||
	    (r = mint_put(j->client_id, sizeof(j->client_id), client)) != TSR_OK ||
	    (r = mint_put(j->scope, sizeof(j->scope), scope)) != TSR_OK ||
	    (r = mint_put(j->jti, sizeof(j->jti), jti)) != TSR_OK ||
	    (r = mint_put(j->sid, sizeof(j->sid), s->sid)) != TSR_OK ||
	    (r = mint_put(j->acr, sizeof(j->acr), acr_name(s->acr))) != TSR_OK)
		return r;
	j->n_amr = session_amr(s->acr, amr);
	for (i = 0; i < j->n_amr; i++)
		if ((r = mint_put(j->amr[i], sizeof(j->amr[i]), amr[i])) != TSR_OK)
			return r;
	j->jkt[0] = '\0';
	j->iat = j->nbf = clock_wall();
	j->exp = j->iat + aud->lifetime;
	j->auth_time = s->auth_time;
	return TSR_OK;
}

/* The mint is done whether or not somebody can be told; where its proof has yet
 * to become durable, so has the token to leave. */
static void
mint_tell(struct agent *a, const struct session *s, const struct jwt_claims *j)
{
	struct buf b;

	if (!events_listening(a->events, s->uid))
		return;
	buf_init(&b, MINT_EVENT_MAX);
	if (buf_printf(&b, "{\"audience\":\"%s\",\"client_id\":", j->aud) == TSR_OK &&
	    json_put_string(&b, j->client_id) == TSR_OK &&
	    buf_printf(&b, ",\"scope\":\"%s\",\"jti\":\"%s\"}", j->scope, j->jti) == TSR_OK)
		(s->unsettled ? events_hold : events_send)(a->events, s->uid, "token-issued", (const char *)b.data, b.len);
	buf_free(&b);
}

int
mint_answer(struct agent *a, const struct config_audience *aud, const struct session *s,
    const char *scope, const struct caller *c, struct buf *out)
{
	struct jwt_claims j;
	int r;

	if (!caller_alive(c))
		return TSR_CLOSED;
	if ((r = watch_mint(a->watch)) != TSR_OK)
		return r;
	if (epochs_wait(a->epochs, clock_wall()) > 0)	/* it would be dead from the first */
		return TSR_UNAVAILABLE;
	if ((r = mint_claims(a, aud, s, scope, c, &j)) != TSR_OK ||
	    (r = buf_put_cstr(out, "{\"access_token\":\"")) != TSR_OK ||
	    (r = jwt_mint(out, keys_active(a->keys), &j)) != TSR_OK ||
	    (r = buf_printf(out, "\",\"token_type\":\"Bearer\",\"expires_in\":%u,\"scope\":\"%s\"}",
	    aud->lifetime, scope)) != TSR_OK ||
	    (r = audit_event_mint(a, c, s, &j)) != TSR_OK)
		return r;
	mint_tell(a, s, &j);
	return TSR_OK;
}
