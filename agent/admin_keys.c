/*
 * admin_keys.c - see admin_keys.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/admin_keys.h"

#include <stdio.h>

#include "agent/admin.h"
#include "agent/audit_event.h"
#include "agent/body.h"
#include "agent/clock.h"
#include "agent/problem.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

static const char *const states[] = { "", "next", "active", "retired" };

_Static_assert(SIGNING_NEXT == 1 && SIGNING_ACTIVE == 2 && SIGNING_RETIRED == 3, "as in states");

static int
keys_time(struct buf *b, const char *name, int64_t t)
{
	return t == 0 ? buf_printf(b, ",\"%s\":null", name) :
	    buf_printf(b, ",\"%s\":%lld", name, (long long)t);
}

static int
keys_one(struct buf *b, const struct keys_entry *e, int first)
{
	int r;

	if ((r = buf_printf(b, "%s{\"kid\":\"%s\",\"algorithm\":\"%s\",\"state\":\"%s\"", first ? "" : ",",
	    e->kid, e->algorithm, states[e->state])) != TSR_OK ||
	    (r = keys_time(b, "created", e->created)) != TSR_OK ||
	    (r = keys_time(b, "activated", e->activated)) != TSR_OK ||
	    (r = keys_time(b, "retired", e->retired)) != TSR_OK ||
	    (r = keys_time(b, "changes", e->changes)) != TSR_OK)
		return r;
	return buf_put_cstr(b, "}");
}

void
admin_keys(struct agent *a, const struct http_request *r, const struct asker *who)
{
	struct keys_entry e;
	struct buf b;
	size_t i;
	int code;

	(void)who;
	buf_init(&b, HTTP_ANSWER_MAX);
	code = buf_put_cstr(&b, "{\"keys\":[");
	for (i = 0; code == TSR_OK && i < keys_set(a->keys)->n; i++) {
		keys_entry(a->keys, i, &e);
		code = keys_one(&b, &e, i == 0);
	}
	if (code == TSR_OK && (code = buf_put_cstr(&b, "]}")) == TSR_OK)
		http_answer(r->conn, 200, NULL, b.data, b.len, 0);
	else
		problem(r->conn, code, NULL);
	buf_free(&b);
}

/* By a clock that is not believed no key's times can be set. */
static int
keys_begin_rotation(struct agent *a, const struct http_request *r, int at_once, int64_t *signs)
{
	int code;

	if ((code = watch_mint(a->watch)) != TSR_OK || (code = audit_ready(a->audit)) != TSR_OK ||
	    (code = keys_rotate(a->keys, at_once, clock_wall(), signs)) != TSR_OK)
		return code;
	return audit_event_admin(a, r->caller, at_once ? "keys-replaced" : "rotation-begun");
}

void
admin_keys_rotate(struct agent *a, const struct http_request *r, const struct asker *who)
{
	static const char *const allowed[] = { "at_once", NULL };
	int at_once = 0, code, n;
	int64_t signs = 0;
	char text[128];
	json_t *o;

	if (admin_may_change(a, r, who) != TSR_OK || body_read(r, allowed, &o) != TSR_OK)
		return;
	code = body_flag(r, o, "at_once", &at_once);
	json_decref(o);
	if (code != TSR_OK)
		return;
	code = keys_begin_rotation(a, r, at_once, &signs);
	if (code == TSR_CONFLICT) {
		(void)snprintf(text, sizeof(text), "a next key is shown already, and signs in %lld seconds",
		    (long long)(signs > clock_wall() ? signs - clock_wall() : 0));
		problem(r->conn, code, "%s", text);
		return;
	}
	if (code != TSR_OK) {
		problem(r->conn, code == TSR_AGAIN || code == TSR_INVALID ? TSR_UNAVAILABLE : code,
		    code == TSR_TOO_LARGE ? "too many signing keys are still shown: wait until the oldest "
		    "is gone" : NULL);
		return;
	}
	log_line(LOG_NOTICE, at_once ? "the signing keys were replaced by hand" :
	    "a rotation of the signing keys was begun by hand");
	n = snprintf(text, sizeof(text), "{\"at_once\":%s,\"signs\":%lld}", at_once ? "true" : "false",
	    (long long)signs);
	http_answer(r->conn, 200, NULL, text, (size_t)n, 1);
}
