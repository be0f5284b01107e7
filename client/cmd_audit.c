/*
 * cmd_audit.c - audit verify, audit tail, audit export.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/audit_check.h"
#include "client/audit_log.h"
#include "client/audit_row.h"
#include "client/command.h"
#include "client/output.h"
#include "tessera.h"

#define TAIL_LINES	10	/* shown first */
#define TAIL_POLL_MS	200	/* between looks at the file */

/* --- verify --- */

struct verify {
	struct audit_check check;
	const char *file;		/* of the fault, or the last one */
	size_t line;			/* in it */
	size_t torn;			/* bytes after the last whole line of the last file */
};

static int
verify_file(struct client *c, struct verify *v, const struct audit_log_file *f)
{
	static struct audit_lines l;	/* not on the stack: 64 KiB */
	const char *p;
	size_t n;
	int r;

	audit_check_file(&v->check);
	audit_lines_init(&l, f->fd);
	v->torn = 0;
	if (v->check.fault == AUDIT_GOOD) {
		v->file = f->name;
		v->line = 0;
	}
	while ((r = audit_lines_next(&l, &p, &n, &v->torn)) == 1) {
		if (v->check.fault == AUDIT_GOOD)
			v->line++;
		(void)audit_check_line(&v->check, p, n);
	}
	return r == 0 ? FAIL_NONE : fail_set(&c->failure, "failed", "%s: %s", f->name, strerror(errno));
}

static int
verify_bad(struct client *c, const struct verify *v, enum audit_fault f)
{
	char code[FAIL_CODE_MAX];
	int status;

	(void)snprintf(code, sizeof(code), "audit_%s", audit_fault_name(f));
	status = fail_set(&c->failure, code, "%s, line %zu: %s", v->file, v->line, v->check.why);
	c->failure.answer = json_pack("{s:s, s:I}", "file", v->file, "line", (json_int_t)v->line);
	return status;
}

static void
verify_good(struct client *c, const struct verify *v, size_t files)
{
	char when[64];
	json_t *doc;

	if (c->opt[OPT_JSON] != NULL) {
		doc = json_pack("{s:b, s:I, s:I, s:I, s:I, s:b, s:b}", "valid", 1,
		    "files", (json_int_t)files, "lines", (json_int_t)v->check.lines,
		    "last", (json_int_t)v->check.seq, "time", (json_int_t)v->check.time,
		    "torn", v->torn > 0, "head", v->check.head.seq > 0);
		output_json(doc);
		json_decref(doc);
		return;
	}
	(void)printf("The audit log is good: %zu lines in %zu file%s, the last is number %" PRIu64 " of %s.\n",
	    v->check.lines, files, files == 1 ? "" : "s", v->check.seq,
	    output_time(v->check.time, when, sizeof(when)));
	if (v->check.head.seq == 0)
		(void)printf("No head is known: give the journal's with --head, or a cut end does not show.\n");
	if (v->torn > 0)
		(void)printf("It ends within a line, which is being written or was torn by a crash.\n");
}

int
cmd_audit_verify(struct client *c)
{
	static struct verify v;
	const char *path = c->n_words > 0 ? c->word[0] : NULL;
	struct audit_log log = { NULL, 0 };
	struct secret *first = NULL;
	struct audit_place place;
	struct audit_head head;
	enum audit_fault f;
	size_t i;
	int status;

	/* The head before the lines: while the agent writes it is the older. */
	if ((status = audit_place(c, &place)) != FAIL_NONE ||
	    (status = audit_log_head(c, &place, path == NULL, &head)) != FAIL_NONE ||
	    (status = audit_log_key(c, &place, &first)) != FAIL_NONE ||
	    (status = audit_log_open(c, &place, path, &log)) != FAIL_NONE)
		goto out;
	audit_check_init(&v.check, first->data, &head);
	for (i = 0; i < log.n && status == FAIL_NONE; i++)
		status = verify_file(c, &v, &log.file[i]);
	if (status != FAIL_NONE)
		goto out;
	if ((f = audit_check_end(&v.check)) != AUDIT_GOOD)
		status = verify_bad(c, &v, f);
	else
		verify_good(c, &v, log.n);
 out:
	audit_check_wipe(&v.check);
	audit_log_close(&log);
	secret_free(&first);
	return status;
}

/* --- tail --- */

static void
tail_show(struct client *c, const char *p, size_t n)
{
	json_t *o = audit_row_read(p, n);

	if (o == NULL)
		return;			/* not a line: verify says so */
	if (c->opt[OPT_JSON] != NULL) {
		(void)json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
		(void)putchar('\n');
	} else
		audit_row_print(o);
	json_decref(o);
}

/* The offset at which the last TAIL_LINES lines begin. */
static off_t
tail_from(int fd)
{
	char block[AUDIT_LINE_MAX * (TAIL_LINES + 1)];
	struct stat sb;
	off_t from;
	ssize_t n;
	int lines = 0;

	if (fstat(fd, &sb) == -1)
		return 0;
	from = sb.st_size > (off_t)sizeof(block) ? sb.st_size - (off_t)sizeof(block) : 0;
	if ((n = pread(fd, block, sizeof(block), from)) <= 0)
		return 0;
	while (n > 0 && block[n - 1] != '\n')
		n--;			/* a line that is being written */
	for (; n > 0; n--)
		if (block[n - 1] == '\n' && lines++ == TAIL_LINES)
			break;
	return from + n;
}

