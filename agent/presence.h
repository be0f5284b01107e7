/*
 * presence.h - which tokens are there, put together from what the watcher says
 * of readers and what the modules list; and for how long a token that was taken
 * out may come back.  Knows times and names, touches nothing: what is to be done
 * is said to its owner.
 *
 * A token is bound to the reader whose name its slot bears.  From the first
 * report that the reader is empty, that the card was changed, or that the reader
 * is gone, the token is away.  It is back when its module lists it again and it
 * has proved so without a PIN; where that does not happen within the limit, it is
 * lost.  Contactless tokens come and go: a tap is a proof.  Tokens in no reader
 * (SoftHSM2) are known by listing alone, and are never away.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PRESENCE_H
#define AGENT_PRESENCE_H

#include "agent/device.h"
#include "agent/timer.h"
#include "agent/watcher.h"

#define PRESENCE_READERS_MAX	64	/* further ones are not known */
#define PRESENCE_TOKENS_MAX	(2 * DEVICES_MAX)
#define PRESENCE_PROVE_MS	5000	/* a token that came back in time may take that long to prove itself */
#define PRESENCE_DOUBT_MS	1500	/* a pcscd that was started finds the cards of its readers by then */
#define PRESENCE_TRIES		3	/* proofs of one that is back, where they fail but are not false */
#define PRESENCE_LOOKS		4	/* for a card that was put in, or that ought to be there after a gap */
#define PRESENCE_RETRY_MS	500	/* between them */

struct presence;

enum presence_reason {
	PRESENCE_REMOVED = 1,	/* reported removed, and not back in time */
	PRESENCE_UNWATCHED,	/* nobody watches, for longer than the limit */
	PRESENCE_FALSE		/* it is back and could not prove that it is the same */
};

/* The word for it in events and in the audit log. */
const char *presence_word(enum presence_reason why);

/* Called from the calls below and from the timer; none calls back at once but
 * prove(), by presence_proved(). */
struct presence_owner {
	/* List the tokens of all modules: presence_listed() later.  TSR_OK, or it
	 * could not begin. */
	int (*list)(void *arg);
	/* Events: a token came, or went. */
	void (*added)(void *arg, const struct device *d);
	void (*removed)(void *arg, const struct device *d);
	/* No token from the sessions of d / again / lock them. */
	void (*away)(void *arg, const struct device *d);
	void (*back)(void *arg, const struct device *d);
	void (*lock)(void *arg, const struct device *d, enum presence_reason why);
	/* Have d prove itself without a PIN: presence_proved(round) later.
	 * TSR_NOT_FOUND where it has no key for that. */
	int (*prove)(void *arg, const struct device *d, unsigned round);
	void *arg;
};

int presence_new(struct timers *ts, const struct presence_owner *o, struct presence **out);
void presence_free(struct presence **p);

/* lock_ms: from a removal to the lock.  unwatched_ms: for how long tokens count as
 * there while nobody watches. */
void presence_limits(struct presence *p, uint64_t lock_ms, uint64_t unwatched_ms);

/* Begin: nobody watches yet; list what is there. */
void presence_start(struct presence *p);
/* The modules may be others now. */
void presence_renew(struct presence *p);

/* From the watcher. */
void presence_service(struct presence *p, int available);
void presence_reader(struct presence *p, const struct watcher_reader *r);
void presence_ready(struct presence *p);

/* The listing is done; NULL: it failed. */
void presence_listed(struct presence *p, const struct device_list *l);
/* What became of prove(). */
void presence_proved(struct presence *p, const char *device, unsigned round, int code);

/* A proof by d was accepted: d (module, serial, label, id are set) has a session
 * now.  Where nobody watches over it, that is locked at once. */
void presence_session(struct presence *p, const struct device *d);

/* Was d reported removed, and has not come back? */
int presence_is_away(const struct presence *p, const char *device);

#endif
