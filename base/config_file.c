/*
 * config_file.c - open, check and read configuration files: what was checked
 * is what is read.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera.h"

#include "base/config_internal.h"
#include "base/escape.h"

#define LINKS_MAX	16	/* symbolic links followed in one path */
#define CONF_D		"conf.d"

/* A walk from / to the folder of a file, over every symbolic link. */
struct walk {
	enum config_mode mode;
	int sticky;		/* a folder like /tmp will do */
	int follow;		/* the last name may be a link */
	char rest[PATH_MAX];	/* still to go, relative to fd */
	char base[NAME_MAX + 1];	/* the last name */
	int fd;
	unsigned links;
	const char *wrong;	/* what is, where TSR_DENIED */
};

/* What is wrong with an owner or mode, or NULL. */
static const char *
judge(const struct stat *st, enum config_mode mode)
{
	if (st->st_uid != 0 && (mode == CONFIG_SYSTEM || st->st_uid != geteuid()))
		return mode == CONFIG_SYSTEM ? "belongs to another user: chown it to root" :
		    "belongs to another user: chown it to root or to yourself";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "can be written by group or others: chmod go-w it, or choose another folder";
	return NULL;
}

/* Take the folder that fd stands for. */
static int
walk_enter(struct walk *w, int fd)
{
	struct stat st;

	if (fd < 0)
		return TSR_SYSTEM;
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = fd;
	if (fstat(fd, &st) != 0)
		return TSR_SYSTEM;
	if (w->sticky && st.st_uid == 0 && (st.st_mode & S_ISVTX) != 0)
		return TSR_OK;
	return (w->wrong = judge(&st, w->mode)) == NULL ? TSR_OK : TSR_DENIED;
}

