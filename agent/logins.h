/*
 * logins.h - users who have a login session on this machine, as logind says.
 *
 * Where logind does not run, nobody logs out.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LOGINS_H
#define AGENT_LOGINS_H

#include <sys/types.h>

#include "agent/loop.h"

#define LOGINS_MAX	1024	/* users who are followed; of more, the later ones are not */

struct logins;

/* left() is told of each user whose last login session has ended; one that is
 * closing counts as ended.  Call before the sandbox is entered.  TSR_NOMEM,
 * TSR_SYSTEM. */
int logins_new(struct loop *l, void (*left)(void *arg, uid_t uid), void *arg, struct logins **out);
void logins_free(struct logins **l);

#endif
