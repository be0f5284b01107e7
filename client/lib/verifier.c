/*
 * verifier.c - access tokens checked where they arrive, without the agent.
 * See tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/lib/cache.h"
#include "client/lib/epochfile.h"
#include "client/lib/keyfile.h"
#include "tessera.h"
#include "token/jwk.h"
#include "token/jwt.h"

#define VERIFIER_LOOK_NS	1000000000L	/* between two looks at the file */
#define VERIFIER_LEEWAY		5		/* s */
#define VERIFIER_LEEWAY_MAX	300
#define VERIFIER_LIFETIME	86400		/* s */
#define VERIFIER_LIFETIME_MAX	31536000
#define VERIFIER_CACHE		64		/* tokens */
#define VERIFIER_ROUNDS		4		/* of one check, while keys replace one another */

struct tsr_verifier {
	char jwks[KEYFILE_PATH_MAX], issuer[JWT_TEXT_MAX], audience[JWT_TEXT_MAX];
	int64_t leeway, lifetime, owner, now;
	size_t cache_size;
	struct keyfile_id id;
	struct timespec looked;
	struct epochfile epochs;
	uint64_t generation;		/* of the keys, by the file of epochs */
	int allow_stale;
	int loaded;			/* what came of it: TSR_OK, or why there are no keys */
	struct jws_verifier *keys;	/* NULL where there are none */
	struct cache *cache;		/* NULL until the first token */
};

struct tsr_claims {
	struct jwt_claims jwt;
};

static int
verifier_copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size);

	if (n == 0 || n == size)
		return TSR_INVALID;
	memcpy(to, from, n + 1);
	return TSR_OK;
}

int
tsr_verifier_new(const char *jwks, const char *issuer, const char *audience,
    struct tsr_verifier **out)
{
	struct tsr_verifier *v;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return TSR_NOMEM;
	v->leeway = VERIFIER_LEEWAY;
	v->lifetime = VERIFIER_LIFETIME;
	v->owner = v->epochs.owner = KEYFILE_NO_OWNER;
	v->cache_size = VERIFIER_CACHE;
	v->loaded = TSR_AGAIN;
	if (issuer == NULL || audience == NULL ||
	    verifier_copy(v->jwks, sizeof(v->jwks), jwks != NULL ? jwks : TSR_JWKS) != TSR_OK ||
	    v->jwks[0] != '/' || epochfile_beside(&v->epochs, v->jwks) != TSR_OK ||
	    verifier_copy(v->issuer, sizeof(v->issuer), issuer) != TSR_OK ||
	    verifier_copy(v->audience, sizeof(v->audience), audience) != TSR_OK) {
		free(v);
		return TSR_INVALID;
	}
	*out = v;
	return TSR_OK;
}

void
tsr_verifier_free(struct tsr_verifier **v)
{
	if (*v == NULL)
		return;
	jws_verifier_free(&(*v)->keys);
	cache_free(&(*v)->cache);
	epochfile_close(&(*v)->epochs);
	free(*v);
	*v = NULL;
}

static int
verifier_within(int64_t value, int64_t least, int64_t most, int64_t *out)
{
	if (value < least || value > most)
		return TSR_INVALID;
	*out = value;
	return TSR_OK;
}

int
tsr_verifier_set(struct tsr_verifier *v, enum tsr_option which, int64_t value)
{
	int64_t got;
	int r;

	switch (which) {
	case TSR_OPT_LEEWAY:
		return verifier_within(value, 0, VERIFIER_LEEWAY_MAX, &v->leeway);
	case TSR_OPT_MAX_LIFETIME:
		return verifier_within(value, 1, VERIFIER_LIFETIME_MAX, &v->lifetime);
	case TSR_OPT_OWNER:
		if ((r = verifier_within(value, 0, UINT_MAX, &v->owner)) != TSR_OK)
			return r;
		v->loaded = TSR_AGAIN;
		v->epochs.owner = v->owner;
		epochfile_close(&v->epochs);
		return TSR_OK;
	case TSR_OPT_CACHE:
		if ((r = verifier_within(value, 0, CACHE_MAX, &got)) != TSR_OK)
			return r;
		v->cache_size = (size_t)got;
		cache_free(&v->cache);
		return TSR_OK;
	case TSR_OPT_NOW:
		return verifier_within(value, 0, JWT_NUMBER_MAX, &v->now);
	case TSR_OPT_ALLOW_STALE:
		if ((r = verifier_within(value, 0, 1, &got)) == TSR_OK)
			v->allow_stale = (int)got;
		return r;
	}
	return TSR_INVALID;
}

