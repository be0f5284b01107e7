/*
 * cmd_import.c - credential import: a maker's file of tokens, sent row by row,
 * stored as a whole.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/command.h"
#include "client/container.h"
#include "client/output.h"
#include "client/proof.h"
#include "oath/seed.h"
#include "oath/vendor.h"
#include "tessera.h"

#define IMPORT_FILE_MAX	(8u * 1024 * 1024)	/* bytes of a file */
#define IMPORT_FULL	(FORM_BODY_MAX - 4096)	/* bytes of rows: then they are sent */
#define IMPORT_NOBODY	"nobody is named whose token it is: give the file a column \"user\", or name it with --user-column"

struct import {
	struct client *c;
	struct vendor *table;		/* one of the two */
	struct container *container;
	char id[64];
	struct buf body;		/* rows not sent yet */
	json_t *refused;		/* [{"line", "error_description"}] */
	unsigned sent;
};

/* --- the file --- */

static int
import_read(struct client *c, struct secret **out)
{
	struct secret *s;
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;
	int fd;

	if ((fd = open(c->word[0], O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1 || fstat(fd, &st) == -1)
		return fail_set(&c->failure, errno == ENOENT ? "not_found" : "failed", "%s: %s",
		    c->word[0], strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)IMPORT_FILE_MAX) {
		(void)close(fd);
		return fail_set(&c->failure, "usage", "%s is no file of at most 8 MiB", c->word[0]);
	}
	if ((s = secret_new((size_t)st.st_size + 1)) == NULL)
		got = -1;
	while (got > 0 && n < (size_t)st.st_size)
		if ((got = read(fd, s->data + n, (size_t)st.st_size - n)) > 0)
			n += (size_t)got;
	(void)close(fd);
	if (got == -1) {
		secret_free(&s);
		return fail_set(&c->failure, "failed", "%s cannot be read: %s", c->word[0], strerror(errno));
	}
	s->size = n;
	*out = s;
	return FAIL_NONE;
}

static int
import_is_pskc(const struct client *c, const struct secret *s)
{
	const char *format = c->opt[OPT_FORMAT];
	size_t i = 0;

	if (format != NULL)
		return strcmp(format, "pskc") == 0;
	if (s->size >= 3 && memcmp(s->data, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < s->size && strchr(" \t\r\n", s->data[i]) != NULL && s->data[i] != '\0')
		i++;
	return i < s->size && s->data[i] == '<';
}

static int
import_open(struct import *im, const struct secret *s)
{
	struct client *c = im->c;
	const char *form = c->opt[OPT_SECRET_FORMAT], *why = NULL;
	enum vendor_form as = form == NULL ? VENDOR_GUESS : form[0] == 'h' ? VENDOR_HEX : VENDOR_BASE32;
	int r;

	if (import_is_pskc(c, s))
		r = container_open((const char *)s->data, s->size, &im->container, &why);
	else if ((r = vendor_open((const char *)s->data, s->size, as, &im->table, &why)) == TSR_OK &&
	    c->opt[OPT_USER_COLUMN] != NULL)
		if (vendor_user_column(im->table, c->opt[OPT_USER_COLUMN]) != TSR_OK)
			return fail_set(&c->failure, "usage", "the file's first row names no column \"%s\"",
			    c->opt[OPT_USER_COLUMN]);
	if (r == TSR_OK)
		return FAIL_NONE;
	return r == TSR_NOMEM ? api_broken(c, r) :
	    fail_set(&c->failure, "failed", "%s: %s", c->word[0], why);
}

static int
import_refuse(struct import *im, json_int_t line, const char *why)
{
	if (json_array_append_new(im->refused, json_pack("{s:I, s:s}", "line", line,
	    "error_description", why)) != 0)
		return api_broken(im->c, TSR_NOMEM);
	return FAIL_NONE;
}

/* --- to the agent --- */

static int
import_call(struct import *im, const char *tail, const void *body, size_t n, json_t **answer)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE, .body = body, .body_len = n };
	char target[160];

	(void)snprintf(target, sizeof(target), "/admin/imports%s%s%s", im->id[0] != '\0' ? "/" : "",
	    im->id, tail);
	rq.target = target;
	return proof_admin_call(im->c, &rq, 0, answer);
}

