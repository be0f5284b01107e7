/*
 * jws.c - compact JWS and checking signatures.  See jws.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jws.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/json_text.h"

#define JWS_MAX		65536	/* bytes of a JWS that we make */

int
jws_head(const struct jwk *k, char out[JWS_HEAD_MAX], size_t *len)
{
	char json[JWS_HEAD_MAX / 4 * 3];
	size_t n, m = 0;
	int r;

	if (k->alg != JWK_EDDSA && k->alg != JWK_ES256 && k->alg != JWK_RS256)
		return TSR_BAD_ALGORITHM;
	n = (size_t)snprintf(json, sizeof(json),
	    "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":", jwk_alg_name(k->alg));
	if ((r = json_quote(json + n, sizeof(json) - n - 1, k->kid, &m)) != TSR_OK)
		return r;
	n += m;
	json[n++] = '}';
	*len = b64_encode(out, json, n);
	return TSR_OK;
}

int
jws_sign(struct buf *out, struct jws_key *k, const char *header,
    size_t header_len, const char *payload, size_t payload_len)
{
	uint8_t sig[JWS_SIGNATURE_LEN];
	struct buf b;
	int r;

	buf_init(&b, JWS_MAX);
	if ((r = b64_put(&b, header, header_len)) != TSR_OK ||
	    (r = buf_put_u8(&b, '.')) != TSR_OK ||
	    (r = b64_put(&b, payload, payload_len)) != TSR_OK ||
	    (r = jws_key_sign(k, b.data, b.len, sig)) != TSR_OK ||
	    (r = buf_put_u8(&b, '.')) != TSR_OK ||
	    (r = b64_put(&b, sig, sizeof(sig))) != TSR_OK)
		goto out;
	r = buf_put(out, b.data, b.len);
 out:
	buf_free(&b);
	return r;
}

static int
jws_prepare(const struct jwk *k, struct pubkey **out)
{
	enum proto_algorithm alg;
	struct pubkey_parts parts;

	jwk_parts(k, &parts, &alg);
	return pubkey_new(alg, &parts, out);
}

int
jws_verify(const struct jwk *k, const void *data, size_t n,
    const uint8_t *sig, size_t sig_len)
{
	struct pubkey *key = NULL;
	int r;

	if ((r = jws_prepare(k, &key)) != TSR_OK)
		return r;
	r = pubkey_verify(key, data, n, sig, sig_len);
	pubkey_free(&key);
	return r;
}

struct jws_verifier {
	struct jwk_set set;
	struct pubkey *key[JWK_SET_MAX];	/* one for each of set */
	struct {
		char text[JWS_HEAD_MAX];
		size_t len;
	} head[JWK_SET_MAX];
};

int
jws_verifier_new(const struct jwk_set *s, struct jws_verifier **out)
{
	struct jws_verifier *v;
	size_t i;
	int r = TSR_OK;

	if (s->n > JWK_SET_MAX)
		return TSR_INVALID;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return TSR_NOMEM;
	v->set = *s;
	for (i = 0; i < s->n; i++)
		if ((r = jws_prepare(&s->key[i], &v->key[i])) != TSR_OK ||
		    (r = jws_head(&s->key[i], v->head[i].text, &v->head[i].len)) != TSR_OK)
			goto out;
	*out = v;
	v = NULL;
 out:
	jws_verifier_free(&v);
	return r;
}

void
jws_verifier_free(struct jws_verifier **v)
{
	size_t i;

	if (*v == NULL)
		return;
	for (i = 0; i < JWK_SET_MAX; i++)
		pubkey_free(&(*v)->key[i]);
	free(*v);
	*v = NULL;
}

const struct jwk_set *
jws_verifier_keys(const struct jws_verifier *v)
{
	return &v->set;
}

const struct jwk *
jws_verifier_find(const struct jws_verifier *v, const char *head, size_t len)
{
	size_t i;

	for (i = 0; i < v->set.n; i++)
		if (len == v->head[i].len && memcmp(head, v->head[i].text, len) == 0)
			return &v->set.key[i];
	return NULL;
}

int
jws_verifier_check(struct jws_verifier *v, const struct jwk *k,
    const void *data, size_t n, const uint8_t *sig, size_t sig_len)
{
	size_t i;

	for (i = 0; i < v->set.n; i++)
		if (k == &v->set.key[i])
			return pubkey_verify(v->key[i], data, n, sig, sig_len);
	return TSR_UNKNOWN_KEY;
}
