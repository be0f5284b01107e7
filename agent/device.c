/*
 * device.c - see device.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/device.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/hash.h"
#include "include/tessera.h"

/* One module's part of a query. */
struct device_ask {
	struct device_query *query;
	struct helper_call *call;	/* NULL once answered */
	char module[33];
};

struct device_query {
	struct device_ask *ask;
	size_t n, pending;
	struct device_list *list;	/* of tokens */
	struct device_keys keys;	/* of a token */
	void (*list_done)(void *arg, const struct device_list *l);
	void (*keys_done)(void *arg, int code, const struct device_keys *k, const char *detail);
	void *arg;
};

int
device_make_id(char id[DEVICE_ID_LEN + 1], const char *module, const char *serial, const char *label)
{
	struct hash_part parts[] = {
		{ module, strlen(module) + 1 }, { serial, strlen(serial) + 1 }, { label, strlen(label) + 1 }
	};
	uint8_t hash[32];
	int r;

	if ((r = hash_parts(hash, sizeof(hash), NULL, 0, parts, 3)) != TSR_OK)
		return r;
	(void)sodium_bin2hex(id, DEVICE_ID_LEN + 1, hash, DEVICE_ID_LEN / 2);
	return TSR_OK;
}

uint32_t
device_tries(uint32_t flags)
{
	if ((flags & PROTO_TOKEN_PIN_LOCKED) != 0)
		return 0;
	if ((flags & PROTO_TOKEN_PIN_FINAL_TRY) != 0)
		return 1;
	return PROTO_TRIES_UNKNOWN;
}

const char *
device_pin_state(uint32_t flags, int unlimited)
{
	if (unlimited)
		return "ok";
	switch (device_tries(flags)) {
	case 0:
		return "locked";
	case 1:
		return "final";
	default:
		return (flags & PROTO_TOKEN_PIN_COUNT_LOW) != 0 ? "low" : "ok";
	}
}

static void
device_query_free(struct device_query *q)
{
	size_t i;

	for (i = 0; i < q->keys.n; i++)
		free(q->keys.key[i].certificate);
	free(q->keys.key);
	if (q->list != NULL)
		free(q->list->failure);
	free(q->list);
	free(q->ask);
	free(q);
}

void
device_query_cancel(struct device_query **qp)
{
	struct device_query *q = *qp;
	size_t i;

	if (q == NULL)
		return;
	for (i = 0; i < q->n; i++)
		helper_cancel(&q->ask[i].call);
	device_query_free(q);
	*qp = NULL;
}

static void
device_copy(char *out, size_t size, const struct proto_value *v)
{
	escape_cut(out, size, v->p, v->n);
}

static int
device_query_new(size_t n, struct device_query **out)
{
	struct device_query *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return TSR_NOMEM;
	if ((q->ask = calloc(n + 1, sizeof(*q->ask))) == NULL) {
		free(q);
		return TSR_NOMEM;
	}
	*out = q;
	return TSR_OK;
}

/* --- tokens --- */

static void
device_list_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct device_ask *a = arg;
	struct device_list *l = a->query->list;
	struct device *d;

	(void)type;
	if (l->n == DEVICES_MAX)
		return;
	d = &l->device[l->n++];
	(void)snprintf(d->module, sizeof(d->module), "%s", a->module);
	device_copy(d->serial, sizeof(d->serial), &v[0]);
	device_copy(d->label, sizeof(d->label), &v[1]);
	device_copy(d->manufacturer, sizeof(d->manufacturer), &v[2]);
	device_copy(d->model, sizeof(d->model), &v[3]);
	d->flags = v[4].u32;
	device_copy(d->reader, sizeof(d->reader), &v[5]);
	if (device_make_id(d->id, d->module, d->serial, d->label) != TSR_OK)
		l->n--;		/* nobody could name it */
}

static void
device_list_failed(struct device_ask *a, int code, const char *detail)
{
	struct device_list *l = a->query->list;
	struct device_failure *f = &l->failure[l->n_failures++];

	(void)snprintf(f->module, sizeof(f->module), "%s", a->module);
	if (detail[0] == '\0')
		detail = tsr_strerror(code);
	escape_cut(f->detail, sizeof(f->detail), detail, strlen(detail));
	f->code = code;
}

