/*
 * csv.c - comma-separated values.  See csv.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/csv.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"

void
csv_init(struct csv *c, const char *text, size_t n)
{
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		n -= 3;
	}
	c->p = text;
	c->end = text + n;
	c->line = 1;
}

void
csv_wipe(struct csv_row *row)
{
	sodium_memzero(row, sizeof(*row));
}

static int
csv_line_end(const struct csv *c)
{
	return c->p == c->end || *c->p == '\n' ||
	    (*c->p == '\r' && c->end - c->p > 1 && c->p[1] == '\n');
}

static void
csv_skip_line(struct csv *c)
{
	while (c->p < c->end && *c->p != '\n')
		c->p++;
	if (c->p < c->end) {
		c->p++;
		c->line++;
	}
}

static int
csv_keep(struct csv_row *row, size_t *used, char ch)
{
	if (*used == sizeof(row->bytes))
		return TSR_TOO_LARGE;
	row->bytes[(*used)++] = ch;
	return TSR_OK;
}

/* After the opening quote, to behind the closing one. */
static int
csv_quoted(struct csv *c, struct csv_row *row, size_t *used)
{
	int r;

	for (;;) {
		if (c->p == c->end || *c->p == '\0')
			return TSR_INVALID;
		if (*c->p == '"') {
			c->p++;
			if (c->p == c->end || *c->p != '"')
				return TSR_OK;
		}
		if (*c->p == '\n')
			c->line++;
		if ((r = csv_keep(row, used, *c->p++)) != TSR_OK)
			return r;
	}
}

static void
csv_spaces(struct csv *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

/* To the comma or the end of the line, without spaces at its end. */
static int
csv_plain(struct csv *c, struct csv_row *row, size_t *used)
{
	size_t begin = *used;
	int r;

	while (!csv_line_end(c) && *c->p != ',') {
		if (*c->p == '\0' || *c->p == '"')
			return TSR_INVALID;
		if ((r = csv_keep(row, used, *c->p++)) != TSR_OK)
			return r;
	}
	while (*used > begin && (row->bytes[*used - 1] == ' ' || row->bytes[*used - 1] == '\t'))
		(*used)--;
	return TSR_OK;
}

static int
csv_field(struct csv *c, struct csv_row *row, size_t *used)
{
	size_t begin = *used;
	int r;

	if (row->n == CSV_FIELDS_MAX)
		return TSR_TOO_LARGE;
	csv_spaces(c);
	if (c->p < c->end && *c->p == '"') {
		c->p++;
		if ((r = csv_quoted(c, row, used)) != TSR_OK)
			return r;
		csv_spaces(c);
		if (!csv_line_end(c) && *c->p != ',')
			return TSR_INVALID;
	} else if ((r = csv_plain(c, row, used)) != TSR_OK) {
		return r;
	}
	row->text[row->n] = row->bytes + begin;
	row->len[row->n++] = *used - begin;
	return TSR_OK;
}

int
csv_next(struct csv *c, struct csv_row *row)
{
	size_t used = 0;
	int r;

	row->n = 0;
	while (c->p < c->end && (csv_line_end(c) || *c->p == '#'))
		csv_skip_line(c);
	row->line = c->line;
	if (c->p == c->end)
		return TSR_NOT_FOUND;
	for (;;) {
		if ((r = csv_field(c, row, &used)) != TSR_OK)
			return r;
		if (csv_line_end(c))
			break;
		c->p++;		/* the comma */
	}
	csv_skip_line(c);
	return TSR_OK;
}
