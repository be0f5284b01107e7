/*
 * import.h - a box of disconnected tokens enrolled at once, by an administrator:
 * begun, filled row by row as a request's body allows, and stored as a whole.
 *
 * Rows wait in memory; nothing is stored before the commit, and all of it in one
 * savepoint then.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_IMPORT_H
#define AGENT_IMPORT_H

#include "agent/agent.h"

#define IMPORTS_MAX		4	/* open at once */
#define IMPORT_ROWS_MAX		4000	/* of one: its audit lines have to fit a batch */
#define IMPORT_S		600	/* s one stays open */
#define IMPORT_REFUSED_SHOWN	200	/* refused rows that an answer names */

struct imports;
int imports_new(struct imports **out);
void imports_free(struct imports **is);

/* POST /admin/imports {}: 201 {"id", "expires_in"}. */
void import_begin(struct agent *a, const struct http_request *r, const struct asker *who);

/* POST /admin/imports/ID {"rows": [...]}: 200 {"rows": how many wait, "refused":
 * [{"line", "error_description"}]}. */
void import_rows(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

/* POST /admin/imports/ID/commit {"partial", "dry_run"}: 200 {"imported", "refused"};
 * 409 where rows are refused and partial is false: then nothing was stored.  The
 * import is over in either case. */
void import_commit(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

/* DELETE /admin/imports/ID: 200 {}. */
void import_end(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
