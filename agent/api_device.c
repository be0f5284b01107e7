/*
 * api_device.c - GET /devices and GET /admin/devices: what is plugged in, for
 * an administrator with the keys of cards and the URIs that enrol them.  Cards and
 * FIDO2 keys are asked for at the same time.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/api.h"
#include "agent/credential_json.h"
#include "agent/device.h"
#include "agent/fido.h"
#include "agent/pending.h"
#include "agent/problem.h"
#include "agent/uri.h"
#include "include/tessera.h"
#include "token/json.h"

struct device_answer {
	struct agent *agent;
	const struct http_request *request;
	int with_keys;
	struct device_list list;	/* failures are in the JSON by then */
	size_t next;			/* the device whose keys are asked for */
	struct device_query *query;
	struct fido_query *fido_query;
	int cards, keys;		/* these are still waited for */
	struct pending pending;
	struct buf out, fido, errors;
};

static void
device_answer_free(struct device_answer *d)
{
	device_query_cancel(&d->query);
	fido_query_cancel(&d->fido_query);
	pending_end(&d->pending);
	buf_free(&d->out);
	buf_free(&d->fido);
	buf_free(&d->errors);
	free(d);
}

static void
device_answer_gone(void *arg)
{
	device_answer_free(arg);
}

/* The devices are there, cards first. */
static int
device_answer_join(struct device_answer *d)
{
	int r;

	if (d->fido.len == 0)
		return TSR_OK;
	if (d->list.n > 0 && (r = buf_put_cstr(&d->out, ",")) != TSR_OK)
		return r;
	return buf_put(&d->out, d->fido.data, d->fido.len);
}

static void
device_answer_end(struct device_answer *d, int code)
{
	if (code == TSR_OK && (d->cards || d->keys))
		return;
	if (code == TSR_OK && (code = device_answer_join(d)) == TSR_OK &&
	    (code = buf_put_cstr(&d->out, "],\"errors\":[")) == TSR_OK &&
	    (code = buf_put(&d->out, d->errors.data, d->errors.len)) == TSR_OK)
		code = buf_put_cstr(&d->out, "]}");
	if (code == TSR_OK)
		http_answer(d->request->conn, 200, NULL, d->out.data, d->out.len, 0);
	else
		problem(d->request->conn, code, NULL);
	device_answer_free(d);
}

static int
device_json(const struct device_answer *d, struct buf *b, const struct device *v, int first)
{
	const struct config_module *m = config_module(policy_config(d->agent->policy), v->module);
	int r, unlimited = m != NULL && m->pin_tries == PIN_TRIES_UNLIMITED;

	if ((r = buf_printf(b, "%s{\"id\":\"%s\",\"kind\":\"pkcs11\",\"pin\":\"%s\",\"state\":\"ready\"",
	    first ? "" : ",", v->id, device_pin_state(v->flags, unlimited))) != TSR_OK ||
	    (r = json_put_member(b, "module", v->module)) != TSR_OK ||
	    (r = json_put_member(b, "serial", v->serial)) != TSR_OK ||
	    (r = json_put_member(b, "label", v->label)) != TSR_OK ||
	    (r = json_put_member(b, "manufacturer", v->manufacturer)) != TSR_OK)
		return r;
	if ((r = json_put_member(b, "model", v->model)) != TSR_OK)
		return r;
	return json_put_member(b, "reader", v->reader);
}

static int
device_error_json(struct buf *b, const char *module, int code, const char *detail)
{
	int r;

	if ((r = buf_printf(b, "%s{\"error\":\"%s\"", b->len > 0 ? "," : "", problem_name(code))) != TSR_OK ||
	    (r = json_put_member(b, "module", module)) != TSR_OK ||
	    (r = json_put_member(b, "error_description", detail)) != TSR_OK)
		return r;
	return buf_put_cstr(b, "}");
}

/* --- the keys of one token --- */

