/*
 * api.h - one request to the agent and its JSON answer.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_API_H
#define CLIENT_API_H

#include <jansson.h>

#include "base/buf.h"
#include "client/lib/form.h"
#include "client/lib/http_client.h"
#include "client/reach.h"

#define API_WAIT_MS	15000		/* an answer that waits for nobody */
#define API_DEPTH_MAX	8		/* nesting of an answer */

/* Open a connection.  FAIL_*. */
int api_open(struct client *c, enum reach_socket which, struct http_client **out);

/* Connect, ask, read.  *answer is a new reference where the status is 2xx;
 * every other answer becomes the failure.  FAIL_*. */
int api_call(struct client *c, enum reach_socket which, const struct http_request *rq,
    json_t **answer);
int api_get(struct client *c, enum reach_socket which, const char *target, json_t **answer);

/* GET of what is no JSON: the body into out, where the answer is 200 and not JSON
 * itself.  FAIL_*. */
int api_bytes(struct client *c, const char *target, struct buf *out);

/* A connection's whole answer, as api_call gives it. */
int api_answer(struct client *c, const struct http_client *hc, const struct http_answer *a,
    json_t **answer);

/* The failure for a TSR_* of a connection.  FAIL_*. */
int api_broken(struct client *c, int code);

#endif
