/*
 * sandbox_seccomp.h - system call allow-lists for sandbox_linux.c.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SANDBOX_SECCOMP_H
#define BASE_SANDBOX_SECCOMP_H

#include <linux/filter.h>

/* What a process may ask of the kernel, in parts that add up. */
#define CALLS_COMMON	1u	/* memory, threads, time, reading files, a connected socket */
#define CALLS_FILES	2u	/* change files */
#define CALLS_SERVE	4u	/* listen and accept */
#define CALLS_PROCESS	8u	/* start, signal and await processes; sandbox them */
#define CALLS_AGENT	16u	/* event loop; signal and await processes; fchmod */
#define CALLS_INET	32u	/* sockets of the Internet families */
#define CALLS_FORK	128u	/* fork, signal and await, but start no program; hidraw nodes */
#define CALLS_NETLINK	256u	/* sockets to which udev tells what is plugged in; hidraw nodes */
#define CALLS_MODULE	64u	/* memory that is writable and executable; chmod that does nothing */

/* 1 where the kernel has seccomp filters that can kill a process. */
int sandbox_seccomp_have(void);

/* A filter as the kernel takes it. */
struct seccomp_program {
	struct sock_filter code[BPF_MAXINSNS];
	unsigned short n;
};

/* Put the filter for these parts together: milliseconds.  It is the calling
 * process's own, whose number is in it.  TSR_SYSTEM with errno. */
int sandbox_seccomp_prepare(unsigned parts, struct seccomp_program *out);

/* Load it into all threads; no new privileges must be set.  TSR_SYSTEM with errno. */
int sandbox_seccomp_enter(struct seccomp_program *p);

#endif
