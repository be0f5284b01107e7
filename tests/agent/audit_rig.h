/*
 * audit_rig.h - a folder with an audit log, for the log's tests.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_AGENT_AUDIT_RIG_H
#define TESTS_AGENT_AUDIT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "agent/audit.h"
#include "base/audit_check.h"

#define AUDIT_RIG_NOW		1800000000	/* s */
#define AUDIT_RIG_FILE_MAX	(8u << 20)	/* bytes of a file that is read */

struct audit_rig_text {
	char *p;		/* AUDIT_RIG_FILE_MAX bytes, the test's to free */
	size_t n;
};

extern char audit_rig_dir[64];
extern struct secret *audit_rig_key;		/* the store's */
extern struct audit_rig_text audit_rig_waiting;	/* for audit_rig_open: what the store kept */

/* cmocka's setup and teardown: the folder and the key. */
int audit_rig_setup(void **state);
int audit_rig_teardown(void **state);

/* The path of a file there; the last four stay good. */
const char *audit_rig_at(const char *name);
/* A file's bytes, none where there is no file / a file of these bytes. */
struct audit_rig_text audit_rig_slurp(const char *name);
void audit_rig_spill(const char *name, const char *p, size_t n);
/* No file of this process grows beyond bytes. */
void audit_rig_limit(rlim_t bytes);

/* Open the log, which must work and must say want_lost. */
struct audit_file *audit_rig_open(int fresh, uint64_t size, unsigned keep, int want_lost);
/* n lines more, all of them synced. */
void audit_rig_put_lines(struct audit_file *f, unsigned n);
/* The key of the log's first line. */
void audit_rig_first_key(uint8_t first[AUDIT_KEY]);

/* Where line i begins; line n is the end. */
size_t audit_rig_line_at(const struct audit_rig_text *t, unsigned i);
enum audit_fault audit_rig_verify_text(const struct audit_rig_text *t,
    const struct audit_head *head, const uint8_t first[AUDIT_KEY]);
/* All files from the oldest on; seq (or NULL): of the last line. */
enum audit_fault audit_rig_verify_all(unsigned oldest, uint64_t *seq);

#endif
