/*
 * import_internal.h - between import.c and import_commit.c.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_IMPORT_INTERNAL_H
#define AGENT_IMPORT_INTERNAL_H

#include "agent/import.h"
#include "agent/import_row.h"

#define IMPORT_CHUNKS	((IMPORT_ROWS_MAX + IMPORT_CHUNK - 1) / IMPORT_CHUNK)

struct import {
	char id[STORE_ID_LEN + 1];
	uid_t by;
	uint64_t ends_ms;
	int busy;			/* its commit is under way */
	size_t n, refused;		/* rows that wait; rows that were refused */
	struct secret *chunk[IMPORT_CHUNKS];
};

struct import_row *import_row_at(const struct import *im, size_t i);

/* The one of that id that this caller began, with its rows; where there is none
 * the request was answered. */
struct import *import_find(struct agent *a, const struct http_request *r, const char *id);
/* Wipe its rows; it is over. */
void import_clear(struct agent *a, struct import *im);

#endif
