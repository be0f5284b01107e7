/*
 * lib_keys.c - fuzz target: a set of keys and a token under it, through the
 * readers that libtessera has.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/cache.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwt_expect want = { .iss = "i", .aud = "a", .now = 1800000000, .max_lifetime = 3600 };
	const char *text = (const char *)data, *line = size > 0 ? memchr(data, '\n', size) : NULL;
	size_t n = line == NULL ? size : (size_t)(line - text);
	struct jws_verifier *v = NULL;
	struct cache *cache = NULL;
	struct jwt_claims c;
	const struct jwk *by = NULL;
	static struct jwk_set set, none;
	uint8_t hash[CACHE_HASH_LEN];

	if (jwk_set_parse(text, n, &set) != TSR_OK || jws_verifier_new(&set, &v) != TSR_OK)
		return 0;
	want.verifier = v;
	if (line != NULL && jwt_check_by(line + 1, size - n - 1, &want, &c, &by) == TSR_OK) {
		if (cache_new(1, &cache) != TSR_OK)
			abort();
		cache_hash(cache, line + 1, size - n - 1, hash);
		cache_put(cache, hash, &c, (size_t)(by - jws_verifier_keys(v)->key));
		if (cache_find(cache, hash) == NULL)
			abort();
		cache_rekey(cache, &set, &none);
		if (cache_find(cache, hash) != NULL)
			abort();
		cache_free(&cache);
	}
	jws_verifier_free(&v);
	return 0;
}