int
tsr_verifier_epochs(struct tsr_verifier *v, const char *path)
{
	int r;

	if (path == NULL || path[0] != '/')
		return TSR_INVALID;
	if ((r = verifier_copy(v->epochs.path, sizeof(v->epochs.path), path)) == TSR_OK)
		epochfile_close(&v->epochs);
	return r;
}

/* --- the keys --- */

static int
verifier_parse(int fd, struct jws_verifier **out)
{
	struct jwk_set *set = NULL;
	struct buf text;
	int r;

	buf_init(&text, JWK_SET_BYTES_MAX + KEYFILE_PATH_MAX * 16);
	if ((set = calloc(1, sizeof(*set))) == NULL)
		r = TSR_NOMEM;
	else if ((r = keyfile_read(fd, &text)) == TSR_OK) {
		r = jwk_set_parse((const char *)text.data, text.len, set);
		if (r == TSR_OK)
			r = jws_verifier_new(set, out);
		if (r != TSR_OK && r != TSR_NOMEM && r != TSR_CRYPTO)
			r = TSR_CORRUPT;
	} else if (r == TSR_TOO_LARGE)
		r = TSR_CORRUPT;
	free(set);
	buf_free(&text);
	return r;
}

/* Read the file; without it there are no keys, and nothing is accepted. */
static int
verifier_load(struct tsr_verifier *v)
{
	struct jws_verifier *keys = NULL;
	struct keyfile_id id;
	int fd = -1, r;

	if ((r = keyfile_open(v->jwks, v->owner, &fd, &id)) == TSR_OK) {
		r = verifier_parse(fd, &keys);
		(void)close(fd);
	}
	if (r == TSR_OK) {
		if (v->cache != NULL && v->keys != NULL)
			cache_rekey(v->cache, jws_verifier_keys(v->keys), jws_verifier_keys(keys));
		v->id = id;
	} else
		cache_free(&v->cache);
	jws_verifier_free(&v->keys);
	v->keys = keys;
	v->loaded = r;
	return r;
}

/* The keys as they are now, or were within the last second. */
static int
verifier_look(struct tsr_verifier *v)
{
	struct timespec now;
	int64_t since;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	since = (int64_t)(now.tv_sec - v->looked.tv_sec) * 1000000000 + now.tv_nsec -
	    v->looked.tv_nsec;
	if (v->loaded != TSR_AGAIN && since < VERIFIER_LOOK_NS)
		return v->loaded;
	v->looked = now;
	if (v->loaded == TSR_OK && !keyfile_changed(v->jwks, &v->id))
		return TSR_OK;
	return verifier_load(v);
}

/* --- tokens --- */

static int
verifier_check(struct tsr_verifier *v, const char *token, size_t n, const struct jwt_expect *want,
    struct jwt_claims *c)
{
	uint8_t hash[CACHE_HASH_LEN];
	const struct jwt_claims *seen;
	const struct jwk *by = NULL;
	int r;

	if (v->cache == NULL && v->cache_size > 0 &&
	    (r = cache_new(v->cache_size, &v->cache)) != TSR_OK)
		return r;
	if (v->cache != NULL) {
		cache_hash(v->cache, token, n, hash);
		if ((seen = cache_find(v->cache, hash)) != NULL) {
			if ((r = jwt_judge(want, seen)) == TSR_OK)
				*c = *seen;
			return r;
		}
	}
	if ((r = jwt_check_by(token, n, want, c, &by)) != TSR_OK)
		return r;
	if (v->cache != NULL)
		cache_put(v->cache, hash, c, (size_t)(by - jws_verifier_keys(v->keys)->key));
	return TSR_OK;
}

