/*
 * pin_change_key.c - a new PIN for a FIDO2 key (CTAP 2.1 section 6.5).  See
 * pin_change_internal.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_change_internal.h"

#include <stdio.h>
#include <string.h>

#include "agent/fido_pin.h"
#include "include/tessera.h"

static void
key_part(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)arg;
	(void)type;
	(void)v;
}

static int
key_send(struct pin_change *p)
{
	struct fido_call_client client = { key_part, pin_change_done, p };
	struct proto_value v[3];

	v[0] = proto_text(p->node);
	v[1] = p->old != NULL ? proto_bytes(p->old->data, p->old->size) : proto_text("");
	v[2] = proto_bytes(p->pin->data, p->pin->size);
	return fido_ask(p->agent->fido, PROTO_FIDO_PIN, v, 3, FIDO_LOOK_MS, &client, &p->fido_call);
}

static void
key_turn(void *arg, int code)
{
	struct pin_change *p = arg;

	if (code == TSR_OK)
		code = key_send(p);
	if (code != TSR_OK)
		pin_change_unsent(p, code);
}

/* Not while another request's touch is waited for. */
int
pin_change_key_send(struct pin_change *p)
{
	p->turn.uid = p->request->caller->uid;
	p->turn.go = key_turn;
	p->turn.arg = p;
	return fido_turn_wait(&p->agent->fido->turns, &p->turn);
}

/* Why the key's PIN cannot be set or changed as it is now; NULL where it can. */
static const char *
key_refusal(const struct pin_change *p, const struct fido_key *k, int *code)
{
	int set = (k->flags & PROTO_FIDO_KEY_PIN_SET) != 0;

	*code = TSR_KEY_UNUSABLE;
	if ((k->flags & PROTO_FIDO_KEY_FAILED) != 0)
		return "the key does not answer as a FIDO2 key does";
	if ((k->flags & PROTO_FIDO_KEY_BUSY) != 0) {
		*code = TSR_DEVICE_BUSY;
		return "the key is in use: by another request, which waits for a touch, or by another program";
	}
	if (p->operation == PIN_UNBLOCK)
		return "a security key has no PUK: one whose PIN is locked has to be reset "
		    "(\"fido2-token -R\"), which removes every credential on it, and then to be enrolled "
		    "again";
	if ((k->flags & PROTO_FIDO_KEY_PIN) == 0)
		return "the key has no PIN and takes none";
	if (p->operation == PIN_CHANGE && !set) {
		*code = TSR_PIN_UNSET;
		return "the key has no PIN yet: \"tessera device pin set\"";
	}
	*code = TSR_CONFLICT;
	return p->operation == PIN_SET && set ?
	    "the key has a PIN already: \"tessera device pin change\"" : NULL;
}

static void
key_listed(void *arg, int code, const struct fido_list *l, const char *detail)
{
	struct pin_change *p = arg;
	const struct fido_key *k = fido_key_find(l, p->id);
	const char *refusal;

	p->fido_query = NULL;
	if (code != TSR_OK)
		pin_change_fail(p, code, PROTO_TRIES_UNKNOWN, "%s", detail);
	else if (k == NULL)
		pin_change_fail(p, TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN, "no key with that id is plugged "
		    "in: \"tessera device list\" shows what is there");
	else if ((refusal = key_refusal(p, k, &code)) != NULL)
		pin_change_fail(p, code, PROTO_TRIES_UNKNOWN, "%s", refusal);
	else {
		(void)snprintf(p->device.label, sizeof(p->device.label), "%s", k->product);
		(void)snprintf(p->device.manufacturer, sizeof(p->device.manufacturer), "%s", k->manufacturer);
		(void)snprintf(p->node, sizeof(p->node), "%s", k->device);
		p->of = (struct pin_of){ .serial = p->node, .label = "fido" };
		p->tries = k->pin_tries;
		p->pin_state = fido_key_pin(k);
		p->least = FIDO_PIN_LEAST;
		p->most = FIDO_PIN_MOST;
		pin_change_ask(p);
	}
}

int
pin_change_key_find(struct pin_change *p)
{
	return fido_list(p->agent->fido, key_listed, p, &p->fido_query);
}
