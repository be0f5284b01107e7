/*
 * admin_state.c - see admin_state.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/admin_state.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock_guard.h"
#include "agent/problem.h"
#include "agent/ssh_ca.h"
#include "agent/store_backup.h"
#include "agent/watch.h"
#include "base/log.h"
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
	int code;

	if (state_may_change(a, r, who) != TSR_OK)
		return;
	if ((code = audit_event_admin(a, r->caller, "clock-accepted")) != TSR_OK) {
		problem(r->conn, code, NULL);
		return;
	}
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
		return buf_put_cstr(b, log_is_journal() ? "\"journal\"" : "null");
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
	if (code == TSR_OK) {	/* done: the line is for who reads, and is retried if it must */
		(void)audit_event_admin(a, r->caller, "store-confirmed");
		ssh_ca_retry(a->ssh_ca);	/* its keys are good again with this answer */
	}
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

/* --- a backup --- */

struct state_backup {
	struct agent *agent;
	struct http_conn *conn;
	struct loop_task slice;
	struct store_backup *copy;
	char path[PATH_MAX];
};

static void
state_backup_free(struct state_backup *b)
{
	loop_cancel(b->agent->loop, &b->slice);
	store_backup_free(&b->copy);
	free(b);
}

static void
state_backup_gone(void *arg)
{
	state_backup_free(arg);
}

static void
state_backup_slice(struct loop_task *t)
{
	struct state_backup *s = (struct state_backup *)(void *)((char *)t -
	    offsetof(struct state_backup, slice));
	uint64_t generation = 0;
	struct buf b;
	int code;

	if ((code = store_backup_step(s->copy, &generation)) == TSR_AGAIN) {
		loop_defer(s->agent->loop, &s->slice);
		return;
	}
	buf_init(&b, HTTP_ANSWER_MAX);
	if (code == TSR_OK && (code = buf_put_cstr(&b, "{\"path\":")) == TSR_OK &&
	    (code = json_put_string(&b, s->path)) == TSR_OK)
		code = buf_printf(&b, ",\"generation\":%" PRIu64, generation);
	state_answer(s->conn, code, &b);
	state_backup_free(s);
}

/* STATE/backups holds a few: whoever asked for one takes it away. */
static int
state_backup_path(const struct config *c, char out[PATH_MAX])
{
	char name[PATH_MAX - 64], id[STORE_ID_LEN + 1];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	if (snprintf(name, sizeof(name), "%s/backups", c->state_dir) >= (int)sizeof(name) ||
	    (mkdir(name, 0700) == -1 && errno != EEXIST) || (d = opendir(name)) == NULL)
		return TSR_STORE;
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	if (n >= ADMIN_BACKUPS_MAX)
		return TSR_TOO_LARGE;
	store_make_id(id);
	(void)snprintf(out, PATH_MAX, "%s/%s.db", name, id);
	return TSR_OK;
}

void
admin_store_backup(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct state_backup *s;
	int code;

	if (state_may_change(a, r, who) != TSR_OK)
		return;
	if ((code = audit_event_admin(a, r->caller, "store-copied")) != TSR_OK) {
		problem(r->conn, code, NULL);
		return;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		problem(r->conn, TSR_NOMEM, NULL);
		return;
	}
	s->agent = a;
	s->conn = r->conn;
	s->slice.run = state_backup_slice;
	if ((code = state_backup_path(policy_config(a->policy), s->path)) != TSR_OK ||
	    (code = store_backup_begin(a->store, s->path, &s->copy)) != TSR_OK) {
		if (code == TSR_TOO_LARGE)
			problem(r->conn, TSR_CONFLICT, "%s/backups holds %d already: take them away",
			    policy_config(a->policy)->state_dir, ADMIN_BACKUPS_MAX);
		else
			problem(r->conn, code, NULL);
		free(s);
		return;
	}
	http_park(r->conn, state_backup_gone, s);
	loop_defer(a->loop, &s->slice);
}
