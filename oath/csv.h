/*
 * csv.h - rows of comma-separated values (RFC 4180), from memory.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_CSV_H
#define OATH_CSV_H

#include <stddef.h>

#define CSV_FIELDS_MAX	32
#define CSV_ROW_MAX	4096	/* bytes of a row's fields together */

/* One row.  text[i] points into bytes, which carries secrets and is wiped by
 * csv_wipe. */
struct csv_row {
	size_t n;
	const char *text[CSV_FIELDS_MAX];
	size_t len[CSV_FIELDS_MAX];
	unsigned line;			/* where it begins, from 1 */
	char bytes[CSV_ROW_MAX];
};

struct csv {
	const char *p, *end;
	unsigned line;
};

/* A UTF-8 byte order mark at the beginning is passed over. */
void csv_init(struct csv *c, const char *text, size_t n);

/*
 * The next row; spaces around a field that is not quoted do not belong to it.
 * Lines end in LF or CRLF; empty lines and those that begin with "#" are passed
 * over.  TSR_NOT_FOUND after the last row; TSR_INVALID (a quote that does not
 * end, text after the closing one, a NUL) and TSR_TOO_LARGE, after which row->line
 * says where.
 */
int csv_next(struct csv *c, struct csv_row *row);

void csv_wipe(struct csv_row *row);

#endif
