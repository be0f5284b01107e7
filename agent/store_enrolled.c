/*
 * store_enrolled.c - see store_enrolled.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_enrolled.h"

#include <stdio.h>

#include "agent/store_sqlite.h"
#include "tessera.h"

#define ENROLLED_MARK_MAX	128	/* bytes of a mark's name, with NUL */
#define ENROLLED_ALL		"enrolled.all"

#define SQL_NAME	"SELECT 1 FROM credential WHERE subject = ?1"
#define SQL_UID		"SELECT 1 FROM credential WHERE uid = CAST(?1 AS INTEGER)"
#define SQL_OWNER	"SELECT subject, uid FROM credential WHERE id = ?1"

static void
enrolled_name(char out[ENROLLED_MARK_MAX], const char *subject)
{
	(void)snprintf(out, ENROLLED_MARK_MAX, "enrolled.name.%s", subject);
}

static void
enrolled_uid(char out[ENROLLED_MARK_MAX], uid_t uid)
{
	(void)snprintf(out, ENROLLED_MARK_MAX, "enrolled.uid.%u", uid);
}

static int
enrolled_marked(struct store *st, const char *mark)
{
	uint8_t one;

	return store_meta_bytes(st, mark, &one, 1);
}

static int
enrolled_mark(struct store *st, const char *mark)
{
	static const uint8_t one = 1;

	return store_meta_set(st, mark, &one, 1);
}

int
store_enrolled(struct store *st, const char *subject, uid_t uid)
{
	char name[ENROLLED_MARK_MAX], number[ENROLLED_MARK_MAX], digits[16];
	int r;

	enrolled_name(name, subject);
	enrolled_uid(number, uid);
	(void)snprintf(digits, sizeof(digits), "%u", uid);
	if ((r = store_exists(st, STMT_ENROLLED_NAME, SQL_NAME, subject)) != TSR_NOT_FOUND ||
	    (r = enrolled_marked(st, name)) != TSR_NOT_FOUND ||
	    (r = enrolled_marked(st, number)) != TSR_NOT_FOUND ||
	    (r = enrolled_marked(st, ENROLLED_ALL)) != TSR_NOT_FOUND)
		return r;
	return store_exists(st, STMT_ENROLLED_UID, SQL_UID, digits);
}

int
store_enrolled_keep(struct store *st, const char *id)
{
	char name[ENROLLED_MARK_MAX] = "", number[ENROLLED_MARK_MAX] = "";
	sqlite3_stmt *s;
	int rc, r;

	if ((r = store_stmt(st, STMT_ENROLLED_OWNER, SQL_OWNER, &s)) != TSR_OK)
		return r;
	if ((rc = sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC)) == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_text(s, 0) != NULL) {
		enrolled_name(name, (const char *)sqlite3_column_text(s, 0));
		enrolled_uid(number, (uid_t)sqlite3_column_int64(s, 1));
	}
	r = rc == SQLITE_DONE ? TSR_NOT_FOUND : rc != SQLITE_ROW ? store_code_of(st, rc) :
	    name[0] == '\0' ? TSR_NOMEM : TSR_OK;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	if (r != TSR_OK || (r = enrolled_mark(st, name)) != TSR_OK)
		return r;
	return enrolled_mark(st, number);
}

int
store_enrolled_everybody(struct store *st)
{
	return enrolled_mark(st, ENROLLED_ALL);
}
