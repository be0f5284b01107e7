/*
 * remote.c - see remote.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/remote.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "client/output.h"
#include "tessera.h"
#include "token/b64.h"

/* A member in base64url into size bytes. */
static int
remote_bytes(const json_t *doc, const char *name, uint8_t *out, size_t size, size_t *n)
{
	const json_t *v = json_object_get(doc, name);

	return json_is_string(v) ?
	    b64_decode(out, size, json_string_value(v), json_string_length(v), n) : TSR_INVALID;
}

/* The bytes to be signed, of the context that is shown and the nonce: what the
 * document calls the challenge is only held against them. */
static int
remote_make(const json_t *doc, struct remote *out)
{
	uint8_t nonce[CHALLENGE_NONCE_LEN], said[CHALLENGE_LEN];
	struct buf context;
	size_t n = 0;
	int r;

	buf_init(&context, CHALLENGE_CONTEXT_MAX);
	if ((r = buf_reserve(&context, CHALLENGE_CONTEXT_MAX)) == TSR_OK &&
	    (r = remote_bytes(doc, "context", context.data, CHALLENGE_CONTEXT_MAX, &n)) == TSR_OK) {
		buf_added(&context, n);
		r = challenge_context_decode(context.data, context.len, &out->memory, &out->context);
	}
	if (r == TSR_OK && (r = remote_bytes(doc, "nonce", nonce, sizeof(nonce), &n)) == TSR_OK)
		r = n == sizeof(nonce) ? challenge_bytes(out->bytes, nonce, &context) : TSR_INVALID;
	if (r == TSR_OK && (r = remote_bytes(doc, "challenge", said, sizeof(said), &n)) == TSR_OK)
		r = n == sizeof(said) && memcmp(said, out->bytes, n) == 0 ? TSR_OK : TSR_INVALID;
	buf_free(&context);
	return r;
}

int
remote_read(struct client *c, const json_t *doc, const char *issuer, struct remote *out)
{
	char shown[OUTPUT_TEXT_MAX];

	out->id = json_string_value(json_object_get(doc, "challenge_id"));
	out->credentials = json_object_get(doc, "credentials");
	if (out->id == NULL || !json_is_array(out->credentials) || remote_make(doc, out) != TSR_OK)
		return fail_set(&c->failure, "invalid_request",
		    "this is no challenge, or what it shows is not what would be signed");
	if (out->context.purpose != CHALLENGE_REMOTE)
		return fail_set(&c->failure, "denied", "this challenge is not for a proof from another host");
	if (strcmp(out->context.issuer, issuer) != 0)
		return fail_set(&c->failure, "denied", "this challenge is of the issuer \"%s\", not of \"%s\": "
		    "who handed it to you may want to be you there", escape_text(shown, sizeof(shown),
		    out->context.issuer, strlen(out->context.issuer)), issuer);
	if (out->context.expiry < (uint64_t)time(NULL))
		return fail_set(&c->failure, "timeout",
		    "this challenge is over: get a new one, which is good for a minute");
	return FAIL_NONE;
}

static void
remote_line(const char *head, const char *text)
{
	char shown[OUTPUT_TEXT_MAX];

	if (text[0] != '\0')
		(void)fprintf(stderr, "%-10s%s\n", head, escape_text(shown, sizeof(shown), text, strlen(text)));
}

void
remote_show(const struct remote *r)
{
	char until[64];

	remote_line("issuer", r->context.issuer);
	remote_line("audience", r->context.audience);
	remote_line("scope", r->context.scope);
	remote_line("user", r->context.subject);
	remote_line("asked by", r->context.client_id);
	remote_line("until", output_time((int64_t)r->context.expiry, until, sizeof(until)));
}

int
remote_is_native(const json_t *credential)
{
	const char *kind = json_string_value(json_object_get(credential, "kind"));
	const char *rp = json_string_value(json_object_get(credential, "rp_id"));
	const char *id = json_string_value(json_object_get(credential, "credential_id"));

	/* one line each to fido2-assert: what is in it is nothing else */
	return kind != NULL && strcmp(kind, "native") == 0 && id != NULL && rp != NULL &&
	    strncmp(rp, REMOTE_RP_PREFIX, strlen(REMOTE_RP_PREFIX)) == 0 && strpbrk(rp, "\r\n") == NULL;
}
