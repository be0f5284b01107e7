/*
 * clock_rig.h - this process's clocks in the hands of its test.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_CLOCK_RIG_H
#define TESTS_CLOCK_RIG_H

#include <stdint.h>

#define CLOCK_RIG_WALL	1800000000	/* s, where it begins */

/* From here on every clock of this process stands still / goes on by ms. */
void clock_rig_start(void);
void clock_rig_advance(uint64_t ms);
/* As much in steps of a tenth of a second, after each of which timers run. */
struct timers;
void clock_rig_pass(struct timers *ts, uint64_t ms);
/* Back to where it began, for another life. */
void clock_rig_reset(void);

#endif
