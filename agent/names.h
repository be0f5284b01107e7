/*
 * names.h - user and group names without blocking the loop: a worker process
 * asks the name service, answers are cached.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_NAMES_H
#define AGENT_NAMES_H

#include <sys/types.h>

#include "agent/loop.h"

#define NAMES_CACHE_MAX		4096	/* entries */
#define NAMES_TTL_MS		60000
#define NAMES_UNKNOWN_TTL_MS	5000	/* of "no such name": it may be made any moment */
#define NAMES_NAME_MAX		64	/* bytes of a name, with NUL */
#define NAMES_TIMEOUT_MS	5000
#define NAMES_PENDING_MAX	1024	/* questions that wait for the worker */

struct names;

/* program is this executable's absolute path; the worker is "program --names",
 * started with spawn_helper, and again (at most once a second) when it dies or
 * lets a question time out.  TSR_NOMEM, TSR_SYSTEM where it cannot be started.
 * names_free forgets all questions without a call. */
int names_new(struct loop *l, const char *program, struct names **out);
void names_free(struct names **n);

/* code: TSR_OK, TSR_NOT_FOUND, TSR_TIMEOUT, TSR_UNAVAILABLE (the name service
 * failed, or the worker died twice over it).  name is the name service's own
 * spelling.  Where code is not TSR_OK: -1, -1, NULL. */
typedef void (*names_done)(void *arg, int code, uid_t uid, gid_t gid, const char *name);

/* Ask; done is called from inside the call where the answer is known, else
 * later.  For names_gid_of gid is the answer and uid is (uid_t)-1.  *ticket
 * (may be NULL) is set to a number for names_cancel, 0 where done was called
 * already.  TSR_NOMEM, TSR_TOO_LARGE (too many wait): done is not called. */
int names_name_of(struct names *n, uid_t uid, names_done done, void *arg, unsigned *ticket);
int names_uid_of(struct names *n, const char *name, names_done done, void *arg, unsigned *ticket);
int names_gid_of(struct names *n, const char *group, names_done done, void *arg, unsigned *ticket);
void names_cancel(struct names *n, unsigned ticket);

/* 1 while there is a worker to ask. */
int names_working(const struct names *n);

/* main() of the worker: enters SANDBOX_NAMES and serves SPAWN_FD until it
 * closes.  Returns an exit status. */
int names_worker(void);

#endif
