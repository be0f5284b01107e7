/*
 * policy.h - who may have which token: the configuration with its names
 * resolved to numbers.  Deny is the default.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "agent/caller.h"
#include "agent/names.h"
#include "base/buf.h"
#include "base/config.h"

#define POLICY_ADMIN_AUDIENCE	"tessera-admin"

struct policy;

/* Begin with a configuration, which becomes the policy's (on an error it is
 * freed too).  User and group names are looked up; ready() is called when all are
 * known (perhaps inside).  unknown() is called for each name that does not
 * exist: such a name matches nobody. */
int policy_new(struct config *c, struct names *names,
    void (*ready)(void *arg, struct policy *p), void *ready_arg,
    void (*unknown)(void *arg, const char *kind, const char *name), struct policy **out);
void policy_free(struct policy **p);		/* and its configuration */

const struct config *policy_config(const struct policy *p);

/* Grows with every policy of this process: a proof that began under another
 * one is judged again. */
uint64_t policy_generation(const struct policy *p);

/* The audience of that name, or NULL. */
const struct config_audience *policy_audience(const struct policy *p, const char *name);

/* May this caller ask for a token of the audience / verify its tokens?
 * TSR_OK or TSR_DENIED.  A unit counts only for system units (caller_unit). */
int policy_may_ask(const struct policy *p, const struct config_audience *a, const struct caller *c);
int policy_may_verify(const struct policy *p, const struct config_audience *a, const struct caller *c);

/* Do devices of this host, and sessions that came of them, prove it for local sessions
 * alone (seat_near())?  Logins always. */
int policy_local_only(const struct config_audience *a);

/* May this caller read the metrics: an administrator, or listed?  TSR_OK or
 * TSR_DENIED. */
int policy_may_measure(const struct policy *p, const struct caller *c);

/* Does this caller bear the n-th of the configuration's SSH principals besides?
 * TSR_OK or TSR_DENIED. */
int policy_has_principal(const struct policy *p, size_t n, const struct caller *c);

/* Is the caller a login helper (uid and unit listed)?  A uid 0 process under
 * user-N.slice (sudo, su; N not 0) is one for subject N alone: then *only is N,
 * else (uid_t)-1. */
int policy_login_helper(const struct policy *p, const struct caller *c, uid_t *only);

/* Is it a listed one that is the login screen of the devices' seat? */
int policy_greeter(const struct policy *p, const struct caller *c);

/* Member of the administrators' group, or uid 0 (in user mode: the user). */
int policy_is_admin(const struct policy *p, const struct caller *c);

/* The scope to grant: all of the audience for NULL, else what is asked for,
 * each word once, in the audience's order.  Appends words with blanks between.
 * TSR_BAD_SCOPE for a word the audience does not have, or for none. */
int policy_scope(const struct config_audience *a, const char *asked, struct buf *out);

/* 1 where every word that is asked for is one of granted's. */
int policy_scope_within(const char *asked, const char *granted);

#endif
