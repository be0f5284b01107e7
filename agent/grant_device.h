/*
 * grant_device.h - a grant by a fresh proof: the device grant, POST /session, and
 * the assertion grant, which begins with POST /challenge (grant_remote.c).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_GRANT_DEVICE_H
#define AGENT_GRANT_DEVICE_H

#include "agent/grant_internal.h"
#include "agent/login.h"
#include "agent/mint.h"
#include "agent/pending.h"
#include "base/secret.h"

/* One parked request.  The audience is kept by name: a reload may replace the
 * policy while somebody looks for his card. */
struct device_grant {
	struct agent *agent;
	const struct http_request *request;
	char subject[NAMES_NAME_MAX];
	uid_t uid;
	char audience[SESSION_AUDIENCE_LEN];	/* "" for POST /session */
	char scope[GRANT_SCOPE_MAX];
	char client[MINT_CLIENT_MAX];
	char sid[STORE_ID_LEN + 1];	/* of the session that stays, "" where none does */
	enum audience_class class;
	enum audience_reuse reuse;
	struct mint_wish wish;
	enum acr acr;
	uint64_t generation;		/* of the policy that admitted it */
	uid_t only;			/* the one subject this caller may name, or -1 */
	unsigned ticket;		/* the subject's look-up */
	int *answered;			/* set where the look-up ends inside its call */
	int helper;			/* a login helper's: the subject is another */
	struct login_said said;		/* by that helper */
	char *credential, *device;	/* asked for, or NULL */
	struct secret *pin;
	struct pending pending;
	struct login *login;
	int pin_default;		/* the proof's PIN is one of new tokens */
	int remote;			/* proved by a device elsewhere: it is never there */
	void (*begin)(struct device_grant *d);	/* once the subject is known */
	/* The proof pays for this alone, in place of a token; NULL: for a token.  s is
	 * its session; detail (256 bytes) gets a sentence where it fails. */
	int (*answer)(struct device_grant *d, const struct credential *c, const struct session *s,
	    struct buf *out, char *detail);
	void *with;			/* what it is about */
	void (*with_free)(void *with);
};

/* One for this request; credential and device may be NULL.  TSR_NOMEM. */
int device_grant_new(struct agent *a, const struct http_request *r, const char *credential,
    const char *device, struct device_grant **out);
void device_grant_free(struct device_grant *d);

/* What was granted, by policy, to a caller who may name one subject (`only`) or,
 * (uid_t)-1, any: helper, or only himself. */
void device_grant_fill(struct device_grant *d, const struct grant *g, int helper, uid_t only);
/* Who asks: sudo and su are their user's, other login helpers their own. */
uid_t device_grant_from(const struct device_grant *d);
/* The subject: himself, or whom a login helper names; then d->begin(d).  The request
 * is parked meanwhile. */
void device_grant_whose(struct device_grant *d, const struct asker *who, const char *subject);

/* The proof ended: answer, and free d.  As login_done. */
void device_grant_proved(void *arg, int code, const struct credential *c, const char *members,
    const char *detail);

#endif
