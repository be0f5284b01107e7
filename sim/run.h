/*
 * run.h - a program in a world where virtual keys are plugged in.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <sys/types.h>

#include "sim/run_device.h"

#define RUN_KEYS_MAX	64

/*
 * Enter the world, plug in the keys that can be reached, start the program and
 * be its hub until it ends; others are plugged in when they come.  owner is
 * whose the devices are, (uid_t)-1 to leave them to whom we are.  *status is
 * the program's exit status, 128 and the signal where one ended it; 127 where
 * it cannot be started.  On failure *what says what was tried.
 * TSR_SYSTEM with errno, TSR_TOO_LARGE, TSR_NOMEM.
 */
int run(char *const key[], size_t keys, uid_t owner, char *const program[], int *status,
    const char **what);

#endif
