/*
 * request.c - reading what was asked.  See request.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/request.h"

#include <string.h>

#include "fido/key.h"
#include "tessera.h"

#define DEFAULT_MS	10000u		/* where a request gives no deadline */
#define MARGIN_MS	250u		/* before the keeper loses its patience */

static int
request_text(char out[REQUEST_TEXT_MAX], const struct proto_value *v)
{
	if (v->n >= REQUEST_TEXT_MAX || memchr(v->p, '\0', v->n) != NULL)
		return TSR_INVALID;
	memcpy(out, v->p, v->n);
	out[v->n] = '\0';
	return TSR_OK;
}

static int
request_pin(struct secret **out, const struct proto_value *v)
{
	if (v->n > PROTO_PIN_MAX || (v->n > 0 && memchr(v->p, '\0', v->n) != NULL))
		return TSR_INVALID;
	if ((*out = secret_new(PROTO_PIN_MAX + 1)) == NULL)
		return TSR_NOMEM;
	if (v->n > 0)
		memcpy((*out)->data, v->p, v->n);
	(*out)->data[v->n] = '\0';
	(*out)->size = v->n;
	return TSR_OK;
}

static int
request_hash(struct request *r, const struct proto_value *v)
{
	if (v->n != sizeof(r->hash))
		return TSR_INVALID;
	memcpy(r->hash, v->p, v->n);
	return TSR_OK;
}

static int
request_ids(struct request *r, const struct proto_value *v)
{
	struct reader in;
	struct request_id *id;

	reader_init(&in, v->p, v->n);
	while (in.left > 0) {
		if (r->n_ids == PROTO_FIDO_IDS_MAX)
			return TSR_INVALID;
		id = &r->ids[r->n_ids++];
		if (reader_string(&in, PROTO_FIDO_ID_MAX, &id->p, &id->n) != TSR_OK || id->n == 0)
			return TSR_INVALID;
	}
	return TSR_OK;
}

/* PROTO_FIDO_MAKE's fields in the order of the table. */
static int
request_make(struct request *q, const struct proto_value *v)
{
	int r;

	if ((r = request_text(q->device, &v[0])) != TSR_OK ||
	    (r = request_text(q->rp_id, &v[1])) != TSR_OK ||
	    (r = request_text(q->rp_name, &v[2])) != TSR_OK ||
	    (r = request_text(q->user_name, &v[4])) != TSR_OK ||
	    (r = request_hash(q, &v[5])) != TSR_OK ||
	    (r = request_ids(q, &v[7])) != TSR_OK)
		return r;
	if (v[3].n == 0 || v[3].n > sizeof(q->user_id) || q->rp_id[0] == '\0')
		return TSR_INVALID;
	memcpy(q->user_id, v[3].p, v[3].n);
	q->user_id_len = v[3].n;
	q->algorithms = v[6].u32;
	q->flags = v[8].u32;
	return request_pin(&q->pin, &v[9]);
}

static int
request_assert(struct request *q, const struct proto_value *v)
{
	int r;

	if ((r = request_text(q->device, &v[0])) != TSR_OK ||
	    (r = request_text(q->rp_id, &v[1])) != TSR_OK ||
	    (r = request_hash(q, &v[2])) != TSR_OK ||
	    (r = request_ids(q, &v[3])) != TSR_OK)
		return r;
	q->flags = v[4].u32;
	return q->rp_id[0] == '\0' ? TSR_INVALID : request_pin(&q->pin, &v[5]);
}

static int
request_look(struct request *q, const struct proto_value *v)
{
	int r;

	if ((r = request_text(q->device, &v[0])) != TSR_OK ||
	    (r = request_text(q->rp_id, &v[1])) != TSR_OK)
		return r;
	return q->rp_id[0] == '\0' ? TSR_INVALID : request_ids(q, &v[2]);
}

static int
request_change_pin(struct request *q, const struct proto_value *v)
{
	int r;

	if ((r = request_text(q->device, &v[0])) != TSR_OK ||
	    (r = request_pin(&q->pin, &v[1])) != TSR_OK)
		return r;
	return v[2].n == 0 ? TSR_INVALID : request_pin(&q->new_pin, &v[2]);
}

int
request_read(struct request *r, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	uint32_t ms = f->deadline_ms != 0 ? f->deadline_ms : DEFAULT_MS;
	size_t n;
	int error;

	memset(r, 0, sizeof(*r));
	r->type = f->type;
	r->id = f->id;
	r->end = key_now() + (ms > 2 * MARGIN_MS ? ms - MARGIN_MS : ms / 2);
	if ((error = proto_decode(f, PROTO_FROM_AGENT, v, &n)) != TSR_OK)
		return error;
	switch (f->type) {
	case PROTO_FIDO_LIST:
	case PROTO_FIDO_SELECT:
		return TSR_OK;
	case PROTO_FIDO_MAKE:
		return request_make(r, v);
	case PROTO_FIDO_ASSERT:
		return request_assert(r, v);
	case PROTO_FIDO_LOOK:
		return request_look(r, v);
	case PROTO_FIDO_PIN:
		return request_change_pin(r, v);
	default:
		return TSR_UNSUPPORTED;
	}
}

void
request_free(struct request *r)
{
	secret_free(&r->pin);
	secret_free(&r->new_pin);
}

int
request_has_pin(const struct request *r)
{
	return r->pin != NULL && r->pin->size > 0;
}
