/*
 * spawn.h - start a program with nothing of ours but what is named.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SPAWN_H
#define BASE_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/* The fd number on which a child finds the socket to its parent. */
#define SPAWN_FD	3

/* fork and exec path (absolute) with argv and exactly env (NULL: empty).  The
 * child has /dev/null as 0 and 1, our stderr as 2, one end of a new stream
 * socketpair as SPAWN_FD (blocking) and no other descriptor; "/" as working
 * folder; default signal dispositions, empty signal mask; a session and process
 * group of its own, so that kill(-pid) reaches what it forks; and is killed
 * when the thread that started it dies (PR_SET_PDEATHSIG, checked against the
 * race).  Runs with the caller's uid.  *sock is our end, CLOEXEC and
 * non-blocking; *pidfd is a pidfd of the child, CLOEXEC, or -1 where the kernel
 * has none.  The caller closes both and reaps pid.
 * TSR_INVALID for a path that is not absolute; TSR_SYSTEM with errno: also when
 * exec failed (told by a CLOEXEC pipe; the child is reaped then). */
int spawn_helper(const char *path, char *const argv[], char *const env[],
    pid_t *pid, int *pidfd, int *sock);

/* For every main(), first thing: make sure that fds 0, 1, 2 are open
 * (/dev/null), SIGPIPE is ignored, umask is 077.  TSR_SYSTEM. */
int spawn_fix_fds(void);

/* Close every descriptor from first up but those in keep[0..n), which needs no
 * order.  Async-signal-safe.  TSR_SYSTEM. */
int spawn_close_from(int first, const int *keep, size_t n);

#endif
