/*
 * run_bed.h - the private world in which virtual keys are plugged in: mount
 * and network namespaces (and a user namespace where we are not root) with a
 * /dev and /sys of their own.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_BED_H
#define SIM_RUN_BED_H

/* Move this process there, for good.  On failure *what says what was tried.
 * TSR_SYSTEM with errno, TSR_TOO_LARGE. */
int run_bed_enter(const char **what);

#endif
