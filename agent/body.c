/*
 * body.c - see body.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/body.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/problem.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "token/json.h"

#define BODY_DEPTH_MAX	16

static int
body_known(const struct http_request *r, json_t *o, const char *const allowed[])
{
	const char *name;
	char shown[64];
	json_t *value;
	size_t i;

	json_object_foreach(o, name, value) {
		for (i = 0; allowed[i] != NULL && strcmp(allowed[i], name) != 0; i++)
			;
		if (allowed[i] != NULL)
			continue;
		problem_invalid(r->conn, "\"%s\" is not a member of this request",
		    escape_text(shown, sizeof(shown), name, strlen(name)));
		return TSR_INVALID;
	}
	return TSR_OK;
}

int
body_read(const struct http_request *r, const char *const allowed[], json_t **out)
{
	const struct http_text *t = &r->head.content_type;
	json_t *o = NULL;
	int code;

	if (r->head.content_length > 0 && (t->p == NULL || t->n < 16 ||
	    strncasecmp(t->p, "application/json", 16) != 0 || (t->n > 16 && t->p[16] != ';'))) {
		problem_invalid(r->conn, "this endpoint takes application/json");
		return TSR_INVALID;
	}
	code = r->head.content_length == 0 ? json_read_object("{}", 2, 1, &o) :
	    json_read_object(r->body, r->head.content_length, BODY_DEPTH_MAX, &o);
	if (code != TSR_OK) {
		problem(r->conn, code, "the body is not one JSON object, or has a member twice");
		return code;
	}
	if ((code = body_known(r, o, allowed)) != TSR_OK) {
		json_decref(o);
		return code;
	}
	*out = o;
	return TSR_OK;
}

int
body_text(const struct http_request *r, const json_t *o, const char *name, const char **out)
{
	const json_t *v = json_object_get(o, name);

	*out = NULL;
	if (v == NULL)
		return TSR_OK;
	if (!json_is_string(v) || !escape_is_text(json_string_value(v), json_string_length(v))) {
		problem_invalid(r->conn, "\"%s\" is a string without control characters", name);
		return TSR_INVALID;
	}
	*out = json_string_value(v);
	return TSR_OK;
}

int
body_flag(const struct http_request *r, const json_t *o, const char *name, int *out)
{
	const json_t *v = json_object_get(o, name);

	if (v != NULL && !json_is_boolean(v)) {
		problem_invalid(r->conn, "\"%s\" is true or false", name);
		return TSR_INVALID;
	}
	*out = v != NULL && json_is_true(v);
	return TSR_OK;
}

int
body_number(const struct http_request *r, const json_t *o, const char *name, int64_t min,
    int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	if (v == NULL)
		return TSR_OK;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max) {
		problem_invalid(r->conn, "\"%s\" is a whole number from %lld to %lld", name,
		    (long long)min, (long long)max);
		return TSR_INVALID;
	}
	*out = json_integer_value(v);
	return TSR_OK;
}

int
body_peek(const struct http_request *r, const char *name, char *out, size_t size)
{
	const char *text;
	json_t *o = NULL;
	int code = TSR_INVALID;

	if (json_read_object(r->body, r->head.content_length, BODY_DEPTH_MAX, &o) != TSR_OK)
		return TSR_INVALID;
	if ((text = json_string_value(json_object_get(o, name))) != NULL && strlen(text) < size) {
		(void)snprintf(out, size, "%s", text);
		code = TSR_OK;
	}
	body_free(o);
	return code;
}

void
body_free(json_t *o)
{
	const char *name, *text;
	json_t *value;
	void *own;

	json_object_foreach(o, name, value) {
		if ((text = json_string_value(value)) == NULL)
			continue;
		memcpy(&own, &text, sizeof(own));	/* it is jansson's own memory, const or not */
		sodium_memzero(own, json_string_length(value));
	}
	json_decref(o);
}
