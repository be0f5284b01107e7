/*
 * credential_json.c - see credential_json.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/credential_json.h"

#include <string.h>

#include "base/escape.h"
#include "include/tessera.h"
#include "token/b64.h"
#include "token/json.h"

#define CREDENTIAL_TEXT_MAX	64	/* bytes of a text of struct credential */

const char *
credential_algorithm(enum proto_algorithm a)
{
	switch (a) {
	case PROTO_ECDSA_P256_SHA256:
		return "ecdsa-p256-sha256";
	case PROTO_ECDSA_P384_SHA256:
		return "ecdsa-p384-sha256";
	case PROTO_RSA_PSS_SHA256:
		return "rsa-pss-sha256";
	case PROTO_RSA_PKCS1_SHA256:
		return "rsa-pkcs1-sha256";
	case PROTO_ED25519:
		return "ed25519";
	}
	return a == 0 ? "otp" : "unknown";
}

/* One row whose text is not UTF-8 must not cost everybody the list. */
static int
credential_text(struct buf *out, const char *name, const char *value)
{
	char shown[4 * CREDENTIAL_TEXT_MAX + 1];
	int r;

	if ((r = buf_printf(out, "%s\"%s\":", out->data[out->len - 1] == '{' ? "" : ",", name)) != TSR_OK)
		return r;
	if (!escape_is_text(value, strlen(value)))
		value = escape_text(shown, sizeof(shown), value, strlen(value));
	return json_put_string(out, value);
}

int
credential_json_hex(struct buf *out, const char *name, const uint8_t *p, size_t n)
{
	size_t i;
	int r;

	if ((r = buf_printf(out, "%s\"%s\":\"", out->data[out->len - 1] == '{' ? "" : ",", name)) != TSR_OK)
		return r;
	for (i = 0; i < n; i++)
		if ((r = buf_printf(out, "%02x", p[i])) != TSR_OK)
			return r;
	return buf_put_cstr(out, "\"");
}

static int
credential_certificate(struct buf *out, const struct credential *c)
{
	int r;

	if (c->certificate == NULL)
		return TSR_OK;
	if ((r = buf_put_cstr(out, ",\"certificate\":\"")) != TSR_OK ||
	    (r = buf_reserve(out, B64_LEN(c->certificate_len))) != TSR_OK)
		return r;
	buf_added(out, b64_encode((char *)out->data + out->len, c->certificate, c->certificate_len));
	return buf_put_cstr(out, "\"");
}

int
credential_json(struct buf *out, const struct credential *c)
{
	int r;

	if ((r = buf_put_cstr(out, "{")) != TSR_OK ||
	    (r = credential_text(out, "id", c->id)) != TSR_OK ||
	    (r = credential_text(out, "kind", c->kind)) != TSR_OK ||
	    (r = credential_text(out, "subject", c->subject)) != TSR_OK ||
	    (r = buf_printf(out, ",\"uid\":%u", c->uid)) != TSR_OK ||
	    (r = credential_text(out, "label", c->label)) != TSR_OK ||
	    (r = credential_text(out, "module", c->module)) != TSR_OK ||
	    (r = buf_put_cstr(out, ",\"token\":{")) != TSR_OK ||
	    (r = credential_text(out, "serial", c->token_serial)) != TSR_OK ||
	    (r = credential_text(out, "label", c->token_label)) != TSR_OK ||
	    (r = credential_text(out, "manufacturer", c->token_manufacturer)) != TSR_OK ||
	    (r = credential_text(out, "model", c->token_model)) != TSR_OK ||
	    (r = buf_put_cstr(out, "},\"key\":{")) != TSR_OK ||
	    (r = credential_json_hex(out, "id", c->key_id, c->key_id_len)) != TSR_OK ||
	    (r = credential_text(out, "label", c->key_label)) != TSR_OK ||
	    (r = buf_printf(out, "},\"algorithm\":\"%s\",\"acr\":\"%s\",\"vouched\":%s,"
	    "\"state\":\"%s\",\"created\":%lld,\"last_used\":%lld",
	    credential_algorithm(c->algorithm), acr_name(c->acr), c->vouched ? "true" : "false",
	    credential_state_name(c->state), (long long)c->created, (long long)c->last_used)) != TSR_OK ||
	    (r = credential_certificate(out, c)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "}");
}

struct credential_list {
	struct buf *out;
	int n;
};

static int
credential_list_each(void *arg, const struct credential *c)
{
	struct credential_list *l = arg;
	int r;

	if (l->n++ > 0 && (r = buf_put_cstr(l->out, ",")) != TSR_OK)
		return r;
	return credential_json(l->out, c);
}

int
credential_json_list(struct buf *out, struct store *st, const char *subject, uid_t uid)
{
	struct credential_list l = { out, 0 };
	int r;

	if ((r = buf_put_cstr(out, "{\"credentials\":[")) != TSR_OK ||
	    (r = store_credential_each(st, subject, uid, credential_list_each, &l)) != TSR_OK)
		return r;
	return buf_put_cstr(out, "]}");
}
