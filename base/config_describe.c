/*
 * config_describe.c - a configuration as JSON (RFC 8259), led by the table of
 * keys.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "tessera.h"

#include "base/buf.h"
#include "base/config_internal.h"

/* Text of a configuration is UTF-8 without control characters (config_text.c),
 * so that quote and backslash are all that needs a backslash. */
static int
put_text(struct buf *b, const char *text)
{
	size_t n;
	int r;

	if (text == NULL)
		return buf_put_cstr(b, "null");
	if ((r = buf_put_u8(b, '"')) != TSR_OK)
		return r;
	for (; *text != '\0'; text += n) {
		n = strcspn(text, "\"\\");
		if ((r = buf_put(b, text, n)) != TSR_OK)
			return r;
		if (text[n] == '\0')
			break;
		if ((r = buf_put_u8(b, '\\')) != TSR_OK ||
		    (r = buf_put_u8(b, (uint8_t)text[n])) != TSR_OK)
			return r;
		n++;
	}
	return buf_put_u8(b, '"');
}

/* "name": and a comma before it, unless it is the object's first. */
static int
put_name(struct buf *b, const char *name)
{
	int r;

	if (b->len > 0 && b->data[b->len - 1] != '{' && (r = buf_put_u8(b, ',')) != TSR_OK)
		return r;
	if ((r = put_text(b, name)) != TSR_OK)
		return r;
	return buf_put_u8(b, ':');
}

static int
put_list(struct buf *b, const struct strings *list)
{
	size_t i;
	int r;

	if ((r = buf_put_u8(b, '[')) != TSR_OK)
		return r;
	for (i = 0; i < list->n; i++)
		if ((i > 0 && (r = buf_put_u8(b, ',')) != TSR_OK) ||
		    (r = put_text(b, list->v[i])) != TSR_OK)
			return r;
	return buf_put_u8(b, ']');
}

static int
put_word(struct buf *b, const struct config_key *key, const void *member)
{
	const struct config_word *w;
	unsigned value;

	memcpy(&value, member, sizeof(value));
	for (w = key->words; w->word != NULL; w++)
		if (w->value == value)
			return put_text(b, w->word);
	return buf_put_cstr(b, "null");
}

static int
put_value(struct buf *b, const struct config_key *key, const void *member)
{
	switch (key->kind) {
	case CONFIG_STRING:
		return put_text(b, *(char *const *)member);
	case CONFIG_LIST:
		return put_list(b, member);
	case CONFIG_DURATION:
	case CONFIG_NUMBER:
		return buf_printf(b, "%u", *(const uint32_t *)member);
	case CONFIG_BOOL:
		return buf_put_cstr(b, *(const int *)member ? "true" : "false");
	case CONFIG_WORD:
		return put_word(b, key, member);
	case CONFIG_FIXED:
		return put_text(b, key->fallback);
	}
	return TSR_INVALID;
}

/* The members of a table, without braces. */
static int
put_keys(struct buf *b, const struct config_key *keys, const void *base)
{
	int r;

	for (; keys->name != NULL; keys++)
		if ((r = put_name(b, keys->name)) != TSR_OK ||
		    (r = put_value(b, keys, (const char *)base + keys->offset)) != TSR_OK)
			return r;
	return TSR_OK;
}

/* "name":{...} */
static int
put_section(struct buf *b, const char *name, const struct config_key *keys, const void *base)
{
	int r;

	if ((r = put_name(b, name)) != TSR_OK ||
	    (r = buf_put_u8(b, '{')) != TSR_OK ||
	    (r = put_keys(b, keys, base)) != TSR_OK)
		return r;
	return buf_put_u8(b, '}');
}

