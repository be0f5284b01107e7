/*
 * plug_internal.h - what plug.c (credentials and time) and plug_key.c (keys) know
 * of each other.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PLUG_INTERNAL_H
#define AGENT_PLUG_INTERNAL_H

#include "agent/plug.h"

/* A key that is plugged in. */
struct stay {
	struct watcher_key key;
	int told;			/* in the report under way */
	int quiet;			/* it was there before us: no event */
	int look;			/* it is still to be asked what it holds */
	unsigned tries;
	uint64_t look_ms;		/* not before then */
};

/* A credential, and where it is. */
struct held {
	char credential[STORE_ID_LEN + 1];
	char device[WATCHER_DEVICE_LEN];	/* "": its key was pulled out */
	int session;			/* it has one that is not locked */
	int away;			/* since away_ms */
	uint64_t away_ms;
	uint64_t expect_ms;		/* until then the watcher has to tell of its key; 0 */
};

struct plug {
	struct plug_owner owner;
	struct timers *timers;
	struct timer timer;
	uint64_t lock_ms, unwatched_ms;
	struct stay stay[PROTO_FIDO_KEYS_MAX];
	size_t n_stays;
	struct held held[PLUG_HELD_MAX];
	size_t n_held;
	char gone[PLUG_GONE_MAX][WATCHER_DEVICE_LEN];	/* the last ones, in a ring */
	size_t n_gone;
	char looking[WATCHER_DEVICE_LEN];	/* which key is being asked; "" */
	int watching;			/* the watcher has told all */
	int reporting;			/* it is telling */
	int settled;			/* it has told all once */
	uint64_t blind_ms;		/* since when nobody watches */
	int unwatched;			/* for longer than the limit */
};

/* plug_key.c */
struct stay *plug_stay(struct plug *p, const char *device);
int plug_was_there(const struct plug *p, const char *device);
/* Ask the next key, where none is being asked. */
void plug_next(struct plug *p);
/* Is one being asked, or to be asked?  Not before *due, which is lowered. */
int plug_asks(const struct plug *p, uint64_t *due);

/* plug.c: what the key held is away; set the timer; room for a credential, or
 * NULL. */
void plug_pulled(struct plug *p, const char *device);
void plug_arm(struct plug *p);
struct held *plug_hold(struct plug *p, const char *credential);
struct held *plug_find(struct plug *p, const char *credential);
void plug_lock(struct plug *p, struct held *h, enum presence_reason why);

#endif
