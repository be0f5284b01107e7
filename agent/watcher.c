/*
 * watcher.c - see watcher.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/watcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "base/buf.h"
#include "base/escape.h"
#include "include/tessera.h"

#define WATCHER_READ_MAX	(FRAME_HEAD + FRAME_BODY_MAX)	/* bytes held unread */
#define WATCHER_REQUEST		1	/* the id of its one request */

struct watcher {
	struct loop_watch watch;	/* first: the loop hands us this */
	struct loop *loop;
	struct helpers_options options;
	struct watcher_client client;
	enum watcher_state state;
	struct buf in;
	struct timer timer;		/* its first word, or its next start */
	unsigned deaths;		/* in a row */
	char detail[160];
};

static void watcher_ready(struct loop_watch *lw, uint32_t events);

int
watcher_new(struct loop *l, const struct helpers_options *o, const struct watcher_client *c,
    struct watcher **out)
{
	struct watcher *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return TSR_NOMEM;
	w->watch.fd = -1;
	w->watch.ready = watcher_ready;
	w->loop = l;
	w->options = *o;
	w->client = *c;
	w->state = WATCHER_OFF;
	buf_init(&w->in, WATCHER_READ_MAX);
	*out = w;
	return TSR_OK;
}

static void
watcher_hang_up(struct watcher *w)
{
	timer_disarm(loop_timers(w->loop), &w->timer);
	if (w->watch.fd != -1) {
		loop_del(w->loop, &w->watch);
		(void)close(w->watch.fd);
	}
	w->watch.fd = -1;
	buf_reset(&w->in);
}

void
watcher_free(struct watcher **w)
{
	if (*w == NULL)
		return;
	watcher_hang_up(*w);
	buf_free(&(*w)->in);
	free(*w);
	*w = NULL;
}

/* --- its life --- */

static void
watcher_begin(void *arg)
{
	watcher_start(arg);
}

/* It ended, or is ended because of what it said. */
static void
watcher_ended(struct watcher *w)
{
	uint64_t wait = WATCHER_TRY_MS;
	int told = w->state == WATCHER_WATCHING || w->state == WATCHER_UNAVAILABLE;
	unsigned i;

	watcher_hang_up(w);
	metrics.helper_deaths++;
	for (i = 0; i < w->deaths && wait < WATCHER_TRY_MAX_MS; i++)
		wait *= 2;
	if (wait > WATCHER_TRY_MAX_MS)
		wait = WATCHER_TRY_MAX_MS;
	w->state = ++w->deaths >= HELPER_DEATHS ? WATCHER_RESTING : WATCHER_STARTING;
	if (w->state == WATCHER_RESTING)
		wait = HELPER_REST_MS;
	(void)timer_arm(loop_timers(w->loop), &w->timer, clock_boot_ms() + wait, watcher_begin, w);
	if (told)
		w->client.service(w->client.arg, 0);
}

static void
watcher_silent(void *arg)
{
	watcher_ended(arg);
}

static int
watcher_ask(struct watcher *w)
{
	struct buf b;
	int r;

	buf_init(&b, FRAME_HEAD);
	if ((r = proto_encode(&b, PROTO_WATCH, WATCHER_REQUEST, 0, NULL, 0)) == TSR_OK &&
	    send(w->watch.fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)b.len)
		r = TSR_CLOSED;
	buf_free(&b);
	return r;
}

void
watcher_start(struct watcher *w)
{
	watcher_hang_up(w);
	w->state = WATCHER_STARTING;
	if (helper_process(&w->options, &w->watch.fd) != TSR_OK) {
		w->watch.fd = -1;
		watcher_ended(w);
		return;
	}
	if (loop_add(w->loop, &w->watch, EPOLLIN) != TSR_OK) {
		(void)close(w->watch.fd);
		w->watch.fd = -1;
		watcher_ended(w);
		return;
	}
	metrics.helpers_started++;
	if (watcher_ask(w) != TSR_OK || timer_arm(loop_timers(w->loop), &w->timer,
	    clock_boot_ms() + WATCHER_FIRST_MS, watcher_silent, w) != TSR_OK)
		watcher_ended(w);
}

void
watcher_renew(struct watcher *w)
{
	int told = w->state == WATCHER_WATCHING || w->state == WATCHER_UNAVAILABLE;

	if (w->state == WATCHER_OFF)
		return;
	w->deaths = 0;
	w->state = WATCHER_STARTING;
	if (told)
		w->client.service(w->client.arg, 0);
	watcher_start(w);
}

/* --- what it says --- */

