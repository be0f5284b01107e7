/*
 * answerer.c - questions and answers.  See answerer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/answerer.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"
#include "token/json.h"

#define TOUCH_SECOND_MS		1000
#define ANSWERER_READY_MS	5000	/* for the stream's first event */

int
answerer_next(struct http_client *events, char name[SSE_NAME_MAX], json_t **data)
{
	struct sse_event e;
	const char *in;
	json_t *doc = NULL;
	size_t n, used;
	int r;

	in = http_client_body(events, &n);
	if ((r = sse_parse(in, n, &e, &used)) == TSR_AGAIN)
		http_client_used(events, used);
	if (r != TSR_OK)
		return r;
	if (json_read_object(e.data, e.data_len, API_DEPTH_MAX, &doc) != TSR_OK)
		return TSR_INVALID;
	memcpy(name, e.name, SSE_NAME_MAX);
	http_client_used(events, used);
	*data = doc;
	return TSR_OK;
}

/* The stream is open when its first event has come: what is posted after it
 * finds its prompter. */
static int
answerer_wait_ready(struct http_client *events, uint64_t until)
{
	struct pollfd p = { .fd = http_client_fd(events), .events = POLLIN };
	char name[SSE_NAME_MAX];
	json_t *data = NULL;
	uint64_t now;
	int r;

	while ((r = answerer_next(events, name, &data)) == TSR_AGAIN) {
		if ((now = http_client_now()) >= until)
			return TSR_TIMEOUT;
		(void)poll(&p, 1, (int)(until - now));
		if ((r = http_client_more(events)) != TSR_OK && r != TSR_AGAIN)
			return r;
	}
	json_decref(data);
	return r == TSR_OK && strcmp(name, "ready") != 0 ? TSR_INVALID : r;
}

int
answerer_connect(struct client *c, const char *prompter, struct http_client **out)
{
	struct http_client *hc = NULL;
	struct http_answer a;
	struct http_request rq = { .method = "GET" };
	char target[64];
	uint64_t until = http_client_now() + ANSWERER_READY_MS;
	json_t *answer = NULL;
	int r, status;

	(void)snprintf(target, sizeof(target), "/events%s%s", prompter != NULL ? "?prompter=" : "",
	    prompter != NULL ? prompter : "");
	rq.target = target;
	if ((status = api_open(c, REACH_API, &hc)) != FAIL_NONE)
		return status;
	if ((r = http_client_start(hc, &rq)) == TSR_OK &&
	    (r = http_client_finish(hc, until, &a)) == TSR_OK) {
		if (a.status == 200 && a.stream)
			r = answerer_wait_ready(hc, until);
		else if ((status = api_answer(c, hc, &a, &answer)) == FAIL_NONE)
			r = TSR_INVALID;
	}
	json_decref(answer);
	if (r != TSR_OK)
		status = api_broken(c, r);
	if (status == FAIL_NONE) {
		*out = hc;
		hc = NULL;
	}
	http_client_free(&hc);
	return status;
}

/* Without a PIN and a number it is no. */
static int
answerer_body(struct buf *body, const struct secret *pin, int confirmed)
{
	int r;

	if (pin == NULL)
		return confirmed > 0 ? buf_printf(body, "{\"confirm\":%d}", confirmed) :
		    buf_put_cstr(body, "{\"cancel\":true}");
	if ((r = form_json_put(body, "pin", (const char *)pin->data)) != TSR_OK)
		return r;
	return confirmed > 0 ? buf_printf(body, ",\"confirm\":%d}", confirmed) : buf_put_cstr(body, "}");
}

/* POST /prompt/ID.  An answer that comes too late is 404 and nobody's fault;
 * all else shows in the answer to the request that asked. */
static void
answerer_post(struct answerer *a, const char *id, const struct secret *pin, int confirmed)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	struct failure kept = a->c->failure;
	struct buf body;
	json_t *answer = NULL;
	char target[ASK_ID_MAX + 16];

	(void)snprintf(target, sizeof(target), "/prompt/%s", id);
	buf_init(&body, 8 * PROMPTER_PIN_MAX);
	if (answerer_body(&body, pin, confirmed) == TSR_OK) {
		rq.target = target;
		rq.body = body.data;
		rq.body_len = body.len;
		memset(&a->c->failure, 0, sizeof(a->c->failure));
		(void)api_call(a->c, REACH_API, &rq, &answer);
		fail_clear(&a->c->failure);
		a->c->failure = kept;
	}
	json_decref(answer);
	buf_free(&body);
}

