/*
 * audit_row.h - one line of the audit log, read and shown.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_AUDIT_ROW_H
#define CLIENT_AUDIT_ROW_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct audit_filter {
	int64_t since, until;	/* seconds of the epoch, both included */
	const char *user;	/* the subject, or NULL: of all */
};

/* A new reference, NULL where it is no line. */
json_t *audit_row_read(const char *p, size_t n);

int audit_row_matches(const json_t *o, const struct audit_filter *f);

/* "TIME EVENT VERDICT name=value ...", escaped. */
void audit_row_print(json_t *o);

/* RFC 4180; a value that a spreadsheet would take for a formula is put in
 * front of by an apostrophe. */
void audit_row_csv_head(void);
void audit_row_csv(const json_t *o);

/* "2026-01-31", "2026-01-31T12:00:00Z", seconds of the epoch.  TSR_INVALID. */
int audit_time_read(const char *text, int64_t *out);

#endif
