/*
 * epochfile.c - see epochfile.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/epochfile.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tessera.h"

#define EPOCHFILE_BOOT_ID	"/proc/sys/kernel/random/boot_id"
#define EPOCHFILE_SPINS		100	/* reads while it is written, without a pause */
#define EPOCHFILE_WAITS		1000	/* more of them, with one */
#define EPOCHFILE_WAIT_NS	100000

int
epochfile_beside(struct epochfile *e, const char *other)
{
	const char *slash = strrchr(other, '/');
	int n;

	n = snprintf(e->path, sizeof(e->path), "%.*s/epochs", slash == NULL ? 0 : (int)(slash - other),
	    other);
	return n < 0 || (size_t)n >= sizeof(e->path) ? TSR_TOO_LARGE : TSR_OK;
}

static void
epochfile_unmap(struct epochfile *e)
{
	if (e->map != NULL)
		(void)munmap(e->map, e->size);
	e->map = NULL;
}

void
epochfile_close(struct epochfile *e)
{
	epochfile_unmap(e);
	e->looked = 0;
}

/* 32 digits and 4 hyphens. */
static int
epochfile_boot(uint8_t out[EPOCHS_BOOT_LEN])
{
	static const char digits[] = "0123456789abcdef";
	char text[64];
	const char *at;
	ssize_t n;
	size_t digit = 0, i;
	int fd;

	if ((fd = open(EPOCHFILE_BOOT_ID, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	memset(out, 0, EPOCHS_BOOT_LEN);
	for (i = 0; n > 0 && i < (size_t)n && digit < 2 * EPOCHS_BOOT_LEN; i++)
		if (text[i] != '\0' && (at = strchr(digits, text[i])) != NULL) {
			out[digit / 2] = (uint8_t)(out[digit / 2] << 4 | (uint8_t)(at - digits));
			digit++;
		}
	return digit == 2 * EPOCHS_BOOT_LEN;
}

static void
epochfile_open(struct epochfile *e)
{
	uint8_t head[EPOCHS_HEAD];
	void *map;
	int fd = -1;

	epochfile_unmap(e);
	if (keyfile_open(e->path, e->owner, &fd, &e->id) != TSR_OK)
		return;
	e->size = (size_t)e->id.size;
	/* read first: what is in a file that is not ours is never mapped */
	if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) && e->id.size > 0 &&
	    epochs_slots(head, e->size, &e->slots) == TSR_OK &&
	    (map = mmap(NULL, e->size, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED) {
		e->map = map;
		memcpy(e->map_boot, head + offsetof(struct epochs_head, boot), sizeof(e->map_boot));
	}
	(void)close(fd);
}

/* 1 where the name leads to another file than the mapped one, or that was cut. */
static int
epochfile_gone(const struct epochfile *e)
{
	struct stat st;

	return lstat(e->path, &st) != 0 || st.st_dev != e->id.dev || st.st_ino != e->id.ino ||
	    st.st_size != (off_t)e->size;
}

/* What costs a system call is done once a tick. */
static void
epochfile_tick(struct epochfile *e)
{
	struct timespec now, boot;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (e->looked && now.tv_sec == e->tick.tv_sec && now.tv_nsec == e->tick.tv_nsec)
		return;
	e->tick = now;
	e->looked = 1;
	if (!e->boot_known)
		e->boot_known = epochfile_boot(e->boot);
	if (clock_gettime(CLOCK_BOOTTIME, &boot) == 0)
		e->boot_ms = (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000;
	if (e->map == NULL || epochfile_gone(e))
		epochfile_open(e);
}

/* TSR_AGAIN: it is being written, or another one takes its place. */
static int
epochfile_try(struct epochfile *e, const struct epochs_sid *sid, struct epochs_view *v)
{
	if (e->map == NULL || epochs_look(e->map, e->slots, sid, v) != TSR_OK)
		return e->map == NULL ? TSR_STALE : TSR_AGAIN;
	if (!v->superseded)
		return TSR_OK;
	if (epochfile_gone(e))
		epochfile_open(e);
	return TSR_AGAIN;
}

/* Neither takes a microsecond, unless the writer was stopped in the middle, or
 * killed: that is waited for once. */
static int
epochfile_read(struct epochfile *e, const struct epochs_sid *sid, struct epochs_view *v)
{
	static const struct timespec pause = { 0, EPOCHFILE_WAIT_NS };
	unsigned i;
	int r;

	for (i = 0; i < EPOCHFILE_SPINS + EPOCHFILE_WAITS; i++) {
		if ((r = epochfile_try(e, sid, v)) != TSR_AGAIN) {
			e->stuck = 0;
			return r;
		}
		if (i < EPOCHFILE_SPINS)
			continue;
		if (e->stuck)
			return TSR_STALE;
		(void)nanosleep(&pause, NULL);
		if (epochfile_gone(e))
			epochfile_open(e);
	}
	e->stuck = 1;
	return TSR_STALE;
}

static int
epochfile_fresh(const struct epochfile *e, uint64_t heartbeat_ms)
{
	uint64_t now = e->boot_ms, age = now > heartbeat_ms ? now - heartbeat_ms : heartbeat_ms - now;

	return e->boot_known && memcmp(e->boot, e->map_boot, sizeof(e->boot)) == 0 &&
	    age <= EPOCHS_STALE_MS;
}

int
epochfile_check(struct epochfile *e, const char *sid, int64_t iat, uint64_t *generation)
{
	struct epochs_view v;
	struct epochs_sid bits;
	const struct epochs_sid *look = epochs_sid(sid, &bits) == TSR_OK ? &bits : NULL;

	*generation = 0;
	epochfile_tick(e);
	if (epochfile_read(e, look, &v) != TSR_OK)
		return TSR_STALE;
	*generation = v.generation;
	if (v.dead || iat <= v.epoch)
		return TSR_REVOKED;
	return epochfile_fresh(e, v.heartbeat_ms) ? TSR_OK : TSR_STALE;
}