static int
watcher_service(struct watcher *w, const struct proto_value *v)
{
	int available = (int)v[0].u32;

	timer_disarm(loop_timers(w->loop), &w->timer);
	escape_cut(w->detail, sizeof(w->detail), v[1].p, v[1].n);
	w->state = available ? WATCHER_WATCHING : WATCHER_UNAVAILABLE;
	w->client.service(w->client.arg, available);
	return TSR_OK;
}

/* What is told of something has its name, and comes after the service. */
static int
watcher_named(const struct watcher *w, const struct proto_value *v)
{
	if (w->state != WATCHER_WATCHING || v[0].n == 0)
		return TSR_INVALID;
	return TSR_OK;
}

static int
watcher_reader(struct watcher *w, const struct proto_value *v)
{
	struct watcher_reader r;

	if (watcher_named(w, v) != TSR_OK)
		return TSR_INVALID;
	memset(&r, 0, sizeof(r));
	escape_cut(r.name, sizeof(r.name), v[0].p, v[0].n);
	escape_cut(r.slot, sizeof(r.slot), v[1].p, v[1].n);
	r.state = v[2].u32;
	r.count = v[3].u32;
	w->client.reader(w->client.arg, &r);
	return TSR_OK;
}

static int
watcher_plugged(struct watcher *w, const struct proto_value *v)
{
	struct watcher_key k;

	if (watcher_named(w, v) != TSR_OK)
		return TSR_INVALID;
	memset(&k, 0, sizeof(k));
	escape_cut(k.device, sizeof(k.device), v[0].p, v[0].n);
	escape_cut(k.manufacturer, sizeof(k.manufacturer), v[1].p, v[1].n);
	escape_cut(k.product, sizeof(k.product), v[2].p, v[2].n);
	w->client.plugged(w->client.arg, &k);
	return TSR_OK;
}

static int
watcher_unplugged(struct watcher *w, const struct proto_value *v)
{
	char device[WATCHER_DEVICE_LEN];

	if (watcher_named(w, v) != TSR_OK)
		return TSR_INVALID;
	escape_cut(device, sizeof(device), v[0].p, v[0].n);
	w->client.unplugged(w->client.arg, device);
	return TSR_OK;
}

/* TSR_OK, or it has to go. */
static int
watcher_frame(struct watcher *w, const struct frame *f)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	size_t n;

	if (proto_decode(f, PROTO_FROM_HELPER, v, &n) != TSR_OK || f->id != WATCHER_REQUEST)
		return TSR_INVALID;
	switch (f->type) {
	case PROTO_SERVICE:
		return watcher_service(w, v);
	case PROTO_READER:
		return w->client.reader != NULL ? watcher_reader(w, v) : TSR_INVALID;
	case PROTO_FIDO_PLUGGED:
		return w->client.plugged != NULL ? watcher_plugged(w, v) : TSR_INVALID;
	case PROTO_FIDO_UNPLUGGED:
		return w->client.plugged != NULL ? watcher_unplugged(w, v) : TSR_INVALID;
	case PROTO_DONE:
		if (w->state != WATCHER_WATCHING)
			return TSR_INVALID;
		w->deaths = 0;		/* it does what it is for */
		w->client.ready(w->client.arg);
		return TSR_OK;
	default:
		return TSR_INVALID;
	}
}

/* All whole frames that are there. */
static int
watcher_frames(struct watcher *w)
{
	struct frame f;
	size_t used, need;
	int r;

	while ((r = frame_decode(w->in.data, w->in.len, &f, &used, &need)) == TSR_OK) {
		if ((r = watcher_frame(w, &f)) != TSR_OK)
			return r;
		buf_consume(&w->in, used);
	}
	return r == TSR_AGAIN ? TSR_OK : r;
}

static void
watcher_ready(struct loop_watch *lw, uint32_t events)
{
	struct watcher *w = (struct watcher *)lw;
	ssize_t n;

	(void)events;
	/* One read at a time: whoever talks without end keeps nobody else waiting. */
	if (buf_reserve(&w->in, 4096) != TSR_OK && w->in.cap == w->in.len) {
		watcher_ended(w);
		return;
	}
	n = recv(w->watch.fd, w->in.data + w->in.len, w->in.cap - w->in.len, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_added(&w->in, (size_t)n);
	if (n <= 0 || watcher_frames(w) != TSR_OK)
		watcher_ended(w);
}

enum watcher_state
watcher_state(const struct watcher *w)
{
	return w->state;
}

const char *
watcher_state_name(const struct watcher *w, const char **detail)
{
	*detail = w->state == WATCHER_UNAVAILABLE ? w->detail : "";
	switch (w->state) {
	case WATCHER_STARTING:
		return "starting";
	case WATCHER_UNAVAILABLE:
		return "unavailable";
	case WATCHER_WATCHING:
		return "watching";
	case WATCHER_RESTING:
		return "resting";
	case WATCHER_OFF:
		break;
	}
	return "off";
}
