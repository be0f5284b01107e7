/*
 * jwt.c - fuzz target: a whole token, or (where the input has a line end) a
 * header and claims that are signed here, so that the claims are reached.
 * The two readers of claims must agree wherever the plain one accepts.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "tests/fuzz/scarce.h"
#include "token/jwt.h"
#include "token/jwt_claims.h"

#define NOW	1800000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jws_key *key;
static struct jws_verifier *verifier;
static struct jwk_set keys;

/* The key is fixed: its seed is zero and its kid "k". */
static void
start(void)
{
	struct secret *seed = secret_new(32);

	if (seed == NULL || jws_key_load(JWK_EDDSA, seed, &key) != TSR_OK)
		abort();
	secret_free(&seed);
	keys.n = 1;
	keys.key[0] = *jws_key_public(key);
	memcpy(keys.key[0].kid, "k", 2);
	if (jws_verifier_new(&keys, &verifier) != TSR_OK)
		abort();
}

static void
check(const char *token, size_t n)
{
	struct jwt_expect want = { .keys = &keys, .iss = "https://i", .aud = "a",
	    .now = NOW, .leeway = 5, .max_lifetime = 3600 };
	struct jwt_claims c, d;
	int r;

	memset(&c, 0, sizeof(c));
	memset(&d, 0, sizeof(d));
	r = jwt_check(token, n, &want, &c);
	want.keys = NULL;
	want.verifier = verifier;
	if ((jwt_check(token, n, &want, &d) != r || memcmp(&c, &d, sizeof(c)) != 0) && !scarce_hit())
		abort();
	if (r == TSR_OK && (strcmp(c.iss, want.iss) != 0 || strcmp(c.aud, want.aud) != 0 ||
	    c.exp <= NOW || c.exp - c.iat > 3600 || c.nbf > NOW + 5 ||
	    c.sub[0] == '\0' || c.jti[0] == '\0' || c.client_id[0] == '\0'))
		abort();
}

static void
compare_readers(const char *json, size_t n)
{
	struct jwt_claims plain, any;

	if (!jwt_claims_plain(json, n, &plain) || (jwt_claims_read(json, n, NULL, &any) == TSR_NOMEM &&
	    scarce_hit()))
		return;
	if (jwt_claims_read(json, n, NULL, &any) != TSR_OK ||
	    strcmp(plain.iss, any.iss) != 0 || strcmp(plain.sub, any.sub) != 0 ||
	    strcmp(plain.aud, any.aud) != 0 || strcmp(plain.jti, any.jti) != 0 ||
	    strcmp(plain.client_id, any.client_id) != 0 ||
	    strcmp(plain.scope, any.scope) != 0 || strcmp(plain.acr, any.acr) != 0 ||
	    strcmp(plain.sid, any.sid) != 0 || strcmp(plain.jkt, any.jkt) != 0 ||
	    plain.exp != any.exp || plain.iat != any.iat || plain.nbf != any.nbf ||
	    plain.auth_time != any.auth_time || plain.n_amr != any.n_amr ||
	    memcmp(plain.amr, any.amr, sizeof(plain.amr)) != 0)
		abort();
}

static void
run(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *line;
	struct buf b;

	if (size == 0 || (line = memchr(text, '\n', size)) == NULL) {
		check(text, size);
		return;
	}
	line++;
	compare_readers(line, size - (size_t)(line - text));
	buf_init(&b, 65536);
	if (jws_sign(&b, key, text, (size_t)(line - 1 - text), line,
	    size - (size_t)(line - text)) == TSR_OK)
		check((const char *)b.data, b.len);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (key == NULL)
		start();
	scarce_run(run, data, size);
	return 0;
}
