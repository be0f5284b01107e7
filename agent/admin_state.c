/*
 * admin_state.c - see admin_state.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/admin_state.h"

#include <inttypes.h>
#include <stdlib.h>

#include "agent/admin.h"
#include "agent/body.h"
#include "agent/clock_guard.h"
#include "agent/problem.h"
#include "agent/watch.h"
#include "include/tessera.h"
#include "token/json.h"

/* A change without members by someone who may; where not, it was answered. */
static int
state_may_change(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { NULL };
	json_t *o;
	int code;

	if ((code = admin_may_change(a, r, who)) == TSR_OK && (code = body_read(r, allowed, &o)) == TSR_OK)
		json_decref(o);
	return code;
}

/* --- the clock --- */

static void
state_clock(struct agent *a, const struct http_request *r, int wrote)
{
	struct clock_report c;
	char json[256];
	int n;

	watch_clock(a->watch, &c);
	n = snprintf(json, sizeof(json), "{\"state\":\"%s\",\"trusted\":%s,\"synchronised\":%s,"
	    "\"wall\":%lld,\"expected\":%lld,\"mark\":%lld}", clock_state_name(c.state),
	    c.state == CLOCK_TRUSTED ? "true" : "false", c.synchronised ? "true" : "false",
	    (long long)c.wall, (long long)c.expected, (long long)c.mark);
	http_answer(r->conn, 200, NULL, json, (size_t)n, wrote);
}

void
admin_clock(struct agent *a, const struct http_request *r, const struct asker *who)
{
	(void)who;
	state_clock(a, r, 0);
}

void
admin_clock_accept(struct agent *a, const struct http_request *r, const struct asker *who)
{
	if (state_may_change(a, r, who) != TSR_OK)
		return;
	watch_accept_clock(a->watch);
	state_clock(a, r, 1);
}

/* --- the store --- */

static int
state_store(struct agent *a, struct buf *b)
{
	int r;

	if ((r = buf_printf(b, "{\"verdict\":\"%s\",\"generation\":%" PRIu64 ",\"anchor\":",
	    store_verdict_name(store_verdict(a->store)), store_generation(a->store))) != TSR_OK)
		return r;
	if (watch_anchor(a->watch) == NULL)
		return buf_put_cstr(b, "null");
	return json_put_string(b, watch_anchor(a->watch));
}

static void
state_answer(struct http_conn *c, int code, struct buf *b)
{
	if (code == TSR_OK && (code = buf_put_cstr(b, "}")) == TSR_OK)
		http_answer(c, 200, NULL, b->data, b->len, 0);
	else
		problem(c, code, NULL);
	buf_free(b);
}

void
admin_store(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct buf b;

	(void)who;
	buf_init(&b, HTTP_ANSWER_MAX);
	state_answer(r->conn, state_store(a, &b), &b);
}

struct state_check {
	struct agent *agent;
	struct http_conn *conn;
	unsigned ticket;
};

static void
state_check_gone(void *arg)
{
	struct state_check *c = arg;

	watch_leave(c->agent->watch, c->ticket);
	free(c);
}

static void
state_check_done(void *arg, int code, const struct store_found *f)
{
	struct state_check *c = arg;
	struct buf b;
	uint64_t i;

	buf_init(&b, HTTP_ANSWER_MAX);
	if (code == TSR_OK && (code = state_store(c->agent, &b)) == TSR_OK)
		code = buf_printf(&b, ",\"whole\":%s,\"rows\":%" PRIu64 ",\"damaged\":%" PRIu64 ",\"found\":[",
		    f->whole ? "true" : "false", f->rows, f->damaged);
	for (i = 0; code == TSR_OK && i < f->damaged && i < STORE_CHECK_SHOWN; i++)
		code = buf_printf(&b, "%s{\"table\":\"%s\",\"row\":%lld}", i == 0 ? "" : ",",
		    f->shown[i].table, (long long)f->shown[i].row);
	if (code == TSR_OK)
		code = buf_put_cstr(&b, "]");
	state_answer(c->conn, code, &b);
	free(c);
}

void
admin_store_check(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct state_check *c;
	int code;

	if (state_may_change(a, r, who) != TSR_OK)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	c->agent = a;
	c->conn = r->conn;
	if ((code = watch_check(a->watch, state_check_done, c, &c->ticket)) != TSR_OK) {
		problem(r->conn, code, NULL);
		free(c);
		return;
	}
	http_park(r->conn, state_check_gone, c);
}

void
admin_store_confirm(struct agent *a, const struct http_request *r, const struct asker *who)
{
	unsigned dropped = 0;
	struct buf b;
	int code;

	if (state_may_change(a, r, who) != TSR_OK)
		return;
	/* The confirmation is a commit of its own: what came before is first. */
	if ((code = store_dirty(a->store) ? TSR_AGAIN : TSR_OK) == TSR_OK)
		code = watch_confirm(a->watch, &dropped);
	if (code == TSR_CONFLICT)
		problem(r->conn, code, "nothing is held against the store");
	else if (code == TSR_CORRUPT)
		problem(r->conn, TSR_CONFLICT, "rows that the agent cannot do without were altered: "
		    "restore a backup");
	else if (code != TSR_OK)
		problem(r->conn, code == TSR_AGAIN || code == TSR_INVALID ? TSR_UNAVAILABLE : code, NULL);
	else {
		buf_init(&b, HTTP_ANSWER_MAX);
		if ((code = state_store(a, &b)) == TSR_OK)
			code = buf_printf(&b, ",\"dropped\":%u", dropped);
		state_answer(r->conn, code, &b);
	}
}
