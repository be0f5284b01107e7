/*
 * key_pin.c - PIN/UV auth protocols one and two.  See key_pin.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_pin.h"

#include <string.h>

#include <sodium.h>

#include "tessera.h"

#define BLOCK	16			/* bytes of AES */

int
key_pin_renew(struct key_pin *p, int protocol)
{
	struct key_pair fresh;
	int r;

	if ((r = key_pair_random(&fresh)) != TSR_OK)
		return r;
	key_pair_free(&p->agreement[protocol - 1]);
	p->agreement[protocol - 1] = fresh;
	return TSR_OK;
}

int
key_pin_power_up(struct key_pin *p)
{
	int r;

	key_pin_forget(p);
	p->failed = 0;
	if ((r = key_pin_renew(p, 1)) != TSR_OK)
		return r;
	return key_pin_renew(p, 2);
}

void
key_pin_free(struct key_pin *p)
{
	key_pin_forget(p);
	key_pair_free(&p->agreement[0]);
	key_pair_free(&p->agreement[1]);
}

/* One block of HKDF-SHA-256 with a salt of zeros (RFC 5869). */
static void
key_pin_hkdf(const uint8_t z[32], const char *info, uint8_t out[32])
{
	static const uint8_t salt[32];
	crypto_auth_hmacsha256_state st;
	uint8_t prk[32];

	crypto_auth_hmacsha256_init(&st, salt, sizeof(salt));
	crypto_auth_hmacsha256_update(&st, z, 32);
	crypto_auth_hmacsha256_final(&st, prk);
	crypto_auth_hmacsha256_init(&st, prk, sizeof(prk));
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)info, strlen(info));
	crypto_auth_hmacsha256_update(&st, (const uint8_t *)"\x01", 1);
	crypto_auth_hmacsha256_final(&st, out);
	sodium_memzero(prk, sizeof(prk));
}

int
key_pin_agree(const struct key_pin *p, int protocol, const struct cbor *cose,
    struct key_pin_shared *out)
{
	uint8_t z[32];
	int r;

	if ((r = key_pair_agree(&p->agreement[protocol - 1], cose, z)) != TSR_OK)
		return r;
	out->protocol = protocol;
	if (protocol == 1) {
		crypto_hash_sha256(out->hmac, z, sizeof(z));
		memcpy(out->aes, out->hmac, sizeof(out->aes));
	} else {
		key_pin_hkdf(z, "CTAP2 HMAC key", out->hmac);
		key_pin_hkdf(z, "CTAP2 AES key", out->aes);
	}
	sodium_memzero(z, sizeof(z));
	return TSR_OK;
}

static int
key_pin_aes(const uint8_t key[32], const uint8_t iv[BLOCK], int encrypt, const uint8_t *p, size_t n,
    uint8_t *out)
{
	EVP_CIPHER_CTX *ctx;
	int a, b, ok;

	if (n % BLOCK != 0 || n > INT16_MAX)
		return TSR_INVALID;
	if ((ctx = EVP_CIPHER_CTX_new()) == NULL)
		return TSR_CRYPTO;
	ok = EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
	    EVP_CipherUpdate(ctx, out, &a, p, (int)n) == 1 &&
	    EVP_CipherFinal_ex(ctx, out + a, &b) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok ? TSR_OK : TSR_CRYPTO;
}

int
key_pin_decrypt(const struct key_pin_shared *s, const uint8_t *p, size_t n, uint8_t *out,
    size_t *len)
{
	static const uint8_t zero[BLOCK];
	size_t skip = s->protocol == 2 ? KEY_PIN_IV : 0;
	int r;

	if (n < skip)
		return TSR_INVALID;
	if ((r = key_pin_aes(s->aes, skip > 0 ? p : zero, 0, p + skip, n - skip, out)) == TSR_OK)
		*len = n - skip;
	return r;
}

int
key_pin_encrypt(const struct key_pin_shared *s, const uint8_t *p, size_t n, uint8_t *out,
    size_t *len)
{
	static const uint8_t zero[BLOCK];
	size_t skip = s->protocol == 2 ? KEY_PIN_IV : 0;
	int r;

	randombytes_buf(out, skip);
	if ((r = key_pin_aes(s->aes, skip > 0 ? out : zero, 1, p, n, out + skip)) == TSR_OK)
		*len = n + skip;
	return r;
}

bool
key_pin_verify(int protocol, const uint8_t key[32], const uint8_t *p, size_t n, const uint8_t *sig,
    size_t sig_len)
{
	crypto_auth_hmacsha256_state st;
	uint8_t mac[32];

	if (sig_len != (protocol == 1 ? 16U : 32U))
		return false;
	crypto_auth_hmacsha256_init(&st, key, 32);
	crypto_auth_hmacsha256_update(&st, p, n);
	crypto_auth_hmacsha256_final(&st, mac);
	return sodium_memcmp(mac, sig, sig_len) == 0;
}

void
key_pin_token(struct key_pin *p, int protocol, unsigned permissions, const uint8_t rp[32])
{
	randombytes_buf(p->token, sizeof(p->token));
	p->protocol = protocol;
	p->permissions = permissions;
	p->bound = rp != NULL;
	if (rp != NULL)
		memcpy(p->rp, rp, sizeof(p->rp));
}

void
key_pin_forget(struct key_pin *p)
{
	sodium_memzero(p->token, sizeof(p->token));
	p->protocol = 0;
	p->permissions = 0;
	p->bound = false;
}
