/*
 * key_cred.c - credentials of a virtual key.  See key_cred.h.
 *
 * An id: nonce[16], algorithm, protection, flags, 13 zeros, MAC[32].
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_cred.h"

#include <string.h>

#include <sodium.h>

#include "tessera.h"

#define NONCE		16		/* bytes */
#define HEAD		32		/* bytes before the MAC */
#define BAD_COUNT	5		/* how far "counter-back" steps back */
#define FLAGS_JUNK	0x3a		/* reserved bits of the flags, BE and BS */

static void
key_cred_mac(const struct key *k, char use, const uint8_t *p, size_t n, const uint8_t rp[32],
    uint8_t out[32])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, k->store.s.master, sizeof(k->store.s.master));
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)&use, 1);
	crypto_auth_hmacsha256_update(&st, p, n);
	if (rp != NULL)
		crypto_auth_hmacsha256_update(&st, rp, 32);
	crypto_auth_hmacsha256_final(&st, out);
}

void
key_cred_new(struct key *k, const uint8_t rp[32], const struct key_cred *c, uint8_t id[KEY_ID])
{
	memset(id, 0, KEY_ID);
	randombytes_buf(id, NONCE);
	id[NONCE] = (uint8_t)-c->alg;
	id[NONCE + 1] = (uint8_t)c->protect;
	id[NONCE + 2] = (uint8_t)c->flags;
	key_cred_mac(k, 'i', id, HEAD, rp, id + HEAD);
}

struct key_resident *
key_cred_resident(struct key *k, const uint8_t id[KEY_ID])
{
	struct key_resident *c;
	size_t i;

	for (i = 0; i < KEY_RESIDENT_MAX; i++) {
		c = &k->store.s.resident[i];
		if (c->used && memcmp(c->id, id, KEY_ID) == 0)
			return c;
	}
	return NULL;
}

size_t
key_cred_residents(const struct key *k)
{
	size_t i, n;

	for (n = 0, i = 0; i < KEY_RESIDENT_MAX; i++)
		n += k->store.s.resident[i].used;
	return n;
}

bool
key_cred_known(const struct key *k, const uint8_t rp[32], const uint8_t *id, size_t n,
    struct key_cred *c)
{
	uint8_t mac[32];
	size_t i;

	if (n != KEY_ID)
		return false;
	key_cred_mac(k, 'i', id, HEAD, rp, mac);
	if (sodium_memcmp(mac, id + HEAD, sizeof(mac)) != 0)
		return false;
	c->alg = -(int)id[NONCE];
	c->protect = id[NONCE + 1];
	c->flags = id[NONCE + 2];
	if ((c->flags & CRED_RESIDENT) == 0)
		return true;
	for (i = 0; i < KEY_RESIDENT_MAX; i++)		/* it may have been deleted */
		if (k->store.s.resident[i].used &&
		    memcmp(k->store.s.resident[i].id, id, KEY_ID) == 0)
			return true;
	return false;
}

int
key_cred_pair(const struct key *k, const uint8_t id[KEY_ID], struct key_pair *out)
{
	uint8_t seed[KEY_PAIR_SEED];
	int r;

	key_cred_mac(k, 'k', id, HEAD, NULL, seed);
	r = key_pair_derive(-(int)id[NONCE], seed, out);
	sodium_memzero(seed, sizeof(seed));
	return r;
}

void
key_cred_secret(const struct key *k, const uint8_t id[KEY_ID], bool uv, uint8_t out[32])
{
	key_cred_mac(k, uv ? 'U' : 'u', id, HEAD, NULL, out);
}

/* The counter that is this credential's own. */
static uint32_t *
key_cred_own(struct key *k, const uint8_t id[KEY_ID])
{
	struct key_state *s = &k->store.s;
	struct key_counted *c;
	size_t i;

	for (i = 0; i < KEY_COUNTED_MAX; i++)
		if (memcmp(s->counted[i].nonce, id, NONCE) == 0)
			return &s->counted[i].count;
	c = &s->counted[s->counted_next];
	s->counted_next = (s->counted_next + 1) % KEY_COUNTED_MAX;
	memcpy(c->nonce, id, NONCE);
	c->count = 0;
	return &c->count;
}

uint32_t
key_cred_count(struct key *k, const uint8_t id[KEY_ID])
{
	uint32_t *count;

	switch (k->set.counter) {
	case COUNTER_ZERO:
		return 0;
	case COUNTER_BACK:
		count = &k->store.s.counter;
		*count -= *count > 1;
		break;
	case COUNTER_CREDENTIAL:
		count = key_cred_own(k, id);
		++*count;
		break;
	case COUNTER_GROW:
	default:
		count = &k->store.s.counter;
		++*count;
		break;
	}
	if (key_fault_fires(&k->fault, FAULT_COUNTER_BACK))
		return *count > BAD_COUNT ? *count - BAD_COUNT : 1;
	return *count;
}

void
key_cred_rp(const char *rp, uint8_t out[32])
{
	crypto_hash_sha256(out, (const uint8_t *)rp, strlen(rp));
}

void
key_cred_authdata(struct key *k, const uint8_t rp[32], uint8_t flags, const uint8_t id[KEY_ID],
    struct cbor_out *o)
{
	uint8_t head[37];
	uint32_t count;
	size_t i;

	memcpy(head, rp, 32);
	if (key_fault_fires(&k->fault, FAULT_WRONG_RP))
		head[0] ^= 0xff;
	if (key_fault_fires(&k->fault, FAULT_UP_CLEAR))
		flags &= (uint8_t)~CTAP_UP;
	if (key_fault_fires(&k->fault, FAULT_UV_CLEAR))
		flags &= (uint8_t)~CTAP_UV;
	if (key_fault_fires(&k->fault, FAULT_FLAGS_JUNK))
		flags |= FLAGS_JUNK;
	head[32] = flags;
	count = key_cred_count(k, id);
	for (i = 0; i < 4; i++)
		head[33 + i] = (uint8_t)(count >> (24 - 8 * i));
	cbor_out_raw(o, head, sizeof(head));
}

int
key_cred_sign(struct key *k, const struct key_pair *pair, const struct cbor_out *authdata,
    const uint8_t client_data[32], uint8_t sig[KEY_PAIR_SIG], size_t *len)
{
	struct buf b;
	int r;

	buf_init(&b, CTAP_MESSAGE);
	if ((r = authdata->error) != TSR_OK ||
	    (r = buf_put(&b, authdata->buf.data, authdata->buf.len)) != TSR_OK ||
	    (r = buf_put(&b, client_data, 32)) != TSR_OK ||
	    (r = key_pair_sign(pair, b.data, b.len, sig, len)) != TSR_OK)
		goto out;
	if (key_fault_fires(&k->fault, FAULT_BAD_SIGNATURE))
		sig[*len - 1] ^= 1;
 out:
	buf_free(&b);
	return r;
}