static int
import_begin(struct import *im)
{
	json_t *answer = NULL;
	const char *id;
	int status;

	if ((status = import_call(im, "", "{}", 2, &answer)) != FAIL_NONE)
		return status;
	id = json_string_value(json_object_get(answer, "id"));
	if (id == NULL || strlen(id) >= sizeof(im->id) || strchr(id, '/') != NULL)
		status = api_broken(im->c, TSR_INVALID);
	else
		memcpy(im->id, id, strlen(id) + 1);
	json_decref(answer);
	return status;
}

/* The agent's own refusals join ours. */
static int
import_flush(struct import *im)
{
	json_t *answer = NULL;
	int r, status;

	if (im->body.len == 0)
		return FAIL_NONE;
	if ((r = buf_put_cstr(&im->body, "]}")) != TSR_OK)
		return api_broken(im->c, r);
	status = im->id[0] == '\0' ? import_begin(im) : FAIL_NONE;
	if (status == FAIL_NONE)
		status = import_call(im, "", im->body.data, im->body.len, &answer);
	buf_free(&im->body);
	buf_init(&im->body, FORM_BODY_MAX);
	if (status == FAIL_NONE &&
	    json_array_extend(im->refused, json_object_get(answer, "refused")) != 0)
		status = api_broken(im->c, TSR_INVALID);
	json_decref(answer);
	return status;
}

static int
import_row(struct import *im, const struct otp *o, unsigned line)
{
	struct buf b = { 0 }, seed;
	int r;

	buf_init(&b, 4096);
	buf_init(&seed, 512);
	if ((r = seed_put_base32(&seed, o->seed)) == TSR_OK && (r = buf_put_u8(&seed, 0)) == TSR_OK &&
	    (r = form_json_put(&b, "kind", o->kind == OTP_HOTP ? "hotp" : "totp")) == TSR_OK &&
	    (r = form_json_put(&b, "subject", o->account)) == TSR_OK &&
	    (r = form_json_put(&b, "serial", o->serial)) == TSR_OK &&
	    (r = form_json_put(&b, "algorithm", otp_hash_name(o->hash))) == TSR_OK &&
	    (r = form_json_put(&b, "secret", (const char *)seed.data)) == TSR_OK &&
	    (r = buf_printf(&b, ",\"line\":%u,\"digits\":%u,\"period\":%u,\"counter\":%llu}", line,
	    o->digits, o->period, (unsigned long long)o->counter)) == TSR_OK &&
	    (r = buf_put_cstr(&im->body, im->body.len == 0 ? "{\"rows\":[" : ",")) == TSR_OK)
		r = buf_put(&im->body, b.data, b.len);
	buf_free(&b);
	buf_free(&seed);
	if (r != TSR_OK)
		return api_broken(im->c, r);
	im->sent++;
	return im->body.len > IMPORT_FULL ? import_flush(im) : FAIL_NONE;
}

/* All rows of the file. */
static int
import_send(struct import *im)
{
	struct otp o;
	const char *why = NULL;
	unsigned line = 0;
	int r, status = FAIL_NONE;

	while (status == FAIL_NONE) {
		r = im->container != NULL ? container_next(im->container, &o, &line, &why) :
		    vendor_next(im->table, &o, &line, &why);
		if (r == TSR_NOT_FOUND)
			return import_flush(im);
		if (r == TSR_CORRUPT)
			return fail_set(&im->c->failure, "failed", "%s, line %u: %s", im->c->word[0], line, why);
		if (r == TSR_NOMEM)
			return api_broken(im->c, r);
		if (r != TSR_OK) {
			status = import_refuse(im, line, why);
			continue;
		}
		status = o.account[0] == '\0' ? import_refuse(im, line, IMPORT_NOBODY) :
		    import_row(im, &o, line);
		otp_clear(&o);
	}
	return status;
}

/* --- the end --- */

