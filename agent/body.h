/*
 * body.h - JSON request bodies: one object, known members only.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_BODY_H
#define AGENT_BODY_H

#include <jansson.h>
#include <stdint.h>

#include "agent/http.h"

/* Read the body as a JSON object whose members are all in allowed (ends with
 * NULL); an empty body is an empty object.  On an error the request was
 * answered.  *out is for json_decref. */
int body_read(const struct http_request *r, const char *const allowed[], json_t **out);

/* A text member without control characters, or NULL where absent.  Where it is something
 * else the request was answered: TSR_INVALID. */
int body_text(const struct http_request *r, const json_t *o, const char *name, const char **out);

/* A text member before the body is read in earnest: which of several requests it
 * is.  TSR_INVALID where there is none of less than size bytes; nothing is
 * answered. */
int body_peek(const struct http_request *r, const char *name, char *out, size_t size);

/* json_decref after the strings of the object were wiped. */
void body_free(json_t *o);

/* A number member between min and max; *out is left where it is absent. */
int body_number(const struct http_request *r, const json_t *o, const char *name, int64_t min,
    int64_t max, int64_t *out);

/* A boolean member, 0 where absent. */
int body_flag(const struct http_request *r, const json_t *o, const char *name, int *out);

#endif
