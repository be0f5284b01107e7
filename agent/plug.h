/*
 * plug.h - which FIDO2 keys are plugged in, as their watcher tells, and which of
 * them holds which credential; and for how long a key that was pulled out may come
 * back.  Knows times and names, touches nothing: what is to be done is said to its
 * owner.
 *
 * A key that is plugged in again has another name, so a name stands for one stay.
 * What a key holds is known from proofs, and from asking it without a touch when
 * it comes.  From the first report that it is gone the sessions of what it held
 * are good for nothing; they are again when a key has proved within the limit that
 * it holds the credential, and are locked where none has.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PLUG_H
#define AGENT_PLUG_H

#include "agent/presence.h"
#include "agent/store.h"

#define PLUG_HELD_MAX	256	/* credentials whose key is known; a session beyond them is locked */
#define PLUG_GONE_MAX	64	/* names remembered of keys that are gone */
#define PLUG_PROVE_MS	5000	/* beyond the limit, for a key that came in time and is being asked */
#define PLUG_EXPECT_MS	5000	/* until the watcher has told of a key that proved somebody */
#define PLUG_TRIES	6	/* askings of a key that is held by others, or stumbles */
#define PLUG_RETRY_MS	500	/* between them */

/* A credential that a key was found to hold, and what its signature came to. */
struct plug_found {
	char credential[STORE_ID_LEN + 1];
	int code;
};

/* Called from the calls below and from the timer; none calls back at once. */
struct plug_owner {
	/* Which credentials does it hold?  plug_looked() later.  TSR_NOT_FOUND where
	 * there is nothing to ask for; another error: later. */
	int (*look)(void *arg, const struct watcher_key *k);
	/* Events: a key came, or went.  plug_each() says what it holds. */
	void (*added)(void *arg, const struct watcher_key *k);
	void (*removed)(void *arg, const struct watcher_key *k);
	/* No token from the sessions of that credential / again / lock them. */
	void (*away)(void *arg, const char *credential);
	void (*back)(void *arg, const char *credential);
	void (*lock)(void *arg, const char *credential, enum presence_reason why);
	void *arg;
};

struct plug;

int plug_new(struct timers *ts, const struct plug_owner *o, struct plug **out);
void plug_free(struct plug **p);

/* As presence_limits(). */
void plug_limits(struct plug *p, uint64_t lock_ms, uint64_t unwatched_ms);
/* Begin: nobody watches yet. */
void plug_start(struct plug *p);

/* From the watcher: as presence_service(), then each key that is there,
 * plug_ready(), and each that comes or goes.  Keys beyond PROTO_FIDO_KEYS_MAX are
 * not known. */
void plug_service(struct plug *p, int available);
void plug_plugged(struct plug *p, const struct watcher_key *k);
void plug_unplugged(struct plug *p, const char *device);
void plug_ready(struct plug *p);

/* What came of look(): TSR_OK and all that the key holds, or why it could not be
 * asked (what it was found to hold before that counts). */
void plug_looked(struct plug *p, const char *device, int code, const struct plug_found *found,
    size_t n);

/* That key proved that it holds the credential. */
void plug_holds(struct plug *p, const char *credential, const char *device);
/* A proof of the credential was accepted, after plug_holds(): it has a session now.
 * Where nobody watches over its key, that is locked at once. */
void plug_session(struct plug *p, const char *credential);

/* Is it waited for? */
int plug_is_away(const struct plug *p, const char *credential);
/* The key that has proved that it holds the credential, plugged in since; "" where
 * none has.  Good until the next call. */
const char *plug_where(const struct plug *p, const char *credential);
/* Each credential that the key holds. */
void plug_each(const struct plug *p, const char *device,
    void (*each)(void *arg, const char *credential), void *arg);

#endif
