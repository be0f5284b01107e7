/*
 * sandbox_landlock.h - Landlock rules for sandbox_linux.c.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SANDBOX_LANDLOCK_H
#define BASE_SANDBOX_LANDLOCK_H

#include <stddef.h>

#include "base/sandbox.h"

/* Beyond the file system, where the kernel has it. */
#define LANDLOCK_NO_TCP		1u	/* no bind or connect of TCP (ABI 4) */
#define LANDLOCK_NO_OUTSIDE	2u	/* no signals and abstract sockets to processes outside (ABI 6) */

/* The kernel's Landlock ABI, 0 without Landlock. */
int sandbox_landlock_abi(void);

/* A ruleset that allows nothing; *fd is closed by the caller, -1 where the
 * kernel has no Landlock.  TSR_SYSTEM. */
int sandbox_landlock_new(unsigned limits, int *fd);

/* Allow these paths; those absent are skipped; nothing to do for fd -1.
 * TSR_SYSTEM. */
int sandbox_landlock_allow(int fd, const struct sandbox_path *paths, size_t n);

/* Enter; no new privileges must be set.  Nothing to do for fd -1.  TSR_SYSTEM. */
int sandbox_landlock_enter(int fd);

#endif
