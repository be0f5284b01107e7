/*
 * enrol_match.c - see enrol_match.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_match.h"

#include <string.h>

#include "include/tessera.h"

/* PSS before PKCS #1 v1.5; the others have one way to sign. */
enum proto_algorithm
enrol_match_algorithm(uint32_t offered)
{
	static const enum proto_algorithm order[] = {
		PROTO_ED25519, PROTO_ECDSA_P256_SHA256, PROTO_ECDSA_P384_SHA256,
		PROTO_RSA_PSS_SHA256, PROTO_RSA_PKCS1_SHA256
	};
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if ((offered & 1u << order[i]) != 0)
			return order[i];
	return (enum proto_algorithm)0;
}

int
enrol_match_key(const struct uri *u, const struct device_key *k)
{
	return (!u->has_id || (u->id_len == k->id_len && memcmp(u->id, k->id, k->id_len) == 0)) &&
	    (u->object[0] == '\0' || strcmp(u->object, k->label) == 0);
}

int
enrol_match_token(const struct uri *u, const struct device *d)
{
	return (u->token[0] == '\0' || strcmp(u->token, d->label) == 0) &&
	    (u->serial[0] == '\0' || strcmp(u->serial, d->serial) == 0) &&
	    (u->model[0] == '\0' || strcmp(u->model, d->model) == 0) &&
	    (u->manufacturer[0] == '\0' || strcmp(u->manufacturer, d->manufacturer) == 0);
}

struct match_same {
	const struct credential *mine;
	int found;
};

static int
match_same_key(void *arg, const struct credential *c)
{
	struct match_same *s = arg;

	if (c->spki_len == s->mine->spki_len && memcmp(c->spki, s->mine->spki, c->spki_len) == 0)
		s->found = 1;
	return TSR_OK;
}

int
enrol_match_known(struct store *st, const struct credential *c)
{
	struct match_same s = { c, 0 };
	int r = store_credential_each(st, NULL, 0, match_same_key, &s);

	return r != TSR_OK ? r : s.found ? TSR_CONFLICT : TSR_OK;
}