static int
device_key_uri(struct buf *b, const struct device *v, const struct device_key *k)
{
	struct uri u;
	struct buf text;
	int r;

	memset(&u, 0, sizeof(u));
	(void)snprintf(u.token, sizeof(u.token), "%s", v->label);
	(void)snprintf(u.serial, sizeof(u.serial), "%s", v->serial);
	(void)snprintf(u.object, sizeof(u.object), "%.*s", (int)sizeof(u.object) - 1, k->label);
	if (strlen(k->label) >= sizeof(u.object))
		u.object[0] = '\0';	/* the id names it alone */
	memcpy(u.id, k->id, k->id_len <= URI_ID_MAX ? k->id_len : 0);
	u.id_len = k->id_len <= URI_ID_MAX ? k->id_len : 0;
	buf_init(&text, 4096);
	if ((r = uri_write(&text, &u)) == TSR_OK && (r = buf_put_u8(&text, 0)) == TSR_OK)
		r = json_put_member(b, "uri", (const char *)text.data);
	buf_free(&text);
	return r;
}

struct device_enrolled {
	const struct device_key *key;
	char id[STORE_ID_LEN + 1];
};

static int
device_enrolled_each(void *arg, const struct credential *c)
{
	struct device_enrolled *e = arg;

	if (c->spki_len == e->key->spki_len && memcmp(c->spki, e->key->spki, c->spki_len) == 0)
		(void)snprintf(e->id, sizeof(e->id), "%s", c->id);
	return TSR_OK;
}

static int
device_key_algorithms(struct buf *b, uint32_t mask)
{
	int r, first = 1;
	unsigned i;

	if ((r = buf_put_cstr(b, ",\"algorithms\":[")) != TSR_OK)
		return r;
	for (i = PROTO_ECDSA_P256_SHA256; i <= PROTO_ED25519; i++) {
		if ((mask & 1u << i) == 0)
			continue;
		if ((r = buf_printf(b, "%s\"%s\"", first ? "" : ",",
		    credential_algorithm((enum proto_algorithm)i))) != TSR_OK)
			return r;
		first = 0;
	}
	return buf_put_cstr(b, "]");
}

static int
device_key_json(struct device_answer *d, const struct device *v, const struct device_key *k, int first)
{
	struct device_enrolled e = { .key = k };
	struct buf *b = &d->out;
	int r;

	if ((r = store_credential_each(d->agent->store, NULL, 0, device_enrolled_each, &e)) != TSR_OK ||
	    (r = buf_put_cstr(b, first ? "{" : ",{")) != TSR_OK ||
	    (r = credential_json_hex(b, "id", k->id, k->id_len)) != TSR_OK ||
	    (r = json_put_member(b, "label", k->label)) != TSR_OK ||
	    (r = device_key_algorithms(b, k->algorithms)) != TSR_OK ||
	    (r = buf_printf(b, ",\"always_authenticate\":%s,\"certificate\":%s",
	    (k->flags & PROTO_KEY_ALWAYS_AUTHENTICATE) != 0 ? "true" : "false",
	    k->certificate != NULL ? "true" : "false")) != TSR_OK ||
	    (r = device_key_uri(b, v, k)) != TSR_OK)
		return r;
	if (e.id[0] == '\0')
		return buf_put_cstr(b, ",\"enrolled\":null}");
	return buf_printf(b, ",\"enrolled\":\"%s\"}", e.id);
}

static void device_answer_next(struct device_answer *d);

static void
device_answer_keys(void *arg, int code, const struct device_keys *keys, const char *detail)
{
	struct device_answer *d = arg;
	const struct device *v = &d->list.device[d->next];
	size_t i;
	int r;

	d->query = NULL;
	if ((r = device_json(d, &d->out, v, d->next == 0)) == TSR_OK)
		r = buf_put_cstr(&d->out, ",\"keys\":[");
	for (i = 0; r == TSR_OK && code == TSR_OK && i < keys->n; i++)
		r = device_key_json(d, v, &keys->key[i], i == 0);
	if (r == TSR_OK)
		r = buf_put_cstr(&d->out, "]}");
	if (r == TSR_OK && code != TSR_OK)
		r = device_error_json(&d->errors, v->module, code,
		    detail[0] != '\0' ? detail : tsr_strerror(code));
	d->next++;
	if (r != TSR_OK)
		device_answer_end(d, r);
	else
		device_answer_next(d);
}

static void
device_answer_next(struct device_answer *d)
{
	int r;

	if (d->next == d->list.n) {
		d->cards = 0;
		device_answer_end(d, TSR_OK);
		return;
	}
	if ((r = device_keys(d->agent->helpers, &d->list.device[d->next], device_answer_keys, d,
	    &d->query)) != TSR_OK)
		device_answer_end(d, r);
}