static void
import_report(const struct import *im, json_t *answer)
{
	const char *what = im->container != NULL ? "key" : "line";
	char text[OUTPUT_TEXT_MAX], n[32];
	size_t i;
	json_t *one;

	json_array_foreach(im->refused, i, one) {
		(void)fprintf(stderr, "%s %s: %s\n", what, output_member(one, "line", n, sizeof(n)),
		    output_member(one, "error_description", text, sizeof(text)));
	}
	if (answer == NULL)
		return;
	(void)printf("%s %lld token%s", json_is_true(json_object_get(answer, "dry_run")) ?
	    "Would import" : "Imported", (long long)json_integer_value(json_object_get(answer, "imported")),
	    json_integer_value(json_object_get(answer, "imported")) == 1 ? "" : "s");
	if (json_array_size(im->refused) > 0)
		(void)printf("; %zu refused", json_array_size(im->refused));
	(void)printf(".\n");
}

static int
import_nothing(struct import *im)
{
	return fail_set(&im->c->failure, "conflict",
	    "nothing was imported: %zu of the file's tokens %s refused; mend the file, or leave them out with --partial",
	    json_array_size(im->refused), json_array_size(im->refused) == 1 ? "is" : "are");
}

static int
import_commit(struct import *im, json_t **answer)
{
	char body[64];
	int n, status;

	n = snprintf(body, sizeof(body), "{\"partial\":%s,\"dry_run\":%s}",
	    im->c->opt[OPT_PARTIAL] != NULL ? "true" : "false",
	    im->c->opt[OPT_DRY_RUN] != NULL ? "true" : "false");
	status = import_call(im, "/commit", body, (size_t)n, answer);
	if (status == FAIL_NONE)
		(void)json_array_extend(im->refused, json_object_get(*answer, "refused"));
	else if (json_is_array(json_object_get(im->c->failure.answer, "refused"))) {
		(void)json_array_extend(im->refused, json_object_get(im->c->failure.answer, "refused"));
		return import_nothing(im);
	}
	return status;
}

static void
import_give_up(struct import *im)
{
	struct http_request rq = { .method = "DELETE" };
	struct failure kept = im->c->failure;
	json_t *answer = NULL;
	char target[160];

	if (im->id[0] == '\0')
		return;
	(void)snprintf(target, sizeof(target), "/admin/imports/%s", im->id);
	rq.target = target;
	memset(&im->c->failure, 0, sizeof(im->c->failure));
	(void)api_call(im->c, REACH_ADMIN, &rq, &answer);
	fail_clear(&im->c->failure);
	im->c->failure = kept;
	json_decref(answer);
}

static int
import_run(struct import *im, const struct secret *s)
{
	json_t *answer = NULL;
	int status;

	if ((status = import_open(im, s)) == FAIL_NONE)
		status = import_send(im);
	if (status == FAIL_NONE && json_array_size(im->refused) > 0 && im->c->opt[OPT_PARTIAL] == NULL)
		status = import_nothing(im);
	if (status == FAIL_NONE && im->sent == 0)
		status = fail_set(&im->c->failure, "failed", "there is no token in the file to import");
	if (status != FAIL_NONE)
		import_give_up(im);
	else
		status = import_commit(im, &answer);
	if (im->c->opt[OPT_JSON] == NULL)
		import_report(im, answer);
	else if (answer != NULL) {
		(void)json_object_set(answer, "refused", im->refused);
		output_json(answer);
	} else if (im->c->failure.answer == NULL)
		im->c->failure.answer = json_pack("{s:O}", "refused", im->refused);
	json_decref(answer);
	return status;
}

int
cmd_credential_import(struct client *c)
{
	const char *format = c->opt[OPT_FORMAT], *form = c->opt[OPT_SECRET_FORMAT];
	struct import im = { .c = c };
	struct secret *s = NULL;
	int status;

	if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "pskc") != 0)
		return fail_set(&c->failure, "usage", "--format wants csv or pskc");
	if (form != NULL && strcmp(form, "base32") != 0 && strcmp(form, "hex") != 0)
		return fail_set(&c->failure, "usage", "--secret-format wants base32 or hex");
	if ((status = import_read(c, &s)) != FAIL_NONE)
		return status;
	buf_init(&im.body, FORM_BODY_MAX);
	im.refused = json_array();
	status = im.refused != NULL && s != NULL ? import_run(&im, s) : api_broken(c, TSR_NOMEM);
	json_decref(im.refused);
	buf_free(&im.body);
	vendor_free(&im.table);
	container_free(&im.container);
	secret_free(&s);
	return status;
}
