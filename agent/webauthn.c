/*
 * webauthn.c - see webauthn.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/webauthn.h"

#include <stdlib.h>
#include <string.h>

#include "include/tessera.h"
#include "token/b64.h"

/* Members of the credential, and of its "response". */
static const char *const outer[] = { "id", "rawId", "type", "response", "authenticatorAttachment",
    "clientExtensionResults", NULL };
static const char *const asserted[] = { "clientDataJSON", "authenticatorData", "signature",
    "userHandle", "attestationObject", NULL };
static const char *const registered[] = { "clientDataJSON", "attestationObject", "transports",
    "authenticatorData", "publicKey", "publicKeyAlgorithm", NULL };

static int
webauthn_known(const json_t *o, const char *const names[], const char **what)
{
	const char *name;
	json_t *v, *all;
	size_t i;

	memcpy(&all, &o, sizeof(all));	/* jansson walks what it may not change, too */
	json_object_foreach(all, name, v) {
		for (i = 0; names[i] != NULL && strcmp(names[i], name) != 0; i++)
			;
		if (names[i] == NULL) {
			*what = "a member that is not known";
			return TSR_INVALID;
		}
	}
	return TSR_OK;
}

/* A base64url member; absent where it may be (least 0) leaves *n 0. */
static int
webauthn_bytes(const json_t *o, const char *name, size_t least, uint8_t *p, size_t max, size_t *n,
    const char **what)
{
	const json_t *v = json_object_get(o, name);

	*n = 0;
	if (least == 0 && (v == NULL || json_is_null(v)))
		return TSR_OK;
	*what = name;
	if (!json_is_string(v) || json_string_length(v) > B64_LEN(max) ||
	    b64_decode(p, max, json_string_value(v), json_string_length(v), n) != TSR_OK || *n < least)
		return TSR_INVALID;
	return TSR_OK;
}

/* What both have: an id, which is said once or twice alike. */
static int
webauthn_read_outer(const json_t *o, const char *const inner[], struct webauthn *w,
    const json_t **response, const char **what)
{
	const json_t *raw = json_object_get(o, "rawId"), *type = json_object_get(o, "type");

	*what = "the response";
	if (!json_is_object(o) || webauthn_known(o, outer, what) != TSR_OK ||
	    webauthn_bytes(o, "id", 1, w->id, sizeof(w->id), &w->id_len, what) != TSR_OK)
		return TSR_INVALID;
	*what = "rawId";
	if (raw != NULL && !json_equal(raw, json_object_get(o, "id")))
		return TSR_INVALID;
	*what = "type";
	if (type != NULL && (!json_is_string(type) || strcmp(json_string_value(type), "public-key") != 0))
		return TSR_INVALID;
	*what = "response";
	*response = json_object_get(o, "response");
	if (!json_is_object(*response))
		return TSR_INVALID;
	return webauthn_known(*response, inner, what);
}

int
webauthn_read_assertion(const json_t *o, struct webauthn **out, const char **what)
{
	struct webauthn *w;
	const json_t *in;
	int r;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return TSR_NOMEM;
	if ((r = webauthn_read_outer(o, asserted, w, &in, what)) != TSR_OK ||
	    (r = webauthn_bytes(in, "clientDataJSON", json_object_get(in, "clientDataJSON") != NULL,
	    w->client, sizeof(w->client), &w->client_len, what)) != TSR_OK ||
	    (r = webauthn_bytes(in, "authenticatorData", 1, w->authdata, sizeof(w->authdata),
	    &w->authdata_len, what)) != TSR_OK ||
	    (r = webauthn_bytes(in, "signature", 1, w->sig, sizeof(w->sig), &w->sig_len, what)) != TSR_OK ||
	    (r = webauthn_bytes(in, "userHandle", 0, w->handle, sizeof(w->handle), &w->handle_len,
	    what)) != TSR_OK) {
		free(w);
		return r;
	}
	w->browser = w->client_len > 0;
	*out = w;
	return TSR_OK;
}

/* Words of small letters, digits and dashes, as section 5.8.4 has them. */
static int
webauthn_transports(const json_t *list, struct webauthn *w)
{
	size_t i, n, at = 0;
	const char *s;

	if (list == NULL)
		return TSR_OK;
	for (i = 0; i < json_array_size(list); i++) {
		s = json_string_value(json_array_get(list, i));
		if (s == NULL || s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
			return TSR_INVALID;
		n = strlen(s);
		if (n == 0 || at + n + 2 > sizeof(w->transports))
			return TSR_INVALID;
		if (at > 0)
			w->transports[at++] = ' ';
		memcpy(w->transports + at, s, n + 1);
		at += n;
	}
	return json_is_array(list) ? TSR_OK : TSR_INVALID;
}

int
webauthn_read_registration(const json_t *o, struct webauthn **out, const char **what)
{
	struct webauthn *w;
	const json_t *in;
	int r;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return TSR_NOMEM;
	if ((r = webauthn_read_outer(o, registered, w, &in, what)) == TSR_OK &&
	    (r = webauthn_bytes(in, "clientDataJSON", 1, w->client, sizeof(w->client), &w->client_len,
	    what)) == TSR_OK &&
	    (r = webauthn_bytes(in, "attestationObject", 1, w->object, sizeof(w->object), &w->object_len,
	    what)) == TSR_OK) {
		*what = "transports";
		r = webauthn_transports(json_object_get(in, "transports"), w);
	}
	if (r != TSR_OK) {
		free(w);
		return r;
	}
	w->browser = 1;
	*out = w;
	return TSR_OK;
}
