/*
 * pcscd.h - the folder of an isolated pcscd: its socket, its readers.
 *
 *	pcscd.comm	the socket, for $PCSCLITE_CSOCK_NAME
 *	readers		a line for each reader: the port of its virtual slot
 *	pid, log	of the process
 *	conf/, driver-N.so	what pcscd reads
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_PCSCD_H
#define SIM_PCSCD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PCSCD_READERS_MAX	8	/* pcscd has room for 16, and each has two slots */
#define PCSCD_SOCKET		"pcscd.comm"

/* A running pcscd of that folder: its process.  TSR_NOT_FOUND. */
int pcscd_running(const char *folder, pid_t *pid);

/* The port of a reader, numbered from 0.  TSR_UNREACHABLE where no pcscd runs;
 * TSR_NOT_FOUND where it has no such reader; TSR_CORRUPT. */
int pcscd_port(const char *folder, unsigned reader, uint16_t *port);

struct pcscd_setup {
	const char *folder;	/* absolute, there */
	const char *driver;	/* of the virtual reader */
	unsigned readers;
	int foreground;		/* die with the process that starts it */
};

/* Start one and wait until all of its readers are there.  TSR_CONFLICT where
 * one runs; TSR_NOT_FOUND where driver or pcscd is missing; TSR_TIMEOUT where
 * the readers do not come, see the log; TSR_TOO_LARGE for a path beyond
 * sun_path; TSR_SYSTEM with errno. */
int pcscd_start(const struct pcscd_setup *s, pid_t *pid);

/* End it and remove what only a running one has.  TSR_NOT_FOUND where none
 * runs; TSR_SYSTEM. */
int pcscd_stop(const char *folder);

#endif
