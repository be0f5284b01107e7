/*
 * confine.h - the sandbox of tesserad for one installation: which folders and
 * programs its configuration makes it need.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CONFINE_H
#define AGENT_CONFINE_H

#include "agent/daemon.h"

#define CONFINE_PATHS_MAX	256	/* rules */

/* Enter SANDBOX_AGENT.  Helpers that are forked inherit it, so their modules'
 * paths are in it too.  TSR_TOO_LARGE, TSR_SYSTEM. */
int confine_agent(const struct config *c, const struct daemon_options *o);

#endif
