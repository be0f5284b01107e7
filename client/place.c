/*
 * place.c - see place.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/input.h"
#include "tessera.h"

/* A path taken apart: its folder, open, and the name in there. */
struct place {
	const char *path, *name;
	int dir;
};

static int
place_failed(struct client *c, const char *path, const char *what)
{
	return fail_set(&c->failure, errno == EACCES || errno == EPERM ? "denied" : "failed",
	    "%s cannot be %s: %s", path, what, strerror(errno));
}

/* In a folder of somebody else's he may put another file in the place of ours. */
static int
place_trusts(struct client *c, const struct place *p, const char *folder)
{
	struct stat st;

	if (fstat(p->dir, &st) == -1)
		return place_failed(c, folder, "looked at");
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return fail_set(&c->failure, "denied", "the folder %s belongs to uid %u, who could change what is "
		    "put there", folder, st.st_uid);
	if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0)
		return fail_set(&c->failure, "denied", "everybody may write the folder %s: chmod o-w it first",
		    folder);
	return FAIL_NONE;
}

static int
place_open(struct client *c, const char *path, struct place *p)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int status;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : slash == path ? 1 :
	    (int)(slash - path), slash == NULL ? "." : path);
	p->path = path;
	p->dir = -1;
	p->name = slash == NULL ? path : slash + 1;
	if (strlen(path) >= sizeof(folder) || p->name[0] == '\0' || strcmp(p->name, ".") == 0 ||
	    strcmp(p->name, "..") == 0)
		return fail_set(&c->failure, "usage", "\"%.64s\" is no name of a file", path);
	if ((p->dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return fail_set(&c->failure, errno == ENOENT ? "not_found" : "denied",
		    "the folder %s cannot be opened: %s", folder, strerror(errno));
	if ((status = place_trusts(c, p, folder)) != FAIL_NONE)
		(void)close(p->dir);
	return status;
}

/* What has the name: *there.  Only a plain file of ours (or, to read, of root's) is
 * anything to us. */
static int
place_look(struct client *c, const struct place *p, int to_read, int *there)
{
	struct stat st;

	*there = 0;
	if (fstatat(p->dir, p->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? FAIL_NONE : place_failed(c, p->path, "looked at");
	if (!S_ISREG(st.st_mode))
		return fail_set(&c->failure, "conflict", "%s is %s and is left alone", p->path,
		    S_ISLNK(st.st_mode) ? "a symbolic link" : "no plain file");
	if (st.st_uid != geteuid() && !(to_read && st.st_uid == 0))
		return fail_set(&c->failure, "denied", "%s belongs to uid %u and is left alone", p->path,
		    st.st_uid);
	*there = 1;
	return FAIL_NONE;
}

/* The file itself, which may have become another since it was looked at. */
static int
place_content(struct client *c, const struct place *p, struct buf *out)
{
	struct stat st;
	int fd, r, status = FAIL_NONE;

	if ((fd = openat(p->dir, p->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) == -1)
		return place_failed(c, p->path, "read");
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != geteuid() && st.st_uid != 0))
		status = fail_set(&c->failure, "conflict", "%s became another file while it was read", p->path);
	else if ((r = input_whole(fd, out)) == TSR_SYSTEM)
		status = place_failed(c, p->path, "read");
	else if (r != TSR_OK)
		status = fail_set(&c->failure, "conflict", "%s is larger than any such file", p->path);
	(void)close(fd);
	return status;
}

int
place_read(struct client *c, const char *path, struct buf *out, int *there)
{
	struct place p;
	int found, status;

	if ((status = place_open(c, path, &p)) != FAIL_NONE)
		return status;
	if ((status = place_look(c, &p, 1, &found)) == FAIL_NONE && found)
		status = place_content(c, &p, out);
	if (status == FAIL_NONE)
		*there = found;
	(void)close(p.dir);
	return status;
}

static int
place_fill(int fd, const void *data, size_t n, mode_t mode)
{
	const char *at = data;
	ssize_t w;

	for (; n > 0; at += w, n -= (size_t)w)
		if ((w = write(fd, at, n)) == -1) {
			if (errno != EINTR)
				return -1;
			w = 0;
		}
	return fchmod(fd, mode) == 0 && fsync(fd) == 0 ? 0 : -1;
}

int
place_write(struct client *c, const char *path, const void *data, size_t n, mode_t mode)
{
	char new[NAME_MAX + 1];
	struct place p;
	int fd = -1, found, status;

	if ((status = place_open(c, path, &p)) != FAIL_NONE)
		return status;
	if ((status = place_look(c, &p, 0, &found)) != FAIL_NONE)
		goto out;
	if ((size_t)snprintf(new, sizeof(new), ".%s.%ld", p.name, (long)getpid()) >= sizeof(new)) {
		status = fail_set(&c->failure, "usage", "the name %s is too long", path);
		goto out;
	}
	(void)unlinkat(p.dir, new, 0);	/* of a process that had our number and was killed */
	if ((fd = openat(p.dir, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		status = place_failed(c, path, "written");
	else if (place_fill(fd, data, n, mode) != 0 || renameat(p.dir, new, p.dir, p.name) != 0) {
		status = place_failed(c, path, "written");
		(void)unlinkat(p.dir, new, 0);
	} else
		(void)fsync(p.dir);
 out:
	if (fd != -1)
		(void)close(fd);
	(void)close(p.dir);
	return status;
}

/* 1 where the older version of that name is what is there now. */
static int
place_same(struct client *c, const struct place *p, const char *name)
{
	struct place older = { .path = p->path, .name = name, .dir = p->dir };
	struct buf a, b;
	int same;

	buf_init(&a, PLACE_FILE_MAX);
	buf_init(&b, PLACE_FILE_MAX);
	same = place_content(c, p, &a) == FAIL_NONE && place_content(c, &older, &b) == FAIL_NONE &&
	    a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
	buf_free(&a);
	buf_free(&b);
	fail_clear(&c->failure);
	return same;
}

int
place_keep(struct client *c, const char *path, char *kept, size_t size)
{
	char number[16] = "", *name;
	struct place p;
	int i, found, status;

	if ((status = place_open(c, path, &p)) != FAIL_NONE)
		return status;
	if ((status = place_look(c, &p, 0, &found)) != FAIL_NONE)
		goto out;
	for (i = 1; i <= PLACE_KEPT_MAX; i++) {
		if (i > 1)
			(void)snprintf(number, sizeof(number), ".%d", i);
		(void)snprintf(kept, size, "%s.tessera-old%s", path, number);
		name = strrchr(kept, '/') != NULL ? strrchr(kept, '/') + 1 : kept;
		if (linkat(p.dir, p.name, p.dir, name, 0) == 0 ||
		    (errno == EEXIST && place_same(c, &p, name)))
			goto out;
		if (errno != EEXIST)
			break;
	}
	status = i > PLACE_KEPT_MAX ? fail_set(&c->failure, "conflict", "there are %d older versions of %s; "
	    "remove some", PLACE_KEPT_MAX, path) : place_failed(c, path, "kept aside");
 out:
	(void)close(p.dir);
	return status;
}

int
place_remove(struct client *c, const char *path)
{
	struct place p;
	int found, status;

	if ((status = place_open(c, path, &p)) != FAIL_NONE)
		return status;
	if ((status = place_look(c, &p, 0, &found)) == FAIL_NONE && found &&
	    unlinkat(p.dir, p.name, 0) == -1 && errno != ENOENT)
		status = place_failed(c, path, "removed");
	(void)close(p.dir);
	return status;
}

int
place_folder(struct client *c, const char *path, mode_t mode, int *made)
{
	struct place p;
	struct stat st;
	int status;

	*made = 0;
	if ((status = place_open(c, path, &p)) != FAIL_NONE)
		return status;
	if (mkdirat(p.dir, p.name, 0700) == 0) {
		*made = 1;
		if (fchmodat(p.dir, p.name, mode, 0) == -1)
			status = place_failed(c, path, "made");
	} else if (errno != EEXIST)
		status = place_failed(c, path, "made");
	else if (fstatat(p.dir, p.name, &st, 0) == -1 || !S_ISDIR(st.st_mode))
		status = fail_set(&c->failure, "conflict", "%s is no folder", path);
	(void)close(p.dir);
	return status;
}
