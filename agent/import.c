/*
 * import.c - see import.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/import.h"

#include <stdlib.h>
#include <string.h>

#include "agent/admin.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/import_internal.h"
#include "agent/problem.h"
#include "base/secret.h"
#include "include/tessera.h"
#include "token/json.h"

struct imports {
	struct import *open[IMPORTS_MAX];
};

int
imports_new(struct imports **out)
{
	return (*out = calloc(1, sizeof(**out))) == NULL ? TSR_NOMEM : TSR_OK;
}

static void
imports_drop(struct import **im)
{
	size_t i;

	if (*im == NULL)
		return;
	for (i = 0; i < IMPORT_CHUNKS; i++)
		secret_free(&(*im)->chunk[i]);
	free(*im);
	*im = NULL;
}

void
imports_free(struct imports **is)
{
	size_t i;

	if (*is == NULL)
		return;
	for (i = 0; i < IMPORTS_MAX; i++)
		imports_drop(&(*is)->open[i]);
	free(*is);
	*is = NULL;
}

void
import_clear(struct agent *a, struct import *im)
{
	size_t i;

	for (i = 0; i < IMPORTS_MAX; i++)
		if (a->imports->open[i] == im)
			imports_drop(&a->imports->open[i]);
}

static void
imports_expire(struct imports *is)
{
	uint64_t now = clock_boot_ms();
	size_t i;

	for (i = 0; i < IMPORTS_MAX; i++)
		if (is->open[i] != NULL && !is->open[i]->busy && is->open[i]->ends_ms <= now)
			imports_drop(&is->open[i]);
}

struct import_row *
import_row_at(const struct import *im, size_t i)
{
	return (struct import_row *)(void *)im->chunk[i / IMPORT_CHUNK]->data + i % IMPORT_CHUNK;
}

struct import *
import_find(struct agent *a, const struct http_request *r, const char *id)
{
	struct import *im;
	size_t i;

	imports_expire(a->imports);
	for (i = 0; i < IMPORTS_MAX; i++)
		if ((im = a->imports->open[i]) != NULL && !im->busy && im->by == r->caller->uid &&
		    strcmp(im->id, id) == 0)
			return im;
	problem(r->conn, TSR_NOT_FOUND, "there is no such import: it was committed, or more than %d "
	    "minutes ago it was begun", IMPORT_S / 60);
	return NULL;
}

void
import_begin(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { NULL };
	struct import **place = NULL;
	struct buf out;
	json_t *o;
	size_t i;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	json_decref(o);
	imports_expire(a->imports);
	for (i = 0; i < IMPORTS_MAX && place == NULL; i++)
		if (a->imports->open[i] == NULL)
			place = &a->imports->open[i];
	buf_init(&out, HTTP_ANSWER_MAX);
	if (place == NULL)
		problem_with(r->conn, TSR_SLOW_DOWN, ",\"retry_after\":60", "%d imports are open already",
		    IMPORTS_MAX);
	else if ((*place = calloc(1, sizeof(**place))) == NULL)
		problem(r->conn, TSR_NOMEM, NULL);
	else {
		store_make_id((*place)->id);
		(*place)->by = r->caller->uid;
		(*place)->ends_ms = clock_boot_ms() + (uint64_t)IMPORT_S * 1000;
		if (buf_printf(&out, "{\"id\":\"%s\",\"expires_in\":%d}", (*place)->id, IMPORT_S) == TSR_OK)
			http_answer(r->conn, 201, NULL, out.data, out.len, 0);
		else
			problem(r->conn, TSR_NOMEM, NULL);
	}
	buf_free(&out);
}

/* --- rows --- */

static int
import_add(struct import *im, const struct import_row *row)
{
	struct secret **chunk = &im->chunk[im->n / IMPORT_CHUNK];

	if (*chunk == NULL && (*chunk = secret_new(IMPORT_CHUNK * sizeof(*row))) == NULL)
		return TSR_NOMEM;
	*import_row_at(im, im->n++) = *row;
	return TSR_OK;
}

static int
import_refused(struct buf *out, const char **between, int64_t line, const char *why)
{
	int r;

	if ((r = buf_printf(out, "%s{\"line\":%lld,\"error_description\":", *between,
	    (long long)line)) != TSR_OK || (r = json_put_string(out, why)) != TSR_OK)
		return r;
	*between = ",";
	return buf_put_cstr(out, "}");
}

/* All rows of one body: TSR_TOO_LARGE before any is taken. */
static int
import_take(struct import *im, const json_t *rows, struct buf *refused)
{
	const char *why, *between = "";
	struct import_row *row;
	struct secret *s;
	size_t i;
	int r = TSR_OK;

	if (json_array_size(rows) > IMPORT_ROWS_MAX - im->n)
		return TSR_TOO_LARGE;
	if ((s = secret_new(sizeof(*row))) == NULL)
		return TSR_NOMEM;
	row = (struct import_row *)(void *)s->data;
	for (i = 0; i < json_array_size(rows) && r == TSR_OK; i++) {
		if ((why = import_row_read(json_array_get(rows, i), row)) == NULL)
			r = import_add(im, row);
		else {
			im->refused++;
			r = import_refused(refused, &between, row->line, why);
		}
	}
	secret_free(&s);
	return r;
}

void
import_rows(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	static const char *const allowed[] = { "rows", NULL };
	struct import *im;
	struct buf out, list;
	json_t *o;
	int code;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	buf_init(&out, HTTP_ANSWER_MAX);
	buf_init(&list, HTTP_ANSWER_MAX);
	if ((im = import_find(a, r, id)) == NULL)
		;	/* answered */
	else if (!json_is_array(json_object_get(o, "rows")))
		problem_invalid(r->conn, "\"rows\" is a list");
	else if ((code = import_take(im, json_object_get(o, "rows"), &list)) == TSR_TOO_LARGE)
		problem(r->conn, code, "an import has at most %d rows: split the file, and import "
		    "one part after the other", IMPORT_ROWS_MAX);
	else if (code == TSR_OK && (code = buf_printf(&out, "{\"rows\":%zu,\"refused\":[%.*s]}", im->n,
	    (int)list.len, list.len > 0 ? (const char *)list.data : "")) == TSR_OK)
		http_answer(r->conn, 200, NULL, out.data, out.len, 0);
	else {
		import_clear(a, im);
		problem(r->conn, code, NULL);
	}
	buf_free(&out);
	buf_free(&list);
	body_free(o);
}

void
import_end(struct agent *a, const struct http_request *r, const struct asker *who, const char *id)
{
	struct import *im;

	if (admin_may_change(a, r, who) != TSR_OK || (im = import_find(a, r, id)) == NULL)
		return;
	import_clear(a, im);
	http_answer(r->conn, 200, NULL, "{}", 2, 0);
}