static int
walk_root(struct walk *w)
{
	return walk_enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Put what the link in base points to before rest. */
static int
walk_link(struct walk *w)
{
	char target[PATH_MAX], next[PATH_MAX];
	ssize_t n;

	if (++w->links > LINKS_MAX) {
		errno = ELOOP;
		return TSR_SYSTEM;
	}
	if ((n = readlinkat(w->fd, w->base, target, sizeof(target) - 1)) < 0)
		return TSR_SYSTEM;
	target[n] = '\0';
	if ((size_t)snprintf(next, sizeof(next), "%s/%s", target, w->rest) >= sizeof(next)) {
		errno = ENAMETOOLONG;
		return TSR_SYSTEM;
	}
	memcpy(w->rest, next, sizeof(next));
	return target[0] == '/' ? walk_root(w) : TSR_OK;
}

/* Move the first name of rest to base.  0 at the end of the path. */
static int
walk_name(struct walk *w)
{
	size_t skip, n;

	skip = strspn(w->rest, "/");
	n = strcspn(w->rest + skip, "/");
	if (n == 0 || n > NAME_MAX)
		return 0;
	memcpy(w->base, w->rest + skip, n);
	w->base[n] = '\0';
	memmove(w->rest, w->rest + skip + n, strlen(w->rest + skip + n) + 1);
	return 1;
}

/*
 * Walk an absolute path.  On success fd is its folder and base its last name.
 * TSR_DENIED: a folder is not as it must be, see wrong; TSR_SYSTEM.
 */
static int
walk_path(struct walk *w, const char *path)
{
	struct stat st;
	int r, last;

	w->fd = -1;
	w->links = 0;
	if ((size_t)snprintf(w->rest, sizeof(w->rest), "%s", path) >= sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return TSR_SYSTEM;
	}
	for (r = walk_root(w); r == TSR_OK;) {
		if (!walk_name(w)) {
			errno = EISDIR;		/* "/", "/.." and names too long */
			return TSR_SYSTEM;
		}
		last = w->rest[strspn(w->rest, "/")] == '\0';
		if (last && !w->follow)
			return TSR_OK;
		if (fstatat(w->fd, w->base, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return TSR_SYSTEM;
		if (S_ISLNK(st.st_mode))
			r = walk_link(w);
		else if (last)
			return TSR_OK;
		else
			r = walk_enter(w, openat(w->fd, w->base,
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	}
	return r;
}

int
config_file_trusted(const char *path, const char **advice)
{
	struct walk w = { .mode = CONFIG_SYSTEM, .sticky = 1, .follow = 1, .fd = -1 };
	struct stat st;
	int r;

	if ((r = walk_path(&w, path)) == TSR_OK) {
		if (fstatat(w.fd, w.base, &st, AT_SYMLINK_NOFOLLOW) != 0)
			r = TSR_SYSTEM;
		else if (!S_ISREG(st.st_mode)) {
			w.wrong = "is not a file: name the module itself";
			r = TSR_DENIED;
		} else if ((w.wrong = judge(&st, w.mode)) != NULL)
			r = TSR_DENIED;
	}
	if (w.fd >= 0)
		(void)close(w.fd);
	if (r == TSR_DENIED)
		*advice = w.wrong;
	return r == TSR_DENIED ? TSR_DENIED : TSR_OK;
}

/* The whole of fd, which has size bytes, into source->text. */
static int
read_text(struct config_parse *p, struct config_source *source, int fd, size_t size)
{
	size_t n = 0;
	ssize_t got = 1;

	if ((source->text = malloc(size + 1)) == NULL)
		return TSR_NOMEM;
	/* one byte more than it should have, to see a file that grows */
	while (n <= size && got != 0) {
		if ((got = read(fd, source->text + n, size + 1 - n)) > 0)
			n += (size_t)got;
		else if (got < 0 && errno != EINTR)
			return config_complain(p, source, 0, "cannot be read (%s): check the disk",
			    strerror(errno));
	}
	if (n != size)
		return config_complain(p, source, 0, "changed while it was read: try again");
	source->text[n] = '\0';
	source->size = n;
	return TSR_OK;
}

/* Complain of a file that open refused with the present errno. */
static int
refuse_open(struct config_parse *p, const struct config_source *source)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return config_complain(p, source, 0,
		    "does not exist: create it, or name another file");
	case ELOOP:
		return config_complain(p, source, 0,
		    "is a symbolic link: put the file itself there");
	case ENXIO:
		return config_complain(p, source, 0, "is a socket: put a file there");
	case EACCES:
		return config_complain(p, source, 0,
		    "may not be read: chmod a+r it and a+x its folders");
	default:
		return config_complain(p, source, 0, "cannot be opened (%s): check the path",
		    strerror(errno));
	}
}

/* Complain of the folder where the walk ended. */
static int
refuse_folder(struct config_parse *p, const struct config_source *source, const struct walk *w)
{
	char link[64], name[PATH_MAX];
	struct config_shown shown;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", w->fd);
	if ((n = readlink(link, name, sizeof(name) - 1)) < 0)
		n = 0;
	name[n] = '\0';
	return config_complain(p, source, 0, n > 0 ? "the folder %s above it %s" : "a folder%s above it %s",
	    config_show(&shown, name), w->wrong);
}

/* Open name in the folder dir, check it and read it into source. */
static int
read_at(struct config_parse *p, struct config_source *source, int dir, const char *name)
{
	const char *wrong;
	struct stat st;
	int fd, r;

	/* O_NONBLOCK: a FIFO must not hold us up before fstat sees it */
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return refuse_open(p, source);
	if (fstat(fd, &st) != 0)
		r = TSR_SYSTEM;
	else if (!S_ISREG(st.st_mode))
		r = config_complain(p, source, 0, "is %s: put a file there",
		    S_ISDIR(st.st_mode) ? "a folder" : S_ISFIFO(st.st_mode) ? "a FIFO" : "a device");
	else if ((wrong = judge(&st, p->mode)) != NULL)
		r = config_complain(p, source, 0, "%s", wrong);
	else if (st.st_size > CONFIG_FILE_MAX)
		r = config_complain(p, source, 0, "is larger than 1 MiB: shorten it");
	else
		r = read_text(p, source, fd, (size_t)st.st_size);
	(void)close(fd);
	return r;
}

/* The next source, named FOLDER/name. */
static int
add_source(struct config_parse *p, const char *folder, const char *name,
    struct config_source **out)
{
	struct config_source *s;

	if (p->n == CONFIG_FILES_MAX) {
		(void)config_complain(p, &p->source[0], 0,
		    "has more than %d files beside it in " CONF_D ": join some", CONFIG_FILES_MAX - 1);
		return TSR_CONFIG;
	}
	s = &p->source[p->n];
	if (asprintf(&s->name, "%s%s%s", folder, *folder == '\0' ? "" : "/", name) < 0) {
		s->name = NULL;
		return TSR_NOMEM;
	}
	p->n++;
	*out = s;
	return TSR_OK;
}

static int
is_conf(const struct dirent *e)
{
	size_t n;

	n = strlen(e->d_name);
	return e->d_name[0] != '.' && n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int
in_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Read every *.conf of the folder fd, which is called folder, in name order. */
static int
read_folder(struct config_parse *p, int fd, const char *folder)
{
	struct config_source *source;
	struct dirent **names = NULL;
	int n, i, r = TSR_OK;

	if ((n = scandirat(fd, ".", &names, is_conf, in_bytes)) < 0)
		return errno == ENOMEM ? TSR_NOMEM : TSR_SYSTEM;
	for (i = 0; i < n; i++) {
		if (r == TSR_OK && (r = add_source(p, folder, names[i]->d_name, &source)) == TSR_OK)
			r = read_at(p, source, fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return r;
}

/* conf.d in the folder dir, which may lack one. */
static int
read_conf_d(struct config_parse *p, int dir, const char *file)
{
	struct config_source at = { NULL, NULL, 0, NULL };
	const char *wrong;
	struct stat st;
	int fd, r;

	if (asprintf(&at.name, "%.*s" CONF_D, (int)(strrchr(file, '/') + 1 - file), file) < 0)
		return TSR_NOMEM;
	fd = openat(dir, CONF_D, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		r = errno == ENOENT ? TSR_OK : errno == EACCES ? refuse_open(p, &at) :
		    config_complain(p, &at, 0, "is not a folder: put a folder there or remove it");
	else if (fstat(fd, &st) != 0)
		r = TSR_SYSTEM;
	else if ((wrong = judge(&st, p->mode)) != NULL)
		r = config_complain(p, &at, 0, "%s", wrong);
	else
		r = read_folder(p, fd, at.name);
	if (fd >= 0)
		(void)close(fd);
	free(at.name);
	return r;
}

/* file itself, or behind the working folder where it is relative. */
static int
absolute(const char *file, char *out, size_t size)
{
	char cwd[PATH_MAX];
	int n;

	if (file[0] == '/')
		n = snprintf(out, size, "%s", file);
	else if (getcwd(cwd, sizeof(cwd)) == NULL)
		return TSR_SYSTEM;
	else
		n = snprintf(out, size, "%s/%s", cwd, file);
	return n > 0 && (size_t)n < size ? TSR_OK : TSR_TOO_LARGE;
}

int
config_file_read(struct config_parse *p, const char *file)
{
	struct walk w = { .mode = p->mode, .fd = -1 };
	struct config_source *source;
	char path[PATH_MAX];
	int r;

	if (absolute(file, path, sizeof(path)) != TSR_OK)
		return config_complain(p, NULL, 0, "the path of the configuration is too long: shorten it");
	if (!escape_is_text(path, strlen(path)))
		return config_complain(p, NULL, 0,
		    "the path of the configuration has control characters or is not UTF-8: rename it");
	if ((r = add_source(p, "", path, &source)) != TSR_OK)
		return r;
	if ((r = walk_path(&w, path)) == TSR_DENIED)
		r = refuse_folder(p, source, &w);
	else if (r != TSR_OK)
		r = refuse_open(p, source);
	else if ((r = read_at(p, source, w.fd, w.base)) == TSR_OK)
		r = read_conf_d(p, w.fd, path);
	if (w.fd >= 0)
		(void)close(w.fd);
	return r;
}
