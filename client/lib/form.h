/*
 * form.h - bodies of requests, as forms and as JSON.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_FORM_H
#define CLIENT_LIB_FORM_H

#include "base/buf.h"

#define FORM_TYPE	"application/x-www-form-urlencoded"
#define FORM_JSON_TYPE	"application/json"
#define FORM_BODY_MAX	(48 * 1024)	/* bytes of a request's body */

/* Append "name=value" to a form, with "&" before it where there is more
 * (WHATWG URL, urlencoded).  TSR_NOMEM, TSR_TOO_LARGE. */
int form_put(struct buf *form, const char *name, const char *value);

/* A target: path, and "?name=value" where value is not NULL.  TSR_TOO_LARGE,
 * TSR_NOMEM. */
int form_query(char *out, size_t size, const char *path, const char *name, const char *value);

/* Append a member "name":"value" to a JSON object that is being written:
 * begins with "{"; the caller writes "}".  No copy is left behind. */
int form_json_put(struct buf *body, const char *name, const char *value);

/* Whether s may be sent as, and is, a bearer token (RFC 6750 section 2.1). */
int form_is_token(const char *s);

#endif
