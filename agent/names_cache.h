/*
 * names_cache.h - inside of names.h: what the name service said, for a while.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_NAMES_CACHE_H
#define AGENT_NAMES_CACHE_H

#include <stdint.h>

#include "agent/names.h"

/* A question: kind is PROTO_NAME_OF, PROTO_UID_OF or PROTO_GID_OF. */
struct names_key {
	uint16_t kind;
	uid_t uid;			/* PROTO_NAME_OF, else 0 */
	char name[NAMES_NAME_MAX];	/* the others, padded with NUL */
};

struct names_answer {
	int code;			/* TSR_OK or TSR_NOT_FOUND */
	uid_t uid;
	gid_t gid;
	char name[NAMES_NAME_MAX];
};

struct names_cache;

int names_cache_new(struct names_cache **out);
void names_cache_free(struct names_cache **c);

/* The answer, valid until the next call, or NULL where none is fresh. */
const struct names_answer *names_cache_get(struct names_cache *c,
    const struct names_key *k, uint64_t now_ms);

/* Keep an answer; the oldest makes room.  Without memory it is not kept. */
void names_cache_put(struct names_cache *c, const struct names_key *k,
    const struct names_answer *a, uint64_t now_ms);

#endif
