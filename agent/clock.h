/*
 * clock.h - the only place where tesserad reads a clock.
 *
 * In a rehearsal (tesserad --rehearse FD) all clocks are read from a page
 * shared through FD, laid out as struct clock_page.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CLOCK_H
#define AGENT_CLOCK_H

#include <stdint.h>

#define CLOCK_PAGE_MAGIC	0x314b4c4352535400ull	/* "\0TSRCLK1" little-endian */

struct clock_page {
	uint64_t magic;
	uint64_t seq;		/* odd while being written */
	int64_t wall_ns;	/* CLOCK_REALTIME */
	uint64_t boot_ns;	/* CLOCK_BOOTTIME */
	uint64_t synchronised;	/* 1: as if the kernel said so */
	uint64_t slept_ns;	/* of boot_ns, suspended */
};

/* Read clocks from the page in fd from now on (mapped read-only; fd may be
 * closed after).  TSR_INVALID where it is no such page, TSR_SYSTEM. */
int clock_rehearse(int fd);
int clock_is_rehearsal(void);

uint64_t clock_boot_ms(void);	/* CLOCK_BOOTTIME: durations, deadlines */
uint64_t clock_slept_ms(void);	/* since the boot, suspended: CLOCK_BOOTTIME less CLOCK_MONOTONIC */
int64_t clock_wall(void);	/* seconds of the epoch: claims, records */

/* Which boot this is: 16 bytes that no other boot has; in a rehearsal, and where
 * the kernel does not say, zeroes. */
#define CLOCK_BOOT_LEN	16
void clock_boot_id(uint8_t out[CLOCK_BOOT_LEN]);

/* 1 where the kernel says that the wall clock is kept by a time source
 * (adjtimex(2): STA_UNSYNC is off; setting the clock by hand turns it on). */
int clock_synchronised(void);

/* CLOCK_MONOTONIC, in a rehearsal too: how long work took, never a deadline. */
uint64_t clock_work_us(void);

#endif
