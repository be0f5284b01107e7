/*
 * remote_offer.c - see remote_offer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/remote_offer.h"

#include <string.h>

#include "agent/challenges.h"
#include "agent/store_fido.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "token/b64.h"
#include "token/json_text.h"

#define OFFER_MAX	PROTO_FIDO_IDS_MAX	/* credentials in an answer */
#define LIST_MAX	(OFFER_MAX * 1024)	/* bytes of a list of them */
#define LABEL_SHOWN	(4 * 64 + 1)		/* bytes of an escaped label, with NUL */

struct offer {
	const struct agent *agent;
	const struct remote_wish *wish;
	struct buf list;		/* for a client */
	struct buf browser;		/* for a browser */
	size_t n, n_browser;
	int weak;			/* some are too weak */
	int verify;			/* a browser's credential has its person verified */
};

int
remote_may_answer(const struct agent *a, const struct credential *c, const struct fido_record *rec)
{
	const char *rp_id = policy_config(a->policy)->webauthn.rp_id;

	if (c->state != CREDENTIAL_ACTIVE)
		return 0;
	return rec->native || (rp_id != NULL && strcmp(rp_id, rec->rp_id) == 0);
}

/* "usb nfc" as a list. */
static int
offer_transports(struct buf *out, const char *words)
{
	const char *comma = "";
	size_t n;
	int r;

	if ((r = buf_put_cstr(out, ",\"transports\":[")) != TSR_OK)
		return r;
	for (; *(words += strspn(words, " ")) != '\0'; words += n, comma = ",") {
		n = strcspn(words, " ");
		if (words[strspn(words, "abcdefghijklmnopqrstuvwxyz0123456789- ")] == '\0' &&
		    (r = buf_printf(out, "%s\"%.*s\"", comma, (int)n, words)) != TSR_OK)
			return r;
	}
	return buf_put_cstr(out, "]");
}

int
remote_descriptor(struct buf *out, const struct fido_record *rec, int first)
{
	int r;

	if ((r = buf_printf(out, "%s{\"type\":\"public-key\",\"id\":\"", first ? "" : ",")) != TSR_OK ||
	    (r = b64_put(out, rec->cred_id, rec->cred_id_len)) != TSR_OK ||
	    (r = buf_put_cstr(out, "\"")) != TSR_OK ||
	    (r = offer_transports(out, rec->transports)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "}");
}

static int
offer_credential(struct offer *o, const struct credential *c, const struct fido_record *rec)
{
	const char *label = c->label;
	char shown[LABEL_SHOWN];
	int r;

	if (!escape_is_text(label, strlen(label)))
		label = escape_text(shown, sizeof(shown), label, strlen(label));
	if ((r = buf_printf(&o->list, "%s{\"id\":\"%s\",\"kind\":\"%s\",\"rp_id\":\"%s\",\"uv\":\"%s\","
	    "\"credential_id\":\"", o->n > 0 ? "," : "", c->id, rec->native ? "native" : "webauthn",
	    rec->rp_id, rec->verification ? "required" : "preferred")) != TSR_OK ||
	    (r = b64_put(&o->list, rec->cred_id, rec->cred_id_len)) != TSR_OK ||
	    (r = buf_put_cstr(&o->list, "\",\"label\":")) != TSR_OK ||
	    (r = json_put_string(&o->list, label)) != TSR_OK ||
	    (r = offer_transports(&o->list, rec->transports)) != TSR_OK ||
	    (r = buf_put_cstr(&o->list, "}")) != TSR_OK)
		return r;
	o->n++;
	if (rec->native)
		return TSR_OK;
	o->verify |= rec->verification;
	return remote_descriptor(&o->browser, rec, o->n_browser++ == 0);
}

static int
offer_consider(void *arg, const struct credential *c)
{
	struct offer *o = arg;
	struct fido_record rec;
	int r;

	if (!credential_is_fido(c) || o->n == OFFER_MAX)
		return TSR_OK;
	if ((r = store_fido_get(o->agent->store, c->id, &rec)) != TSR_OK)
		return r == TSR_NOT_FOUND ? TSR_CORRUPT : r;
	if (!remote_may_answer(o->agent, c, &rec))
		return TSR_OK;
	if (o->wish->credential != NULL && strcmp(o->wish->credential, c->id) != 0)
		return TSR_OK;
	if (c->acr < o->wish->acr) {
		o->weak = 1;
		return TSR_OK;
	}
	return offer_credential(o, c, &rec);
}

static int
offer_bytes(struct buf *out, const char *name, const void *p, size_t n)
{
	int r;

	if ((r = buf_printf(out, ",\"%s\":\"", name)) != TSR_OK || (r = b64_put(out, p, n)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "\"");
}

/* As PublicKeyCredential.parseRequestOptionsFromJSON() takes it. */
static int
offer_browser(const struct offer *o, const uint8_t challenge[CHALLENGE_LEN], struct buf *out)
{
	int r;

	if (o->n_browser == 0)
		return TSR_OK;
	if ((r = buf_printf(out, ",\"public_key\":{\"rpId\":\"%s\",\"timeout\":%u,\"userVerification\":\"%s\"",
	    policy_config(o->agent->policy)->webauthn.rp_id, CHALLENGE_PROOF_S * 1000,
	    o->verify ? "required" : "preferred")) != TSR_OK ||
	    (r = offer_bytes(out, "challenge", challenge, CHALLENGE_LEN)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"allowCredentials\":[")) != TSR_OK ||
	    (r = buf_put(out, o->browser.data, o->browser.len)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "]}");
}

static int
offer_write(const struct offer *o, const char *id, const uint8_t challenge[CHALLENGE_LEN],
    const uint8_t nonce[CHALLENGE_NONCE_LEN], const struct buf *context, struct buf *out)
{
	int r;

	if ((r = buf_printf(out, "{\"challenge_id\":\"%s\",\"expires_in\":%u", id,
	    CHALLENGE_PROOF_S)) != TSR_OK ||
	    (r = offer_bytes(out, "challenge", challenge, CHALLENGE_LEN)) != TSR_OK ||
	    (r = offer_bytes(out, "nonce", nonce, CHALLENGE_NONCE_LEN)) != TSR_OK ||
	    (r = offer_bytes(out, "context", context->data, context->len)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"credentials\":[")) != TSR_OK ||
	    (r = buf_put(out, o->list.data, o->list.len)) != TSR_OK ||
	    (r = buf_put_cstr(out, "]")) != TSR_OK ||
	    (r = offer_browser(o, challenge, out)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "}");
}

int
remote_offer(struct agent *a, const struct remote_wish *wish, const char *id,
    const uint8_t challenge[CHALLENGE_LEN], const uint8_t nonce[CHALLENGE_NONCE_LEN],
    const struct buf *context, struct buf *out)
{
	struct offer o = { .agent = a, .wish = wish };
	int r;

	buf_init(&o.list, LIST_MAX);
	buf_init(&o.browser, LIST_MAX);
	r = store_credential_each(a->store, wish->subject, wish->uid, offer_consider, &o);
	if (r == TSR_OK && o.n == 0)
		r = o.weak ? TSR_STEP_UP_REQUIRED : TSR_DEVICE_NOT_FOUND;
	if (r == TSR_OK)
		r = offer_write(&o, id, challenge, nonce, context, out);
	buf_free(&o.list);
	buf_free(&o.browser);
	return r;
}
