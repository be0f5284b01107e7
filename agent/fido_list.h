/*
 * fido_list.h - which FIDO2 keys are plugged in, and what each says of itself.
 * Asked of the helper each time, by one process for all that ask meanwhile: no
 * user can keep the keys from the others by asking in a loop.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_LIST_H
#define AGENT_FIDO_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "agent/link.h"
#include "agent/timer.h"
#include "base/buf.h"
#include "base/proto.h"

#define FIDO_KEY_ID_MAX	18	/* bytes of a key's id, with NUL */

struct fido;
struct fido_call;

/* A key: its texts are the helper's, escaped. */
struct fido_key {
	char id[FIDO_KEY_ID_MAX];	/* "fido-" and a hash of device */
	char device[65];		/* its node's name, good until it is unplugged */
	char manufacturer[129], product[129];
	uint8_t aaguid[PROTO_FIDO_AAGUID_LEN];
	int has_aaguid;
	char versions[129], transports[65];	/* words with blanks between */
	uint32_t flags;			/* PROTO_FIDO_KEY_* */
	uint32_t pin_tries, uv_tries, resident_left;	/* or PROTO_TRIES_UNKNOWN */
	uint32_t algorithms;		/* bits 1 << enum proto_algorithm */
};

struct fido_list {
	struct fido_key key[PROTO_FIDO_KEYS_MAX];
	size_t n;
};

/* In struct fido: those that wait for the look under way, and those that came
 * while it was under way and get the next. */
struct fido_lists {
	struct link now, next;
	struct fido_call *call;
	struct fido_list *list;
};

void fido_lists_init(struct fido_lists *ls);
void fido_lists_end(struct fido_lists *ls);

struct fido_query;

/* done() is called once, never from inside: TSR_OK, or what failed; the list is its
 * own to keep until it returns.  TSR_UNAVAILABLE where there is no helper to be
 * had, TSR_HELPER, TSR_NOMEM. */
int fido_list(struct fido *f,
    void (*done)(void *arg, int code, const struct fido_list *l, const char *detail), void *arg,
    struct fido_query **out);

/* done() is not called.  *q may be NULL. */
void fido_query_cancel(struct fido_query **q);

/* Could it be the id of a key? */
int fido_key_is_id(const char *id);

/* The key of that id, or NULL. */
const struct fido_key *fido_key_find(const struct fido_list *l, const char *id);

/* What is known of its PIN: "ok", "low", "final", "locked" as of a card, "unset",
 * "none" where it can have none, "unknown" while it is in use. */
const char *fido_key_pin(const struct fido_key *k);

/* Append one element of "devices", without its last brace. */
int fido_key_json(struct buf *b, const struct fido_key *k);

#endif
