/*
 * audit_row.c - any bytes as a line of the audit log, as "tessera audit" shows
 * it: one line, fit for a terminal; one record of RFC 4180, no formula.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/audit_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"
#include "tests/fuzz/must.h"

static void
check_print(const char *p, size_t n)
{
	must(n > 0 && p[n - 1] == '\n' && escape_is_text(p, n - 1));
}

/* The one line end outside quotes is the last; behind a quote that opens a
 * value no formula begins. */
static void
check_csv(const char *p, size_t n)
{
	int quoted = 0;
	size_t i;

	must(n >= 2 && memcmp(p + n - 2, "\r\n", 2) == 0);
	for (i = 0; i < n - 2; i++) {
		if (p[i] == '"' && (quoted = !quoted) && (i == 0 || p[i - 1] == ','))
			must(strchr("=+-@", p[i + 1]) == NULL);
		must(quoted || (p[i] != '\r' && p[i] != '\n'));
	}
	must(!quoted);
}

static void
shown(json_t *o)
{
	FILE *real = stdout, *to;
	char *text = NULL;
	size_t n = 0, from;

	must((to = open_memstream(&text, &n)) != NULL);
	stdout = to;
	audit_row_csv_head();
	(void)fflush(to);
	check_csv(text, n);
	from = n;
	audit_row_csv(o);
	(void)fflush(to);
	check_csv(text + from, n - from);
	from = n;
	audit_row_print(o);
	(void)fflush(to);
	check_print(text + from, n - from);
	stdout = real;
	(void)fclose(to);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_filter f = { .since = 1, .until = 1800000000, .user = "alice" };
	char *text;
	int64_t when;
	json_t *o;

	if ((text = malloc(size + 1)) == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	(void)audit_time_read(text, &when);
	if ((o = audit_row_read(text, size)) != NULL) {
		(void)audit_row_matches(o, &f);
		shown(o);
		json_decref(o);
	}
	free(text);
	return 0;
}
