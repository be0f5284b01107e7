/*
 * worker.c - one request and its answer.  See worker.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/worker.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/escape.h"
#include "base/frame.h"
#include "fido/ask.h"
#include "fido/race.h"
#include "tessera.h"

#define LOOK_MS	3000u	/* for all keys to say which credentials they hold */

struct worker {
	int fd;
	uint32_t id;			/* of the request under way */
	struct request q;
	struct key_places places;
	const struct key_place *place[PROTO_FIDO_KEYS_MAX];	/* those in question */
	size_t n;
	int error;			/* to answer with, and why */
	struct fault fault;
	const struct key_place *holder[PROTO_FIDO_KEYS_MAX];	/* during a look */
	size_t holders;
	int answered;
	int broken;			/* the keeper takes no more */
};

static int
worker_say(struct worker *w, uint16_t type, const struct proto_value *v, size_t n)
{
	struct frame f;
	struct buf b;
	size_t used, need;
	int r;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = proto_encode(&b, type, w->id, 0, v, n)) == TSR_OK &&
	    (r = frame_decode(b.data, b.len, &f, &used, &need)) == TSR_OK)
		r = frame_send(w->fd, &f);
	buf_free(&b);
	if (r != TSR_OK)
		w->broken = 1;
	return r;
}

static int
worker_say_error(struct worker *w, int code, const struct fault *f)
{
	struct proto_value v[] = {
		{ .u32 = (uint32_t)-code }, { .u32 = f->tries }, proto_text(f->detail),
	};

	return worker_say(w, PROTO_ERROR, v, 3);
}

/* Why a key did not do it.  That another one is in use says more than that this
 * one holds nothing. */
static void
worker_error(struct worker *w, const struct proto_value *v)
{
	int code = -(int)v[0].u32;

	if (w->error != TSR_OK && (w->error != TSR_NOT_FOUND || code == TSR_NOT_FOUND))
		return;
	w->error = code;
	w->fault.tries = v[1].u32;
	escape_cut(w->fault.detail, sizeof(w->fault.detail), v[2].p, v[2].n);
}

/* A key that cannot be read is shown as one. */
static void
worker_blank(struct worker *w, const struct key_place *p, uint32_t code)
{
	struct proto_value v[11] = {
		proto_text(p->device), proto_text(p->manufacturer), proto_text(p->product),
		proto_text(""), proto_text(""), proto_text(""),
		{ .u32 = code == (uint32_t)-TSR_DEVICE_BUSY ? PROTO_FIDO_KEY_BUSY :
		    PROTO_FIDO_KEY_FAILED },
		{ .u32 = PROTO_TRIES_UNKNOWN }, { .u32 = PROTO_TRIES_UNKNOWN },
		{ .u32 = PROTO_TRIES_UNKNOWN }, { .u32 = 0 },
	};

	if (code != (uint32_t)-TSR_DEVICE_REMOVED)
		(void)worker_say(w, PROTO_FIDO_KEY, v, 11);
}

static int
on_list(void *arg, const struct key_place *place, uint16_t type, const struct proto_value *v,
    size_t n)
{
	struct worker *w = arg;

	if (type == PROTO_FIDO_KEY)
		(void)worker_say(w, type, v, n);
	else if (type == PROTO_ERROR)
		worker_blank(w, place, v[0].u32);
	return w->broken;
}

static int
on_look(void *arg, const struct key_place *place, uint16_t type, const struct proto_value *v,
    size_t n)
{
	struct worker *w = arg;

	if (type == PROTO_FIDO_FOUND) {
		w->holder[w->holders++] = place;
		if (w->q.type == PROTO_FIDO_LOOK)
			(void)worker_say(w, type, v, n);
	} else if (type == PROTO_ERROR)
		worker_error(w, v);
	return w->broken;
}

static int
worker_touched(struct worker *w, const struct key_place *place)
{
	struct proto_value v[] = { proto_text(place->device), { .u32 = PROTO_FIDO_TOUCHED } };

	return worker_say(w, PROTO_FIDO_TOUCH, v, 2);
}

/* The first one that was touched, whatever it has to say then. */
static int
on_touch(void *arg, const struct key_place *place, uint16_t type, const struct proto_value *v,
    size_t n)
{
	struct worker *w = arg;
	int code = type == PROTO_ERROR ? -(int)v[0].u32 : TSR_OK;

	if (type == PROTO_FIDO_TOUCH) {
		(void)worker_say(w, type, v, n);
		return w->broken;
	}
	if (type != PROTO_ERROR) {
		if (type != PROTO_DONE && !(w->q.flags & PROTO_FIDO_SILENT))
			(void)worker_touched(w, place);
		(void)worker_say(w, type, v, n);
		w->answered = 1;
		return 1;
	}
	/* what a key says only when somebody was there */
	if (w->n > 1 && (code == TSR_CONFLICT || code == TSR_CANCELLED || code == TSR_PIN_REQUIRED)) {
		w->error = TSR_OK;
		worker_error(w, v);
		return 1;
	}
	worker_error(w, v);
	return w->broken;
}

/* Narrow the keys down to the one that is named.  For an assertion that is one which
 * a look has found: it is not looked for again. */