/* All that is there; then, with -f, what comes, also in the files after. */
static int
tail_follow(struct client *c, const struct audit_place *place, int fd)
{
	static struct audit_lines l;
	const struct timespec poll = { 0, TAIL_POLL_MS * 1000000L };
	struct stat sb, now;
	char path[4096 + 16];
	const char *p;
	size_t n, torn;
	int next;

	(void)snprintf(path, sizeof(path), "%.4000s/audit.log", place->dir);
	audit_lines_init(&l, fd);
	for (;;) {
		while (audit_lines_next(&l, &p, &n, &torn) == 1)
			tail_show(c, p, n);
		if (c->opt[OPT_FOLLOW] == NULL)
			return FAIL_NONE;
		if (fflush(stdout) != 0)
			return fail_set(&c->failure, "failed", "standard output: %s", strerror(errno));
		if (fstat(fd, &sb) == 0 && stat(path, &now) == 0 && sb.st_ino != now.st_ino &&
		    (next = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) != -1) {
			while (audit_lines_next(&l, &p, &n, &torn) == 1)
				tail_show(c, p, n);
			(void)dup3(next, fd, O_CLOEXEC);
			(void)close(next);
			audit_lines_init(&l, fd);
			continue;
		}
		(void)nanosleep(&poll, NULL);
	}
}

int
cmd_audit_tail(struct client *c)
{
	struct audit_log log = { NULL, 0 };
	struct audit_place place;
	int fd, status;

	if ((status = audit_place(c, &place)) != FAIL_NONE ||
	    (status = audit_log_open(c, &place, NULL, &log)) != FAIL_NONE)
		goto out;
	fd = log.file[log.n - 1].fd;
	(void)lseek(fd, tail_from(fd), SEEK_SET);
	status = tail_follow(c, &place, fd);
 out:
	audit_log_close(&log);
	return status;
}

/* --- export --- */

struct export {
	struct audit_filter filter;
	enum { EXPORT_LINES, EXPORT_ARRAY, EXPORT_CSV } form;
	size_t n;
};

static void
export_line(struct export *e, const char *p, size_t n)
{
	json_t *o = audit_row_read(p, n);

	if (o == NULL || !audit_row_matches(o, &e->filter)) {
		json_decref(o);
		return;
	}
	if (e->form == EXPORT_CSV)
		audit_row_csv(o);
	else {
		if (e->form == EXPORT_ARRAY)
			(void)fputs(e->n > 0 ? ",\n" : "[\n", stdout);
		(void)fwrite(p, 1, n, stdout);	/* as it is: what the MAC covers */
		if (e->form == EXPORT_LINES)
			(void)putchar('\n');
	}
	e->n++;
	json_decref(o);
}

static int
export_options(struct client *c, struct export *e)
{
	memset(e, 0, sizeof(*e));
	e->form = c->opt[OPT_CSV] != NULL ? EXPORT_CSV :
	    c->opt[OPT_JSON] != NULL ? EXPORT_ARRAY : EXPORT_LINES;
	e->filter.until = INT64_MAX;
	e->filter.user = c->opt[OPT_USER];
	if ((c->opt[OPT_SINCE] != NULL && audit_time_read(c->opt[OPT_SINCE], &e->filter.since) != TSR_OK) ||
	    (c->opt[OPT_UNTIL] != NULL && audit_time_read(c->opt[OPT_UNTIL], &e->filter.until) != TSR_OK))
		return fail_set(&c->failure, "usage", "a time is written as 2026-01-31, "
		    "2026-01-31T12:00:00Z or in seconds of the epoch");
	if (c->opt[OPT_CSV] != NULL && c->opt[OPT_JSON] != NULL)
		return fail_set(&c->failure, "usage", "choose one of --csv and --json");
	return FAIL_NONE;
}

int
cmd_audit_export(struct client *c)
{
	static struct audit_lines l;
	struct audit_log log = { NULL, 0 };
	struct audit_place place;
	struct export e;
	const char *p;
	size_t i, n, torn;
	int status;

	if ((status = export_options(c, &e)) != FAIL_NONE ||
	    (status = audit_place(c, &place)) != FAIL_NONE ||
	    (status = audit_log_open(c, &place, NULL, &log)) != FAIL_NONE)
		goto out;
	if (e.form == EXPORT_CSV)
		audit_row_csv_head();
	for (i = 0; i < log.n; i++) {
		audit_lines_init(&l, log.file[i].fd);
		while (audit_lines_next(&l, &p, &n, &torn) == 1)
			export_line(&e, p, n);
	}
	if (e.form == EXPORT_ARRAY)
		(void)fputs(e.n > 0 ? "\n]\n" : "[]\n", stdout);
 out:
	audit_log_close(&log);
	return status;
}
