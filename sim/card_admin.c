/*
 * card_admin.c - the management key 9B: mutual and external authentication
 * (SP 800-73-4 part 2, appendix A.1), and its change as yubico-piv-tool asks
 * for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include <sodium.h>

#include "sim/card_internal.h"
#include "sim/tlv.h"
#include "tessera.h"

#define TAG_TEMPLATE	0x7c
#define TAG_WITNESS	0x80
#define TAG_CHALLENGE	0x81
#define TAG_ANSWER	0x82

static const struct admin_alg {
	uint8_t alg;			/* SP 800-78-4, table 6-2 */
	size_t key, block;		/* bytes */
	const EVP_CIPHER *(*cipher)(void);
} admin_algs[] = {
	{ 0x03, 24, 8, EVP_des_ede3_ecb },
	{ 0x08, 16, 16, EVP_aes_128_ecb },
	{ 0x0a, 24, 16, EVP_aes_192_ecb },
	{ 0x0c, 32, 16, EVP_aes_256_ecb },
};

static const struct admin_alg *
admin_alg(uint8_t alg)
{
	size_t i;

	for (i = 0; i < sizeof(admin_algs) / sizeof(admin_algs[0]); i++)
		if (admin_algs[i].alg == (alg == 0 ? 0x03 : alg))
			return &admin_algs[i];
	return NULL;
}

static int
admin_encrypt(const struct card *c, const struct admin_alg *a, const uint8_t *in, uint8_t *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, r = TSR_CRYPTO;

	if (ctx != NULL && EVP_EncryptInit_ex(ctx, a->cipher(), NULL, c->management, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, in, (int)a->block) == 1 && n == (int)a->block)
		r = TSR_OK;
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

static unsigned
admin_say(struct card *c, uint32_t tag, const uint8_t *v, size_t n)
{
	struct buf t;
	unsigned sw = SW_FAILED;

	buf_init(&t, 64);
	if (tlv_put(&t, tag, v, n) == TSR_OK && tlv_put(&c->out, TAG_TEMPLATE, t.data, t.len) == TSR_OK)
		sw = SW_OK;
	buf_free(&t);
	return sw;
}

/* A new challenge: as a witness it goes out encrypted. */
static unsigned
admin_ask(struct card *c, const struct admin_alg *a, int witness)
{
	uint8_t shown[CARD_BLOCK_MAX];

	randombytes_buf(c->challenge, a->block);
	c->challenge_len = a->block;
	c->challenge_kind = witness ? CHALLENGE_WITNESS : CHALLENGE_PLAIN;
	if (!witness)
		return admin_say(c, TAG_CHALLENGE, c->challenge, a->block);
	if (admin_encrypt(c, a, c->challenge, shown) != TSR_OK)
		return SW_FAILED;
	return admin_say(c, TAG_WITNESS, shown, a->block);
}

/* The witness, decrypted, and a challenge for us. */
static unsigned
admin_mutual(struct card *c, const struct admin_alg *a, const uint8_t *witness, const uint8_t *challenge)
{
	uint8_t answer[CARD_BLOCK_MAX];

	if (sodium_memcmp(witness, c->challenge, a->block) != 0)
		return SW_SECURITY;
	if (admin_encrypt(c, a, challenge, answer) != TSR_OK)
		return SW_FAILED;
	c->admin = 1;
	return admin_say(c, TAG_ANSWER, answer, a->block);
}

/* Our challenge, encrypted. */
static unsigned
admin_external(struct card *c, const struct admin_alg *a, const uint8_t *answer)
{
	uint8_t due[CARD_BLOCK_MAX];

	if (admin_encrypt(c, a, c->challenge, due) != TSR_OK)
		return SW_FAILED;
	if (sodium_memcmp(answer, due, a->block) != 0)
		return SW_SECURITY;
	c->admin = 1;
	return SW_OK;
}

unsigned
card_management(struct card *c, uint8_t alg, const uint8_t *data, size_t n)
{
	const struct admin_alg *a = admin_alg(alg);
	const uint8_t *witness = NULL, *challenge = NULL, *answer = NULL;
	size_t wn = 0, cn = 0, an = 0;
	int kind = (int)c->challenge_kind;

	if (a == NULL || a->alg != c->management_alg)
		return SW_P1P2;
	if (card_needs_contact(c))
		return SW_SECURITY;
	(void)tlv_find(data, n, TAG_WITNESS, &witness, &wn);
	(void)tlv_find(data, n, TAG_CHALLENGE, &challenge, &cn);
	(void)tlv_find(data, n, TAG_ANSWER, &answer, &an);
	c->challenge_kind = CHALLENGE_NONE;	/* one attempt each */
	if (witness != NULL && wn == 0)
		return admin_ask(c, a, 1);
	if (challenge != NULL && cn == 0)
		return admin_ask(c, a, 0);
	c->admin = 0;
	if (kind == CHALLENGE_WITNESS && wn == a->block && cn == a->block)
		return admin_mutual(c, a, witness, challenge);
	if (kind == CHALLENGE_PLAIN && an == a->block)
		return admin_external(c, a, answer);
	return SW_DATA;
}

/* P1 FF, P2 FF or FE; algorithm, 9B, length, key. */
unsigned
card_set_management(struct card *c, const struct apdu *a)
{
	const struct admin_alg *alg;

	if (a->p1 != 0xff || a->p2 < 0xfe)
		return SW_P1P2;
	if (!c->admin)
		return SW_SECURITY;
	if (a->lc < 3 || a->data[1] != REF_MANAGEMENT || (alg = admin_alg(a->data[0])) == NULL ||
	    a->data[2] != alg->key || a->lc != 3 + alg->key)
		return SW_DATA;
	c->management_alg = alg->alg;
	sodium_memzero(c->management, sizeof(c->management));
	memcpy(c->management, a->data + 3, alg->key);
	return card_store_pins(c) == TSR_OK ? SW_OK : SW_MEMORY;
}
