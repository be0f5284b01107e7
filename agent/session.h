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
	int unsettled;			/* its proof is not durable yet: good for nothing */
	struct session_audience audience[SESSION_AUDIENCES_MAX];
	size_t n_audiences;
};

struct sessions;

/* ended() is told of every session that ends. */
int sessions_new(void (*ended)(void *arg, const struct session *s), void *arg,
    struct sessions **out);
void sessions_free(struct sessions **ss);

/* A proof with c was accepted now for audience (NULL: for no audience): the
 * session of that credential lives on with a new auth_time, or a new one is
 * made (the oldest of the user ends beyond per_user).  It is good for nothing
 * until session_settle().  TSR_NOMEM. */
int session_proved(struct sessions *ss, const struct credential *c, const char *audience,
    uint32_t lifetime, uint32_t per_user, const struct session **out);

/* The batch in which proofs were accepted was committed, or was not: then the
 * sessions that came of them end. */
void session_settle(struct sessions *ss, int committed);

/* A session that is kept nowhere, for a proof that pays for one token alone. */
void session_passing(const struct credential *c, struct session *out);

/*
 * Is an earlier proof of the user still good for a token of this audience?
 * Judged by its acr, reuse and max_age; max_age (s) is the caller's own wish,
 * UINT32_MAX for none.  The freshest such session, or TSR_STEP_UP_REQUIRED
 * where every live session is too weak, or TSR_LOGIN_REQUIRED.
 */
int session_good_for(struct sessions *ss, uid_t uid, const char *subject,
    const struct config_audience *a, uint32_t max_age, const struct session **out);

/* Each live session of the user; each() returns TSR_OK to go on. */
int session_each(struct sessions *ss, uid_t uid,
    int (*each)(void *arg, const struct session *s), void *arg);

/* How many are live. */
size_t sessions_count(const struct sessions *ss);

/* End all of a user / of a credential; the number ended. */
unsigned session_end_user(struct sessions *ss, uid_t uid);
unsigned session_end_credential(struct sessions *ss, const char *credential);

/* End all of everybody. */
void sessions_end_all(struct sessions *ss);

/* Append one session as a JSON object. */
struct buf;
int session_json(struct buf *out, const struct session *s);

/* End those whose time is over. */
void sessions_expire(struct sessions *ss);

/* RFC 8176 names of a proof of this strength: at most two, returned count. */
size_t session_amr(enum acr acr, const char *names[2]);

#endif
