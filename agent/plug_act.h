/*
 * plug_act.h - what the agent does about FIDO2 keys that come and go: tells those
 * whom it concerns, has a key that is back prove itself, and locks sessions.
 * plug.h has the rules.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PLUG_ACT_H
#define AGENT_PLUG_ACT_H

#include "agent/agent.h"

struct plug_act;

/* After a->fido, whose helper is asked and, where socket is NULL, started as the
 * watcher; socket is where that listens, and is copied.  watch is 0: nothing is
 * watched, and nothing is ever removed.  TSR_NOMEM. */
int plug_act_new(struct agent *a, int watch, const char *socket, struct plug_act **out);
void plug_act_free(struct plug_act **p);

/* After the first policy / each further one. */
void plug_act_start(struct plug_act *p);
void plug_act_renew(struct plug_act *p);

/* That key proved c. / That left a session. */
void plug_act_holds(struct plug_act *p, const struct credential *c, const char *device);
void plug_act_session(struct plug_act *p, const struct credential *c);

/* As plug_where(); "" where nothing is watched. */
const char *plug_act_where(const struct plug_act *p, const struct credential *c);

/* How the watcher does: as watcher_state_name(). */
const char *plug_act_state(const struct plug_act *p, const char **detail);

#endif
