/*
 * breakout.h - ways out of a role, for sandbox_escape.c to try.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BASE_BREAKOUT_H
#define TESTS_BASE_BREAKOUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "jail.h"

#define AGENT	(1u << SANDBOX_AGENT)
#define NAMES	(1u << SANDBOX_NAMES)
#define KEEPER	(1u << SANDBOX_KEEPER)
#define MODULE	(1u << SANDBOX_MODULE)
#define ALL	(AGENT | NAMES | KEEPER | MODULE)

struct breakout_row {
	const char *name;
	jail_attempt attempt;
	unsigned roles;		/* in which it must fail */
	int control;		/* works for root without a role */
	int abi;		/* Landlock ABI that it takes; 0: none */
	unsigned names_uid;	/* who the name service worker is; 0: as we are */
};

/* Each ends at name == NULL. */
extern const struct breakout_row breakout_files[], breakout_processes[], breakout_kernel[];

/* A folder with "in" (the roles' own, to read and write), "ro" (to read) and
 * "out" (nobody's), a file in each.  The path of one of them. */
const char *breakout_path(const char *name);

/* What listens outside. */
extern uint16_t breakout_tcp_port;
extern struct sockaddr_un breakout_abstract;
extern socklen_t breakout_abstract_len;

/* JAIL_REFUSED for -1, else JAIL_DONE. */
enum jail_verdict breakout_verdict(long r);

/* open(2) with mode 0600. */
enum jail_verdict breakout_open(const char *path, int flags);

#endif
