/*
 * jwk.c - writing keys, thumbprints, finding.  See jwk.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwk.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/json_text.h"

#define JWK_REQUIRED_MAX	(B64_LEN(JWK_RSA_MAX) + 128)	/* bytes of what is hashed */

static const struct jwk_alg_row {
	enum jwk_alg alg;
	const char *name;
} jwk_algs[] = {
	{ JWK_EDDSA, "EdDSA" },
	{ JWK_ES256, "ES256" },
	{ JWK_RS256, "RS256" }
};

#define JWK_ALGS	(sizeof(jwk_algs) / sizeof(jwk_algs[0]))

const char *
jwk_alg_name(enum jwk_alg alg)
{
	size_t i;

	for (i = 0; i < JWK_ALGS; i++)
		if (jwk_algs[i].alg == alg)
			return jwk_algs[i].name;
	return "unknown";
}

int
jwk_alg_parse(const char *name, enum jwk_alg *alg)
{
	size_t i;

	for (i = 0; i < JWK_ALGS; i++)
		if (strcmp(jwk_algs[i].name, name) == 0) {
			*alg = jwk_algs[i].alg;
			return TSR_OK;
		}
	return TSR_BAD_ALGORITHM;
}

void
jwk_parts(const struct jwk *k, struct pubkey_parts *p, enum proto_algorithm *alg)
{
	switch (k->alg) {
	case JWK_EDDSA:
		*p = (struct pubkey_parts){ .kind = PUBKEY_ED25519,
		    .a = k->u.ed25519, .a_len = sizeof(k->u.ed25519) };
		*alg = PROTO_ED25519;
		return;
	case JWK_ES256:
		*p = (struct pubkey_parts){ .kind = PUBKEY_P256,
		    .a = k->u.p256.x, .a_len = sizeof(k->u.p256.x),
		    .b = k->u.p256.y, .b_len = sizeof(k->u.p256.y) };
		*alg = PROTO_ECDSA_P256_SHA256;
		return;
	case JWK_RS256:
		*p = (struct pubkey_parts){ .kind = PUBKEY_RSA,
		    .a = k->u.rsa.n, .a_len = k->u.rsa.n_len,
		    .b = k->u.rsa.e, .b_len = k->u.rsa.e_len };
		*alg = PROTO_RSA_PKCS1_SHA256;
		return;
	}
	memset(p, 0, sizeof(*p));	/* pubkey_new refuses such a kind */
	*alg = 0;
}

static int
jwk_put_number(struct buf *out, const char *before, const uint8_t *p, size_t n)
{
	int r;

	if ((r = buf_put_cstr(out, before)) != TSR_OK ||
	    (r = b64_put(out, p, n)) != TSR_OK)
		return r;
	return buf_put_u8(out, '"');
}

/* The members that RFC 7638 section 3.2 hashes, in its order, without the
 * closing brace. */
static int
jwk_put_required(struct buf *out, const struct jwk *k)
{
	int r;

	switch (k->alg) {
	case JWK_EDDSA:
		return jwk_put_number(out,
		    "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"",
		    k->u.ed25519, sizeof(k->u.ed25519));
	case JWK_ES256:
		if ((r = jwk_put_number(out,
		    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"",
		    k->u.p256.x, sizeof(k->u.p256.x))) != TSR_OK)
			return r;
		return jwk_put_number(out, ",\"y\":\"", k->u.p256.y,
		    sizeof(k->u.p256.y));
	case JWK_RS256:
		if (k->u.rsa.n_len > sizeof(k->u.rsa.n) ||
		    k->u.rsa.e_len > sizeof(k->u.rsa.e))
			return TSR_INVALID;
		if ((r = jwk_put_number(out, "{\"e\":\"", k->u.rsa.e,
		    k->u.rsa.e_len)) != TSR_OK)
			return r;
		return jwk_put_number(out, ",\"kty\":\"RSA\",\"n\":\"",
		    k->u.rsa.n, k->u.rsa.n_len);
	}
	return TSR_BAD_ALGORITHM;
}

int
jwk_write(struct buf *out, const struct jwk *k)
{
	struct buf b;
	int r;

	buf_init(&b, 2 * JWK_REQUIRED_MAX);
	if ((r = jwk_put_required(&b, k)) != TSR_OK ||
	    (r = buf_printf(&b, ",\"alg\":\"%s\",\"use\":\"sig\",\"kid\":",
	    jwk_alg_name(k->alg))) != TSR_OK ||
	    (r = json_put_string(&b, k->kid)) != TSR_OK ||
	    (r = buf_put_u8(&b, '}')) != TSR_OK)
		goto out;
	r = buf_put(out, b.data, b.len);
 out:
	buf_free(&b);
	return r;
}

int
jwk_set_write(struct buf *out, const struct jwk_set *s)
{
	struct buf b;
	size_t i;
	int r;

	buf_init(&b, JWK_SET_BYTES_MAX);
	if ((r = buf_put_cstr(&b, "{\"keys\":[")) != TSR_OK)
		goto out;
	for (i = 0; i < s->n; i++)
		if ((i > 0 && (r = buf_put_u8(&b, ',')) != TSR_OK) ||
		    (r = jwk_write(&b, &s->key[i])) != TSR_OK)
			goto out;
	if ((r = buf_put_cstr(&b, "]}")) != TSR_OK)
		goto out;
	r = buf_put(out, b.data, b.len);
 out:
	buf_free(&b);
	return r;
}

int
jwk_thumbprint(const struct jwk *k, uint8_t out[32])
{
	struct buf b;
	int r;

	buf_init(&b, JWK_REQUIRED_MAX);
	if ((r = jwk_put_required(&b, k)) == TSR_OK &&
	    (r = buf_put_u8(&b, '}')) == TSR_OK)
		r = crypto_hash_sha256(out, b.data, b.len) == 0 ? TSR_OK : TSR_CRYPTO;
	buf_free(&b);
	return r;
}

int
jwk_set_kid(struct jwk *k)
{
	uint8_t hash[32];
	char text[B64_LEN(sizeof(hash))];
	int r;

	if ((r = jwk_thumbprint(k, hash)) != TSR_OK)
		return r;
	(void)b64_encode(text, hash, sizeof(hash));
	memcpy(k->kid, text, JWK_KID_LEN);
	k->kid[JWK_KID_LEN] = '\0';
	return TSR_OK;
}

const struct jwk *
jwk_find(const struct jwk_set *s, const char *kid)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->key[i].kid, kid) == 0)
			return &s->key[i];
	return NULL;
}
