/*
 * jail.h - run one attempt in a child that has entered a role.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BASE_JAIL_H
#define TESTS_BASE_JAIL_H

#include <stddef.h>

#include "base/sandbox.h"

#define JAIL_NONE	(-1)	/* no role: the control */

/* What an attempt returns; JAIL_KILLED and JAIL_BROKEN are the jail's own. */
enum jail_verdict {
	JAIL_DONE = 10,		/* it worked */
	JAIL_REFUSED,		/* it got an error; errno says which */
	JAIL_SKIPPED,		/* it cannot be tried on this machine */
	JAIL_KILLED,		/* the system call filter killed it */
	JAIL_BROKEN		/* anything else, such as a crash */
};

typedef enum jail_verdict (*jail_attempt)(void *arg);

/* Fork, become uid where it is not 0, enter role with those paths, attempt.
 * The parent is this process. */
enum jail_verdict jail_run(int role, unsigned uid, const struct sandbox_path *paths, size_t n,
    jail_attempt attempt, void *arg);

const char *jail_name(int role);

#endif
