/*
 * fido_json.c - a FIDO2 key as GET /devices tells of it.  See fido_list.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "agent/credential_json.h"
#include "agent/fido_list.h"
#include "include/tessera.h"
#include "token/json.h"

static const struct {
	uint32_t flag;
	const char *name;
} options[] = {
	{ PROTO_FIDO_KEY_RESIDENT, "rk" },
	{ PROTO_FIDO_KEY_PIN, "clientPin" },
	{ PROTO_FIDO_KEY_UV, "uv" },
	{ PROTO_FIDO_KEY_ALWAYS_UV, "alwaysUv" },
	{ PROTO_FIDO_KEY_MAKE_NO_UV, "makeCredUvNotRqd" },
};

/* A number, or null where the key does not tell it. */
static int
json_count(struct buf *b, const char *name, uint32_t n)
{
	return n == PROTO_TRIES_UNKNOWN ? buf_printf(b, ",\"%s\":null", name) :
	    buf_printf(b, ",\"%s\":%u", name, n);
}

/* An array of the words of a text. */
static int
json_words(struct buf *b, const char *name, const char *words)
{
	char word[129];
	int r, first = 1;
	size_t n;

	if ((r = buf_printf(b, ",\"%s\":[", name)) != TSR_OK)
		return r;
	for (; *words != '\0'; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, words);
		if (n == 0)
			continue;
		if ((!first && (r = buf_put_cstr(b, ",")) != TSR_OK) ||
		    (r = json_put_string(b, word)) != TSR_OK)
			return r;
		first = 0;
	}
	return buf_put_cstr(b, "]");
}

static int
json_options(struct buf *b, uint32_t flags)
{
	size_t i;
	int r, first = 1;

	if ((r = buf_put_cstr(b, ",\"options\":[")) != TSR_OK)
		return r;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if ((flags & options[i].flag) == 0)
			continue;
		if ((r = buf_printf(b, "%s\"%s\"", first ? "" : ",", options[i].name)) != TSR_OK)
			return r;
		first = 0;
	}
	return buf_put_cstr(b, "]");
}

static int
json_algorithms(struct buf *b, uint32_t mask)
{
	char words[128] = "";
	size_t at = 0;
	unsigned i;

	for (i = PROTO_ECDSA_P256_SHA256; i <= PROTO_ED25519; i++)
		if ((mask & 1u << i) != 0)
			at += (size_t)snprintf(words + at, sizeof(words) - at, "%s%s", at > 0 ? " " : "",
			    credential_algorithm((enum proto_algorithm)i));
	return json_words(b, "algorithms", words);
}

/* In the form of fido { aaguids }. */
static int
json_aaguid(struct buf *b, const struct fido_key *k)
{
	size_t i;
	int r;

	if (!k->has_aaguid)
		return buf_put_cstr(b, ",\"aaguid\":null");
	r = buf_put_cstr(b, ",\"aaguid\":\"");
	for (i = 0; r == TSR_OK && i < sizeof(k->aaguid); i++)
		r = buf_printf(b, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
		    k->aaguid[i]);
	return r == TSR_OK ? buf_put_cstr(b, "\"") : r;
}

int
fido_key_json(struct buf *b, const struct fido_key *k)
{
	uint32_t f = k->flags;
	char node[72];
	int r;

	(void)snprintf(node, sizeof(node), "/dev/%.*s", (int)strcspn(k->device, "-"), k->device);
	if ((r = buf_printf(b, "{\"id\":\"%s\",\"kind\":\"fido\",\"pin\":\"%s\",\"state\":\"%s\"", k->id,
	    fido_key_pin(k), (f & PROTO_FIDO_KEY_BUSY) != 0 ? "busy" :
	    (f & PROTO_FIDO_KEY_FAILED) != 0 ? "failed" : "ready")) != TSR_OK ||
	    (r = json_put_member(b, "label", k->product)) != TSR_OK ||
	    (r = json_put_member(b, "manufacturer", k->manufacturer)) != TSR_OK ||
	    (r = json_put_member(b, "node", node)) != TSR_OK)
		return r;
	if ((f & (PROTO_FIDO_KEY_BUSY | PROTO_FIDO_KEY_FAILED)) != 0)
		return TSR_OK;		/* nothing else is known */
	if ((r = json_aaguid(b, k)) != TSR_OK || (r = json_words(b, "versions", k->versions)) != TSR_OK ||
	    (r = json_words(b, "transports", k->transports)) != TSR_OK ||
	    (r = json_algorithms(b, k->algorithms)) != TSR_OK || (r = json_options(b, f)) != TSR_OK ||
	    (r = buf_printf(b, ",\"pin_set\":%s,\"pin_change_required\":%s,\"uv_set\":%s",
	    (f & PROTO_FIDO_KEY_PIN_SET) != 0 ? "true" : "false",
	    (f & PROTO_FIDO_KEY_PIN_CHANGE) != 0 ? "true" : "false",
	    (f & PROTO_FIDO_KEY_UV_SET) != 0 ? "true" : "false")) != TSR_OK ||
	    (r = json_count(b, "pin_tries", k->pin_tries)) != TSR_OK ||
	    (r = json_count(b, "uv_tries", k->uv_tries)) != TSR_OK)
		return r;
	return json_count(b, "resident_left", k->resident_left);
}
