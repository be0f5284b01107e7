/*
 * ssh_file.c - see ssh_file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/public_file.h"
#include "base/log.h"
#include "include/tessera.h"
#include "token/ssh_cert.h"

#define SSH_FILE_LINE_MAX	(2 * SSH_CERT_MAX)	/* bytes of a line: base64 and a comment */
#define SSH_FILE_NAME_MAX	32	/* bytes of "/UID-cert.pub", with NUL */
#define SSH_FILE_PATH_MAX	(PATH_MAX + SSH_FILE_NAME_MAX)

struct ssh_files {
	char folder[PATH_MAX];
};

/* Whoever reads such a file has the key that an agent listed which is no more. */
static void
ssh_files_empty(const char *folder)
{
	const struct dirent *e;
	DIR *d;

	if ((d = opendir(folder)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), e->d_name, 0);		/* "." and ".." stay */
	(void)closedir(d);
}

int
ssh_files_new(const char *public_dir, struct ssh_files **out)
{
	struct ssh_files *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return TSR_NOMEM;
	if (snprintf(f->folder, sizeof(f->folder), "%s/ssh", public_dir) >= PATH_MAX - SSH_FILE_NAME_MAX) {
		free(f);
		errno = ENAMETOOLONG;
		return TSR_SYSTEM;
	}
	if ((mkdir(f->folder, 0755) == -1 && errno != EEXIST) || chmod(f->folder, 0755) == -1) {
		log_line(LOG_ERROR, "%s: %s", f->folder, strerror(errno));
		free(f);
		return TSR_SYSTEM;
	}
	ssh_files_empty(f->folder);
	*out = f;
	return TSR_OK;
}

void
ssh_files_free(struct ssh_files **f)
{
	free(*f);
	*f = NULL;
}

static void
ssh_file_path(const struct ssh_files *f, uid_t uid, enum ssh_file which, char out[SSH_FILE_PATH_MAX])
{
	(void)snprintf(out, SSH_FILE_PATH_MAX, "%s/%u%s.pub", f->folder, uid,
	    which == SSH_FILE_CERT ? "-cert" : "");
}

int
ssh_file_write(const struct ssh_files *f, uid_t uid, enum ssh_file which, const struct buf *blob,
    const char *comment)
{
	char path[SSH_FILE_PATH_MAX];
	struct buf line;
	int r;

	ssh_file_path(f, uid, which, path);
	buf_init(&line, SSH_FILE_LINE_MAX);
	if ((r = ssh_key_line(&line, blob->data, blob->len, comment)) == TSR_OK &&
	    (r = buf_put_cstr(&line, "\n")) == TSR_OK &&
	    (r = public_file_write(path, line.data, line.len)) != TSR_OK)
		log_line(LOG_ERROR, "%s cannot be written: %s", path, strerror(errno));
	buf_free(&line);
	return r;
}

void
ssh_file_remove(const struct ssh_files *f, uid_t uid, enum ssh_file which)
{
	char path[SSH_FILE_PATH_MAX];

	ssh_file_path(f, uid, which, path);
	(void)unlink(path);
}
