/*
 * enrol_match.c - see enrol_match.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_match.h"

#include <string.h>

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
