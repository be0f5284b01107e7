/*
 * session.h - what a proof leaves behind: who was proved, with what, how
 * strongly and when.  Kept in memory; durations on the boot-time clock.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/device.h"
#include "agent/store.h"
#include "base/config.h"

#define SESSION_AUDIENCES_MAX	32	/* audiences one session remembers proofs for */
#define SESSION_AUDIENCE_LEN	129	/* bytes of an audience's name, with NUL */
#define SESSIONS_MAX		65536	/* of all users */

struct session_audience {
	char name[SESSION_AUDIENCE_LEN];
	uint64_t proved_ms;		/* clock_boot_ms() of its own proof */
};

struct session {
	struct session *next;
	char sid[STORE_ID_LEN + 1];
	char subject[64];
	uid_t uid;
	char credential[STORE_ID_LEN + 1];
	char label[65];
	enum acr acr;
	int64_t auth_time;		/* seconds of the epoch */
	uint64_t proved_ms;		/* the same on the boot-time clock */
	uint64_t ends_ms;		/* absolute end */
	char device[DEVICE_ID_LEN + 1];	/* that proved it */
	int away;			/* the device was removed, and has not proved that it is back */
	int locked;			/* until the next proof */
	int left;			/* locked because its user left, not for its device alone */
	int unsettled;			/* its proof is not durable yet: good for nothing */
	struct session_audience audience[SESSION_AUDIENCES_MAX];
	size_t n_audiences;
};

struct sessions;

/* ended() is told of every session that ends. */
int sessions_new(void (*ended)(void *arg, const struct session *s), void *arg,
    struct sessions **out);
void sessions_free(struct sessions **ss);

/* locked() is told of every session that is locked, with the sid under which it
 * goes on and why: a word. */
void sessions_on_lock(struct sessions *ss,
    void (*locked)(void *arg, const struct session *s, const char *to, const char *reason), void *arg);

/* A proof with c was accepted now for audience (NULL: for no audience): the
 * session of that credential lives on with a new auth_time (and is locked no
 * more), or a new one is made (the
 * oldest of the user ends beyond per_user).  It is good for nothing
 * until session_settle().  TSR_NOMEM. */
int session_proved(struct sessions *ss, const struct credential *c, const char *audience,
    uint32_t lifetime, uint32_t per_user, const struct session **out);

/* A session of before a restart of the agent, whose device proved that it is there,
 * as it was; what it had proved for single audiences is gone.  TSR_CONFLICT where
 * the credential has a session, TSR_NOMEM. */
struct session_record;
int session_restore(struct sessions *ss, const struct credential *c,
    const struct session_record *r, uint32_t per_user, const struct session **out);

/* The batch in which proofs were accepted was committed, or was not: then the
 * sessions that came of them end. */
void session_settle(struct sessions *ss, int committed);

/* The name of a credential's device in sessions: of a token that of device.h, of a
 * FIDO2 key one for each credential on it.  TSR_CRYPTO. */
int session_device(const struct credential *c, char id[DEVICE_ID_LEN + 1]);

/* A session that is kept nowhere, for a proof that pays for one token alone. */
void session_passing(const struct credential *c, struct session *out);

/*
 * Is an earlier proof of the user still good for a token of this audience?
 * Judged by its acr, reuse and max_age; max_age (s) is the caller's own wish,
 * UINT32_MAX for none.  The freshest such session, or TSR_STEP_UP_REQUIRED
 * where every live session is too weak, TSR_DEVICE_REMOVED where the device of
 * one that is not locked yet was taken out, or TSR_LOGIN_REQUIRED.
 * Presence "proof" asks for no device: removed and locked ones will do.
 */
int session_good_for(struct sessions *ss, uid_t uid, const char *subject,
    const struct config_audience *a, uint32_t max_age, const struct session **out);

/* Each live session of the user; each() returns TSR_OK to go on. */
int session_each(struct sessions *ss, uid_t uid,
    int (*each)(void *arg, const struct session *s), void *arg);

/* How many are live. */
size_t sessions_count(const struct sessions *ss);

/* End all of a user / of a credential / the one of that sid; the number ended. */
unsigned session_end_user(struct sessions *ss, uid_t uid);
unsigned session_end_credential(struct sessions *ss, const char *credential);
unsigned session_end_sid(struct sessions *ss, const char *sid);

/* The live session of that sid, or NULL. */
const struct session *session_by_sid(const struct sessions *ss, const char *sid);

/* Each live session of everybody whose subject it is (NULL: of all). */
int sessions_each(struct sessions *ss, const char *subject,
    int (*each)(void *arg, const struct session *s), void *arg);

/* The device was removed: its sessions are good for nothing.  It proved that it
 * is back: those not locked are good again.  Lock those that are away; the number
 * locked.  The tokens of a sid die with the lock: a locked session goes on under
 * another one, after locked() was told the old. */
void session_device_away(struct sessions *ss, const char *device);
void session_device_back(struct sessions *ss, const char *device);
unsigned session_device_lock(struct sessions *ss, const char *device, const char *reason);

/* Lock all of a user, of everybody, with why: a word.  Then no presence = "proof"
 * of an audience will do.  The number locked. */
unsigned session_lock_user(struct sessions *ss, uid_t uid, const char *reason);
unsigned sessions_lock_all(struct sessions *ss, const char *reason);

/* End all of everybody; the number ended. */
unsigned sessions_end_all(struct sessions *ss);

/* When the proof that pays for this audience happened, on the boot-time clock; 0
 * where none did. */
uint64_t session_paid_ms(const struct session *s, const struct config_audience *a);

/* Is the device there, as far as the audience asks? */
int session_present(const struct session *s, const struct config_audience *a);

/* The live session of that sid, settled or not; NULL where there is none. */
const struct session *session_find(const struct sessions *ss, uid_t uid, const char *sid);

/* Append one session as a JSON object. */
struct buf;
int session_json(struct buf *out, const struct session *s);

/* End those whose time is over. */
void sessions_expire(struct sessions *ss);

/* RFC 8176 names of a proof of this strength: at most two, returned count. */
size_t session_amr(enum acr acr, const char *names[2]);

#endif
