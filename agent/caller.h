/*
 * caller.h - who is at the other end of a socket, by the kernel's word alone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CALLER_H
#define AGENT_CALLER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CALLER_GROUPS_MAX	256	/* supplementary groups that count */
#define CALLER_UNIT_MAX		256	/* bytes of a unit's name, with NUL */
#define CALLER_PROGRAM_MAX	128	/* bytes of a process's name, escaped, with NUL */

struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t groups[CALLER_GROUPS_MAX];
	size_t n_groups;
	int pidfd;		/* SO_PEERPIDFD, else pidfd_open of a process whose start time is unchanged, else -1 */
	uint64_t start_time;	/* /proc/PID/stat field 22, clock ticks */
};

/* Read SO_PEERCRED, SO_PEERGROUPS and the pidfd of a connected socket.
 * use_pidfd 0 takes the /proc method, as on kernels without the option
 * (configuration for tests of both): there the process is known by its PID and
 * start time, read twice around pidfd_open.  Groups beyond CALLER_GROUPS_MAX do
 * not count.  TSR_CLOSED for a process already gone, TSR_DENIED for an unmapped
 * uid (65534, -1) or a process outside our pid namespace, TSR_NOMEM,
 * TSR_SYSTEM.  Freed by caller_clear. */
int caller_read(int sock, int use_pidfd, struct caller *c);

/* What the kernel shows for a uid without a mapping, and most systems call
 * "nobody": never a person. */
#define CALLER_UNMAPPED		65534
#define CALLER_UNMAPPED_TEXT	"uid 65534 is what the kernel shows for users that it does not know: nobody is " \
    "enrolled under it"

/* Close what caller_read opened. */
void caller_clear(struct caller *c);

/* 1 while the process that connected still lives: pidfd polled, else start
 * time compared (another process with the PID has another). */
int caller_alive(const struct caller *c);

int caller_in_group(const struct caller *c, gid_t gid);

/* The systemd system unit, "NAME.service": the process's cgroup v2 path, read
 * now, while it lives, is /system.slice/NAME.service, with slices of
 * system.slice between them or not, and nothing below the service (a directory
 * there is delegated, and whoever it is delegated to names it).  To be asked
 * again before minting.  TSR_NOT_FOUND for user.slice and everything else, also
 * when we ourselves are not in the initial cgroup namespace; TSR_CLOSED for a
 * process that is gone. */
int caller_unit(const struct caller *c, char unit[CALLER_UNIT_MAX]);

/* Is the process under user-UID.slice?  *uid is then set.  TSR_NOT_FOUND,
 * TSR_CLOSED. */
int caller_user_slice(const struct caller *c, uid_t *uid);

/* A hint to show, never to decide by: what the process calls itself
 * (proc_pid_comm(5), which it may set to anything), escaped; "" unknown. */
void caller_program(const struct caller *c, char program[CALLER_PROGRAM_MAX]);

#endif
