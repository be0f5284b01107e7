/*
 * presence_internal.h - what presence.c (tokens) and presence_reader.c (readers)
 * know of each other.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PRESENCE_INTERNAL_H
#define AGENT_PRESENCE_INTERNAL_H

#include "agent/presence.h"

/* A reader, and what was said of it last. */
struct place {
	struct watcher_reader last;
	uint64_t changed;		/* p->seq of the last coming or going */
	int told;			/* in the report under way */
	unsigned looks;			/* for the token of a card that was put in, still to be made */
	uint64_t doubt_ms;		/* until then its card may only not have been found yet; 0 */
};

struct token {
	struct device device;
	int watched;			/* it is in a reader that is watched */
	int contactless;
	int guessed;			/* has a session, was never listed */
	unsigned born;			/* and p->lists then */
	int away;			/* since away_ms, until it has proved itself */
	uint64_t away_ms;
	int here;			/* away, but listed again */
	unsigned round;			/* of its proof, 0 where none is under way */
	unsigned tries;			/* proofs since it came back */
	int stumbled;			/* its last proof failed, and was not false: once more */
	int seen;			/* in the list at hand */
};

struct presence {
	struct presence_owner owner;
	struct timers *timers;
	struct timer timer, retry;
	uint64_t lock_ms, unwatched_ms;
	struct place place[PRESENCE_READERS_MAX];
	size_t n_places;
	struct token token[PRESENCE_TOKENS_MAX];
	size_t n_tokens;
	uint64_t seq;			/* counts what readers do */
	unsigned rounds;
	int watching;			/* the service is there and has told all */
	int reporting;			/* it is telling */
	uint64_t blind_ms;		/* since when nobody watches */
	int unwatched;			/* for longer than the limit */
	int gap;			/* nobody watched for a while: how often to look at all again */
	int settled;			/* the first list has come */
	int listing, again;
	unsigned lists;			/* begun so far */
	int missing;			/* a card that ought to be there was not listed */
	uint64_t list_seq;		/* p->seq when it began */
};

/* presence.c: forget a token, whose place the last one takes; begin a listing, or have one follow that which is under way; set
 * the timer to what is due next. */
void presence_drop(struct presence *p, struct token *t);
void presence_list(void *arg);
void presence_arm(struct presence *p);

/* presence_reader.c: what sat in the reader of that slot is away. */
void presence_pulled(struct presence *p, const char *slot);

#endif
