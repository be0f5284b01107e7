/*
 * audit_file.h - the files of the audit log: audit.log, the older audit.log.1,
 * audit.log.2, ..., the sealed first key audit.key and the head audit.head, all
 * in the state folder.  See base/audit_chain.h for the lines.
 *
 * Lines wait in memory until audit_file_sync has written and synced them: what
 * a failed write or sync left in the file is cut off, and written again to a
 * file that was opened anew.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_FILE_H
#define AGENT_AUDIT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/audit_chain.h"
#include "base/secret.h"

#define AUDIT_PENDING_MAX	(2u << 20)	/* bytes of lines not yet durable */

struct audit_file;

struct audit_file_options {
	const char *dir;	/* the state folder, without its last slash */
	uint64_t size;		/* bytes after which a file is put aside */
	unsigned keep;		/* older files kept */
	const char *waiting;	/* lines that were durable elsewhere; those that the file lacks are written to it */
	size_t waiting_len;
	struct audit_head known;	/* a head that others kept; seq 0: none */
};

/*
 * Continue the log in dir, or begin it: fresh says that there was no store
 * before, else a log that is not there was lost.  A torn last line (of a crash:
 * what follows the last good line, at most AUDIT_PENDING_MAX) is cut off, which
 * a line "recovered" tells.  Where the end does not fit the chain or the head,
 * everything stays as it is for whoever looks into it, and a new file goes on
 * whose first line says "lost"; *lost is then 1.  So it does where lines are
 * missing between the file and those of waiting.  TSR_CORRUPT where audit.key
 * is missing or does not open, TSR_CONFIG for files that are foreign or no
 * files, TSR_STORE; err gets one sentence.  store_key may be freed after.
 */
int audit_file_open(const struct audit_file_options *o, const struct secret *store_key, int fresh,
    int64_t now, struct audit_file **out, int *lost, char *err, size_t err_size);

/* What is pending is not written: audit_file_sync first. */
void audit_file_close(struct audit_file **f);

/* From now on. */
void audit_file_limits(struct audit_file *f, uint64_t size, unsigned keep);

/* Append a line to what is pending; members is "" or whole JSON members, each
 * with a comma before it.  TSR_STORE where no more can wait, TSR_TOO_LARGE,
 * TSR_NOMEM. */
int audit_file_put(struct audit_file *f, int64_t now, const char *event, const char *members);

/* Make all that is pending durable, then put the file aside where it is full.
 * TSR_STORE: it stays pending, call again. */
int audit_file_sync(struct audit_file *f, int64_t now);

size_t audit_file_pending(const struct audit_file *f);	/* bytes */
const void *audit_file_pending_lines(const struct audit_file *f);
uint64_t audit_file_seq(const struct audit_file *f);	/* of the next line */

/* The last durable line. */
void audit_file_head(const struct audit_file *f, struct audit_head *h);
/* Write it to audit.head.  TSR_SYSTEM, TSR_NOMEM. */
int audit_file_write_head(struct audit_file *f);

#endif
