/*
 * shim.c - a disk's faults, put in front of the production agent by LD_PRELOAD
 * and chosen by the variable TESSERA_SHIM:
 *
 *	wal		syncs of the write-ahead log do nothing, as with
 *			synchronous=NORMAL
 *	eio:PATH	while PATH exists every sync fails with EIO
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

static int skip_wal;
static char eio[PATH_MAX];

/* The agent clears its environment in main. */
static void __attribute__((constructor))
shim_init(void)
{
	const char *mode = getenv("TESSERA_SHIM");

	if (mode != NULL && strcmp(mode, "wal") == 0)
		skip_wal = 1;
	else if (mode != NULL && strncmp(mode, "eio:", 4) == 0)
		(void)snprintf(eio, sizeof(eio), "%s", mode + 4);
}

static int
shim_is_wal(int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > 4 && memcmp(path + n - 4, "-wal", 4) == 0;
}

static int
shim_sync(int fd, long call)
{
	if (skip_wal && shim_is_wal(fd))
		return 0;
	if (eio[0] != '\0' && access(eio, F_OK) == 0) {
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