/* --- the tokens --- */

static void
device_answer_listed(void *arg, const struct device_list *list)
{
	struct device_answer *d = arg;
	size_t i;
	int r = TSR_OK;

	d->query = NULL;
	d->list = *list;
	d->list.failure = NULL;
	for (i = 0; r == TSR_OK && i < list->n_failures; i++)
		r = device_error_json(&d->errors, list->failure[i].module, list->failure[i].code,
		    list->failure[i].detail);
	if (r == TSR_OK && d->with_keys) {
		device_answer_next(d);
		return;
	}
	for (i = 0; r == TSR_OK && i < list->n; i++)
		if ((r = device_json(d, &d->out, &list->device[i], i == 0)) == TSR_OK)
			r = buf_put_cstr(&d->out, "}");
	d->cards = 0;
	device_answer_end(d, r);
}

/* --- FIDO2 keys --- */

static int
device_fido_error(struct device_answer *d, int code, const char *detail)
{
	int r;

	if ((r = buf_printf(&d->errors, "%s{\"error\":\"%s\",\"kind\":\"fido\"", d->errors.len > 0 ? "," : "",
	    problem_name(code))) != TSR_OK || (r = json_put_member(&d->errors, "error_description",
	    detail[0] != '\0' ? detail : tsr_strerror(code))) != TSR_OK)
		return r;
	return buf_put_cstr(&d->errors, "}");
}

static void
device_fido_listed(void *arg, int code, const struct fido_list *l, const char *detail)
{
	struct device_answer *d = arg;
	int r = TSR_OK;
	size_t i;

	d->fido_query = NULL;
	d->keys = 0;
	for (i = 0; r == TSR_OK && i < l->n; i++)
		if ((r = buf_put_cstr(&d->fido, i == 0 ? "" : ",")) == TSR_OK &&
		    (r = fido_key_json(&d->fido, &l->key[i])) == TSR_OK)
			r = buf_put_cstr(&d->fido, "}");
	if (r == TSR_OK && code != TSR_OK)
		r = device_fido_error(d, code, detail);
	device_answer_end(d, r);
}

static int
device_fido_begin(struct device_answer *d)
{
	int r = fido_list(d->agent->fido, device_fido_listed, d, &d->fido_query);

	d->keys = r == TSR_OK;
	if (r == TSR_OK || r == TSR_UNAVAILABLE)	/* none is configured */
		return TSR_OK;
	return device_fido_error(d, r, r == TSR_HELPER ?
	    "the helper for FIDO2 keys cannot be reached: see fido { socket }" : "");
}

static void
device_answer_begin(struct agent *a, const struct http_request *r, int with_keys)
{
	struct device_answer *d;
	int code;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	d->agent = a;
	d->request = r;
	d->with_keys = with_keys;
	buf_init(&d->out, HTTP_ANSWER_MAX);
	buf_init(&d->fido, HTTP_ANSWER_MAX);
	buf_init(&d->errors, HTTP_ANSWER_MAX);
	http_park(r->conn, device_answer_gone, d);
	if ((code = pending_begin(&a->pending, &d->pending, r->caller->uid, r->caller->uid,
	    policy_config(a->policy)->limits.pending_per_uid)) != TSR_OK ||
	    (code = buf_put_cstr(&d->out, "{\"devices\":[")) != TSR_OK ||
	    (code = device_fido_begin(d)) != TSR_OK) {
		device_answer_end(d, code);
		return;
	}
	code = device_list(a->helpers, policy_config(a->policy), NULL, device_answer_listed, d, &d->query);
	d->cards = code == TSR_OK;
	if (code != TSR_OK && code != TSR_DEVICE_NOT_FOUND && d->keys)	/* they are told nevertheless */
		code = device_error_json(&d->errors, policy_config(a->policy)->modules[0].name, code,
		    tsr_strerror(code));
	if (!d->cards)		/* no module, or none that can be asked */
		device_answer_end(d, code == TSR_DEVICE_NOT_FOUND ? TSR_OK : code);
}

void
api_devices(struct agent *a, const struct http_request *r, const struct asker *who)
{
	(void)who;
	device_answer_begin(a, r, 0);
}

void
admin_devices(struct agent *a, const struct http_request *r, const struct asker *who)
{
	(void)who;
	device_answer_begin(a, r, 1);
}