static void
device_list_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct device_ask *a = arg;
	struct device_query *q = a->query;

	(void)tries_left;
	a->call = NULL;
	if (code != TSR_OK)
		device_list_failed(a, code, detail);
	if (--q->pending > 0)
		return;
	q->list_done(q->arg, q->list);
	device_query_free(q);
}

static void
device_list_ask(struct device_query *q, struct helpers *hs, const char *module)
{
	struct device_ask *a = &q->ask[q->n++];
	struct helper_target t = { module, "", "", (uid_t)-1 };
	struct helper_client client = { device_list_part, device_list_done, a };
	int r;

	a->query = q;
	(void)snprintf(a->module, sizeof(a->module), "%s", module);
	if ((r = helper_request(hs, &t, PROTO_TOKENS, NULL, 0, DEVICE_LIST_MS, &client,
	    &a->call)) != TSR_OK)
		device_list_failed(a, r, "");
	else
		q->pending++;
}

int
device_list(struct helpers *hs, const struct config *c, const char *module,
    void (*done)(void *arg, const struct device_list *l), void *arg, struct device_query **out)
{
	struct device_query *q;
	size_t i;
	int r;

	if ((r = device_query_new(c->n_modules, &q)) != TSR_OK)
		return r;
	q->list_done = done;
	q->arg = arg;
	if ((q->list = calloc(1, sizeof(*q->list))) == NULL ||
	    (q->list->failure = calloc(c->n_modules + 1, sizeof(*q->list->failure))) == NULL) {
		device_query_free(q);
		return TSR_NOMEM;
	}
	for (i = 0; i < c->n_modules; i++)
		if (module == NULL || strcmp(module, c->modules[i].name) == 0)
			device_list_ask(q, hs, c->modules[i].name);
	if (q->pending == 0) {		/* nobody to wait for */
		r = q->list->n_failures > 0 ? q->list->failure[0].code : TSR_DEVICE_NOT_FOUND;
		device_query_free(q);
		return r;
	}
	*out = q;
	return TSR_OK;
}

/* --- keys --- */

static void
device_keys_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct device_ask *a = arg;
	struct device_keys *ks = &a->query->keys;
	struct device_key *k;

	(void)type;
	if (ks->n == DEVICE_KEYS_MAX || v[0].n > sizeof(k->id) || v[3].n > sizeof(k->spki))
		return;
	k = &ks->key[ks->n];
	memset(k, 0, sizeof(*k));
	if (v[4].n > 0 && (k->certificate = malloc(v[4].n)) == NULL)
		return;
	if (v[4].n > 0)
		memcpy(k->certificate, v[4].p, v[4].n);
	k->certificate_len = v[4].n;
	memcpy(k->id, v[0].p, v[0].n);
	k->id_len = v[0].n;
	device_copy(k->label, sizeof(k->label), &v[1]);
	k->algorithms = v[2].u32;
	memcpy(k->spki, v[3].p, v[3].n);
	k->spki_len = v[3].n;
	k->flags = v[5].u32;
	ks->n++;
}

static void
device_keys_done(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct device_ask *a = arg;
	struct device_query *q = a->query;

	(void)tries_left;
	a->call = NULL;
	q->keys_done(q->arg, code, &q->keys, detail);
	device_query_free(q);
}

int
device_keys(struct helpers *hs, const struct device *d,
    void (*done)(void *arg, int code, const struct device_keys *k, const char *detail),
    void *arg, struct device_query **out)
{
	struct helper_target t = { d->module, "", "", (uid_t)-1 };
	struct proto_value v[2] = {
		proto_text(d->serial), proto_text(d->label)
	};
	struct helper_client client = { device_keys_part, device_keys_done, NULL };
	struct device_query *q;
	int r;

	if ((r = device_query_new(1, &q)) != TSR_OK)
		return r;
	q->keys_done = done;
	q->arg = arg;
	q->n = 1;
	q->ask[0].query = q;
	client.arg = &q->ask[0];
	if ((q->keys.key = calloc(DEVICE_KEYS_MAX, sizeof(*q->keys.key))) == NULL)
		r = TSR_NOMEM;
	else
		r = helper_request(hs, &t, PROTO_KEYS, v, 2, DEVICE_LIST_MS, &client, &q->ask[0].call);
	if (r != TSR_OK) {
		device_query_free(q);
		return r;
	}
	*out = q;
	return TSR_OK;
}
