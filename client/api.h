/*
 * api.h - one request to the agent and its JSON answer.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_API_H
#define CLIENT_API_H

#include <jansson.h>

#include "base/buf.h"
#include "client/http_client.h"
#include "client/reach.h"

#define API_FORM	"application/x-www-form-urlencoded"
#define API_JSON	"application/json"
#define API_WAIT_MS	15000		/* an answer that waits for nobody */
#define API_DEPTH_MAX	8		/* nesting of an answer */
#define API_BODY_MAX	(48 * 1024)	/* bytes of a request's body */

/* Open a connection.  FAIL_*. */
int api_open(struct client *c, enum reach_socket which, struct http_client **out);

/* Connect, ask, read.  *answer is a new reference where the status is 2xx;
 * every other answer becomes the failure.  FAIL_*. */
int api_call(struct client *c, enum reach_socket which, const struct http_request *rq,
    json_t **answer);
int api_get(struct client *c, enum reach_socket which, const char *target, json_t **answer);

/* A connection's whole answer, as api_call gives it. */
int api_answer(struct client *c, const struct http_client *hc, const struct http_answer *a,
    json_t **answer);

/* The failure for a TSR_* of a connection.  FAIL_*. */
int api_broken(struct client *c, int code);

/* Whether s may be sent as, and is, a bearer token (RFC 6750 section 2.1). */
int api_is_token(const char *s);

/* Append "name=value" to a form, with "&" before it where there is more
 * (WHATWG URL, urlencoded).  TSR_NOMEM, TSR_TOO_LARGE. */
int api_form_put(struct buf *form, const char *name, const char *value);

/* Append a member "name":"value" to a JSON object that is being written:
 * begins with "{"; the caller writes "}".  No copy is left behind. */
int api_json_put(struct buf *body, const char *name, const char *value);

#endif
