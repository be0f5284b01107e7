/*
 * audit_log.h - the files of the audit log, as root reads them: without the
 * agent, which a taken-over agent could not be asked about itself.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_AUDIT_LOG_H
#define CLIENT_AUDIT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/audit_chain.h"
#include "base/secret.h"
#include "client/client.h"

#define AUDIT_LOG_FILES	1024	/* files of one log */
#define AUDIT_LOG_BLOCK	65536	/* bytes read at once, and the longest "line" handed out */

/* Where the log is, by the configuration. */
struct audit_place {
	char dir[4096];
	char store_key[4096];
};

/* One file: name as in messages. */
struct audit_log_file {
	char name[64];
	int fd;
};

struct audit_log {
	struct audit_log_file *file;	/* oldest first */
	size_t n;
};

/* One file's lines. */
struct audit_lines {
	int fd;
	size_t have, at;
	int over;
	char block[AUDIT_LOG_BLOCK];
};

/* --config, --user-mode, --store-key.  An enum fail_status, told. */
int audit_place(struct client *c, struct audit_place *p);

/* Open all files in the folder, or path alone where it is not NULL. */
int audit_log_open(struct client *c, const struct audit_place *p, const char *path,
    struct audit_log *log);
void audit_log_close(struct audit_log *log);

void audit_lines_init(struct audit_lines *l, int fd);
/* The next line without its newline: 1.  0 at the end; *torn is then how many
 * bytes follow the last newline (they stay for a later call).  -1 with errno. */
int audit_lines_next(struct audit_lines *l, const char **p, size_t *n, size_t *torn);

/* The first key, opened with the store key. */
int audit_log_key(struct client *c, const struct audit_place *p, struct secret **first);
/* --head, else the file audit.head where there is one; seq 0 where nothing is
 * known. */
int audit_log_head(struct client *c, const struct audit_place *p, int use_file, struct audit_head *h);

#endif
