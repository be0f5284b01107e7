/*
 * card_auth.c - what the card does with its keys (SP 800-73-4 part 2, 3.2.4
 * and 3.3.2).
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_internal.h"
#include "sim/tlv.h"
#include "tessera.h"

#define TAG_TEMPLATE	0x7c
#define TAG_CHALLENGE	0x81
#define TAG_ANSWER	0x82
#define TAG_POINT	0x85
#define ANSWER_MAX	600	/* bytes of an answer within its template */

struct card_slot *
card_slot(struct card *c, uint8_t ref)
{
	size_t i;

	for (i = 0; i < CARD_SLOTS; i++)
		if (c->slot[i].ref == ref)
			return &c->slot[i];
	return NULL;
}

/* 9A and 9D want the PIN once, 9C before each use, 9E never (part 1, table 4). */
static int
auth_allowed(const struct card *c, uint8_t ref)
{
	if (ref == REF_CARD_AUTH)
		return 1;
	if (card_needs_contact(c))
		return 0;
	return ref == REF_SIGNATURE ? c->pin_fresh : c->pin_verified;
}

static int
auth_answer(struct card *c, struct card_slot *s, const uint8_t *t, size_t n)
{
	struct buf answer, in;
	const uint8_t *v;
	size_t len;
	int r;

	buf_init(&answer, ANSWER_MAX);
	buf_init(&in, ANSWER_MAX);
	if (tlv_find(t, n, TAG_POINT, &v, &len) == TSR_OK)
		r = card_key_agree(s->key, s->alg, v, len, &answer);
	else if ((r = tlv_find(t, n, TAG_CHALLENGE, &v, &len)) == TSR_OK)
		r = card_key_sign(s->key, s->alg, v, len, &answer);
	if (r == TSR_OK && (r = tlv_put(&in, TAG_ANSWER, answer.data, answer.len)) == TSR_OK)
		r = tlv_put(&c->out, TAG_TEMPLATE, in.data, in.len);
	buf_free(&answer);
	buf_free(&in);
	return r;
}

unsigned
card_authenticate(struct card *c, const struct apdu *a)
{
	struct card_slot *s;
	const uint8_t *t;
	size_t n;

	if (tlv_find(a->data, a->lc, TAG_TEMPLATE, &t, &n) != TSR_OK)
		return SW_DATA;
	if (a->p2 == REF_MANAGEMENT)
		return card_management(c, a->p1, t, n);
	if ((s = card_slot(c, a->p2)) == NULL || s->key == NULL)
		return SW_REFERENCE;
	if (a->p1 != s->alg)
		return SW_P1P2;
	if (!auth_allowed(c, s->ref))
		return SW_SECURITY;
	c->pin_fresh = 0;
	return auth_answer(c, s, t, n) == TSR_OK ? SW_OK : SW_DATA;
}

static int
auth_replace(struct card *c, struct card_slot *s, uint8_t alg, EVP_PKEY *key)
{
	struct card_slot before = *s;

	s->key = key;
	s->alg = alg;
	if (card_store_contents(c) != TSR_OK) {
		*s = before;
		return TSR_SYSTEM;
	}
	EVP_PKEY_free(before.key);
	return TSR_OK;
}

unsigned
card_generate(struct card *c, const struct apdu *a)
{
	struct card_slot *s = card_slot(c, a->p2);
	const uint8_t *t, *alg;
	EVP_PKEY *key = NULL;
	struct buf public;
	unsigned sw = SW_FAILED;
	size_t n, len;

	if (!c->admin)
		return SW_SECURITY;
	if (a->p1 != 0x00 || s == NULL)
		return SW_P1P2;
	if (tlv_find(a->data, a->lc, 0xac, &t, &n) != TSR_OK ||
	    tlv_find(t, n, 0x80, &alg, &len) != TSR_OK || len != 1)
		return SW_DATA;
	if (card_key_generate(*alg, &key) != TSR_OK)
		return SW_DATA;
	buf_init(&public, ANSWER_MAX);
	if (card_key_public(key, *alg, &public) == TSR_OK &&
	    tlv_put(&c->out, 0x7f49, public.data, public.len) == TSR_OK) {
		if (auth_replace(c, s, *alg, key) == TSR_OK) {
			key = NULL;	/* now the slot's */
			sw = SW_OK;
		} else
			sw = SW_MEMORY;
	}
	buf_free(&public);
	EVP_PKEY_free(key);
	return sw;
}