/* What was revoked, last of all, so that it is as it is when the verdict leaves.
 * TSR_AGAIN where the keys were replaced since they were read. */
static int
verifier_alive(struct tsr_verifier *v, int verdict, const struct jwt_claims *c)
{
	uint64_t generation = 0;
	int known = verdict == TSR_OK, r;

	r = epochfile_check(&v->epochs, known ? c->sid : "", known ? c->iat : INT64_MAX, &generation);
	if (generation != 0 && generation != v->generation) {
		v->generation = generation;
		v->loaded = TSR_AGAIN;
		return TSR_AGAIN;
	}
	if (!known)
		return verdict;
	return r == TSR_STALE && v->allow_stale ? TSR_OK : r;
}

static int
verifier_judge(struct tsr_verifier *v, const char *token, size_t n, struct jwt_claims *c)
{
	struct jwt_expect want = { .iss = v->issuer, .aud = v->audience, .leeway = v->leeway,
	    .max_lifetime = v->lifetime };
	struct timespec now;
	unsigned i;
	int r = TSR_STALE;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return TSR_SYSTEM;
	want.now = v->now != 0 ? v->now : (int64_t)now.tv_sec;
	for (i = 0; i < VERIFIER_ROUNDS; i++) {
		if ((r = verifier_look(v)) != TSR_OK)
			return r;
		want.verifier = v->keys;
		if ((r = verifier_alive(v, verifier_check(v, token, n, &want, c), c)) != TSR_AGAIN)
			return r;
	}
	return TSR_STALE;
}

int
tsr_verify(struct tsr_verifier *v, const char *token, struct tsr_claims **out)
{
	struct tsr_claims *c;
	size_t n = strnlen(token, JWT_MAX + 1);
	int r;

	if (n > JWT_MAX)
		return TSR_TOO_LARGE;
	if ((c = malloc(sizeof(*c))) == NULL)
		return TSR_NOMEM;
	if ((r = verifier_judge(v, token, n, &c->jwt)) != TSR_OK) {
		free(c);
		return r;
	}
	*out = c;
	return TSR_OK;
}

void
tsr_claims_free(struct tsr_claims **c)
{
	free(*c);
	*c = NULL;
}

const char *
tsr_claims_text(const struct tsr_claims *c, enum tsr_claim which)
{
	switch (which) {
	case TSR_CLAIM_ISS:
		return c->jwt.iss;
	case TSR_CLAIM_SUB:
		return c->jwt.sub;
	case TSR_CLAIM_AUD:
		return c->jwt.aud;
	case TSR_CLAIM_CLIENT_ID:
		return c->jwt.client_id;
	case TSR_CLAIM_JTI:
		return c->jwt.jti;
	case TSR_CLAIM_SID:
		return c->jwt.sid;
	case TSR_CLAIM_SCOPE:
		return c->jwt.scope;
	case TSR_CLAIM_ACR:
		return c->jwt.acr;
	case TSR_CLAIM_JKT:
		return c->jwt.jkt;
	default:
		return "";
	}
}

int64_t
tsr_claims_time(const struct tsr_claims *c, enum tsr_claim which)
{
	switch (which) {
	case TSR_CLAIM_EXP:
		return c->jwt.exp;
	case TSR_CLAIM_IAT:
		return c->jwt.iat;
	case TSR_CLAIM_NBF:
		return c->jwt.nbf;
	case TSR_CLAIM_AUTH_TIME:
		return c->jwt.auth_time;
	default:
		return 0;
	}
}

const char *
tsr_claims_amr(const struct tsr_claims *c, size_t i)
{
	return i < c->jwt.n_amr ? c->jwt.amr[i] : NULL;
}

/* RFC 6749 section 3.3: apart by single blanks, exact case. */
int
tsr_claims_has_scope(const struct tsr_claims *c, const char *scope)
{
	const char *p = c->jwt.scope;
	size_t n = strlen(scope), m;

	for (; *p != '\0'; p += m + (p[m] == ' ')) {
		m = strcspn(p, " ");
		if (m == n && n > 0 && memcmp(p, scope, n) == 0)
			return 1;
	}
	return 0;
}