static int
worker_places(struct worker *w)
{
	size_t i;
	int r;

	if (w->q.type == PROTO_FIDO_ASSERT && w->q.device[0] != '\0')
		key_named(w->q.device, &w->places);
	else if ((r = key_find(&w->places)) != TSR_OK)
		return r;
	for (i = 0; i < w->places.n; i++)
		if (w->q.device[0] == '\0' || strcmp(w->q.device, w->places.v[i].device) == 0)
			w->place[w->n++] = &w->places.v[i];
	if (w->n > 0 || w->q.type == PROTO_FIDO_LIST || w->q.type == PROTO_FIDO_LOOK)
		return TSR_OK;
	return fault_set(&w->fault, TSR_DEVICE_NOT_FOUND, "%s", w->q.device[0] == '\0' ?
	    "no FIDO2 key is plugged in" : "the key was unplugged");
}

static int
worker_race(struct worker *w, int (*said)(void *, const struct key_place *, uint16_t,
    const struct proto_value *, size_t))
{
	struct race race = { .q = &w->q, .quit = w->fd, .said = said, .arg = w };

	w->error = TSR_OK;
	fault_clear(&w->fault);
	w->q.several = w->n > 1;
	return race_run(&race, w->place, w->n);
}

/* Which of several keys hold one of the credentials: the others stay dark. */
static int
worker_narrow(struct worker *w)
{
	struct request look = w->q;
	struct race race = { .q = &look, .quit = w->fd, .said = on_look, .arg = w };
	int r;

	if (w->q.type != PROTO_FIDO_ASSERT || w->n < 2)
		return TSR_OK;
	look.type = PROTO_FIDO_LOOK;
	if (look.end > key_now() + LOOK_MS)
		look.end = key_now() + LOOK_MS;
	if ((r = race_run(&race, w->place, w->n)) != TSR_OK && r != TSR_TIMEOUT)
		return r;
	if (w->holders == 0)
		return w->error != TSR_OK ? w->error : TSR_DEVICE_FAILED;
	memcpy(w->place, w->holder, w->holders * sizeof(w->place[0]));
	w->n = w->holders;
	return TSR_OK;
}

static int
worker_touch(struct worker *w)
{
	int r;

	if ((r = worker_narrow(w)) != TSR_OK)
		return r;
	if (w->n > 1 && (request_has_pin(&w->q) || w->q.type == PROTO_FIDO_PIN))
		return fault_set(&w->fault, TSR_CONFLICT,
		    "several keys come into question: a PIN needs to be told which");
	if ((r = worker_race(w, on_touch)) == TSR_TIMEOUT)
		return fault_set(&w->fault, TSR_TIMEOUT, "nobody touched the key in time");
	if (r != TSR_OK || w->answered)
		return r;
	return w->error != TSR_OK ? w->error : TSR_DEVICE_FAILED;
}

static int
worker_do(struct worker *w)
{
	int r;

	if ((r = worker_places(w)) != TSR_OK)
		return r;
	if (w->q.type != PROTO_FIDO_LIST && w->q.type != PROTO_FIDO_LOOK)
		return worker_touch(w);
	r = worker_race(w, w->q.type == PROTO_FIDO_LIST ? on_list : on_look);
	if (r == TSR_CLOSED)
		return r;
	if (w->q.type == PROTO_FIDO_LOOK && w->holders == 0 && w->error != TSR_OK &&
	    w->error != TSR_NOT_FOUND)
		return w->error;
	return worker_say(w, PROTO_DONE, NULL, 0);
}

static int
worker_open(struct worker *w, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t n;

	w->id = f->id;
	if (f->type != PROTO_OPEN || proto_decode(f, PROTO_FROM_AGENT, v, &n) != TSR_OK)
		return TSR_INVALID;
	if (v[0].n == strlen(WORKER_MODULE) && memcmp(v[0].p, WORKER_MODULE, v[0].n) == 0)
		return worker_say(w, PROTO_DONE, NULL, 0);
	(void)fault_set(&w->fault, TSR_NOT_FOUND, "this helper is for FIDO2 keys");
	return worker_say_error(w, TSR_NOT_FOUND, &w->fault);
}

static int
worker_request(struct worker *w, const struct frame *f, int again)
{
	int r;

	w->id = f->id;
	fault_clear(&w->fault);
	if (again)
		r = fault_set(&w->fault, TSR_INVALID, "one request a connection");
	else if ((r = request_read(&w->q, f)) == TSR_OK)
		r = worker_do(w);
	request_free(&w->q);
	if (r == TSR_OK || r == TSR_CLOSED)
		return w->broken ? TSR_CLOSED : r;
	return worker_say_error(w, r, &w->fault);
}

/* Until there is something to read, be it the end. */
static int
worker_await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, -1) == -1)
		if (errno != EINTR)
			return TSR_SYSTEM;
	return TSR_OK;
}

int
worker_serve(int fd, int (*enter)(void *arg), void *arg)
{
	static struct worker w;		/* one a process; too large for the stack */
	struct frame f;
	struct buf in;
	int r, again;

	memset(&w, 0, sizeof(w));
	w.fd = fd;
	fault_clear(&w.fault);
	buf_init(&in, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = frame_recv(fd, &in, &f)) == TSR_OK)
		r = worker_open(&w, &f);
	if (r == TSR_OK && (r = worker_await(fd)) == TSR_OK)
		r = enter(arg);
	for (again = 0; r == TSR_OK; again = 1)
		if ((r = frame_recv(fd, &in, &f)) == TSR_OK) {
			r = worker_request(&w, &f, again);
			buf_reset(&in);		/* the PIN came in it */
		}
	buf_free(&in);
	return r == TSR_CLOSED ? TSR_OK : r;
}
