/*
 * output.c - tables and documents.  See output.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/output.h"

#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"

const char *
output_colour(int fd, enum output_colour colour)
{
	static const char *const begin[] = { "\033[0m", "\033[1m", "\033[1;31m", "\033[33m" };
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(fd) || (no != NULL && *no != '\0') || term == NULL || strcmp(term, "dumb") == 0)
		return "";
	return begin[colour];
}

void
output_json(const json_t *doc)
{
	(void)json_dumpf(doc, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	(void)putchar('\n');
}

/* Look up "a" or "a.b". */
static const json_t *
output_find(const json_t *object, const char *path)
{
	char first[32];
	const char *dot = strchr(path, '.');

	if (dot == NULL)
		return json_object_get(object, path);
	(void)snprintf(first, sizeof(first), "%.*s", (int)(dot - path), path);
	return json_object_get(json_object_get(object, first), dot + 1);
}

char *
output_value(const json_t *v, char *out, size_t size)
{
	const json_t *e;
	size_t i, at = 0;

	(void)snprintf(out, size, "-");
	if (json_is_string(v) && json_string_length(v) > 0)
		return escape_text(out, size, json_string_value(v), json_string_length(v));
	if (json_is_integer(v))
		(void)snprintf(out, size, "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		(void)snprintf(out, size, "%s", json_is_true(v) ? "yes" : "no");
	else if (json_is_array(v))
		for (i = 0; i < json_array_size(v) && at + 2 < size; i++) {
			e = json_array_get(v, i);
			if (i > 0)
				out[at++] = ' ';
			if (json_is_array(e) || json_is_object(e))
				(void)snprintf(out + at, size - at, "?");
			else
				(void)output_value(e, out + at, size - at);
			at += strlen(out + at);
		}
	return out;
}

char *
output_member(const json_t *object, const char *name, char *out, size_t size)
{
	return output_value(output_find(object, name), out, size);
}

char *
output_quoted(const char *before, const json_t *object, const char *name, char *out, size_t size)
{
	const json_t *v = output_find(object, name);
	char text[OUTPUT_TEXT_MAX / 2];

	out[0] = '\0';
	if (json_is_string(v) && json_string_length(v) > 0)
		(void)snprintf(out, size, "%s\"%s\"", before,
		    output_value(v, text, sizeof(text)));
	return out;
}

char *
output_time(int64_t t, char *out, size_t size)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (t == 0 || localtime_r(&when, &tm) == NULL ||
	    strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(out, size, "-");
	return out;
}

char *
output_span(int64_t s, char *out, size_t size)
{
	if (s < 0)
		s = 0;
	if (s < 120)
		(void)snprintf(out, size, "%lld s", (long long)s);
	else if (s < 7200)
		(void)snprintf(out, size, "%lld min", (long long)(s / 60));
	else if (s < 172800)
		(void)snprintf(out, size, "%lld h", (long long)(s / 3600));
	else
		(void)snprintf(out, size, "%lld days", (long long)(s / 86400));
	return out;
}

static int
output_empty(const json_t *v)
{
	return v == NULL || (json_is_string(v) && json_string_length(v) == 0);
}

/* The member, or of "a|b" the first that says something. */
static const json_t *
output_column(const json_t *row, const char *member)
{
	const char *bar = strchr(member, '|');
	char first[32];
	const json_t *v;

	if (bar == NULL || (size_t)(bar - member) >= sizeof(first))
		return output_find(row, member);
	memcpy(first, member, (size_t)(bar - member));
	first[bar - member] = '\0';
	v = output_find(row, first);
	return output_empty(v) ? output_find(row, bar + 1) : v;
}

static char *
output_cell(const json_t *row, const struct output_column *col, char *out, size_t size)
{
	const json_t *v = output_column(row, col->member);

	if (col->time)
		return output_time(json_integer_value(v), out, size);
	return output_value(v, out, size);
}

/* Characters, not bytes; what escape_text() leaves has no combining rubbish
 * worth more. */
static int
output_width(const char *s)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void
output_table(const json_t *rows, const struct output_column *column, size_t n, const char *none)
{
	char text[OUTPUT_TEXT_MAX];
	int width[OUTPUT_COLUMNS_MAX] = { 0 }, w;
	size_t i, k;

	if (json_array_size(rows) == 0) {
		(void)printf("%s\n", none);
		return;
	}
	for (k = 0; k < n; k++) {
		width[k] = (int)strlen(column[k].head);
		for (i = 0; i < json_array_size(rows); i++) {
			w = output_width(output_cell(json_array_get(rows, i), &column[k], text, sizeof(text)));
			width[k] = w > width[k] ? w : width[k];
		}
	}
	(void)fputs(output_colour(STDOUT_FILENO, OUTPUT_BOLD), stdout);
	for (k = 0; k < n; k++)
		(void)printf("%-*s%s", k + 1 < n ? width[k] : 0, column[k].head, k + 1 < n ? "  " : "");
	(void)printf("%s\n", output_colour(STDOUT_FILENO, OUTPUT_PLAIN));
	for (i = 0; i < json_array_size(rows); i++) {
		for (k = 0; k < n; k++) {
			(void)output_cell(json_array_get(rows, i), &column[k], text, sizeof(text));
			w = k + 1 < n ? width[k] - output_width(text) : 0;
			(void)printf("%s%*s%s", text, w, "", k + 1 < n ? "  " : "\n");
		}
	}
}

void
output_block(const json_t *object, const struct output_column *column, size_t n)
{
	char text[OUTPUT_TEXT_MAX];
	size_t k;
	int width = 0;

	for (k = 0; k < n; k++)
		if (!output_empty(output_column(object, column[k].member)) && (int)strlen(column[k].head) > width)
			width = (int)strlen(column[k].head);
	for (k = 0; k < n; k++) {
		if (output_empty(output_column(object, column[k].member)))
			continue;
		(void)output_cell(object, &column[k], text, sizeof(text));
		(void)printf("%s:%*s %s\n", column[k].head, width - (int)strlen(column[k].head), "", text);
	}
}

char *
output_source(const json_t *error, char *out, size_t size)
{
	char module[OUTPUT_TEXT_MAX / 2];

	if (json_is_string(json_object_get(error, "module")))
		(void)snprintf(out, size, "module %s", output_member(error, "module", module, sizeof(module)));
	else
		(void)snprintf(out, size, "FIDO2 keys");
	return out;
}

void
output_pin_default(const json_t *answer)
{
	if (!json_is_true(json_object_get(answer, "pin_default")))
		return;
	(void)fflush(stdout);
	(void)fprintf(stderr, "%stessera:%s this PIN is one that tokens have when they are new, which "
	    "everybody knows: change it with \"tessera device pin change\"\n",
	    output_colour(STDERR_FILENO, OUTPUT_YELLOW), output_colour(STDERR_FILENO, OUTPUT_PLAIN));
}
