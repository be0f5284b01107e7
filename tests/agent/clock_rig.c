/*
 * clock_rig.c - see clock_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/clock_rig.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/timer.h"
#include "include/tessera.h"

static struct clock_page *page;

void
clock_rig_start(void)
{
	int fd = memfd_create("clock", MFD_CLOEXEC);

	if (fd == -1 || ftruncate(fd, sizeof(*page)) != 0)
		abort();
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		abort();
	page->magic = CLOCK_PAGE_MAGIC;
	clock_rig_reset();
	if (clock_rehearse(fd) != TSR_OK)
		abort();
	(void)close(fd);
}

void
clock_rig_reset(void)
{
	page->seq++;
	page->wall_ns = (int64_t)CLOCK_RIG_WALL * 1000000000;
	page->boot_ns = 1000000000000;
	page->seq++;
}

void
clock_rig_advance(uint64_t ms)
{
	page->seq++;
	page->wall_ns += (int64_t)ms * 1000000;
	page->boot_ns += ms * 1000000;
	page->seq++;
}

void
clock_rig_pass(struct timers *ts, uint64_t ms)
{
	uint64_t step;

	for (; ms > 0; ms -= step) {
		step = ms < 100 ? ms : 100;
		clock_rig_advance(step);
		timers_run(ts, clock_boot_ms());
	}
}
