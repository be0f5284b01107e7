/*
 * body.h - JSON request bodies: one object, known members only.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_BODY_H
#define AGENT_BODY_H

#include <jansson.h>

#include "agent/http.h"

/* Read the body as a JSON object whose members are all in allowed (ends with
 * NULL); an empty body is an empty object.  On an error the request was
 * answered.  *out is for json_decref. */
int body_read(const struct http_request *r, const char *const allowed[], json_t **out);

/* A text member without control characters, or NULL where absent.  Where it is something
 * else the request was answered: TSR_INVALID. */
int body_text(const struct http_request *r, const json_t *o, const char *name, const char **out);

/* A boolean member, 0 where absent. */
int body_flag(const struct http_request *r, const json_t *o, const char *name, int *out);

#endif
