/*
 * shim.c - a disk's faults, put in front of the production agent by LD_PRELOAD
 * and chosen by the variable TESSERA_SHIM:
 *
 *	wal		syncs of the write-ahead log do nothing, as with
 *			synchronous=NORMAL
 *	eio:PATH	while PATH exists every sync fails with EIO
 *	log-sync:PATH	while PATH exists every sync of the audit log does
 *	log-write:PATH	while PATH exists every write to the audit log ends half
 *			way, and the next one fails with EIO
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int fd) __attribute__((visibility("default")));
int fdatasync(int fd) __attribute__((visibility("default")));
ssize_t pwrite(int fd, const void *p, size_t n, off_t at) __attribute__((visibility("default")));
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) __attribute__((visibility("default")));

static enum { SHIM_NONE, SHIM_WAL, SHIM_EIO, SHIM_LOG_SYNC, SHIM_LOG_WRITE } shim_mode;
static char flag[PATH_MAX];
static int torn;

/* The agent clears its environment in main. */
static void __attribute__((constructor))
shim_init(void)
{
	static const char *const names[] = { "", "wal", "eio", "log-sync", "log-write" };
	const char *mode = getenv("TESSERA_SHIM"), *colon;
	unsigned i;
	size_t n;

	if (mode == NULL)
		return;
	colon = strchr(mode, ':');
	n = colon != NULL ? (size_t)(colon - mode) : strlen(mode);
	for (i = SHIM_WAL; i <= SHIM_LOG_WRITE; i++)
		if (strlen(names[i]) == n && memcmp(mode, names[i], n) == 0)
			shim_mode = i;
	if (colon != NULL)
		(void)snprintf(flag, sizeof(flag), "%s", colon + 1);
}

/* Does the name of what fd is open on end in this? */
static int
shim_is(int fd, const char *end)
{
	char link[64], path[PATH_MAX];
	size_t len = strlen(end);
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > (ssize_t)len && memcmp(path + n - len, end, len) == 0;
}

static int
shim_now(void)
{
	return access(flag, F_OK) == 0;
}

static int
shim_sync(int fd, long call)
{
	if (shim_mode == SHIM_WAL && shim_is(fd, "-wal"))
		return 0;
	if ((shim_mode == SHIM_EIO && shim_now()) ||
	    (shim_mode == SHIM_LOG_SYNC && shim_is(fd, "/audit.log") && shim_now())) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(call, fd);
}

int
fsync(int fd)
{
	return shim_sync(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return shim_sync(fd, SYS_fdatasync);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (shim_mode == SHIM_LOG_WRITE && n > 1 && shim_is(fd, "/audit.log") && shim_now()) {
		torn = !torn;
		if (!torn) {
			errno = EIO;
			return -1;
		}
		n /= 2;
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return pwrite(fd, p, n, at);
}
