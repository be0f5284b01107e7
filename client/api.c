/*
 * api.c - requests and answers.  See api.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/api.h"

#include <errno.h>
#include <string.h>

#include "tessera.h"
#include "token/json.h"

int
api_open(struct client *c, enum reach_socket which, struct http_client **out)
{
	int fd = -1, status;

	if ((status = reach_open(c, which, &fd)) != FAIL_NONE)
		return status;
	if (http_client_new(fd, out) != TSR_OK)
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	return FAIL_NONE;
}

int
api_broken(struct client *c, int code)
{
	switch (code) {
	case TSR_CLOSED:
		return fail_set(&c->failure, "unreachable",
		    "the agent closed the connection without an answer; look at its log");
	case TSR_TIMEOUT:
		return fail_set(&c->failure, "timeout", "the agent did not answer in time");
	case TSR_INVALID:
	case TSR_TOO_LARGE:
		return fail_set(&c->failure, "malformed_answer",
		    "the agent's answer is malformed; is it another program, or another version?");
	case TSR_SYSTEM:
		return fail_set(&c->failure, "unreachable", "the connection to the agent failed: %s",
		    strerror(errno));
	default:
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(code));
	}
}

int
api_answer(struct client *c, const struct http_client *hc, const struct http_answer *a,
    json_t **answer)
{
	json_t *doc = NULL;
	const char *body;
	size_t n;

	body = http_client_body(hc, &n);
	if (a->stream || a->status < 200 || (a->status >= 300 && a->status < 400))
		return api_broken(c, TSR_INVALID);
	if (a->status == 204) {
		if ((*answer = json_object()) == NULL)
			return api_broken(c, TSR_NOMEM);
		return FAIL_NONE;
	}
	if (!a->json || json_read_object(body, n, API_DEPTH_MAX, &doc) != TSR_OK)
		return api_broken(c, TSR_INVALID);
	if (a->status >= 300)
		return fail_answer(&c->failure, a->status, doc);
	*answer = doc;
	return FAIL_NONE;
}

int
api_call(struct client *c, enum reach_socket which, const struct http_request *rq, json_t **answer)
{
	struct http_client *hc = NULL;
	struct http_answer a;
	int r, status;

	if ((status = api_open(c, which, &hc)) != FAIL_NONE)
		return status;
	if ((r = http_client_start(hc, rq)) != TSR_OK ||
	    (r = http_client_finish(hc, http_client_now() + API_WAIT_MS, &a)) != TSR_OK)
		status = api_broken(c, r);
	else
		status = api_answer(c, hc, &a, answer);
	http_client_free(&hc);
	return status;
}

int
api_bytes(struct client *c, const char *target, struct buf *out)
{
	const struct http_request rq = { .method = "GET", .target = target };
	struct http_client *hc = NULL;
	struct http_answer a = { .status = 0 };
	json_t *doc = NULL;
	const char *body;
	int r, status;
	size_t n;

	if ((status = api_open(c, REACH_API, &hc)) != FAIL_NONE)
		return status;
	if ((r = http_client_start(hc, &rq)) != TSR_OK ||
	    (r = http_client_finish(hc, http_client_now() + API_WAIT_MS, &a)) != TSR_OK)
		status = api_broken(c, r);
	else if (a.status != 200)
		status = api_answer(c, hc, &a, &doc);
	else {
		body = http_client_body(hc, &n);
		r = a.json || a.stream ? TSR_INVALID : buf_put(out, body, n);
		status = r == TSR_OK ? FAIL_NONE : api_broken(c, r);
	}
	if (status == FAIL_NONE && a.status != 200)
		status = api_broken(c, TSR_INVALID);
	json_decref(doc);
	http_client_free(&hc);
	return status;
}

int
api_get(struct client *c, enum reach_socket which, const char *target, json_t **answer)
{
	const struct http_request rq = { .method = "GET", .target = target };

	return api_call(c, which, &rq, answer);
}
