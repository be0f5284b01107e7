/*
 * presence_act.h - what the agent does about tokens that come and go: lists the
 * modules, tells those whom it concerns, has a card that is back prove itself,
 * and locks sessions.  presence.h has the rules.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PRESENCE_ACT_H
#define AGENT_PRESENCE_ACT_H

#include "agent/agent.h"

#define PRESENCE_ACT_PROOFS_MAX	16	/* silent proofs under way; a card beyond them cannot prove itself */

struct presence_act;

/* o is for the watcher (o->watch is 1) and is copied; NULL where nothing is
 * watched: then nothing is ever removed.  TSR_NOMEM. */
int presence_act_new(struct agent *a, const struct helpers_options *o, struct presence_act **out);
void presence_act_free(struct presence_act **p);

/* After the first policy / each further one. */
void presence_act_start(struct presence_act *p);
void presence_act_renew(struct presence_act *p);

/* A proof with c was accepted and left the session s. */
void presence_act_session(struct presence_act *p, const struct credential *c,
    const struct session *s);

/* Have the card d prove itself without a PIN; done() is called once, and never from
 * inside.  TSR_NOT_FOUND where it has no key for that, TSR_SLOW_DOWN, TSR_NOMEM. */
typedef void (*presence_act_done)(void *arg, const char *device, int code);
int presence_act_ask(struct presence_act *p, const struct device *d, presence_act_done done, void *arg);

/* How the watcher does: as watcher_state_name(). */
const char *presence_act_state(const struct presence_act *p, const char **detail);

#endif
