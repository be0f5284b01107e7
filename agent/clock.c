/*
 * clock.c - see clock.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/clock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "tessera.h"

#define CLOCK_TRIES_MAX	100000	/* looks at a page whose writer stopped half way */

struct clock_now {
	int64_t wall_ns;
	uint64_t boot_ns;
};

static const struct clock_page *clock_page;
static struct clock_now clock_last;	/* what the page said when it was last whole */

/* Sequence lock: what lies between two equal even numbers is whole. */
static struct clock_now
clock_read_page(void)
{
	struct clock_now now;
	uint64_t before, after;
	int tries;

	for (tries = 0; tries < CLOCK_TRIES_MAX; tries++) {
		before = __atomic_load_n(&clock_page->seq, __ATOMIC_ACQUIRE);
		now.wall_ns = __atomic_load_n(&clock_page->wall_ns, __ATOMIC_RELAXED);
		now.boot_ns = __atomic_load_n(&clock_page->boot_ns, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&clock_page->seq, __ATOMIC_RELAXED);
		if (before == after && (before & 1) == 0) {
			clock_last = now;
			break;
		}
	}
	return clock_last;
}

int
clock_rehearse(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return TSR_SYSTEM;
	if (st.st_size < (off_t)sizeof(struct clock_page))
		return TSR_INVALID;
	p = mmap(NULL, sizeof(struct clock_page), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return TSR_SYSTEM;
	if (((const struct clock_page *)p)->magic != CLOCK_PAGE_MAGIC) {
		(void)munmap(p, sizeof(struct clock_page));
		return TSR_INVALID;
	}
	clock_page = p;
	(void)clock_read_page();
	return TSR_OK;
}

int
clock_is_rehearsal(void)
{
	return clock_page != NULL;
}

uint64_t
clock_boot_ms(void)
{
	struct timespec ts;

	if (clock_page != NULL)
		return clock_read_page().boot_ns / 1000000u;
	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

uint64_t
clock_slept_ms(void)
{
	struct timespec boot, awake;

	if (clock_page != NULL)
		return __atomic_load_n(&clock_page->slept_ns, __ATOMIC_RELAXED) / 1000000u;
	(void)clock_gettime(CLOCK_MONOTONIC, &awake);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	return (uint64_t)(boot.tv_sec - awake.tv_sec) * 1000u +
	    (uint64_t)((boot.tv_nsec - awake.tv_nsec + 1000000000) / 1000000) - 1000u;
}

int64_t
clock_wall(void)
{
	struct timespec ts;

	if (clock_page != NULL)
		return clock_read_page().wall_ns / 1000000000;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec;
}

/* The digits of a UUID. */
static int
clock_parse_id(const char *text, size_t n, uint8_t out[CLOCK_BOOT_LEN])
{
	unsigned digits = 0, v;
	size_t i;

	for (i = 0; i < n && digits < 2 * CLOCK_BOOT_LEN; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			v = (unsigned)(text[i] - '0');
		else if (text[i] >= 'a' && text[i] <= 'f')
			v = (unsigned)(text[i] - 'a') + 10;
		else
			continue;
		out[digits / 2] = (uint8_t)((unsigned)out[digits / 2] << 4 | v);
		digits++;
	}
	return digits == 2 * CLOCK_BOOT_LEN ? TSR_OK : TSR_INVALID;
}

void
clock_boot_id(uint8_t out[CLOCK_BOOT_LEN])
{
	char text[64];
	ssize_t n;
	int fd;

	memset(out, 0, CLOCK_BOOT_LEN);
	if (clock_page != NULL ||
	    (fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)) == -1)
		return;
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n < 0 || clock_parse_id(text, (size_t)n, out) != TSR_OK)
		memset(out, 0, CLOCK_BOOT_LEN);
}

int
clock_synchronised(void)
{
	struct timex t = { .modes = 0 };

	if (clock_page != NULL)
		return __atomic_load_n(&clock_page->synchronised, __ATOMIC_RELAXED) == 1;
	return adjtimex(&t) != -1 && (t.status & STA_UNSYNC) == 0;
}

uint64_t
clock_work_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}