static int
put_audience(struct buf *b, const struct config_audience *a)
{
	int r;

	if ((r = put_name(b, a->name)) != TSR_OK ||
	    (r = buf_put_u8(b, '{')) != TSR_OK ||
	    (r = put_keys(b, config_keys_audience, a)) != TSR_OK ||
	    (r = put_keys(b, config_keys_callers, &a->callers)) != TSR_OK ||
	    (r = put_section(b, "verifiers", config_keys_callers, &a->verifiers)) != TSR_OK)
		return r;
	return buf_put_u8(b, '}');
}

static int
put_ssh(struct buf *b, const struct config *c)
{
	size_t i;
	int r;

	if ((r = put_name(b, "ssh")) != TSR_OK)
		return r;
	if (!c->ssh.there)
		return buf_put_cstr(b, "null");
	if ((r = buf_put_u8(b, '{')) != TSR_OK || (r = put_keys(b, config_keys_ssh, c)) != TSR_OK ||
	    (r = put_name(b, "principal")) != TSR_OK || (r = buf_put_u8(b, '{')) != TSR_OK)
		return r;
	for (i = 0; i < c->ssh.n_extra; i++)
		if ((r = put_section(b, c->ssh.extra[i].name, config_keys_principal,
		    &c->ssh.extra[i].who)) != TSR_OK)
			return r;
	return buf_put_cstr(b, "}}");
}

static int
put_named(struct buf *b, const struct config *c)
{
	size_t i;
	int r;

	if ((r = put_name(b, "pkcs11-module")) != TSR_OK || (r = buf_put_u8(b, '{')) != TSR_OK)
		return r;
	for (i = 0; i < c->n_modules; i++)
		if ((r = put_section(b, c->modules[i].name, config_keys_module,
		    &c->modules[i])) != TSR_OK)
			return r;
	if ((r = buf_put_u8(b, '}')) != TSR_OK ||
	    (r = put_name(b, "audience")) != TSR_OK || (r = buf_put_u8(b, '{')) != TSR_OK)
		return r;
	for (i = 0; i < c->n_audiences; i++)
		if ((r = put_audience(b, &c->audiences[i])) != TSR_OK)
			return r;
	if ((r = buf_put_u8(b, '}')) != TSR_OK ||
	    (r = put_name(b, "login-helper")) != TSR_OK || (r = buf_put_u8(b, '{')) != TSR_OK)
		return r;
	for (i = 0; i < c->n_login_helpers; i++)
		if ((r = put_section(b, c->login_helpers[i].name, config_keys_helper,
		    &c->login_helpers[i])) != TSR_OK)
			return r;
	return buf_put_u8(b, '}');
}

int
config_describe(const struct config *c, struct buf *out_json)
{
	int r;

	if ((r = buf_put_u8(out_json, '{')) != TSR_OK ||
	    (r = put_name(out_json, "file")) != TSR_OK ||
	    (r = put_text(out_json, c->file)) != TSR_OK ||
	    (r = put_keys(out_json, config_keys_root, c)) != TSR_OK ||
	    (r = put_section(out_json, "signing", config_keys_signing, c)) != TSR_OK ||
	    (r = put_section(out_json, "session", config_keys_session, c)) != TSR_OK ||
	    (r = put_section(out_json, "pcsc", config_keys_pcsc, c)) != TSR_OK ||
	    (r = put_section(out_json, "fido", config_keys_fido, c)) != TSR_OK ||
	    (r = put_section(out_json, "webauthn", config_keys_webauthn, c)) != TSR_OK ||
	    (r = put_section(out_json, "limits", config_keys_limits, c)) != TSR_OK ||
	    (r = put_section(out_json, "misuse", config_keys_misuse, c)) != TSR_OK ||
	    (r = put_section(out_json, "audit", config_keys_audit, c)) != TSR_OK ||
	    (r = put_ssh(out_json, c)) != TSR_OK ||
	    (r = put_section(out_json, "metrics", config_keys_callers, &c->metrics)) != TSR_OK ||
	    (r = put_named(out_json, c)) != TSR_OK)
		return r;
	return buf_put_u8(out_json, '}');
}