static void
answerer_drop(struct answerer *a, size_t i)
{
	memmove(&a->line[i], &a->line[i + 1], (a->n - i - 1) * sizeof(a->line[0]));
	a->n--;
}

/* A question the prompter would not put is cancelled, and why is kept. */
static void
answerer_refused(struct answerer *a)
{
	a->last = a->line[0];
	(void)snprintf(a->why, sizeof(a->why), "%s", a->p->why != NULL ? a->p->why : "");
	answerer_post(a, a->line[0].id, NULL, 0);
	answerer_drop(a, 0);
}

static void
answerer_put(struct answerer *a)
{
	while (!a->asking && a->n > 0) {
		if (prompter_begin(a->p, &a->line[0]) == TSR_OK)
			a->asking = 1;
		else
			answerer_refused(a);
	}
}

/* End the line of the countdown, where there is one. */
static void
answerer_touch_end(struct answerer *a)
{
	if (a->touch_until == 0)
		return;
	a->touch_until = 0;
	(void)fprintf(stderr, "%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "");
}

/* touch-needed and touch-done of this process's own request. */
static void
answerer_touch_event(struct answerer *a, const char *name, const json_t *data)
{
	const json_t *by = json_object_get(data, "requester");

	if (strcmp(name, "touch-needed") == 0 &&
	    json_integer_value(json_object_get(by, "pid")) == getpid()) {
		a->touch_until = http_client_now() + TOUCH_SECOND_MS *
		    (uint64_t)json_integer_value(json_object_get(data, "seconds_left"));
		a->touch_shown = 0;
		(void)answerer_touch(a);
	} else if (strcmp(name, "touch-done") == 0)
		answerer_touch_end(a);
}

int
answerer_touch(struct answerer *a)
{
	uint64_t now = http_client_now();
	unsigned left;

	if (a->touch_until == 0)
		return -1;
	left = now >= a->touch_until ? 0 :
	    (unsigned)((a->touch_until - now + TOUCH_SECOND_MS - 1) / TOUCH_SECOND_MS);
	if (left != a->touch_shown && (a->touch_shown == 0 || isatty(STDERR_FILENO)))
		(void)fprintf(stderr, "%stouch the key ... %u s", a->touch_shown != 0 ? "\r\033[K" : "", left);
	a->touch_shown = left;
	return TOUCH_SECOND_MS;
}

void
answerer_event(struct answerer *a, const char *name, const json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "prompt"));
	struct ask ask;
	size_t i;

	if (strcmp(name, "pin-needed") == 0 && a->p != NULL && ask_parse(data, getpid(), &ask) == TSR_OK &&
	    a->n < ANSWERER_WAITING_MAX)
		a->line[a->n++] = ask;
	if (strcmp(name, "prompt-ended") == 0 && id != NULL)
		for (i = a->n; i-- > 0;) {
			if (strcmp(a->line[i].id, id) != 0)
				continue;
			if (i == 0 && a->asking) {
				prompter_end(a->p, a->line[0].pad ? NULL : "(not needed any more)");
				a->asking = 0;
			}
			answerer_drop(a, i);
		}
	answerer_touch_event(a, name, data);
	answerer_put(a);
}

int
answerer_ready(struct answerer *a)
{
	struct secret *pin = NULL;
	int r;

	if ((r = prompter_read(a->p, &pin)) == TSR_AGAIN)
		return TSR_OK;
	a->asking = 0;
	prompter_end(a->p, NULL);
	if (r != TSR_OK) {
		answerer_refused(a);
		return TSR_CANCELLED;
	}
	answerer_post(a, a->line[0].id, pin, a->line[0].confirm);
	secret_free(&pin);
	answerer_drop(a, 0);
	answerer_put(a);
	return TSR_OK;
}

void
answerer_cancel(struct answerer *a)
{
	if (!a->asking)
		return;
	a->asking = 0;
	prompter_end(a->p, NULL);
	a->p->why = NULL;
	answerer_refused(a);
}

void
answerer_pause(struct answerer *a)
{
	if (a->asking)
		prompter_end(a->p, NULL);
}

void
answerer_resume(struct answerer *a)
{
	if (a->asking) {
		a->asking = 0;
		answerer_put(a);
	}
}

int
answerer_fd(const struct answerer *a)
{
	return a->asking ? a->p->fd : -1;
}

void
answerer_end(struct answerer *a, const char *why)
{
	if (a->asking)
		prompter_end(a->p, why);
	answerer_touch_end(a);
	a->asking = 0;
	a->n = 0;
}
