/*
 * pin_change_card.c - a new PIN for a PKCS#11 token.  See pin_change_internal.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pin_change_internal.h"

#include <string.h>

#include "include/tessera.h"

static void
pin_change_no_part(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)arg;
	(void)type;
	(void)v;
}

int
pin_change_card_send(struct pin_change *p)
{
	struct helper_target t = { p->device.module, p->device.serial, p->device.label,
	    p->request->caller->uid };
	struct helper_client client = { pin_change_no_part, pin_change_done, p };
	struct proto_value v[5];

	memset(v, 0, sizeof(v));
	v[0] = proto_text(p->device.serial);
	v[1] = proto_text(p->device.label);
	v[2] = (struct proto_value){ .p = p->old->data, .n = p->old->size };
	v[3] = (struct proto_value){ .p = p->pin->data, .n = p->pin->size };
	v[4].u32 = p->confirmed;
	return helper_request(p->agent->helpers, &t, p->operation == PIN_UNBLOCK ? PROTO_PIN_UNBLOCK :
	    PROTO_PIN_CHANGE, v, 5, PROOF_MS, &client, &p->call);
}

/* --- which token, and what it says of its PIN --- */

static void
pin_change_part(void *arg, uint16_t type, const struct proto_value *v)
{
	struct pin_change *p = arg;

	(void)type;
	p->tries = p->operation == PIN_UNBLOCK ? PROTO_TRIES_UNKNOWN : v[0].u32;
	p->least = v[1].u32;
	p->most = v[2].u32;
	p->device.flags = v[3].u32;
}

static void
pin_change_told(void *arg, int code, uint32_t tries_left, const char *detail)
{
	struct pin_change *p = arg;

	p->call = NULL;
	if (code != TSR_OK)
		pin_change_fail(p, code, tries_left, "%s", detail);
	else if (p->operation == PIN_SET)
		pin_change_fail(p, TSR_KEY_UNUSABLE, PROTO_TRIES_UNKNOWN, "a card's PIN is set where the card is "
		    "made ready: change it, or unblock it with the PUK");
	else if ((p->device.flags & PROTO_TOKEN_PROTECTED_PATH) != 0)
		pin_change_fail(p, TSR_KEY_UNUSABLE, PROTO_TRIES_UNKNOWN, "the reader has a PIN pad: its own "
		    "program changes the PIN");
	else {
		p->pin_state = p->operation == PIN_UNBLOCK ? "ok" :
		    device_pin_state(p->device.flags, p->of.unlimited);
		pin_change_ask(p);
	}
}

static void
pin_change_listed(void *arg, const struct device_list *list)
{
	struct pin_change *p = arg;
	const struct config *cf = policy_config(p->agent->policy);
	const struct config_module *m;
	struct helper_client client = { pin_change_part, pin_change_told, p };
	struct helper_target t;
	struct proto_value v[2];
	size_t i;
	int r;

	p->query = NULL;
	for (i = 0; i < list->n && strcmp(list->device[i].id, p->id) != 0; i++)
		;
	if (i == list->n) {
		pin_change_fail(p, TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN, "no device with that id is "
		    "connected: \"tessera device list\" shows what is there");
		return;
	}
	p->device = list->device[i];
	m = config_module(cf, p->device.module);
	p->of = (struct pin_of){ p->device.serial, p->device.label, p->operation == PIN_UNBLOCK,
	    m != NULL && m->pin_tries == PIN_TRIES_UNLIMITED };
	t = (struct helper_target){ p->device.module, p->device.serial, p->device.label,
	    p->request->caller->uid };
	memset(v, 0, sizeof(v));
	v[0] = proto_text(p->device.serial);
	v[1] = proto_text(p->device.label);
	if ((r = helper_request(p->agent->helpers, &t, PROTO_TRIES, v, 2, PROOF_TRIES_MS, &client,
	    &p->call)) != TSR_OK)
		pin_change_fail(p, r, PROTO_TRIES_UNKNOWN, "%s", "");
}


int
pin_change_card_find(struct pin_change *p)
{
	return device_list(p->agent->helpers, policy_config(p->agent->policy), NULL, pin_change_listed, p,
	    &p->query);
}
