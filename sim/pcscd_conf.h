/*
 * pcscd_conf.h - the readers of an isolated pcscd: ports, drivers, the
 * configuration that names them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_PCSCD_CONF_H
#define SIM_PCSCD_CONF_H

#include <stdint.h>
#include <sys/types.h>

#include "sim/pcscd.h"

/* Write conf/, driver-N.so and readers into the folder open as dirfd, with
 * ports that are free now: those of an earlier run where they are.  The folder
 * is that of s.  TSR_NOT_FOUND for the driver; TSR_SYSTEM; TSR_NOMEM. */
int pcscd_conf_write(const struct pcscd_setup *s, int dirfd, uint16_t port[PCSCD_READERS_MAX]);

/* 1 where that process listens on the port and on the next one, 0 where it
 * does not (yet). */
int pcscd_conf_listens(pid_t pid, uint16_t port);

#endif
