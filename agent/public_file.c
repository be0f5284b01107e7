/*
 * public_file.c - see public_file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/public_file.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "tessera.h"

/* All inside the folder that was opened, whatever happens to its path. */
static int
replace(int folder, const char *name, const char *fresh, const void *p, size_t n)
{
	int fd, saved, r = TSR_SYSTEM;

	if (unlinkat(folder, fresh, 0) == -1 && errno != ENOENT)	/* of an agent that was killed */
		return TSR_SYSTEM;
	fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return TSR_SYSTEM;
	if (store_file_write(fd, p, n) == TSR_OK && fchmod(fd, 0644) == 0 && fsync(fd) == 0 &&
	    renameat(folder, fresh, folder, name) == 0 && fsync(folder) == 0)
		r = TSR_OK;
	saved = errno;
	close(fd);
	if (r != TSR_OK)
		unlinkat(folder, fresh, 0);
	errno = saved;
	return r;
}

int
public_file_write(const char *path, const void *p, size_t n)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	char *parent = NULL, *fresh = NULL;
	int folder = -1, saved, r = TSR_NOMEM;

	parent = slash == NULL ? strdup(".") :
	    strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (parent == NULL)
		goto out;
	if (asprintf(&fresh, ".%s.new", name) == -1) {
		fresh = NULL;
		goto out;
	}
	r = TSR_SYSTEM;
	if ((folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		goto out;
	r = replace(folder, name, fresh, p, n);
 out:
	saved = errno;
	if (folder != -1)
		close(folder);
	free(parent);
	free(fresh);
	errno = saved;
	return r;
}
