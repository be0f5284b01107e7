/*
 * grant_internal.h - between grant.c and the grants, grant_*.c.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_GRANT_INTERNAL_H
#define AGENT_GRANT_INTERNAL_H

#include "agent/agent.h"
#include "agent/http_form.h"
#include "agent/metrics.h"
#include "agent/mint.h"
#include "base/buf.h"

#define GRANT_SCOPE_MAX	512	/* bytes of a granted scope, with NUL */

/* A request whose audience and scope policy has granted. */
struct grant {
	const struct config_audience *audience;
	struct buf scope;		/* NUL-terminated */
	struct mint_wish wish;
};

/* "token_format" and "offline_access", where this audience (NULL: any) gives what
 * is asked for; on an error it was answered. */
int grant_wish(const struct http_request *r, const struct form *f, const struct config_audience *aud,
    struct mint_wish *out);
/* Why an audience does not give such a token; NULL: it does. */
const char *grant_unfit(const struct config_audience *aud, const struct mint_wish *w);

/* Mint for a subject that nothing more is asked of, or with "min_valid" give again
 * what was minted before, and answer. */
void grant_mint(struct agent *a, const struct http_request *r, const struct form *f,
    const struct grant *g, const struct mint_subject *s, enum metrics_grant kind);

/* The refresh_token grant / client_credentials, by a caller that is no login
 * helper. */
void grant_from_refresh(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f);
void grant_from_service(struct agent *a, const struct http_request *r, const struct form *f,
    const struct grant *g);

/* Read the body of a standard OAuth endpoint; on an error it was answered. */
int grant_form(const struct http_request *r, struct form *f);

/* Audience and scope (NULL: all of it), both by policy; on an error it was answered.
 * service: it is asked for as a service.  g->scope is made ready, and the caller's
 * to free. */
int grant_audience(struct agent *a, const struct http_request *r, const char *name,
    const char *scope, int service, struct grant *g);

/* Answer with a proof's or a session's failure. */
void grant_problem(struct http_conn *c, int code, const struct config_audience *aud,
    const char *members, const char *detail);

/* The device grant: answers at once or parks.  helper: the caller is a login
 * helper, for the subject `only` alone unless that is (uid_t)-1. */
void grant_from_device(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, const struct grant *g, int helper, uid_t only);

/* The assertion grant: the answer to a challenge (grant_remote.c). */
void grant_from_assertion(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f);

/* The OTP grant, likewise / POST /session with a code (next: the one that follows
 * it, or NULL), by a caller that has a name. */
void grant_from_otp(struct agent *a, const struct http_request *r, const struct asker *who,
    const struct form *f, const struct grant *g, int helper, uid_t only);
void grant_session_otp(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *credential, const char *code, const char *next);

#endif
