/*
 * watch.c - what is plugged in and pulled out.  See watch.h.
 *
 * udev's word is only why we look: what counts is the list of keys then.  So a
 * message that was lost, or one from somebody who is not udev, changes nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/watch.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fido.h>
#include <libudev.h>

#include "base/frame.h"
#include "fido/ask.h"
#include "fido/key.h"
#include "tessera.h"

#define WATCH_RETRY_MS	2000	/* where there is no udev */
#define WATCH_LOOK_MS	30000	/* without any word of it */
#define WATCH_CONTROL	"/run/udev/control"	/* libudev is silent where it is absent */

struct watch {
	int fd;
	uint32_t id;
	struct udev *udev;
	struct udev_monitor *monitor;
	int told;			/* -1 nothing yet; 0, 1: what PROTO_SERVICE said last */
	struct key_places now, before;
};

static int
watch_say(struct watch *w, enum proto_type type, const struct proto_value *v, size_t n)
{
	struct buf b;
	int r;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = proto_encode(&b, (uint16_t)type, w->id, 0, v, n)) == TSR_OK)
		r = frame_flush(w->fd, &b);
	buf_free(&b);
	return r;
}

static int
watch_service(struct watch *w, int available, const char *detail)
{
	struct proto_value v[] = { { .u32 = (uint32_t)available }, proto_text(detail) };

	if (w->told == available)
		return TSR_OK;
	w->told = available;
	w->before.n = 0;
	return watch_say(w, PROTO_SERVICE, v, 2);
}

static int
watch_has(const struct key_places *list, const char *device)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->v[i].device, device) == 0)
			return 1;
	return 0;
}

/* Tell what is other than before. */
static int
watch_look(struct watch *w)
{
	const struct key_place *p;
	struct proto_value v[3];
	size_t i;
	int r = TSR_OK;

	if ((r = key_find(&w->now)) != TSR_OK)
		return r;
	for (i = 0; i < w->before.n && r == TSR_OK; i++) {
		p = &w->before.v[i];
		v[0] = proto_text(p->device);
		if (!watch_has(&w->now, p->device))
			r = watch_say(w, PROTO_FIDO_UNPLUGGED, v, 1);
	}
	for (i = 0; i < w->now.n && r == TSR_OK; i++) {
		p = &w->now.v[i];
		v[0] = proto_text(p->device);
		v[1] = proto_text(p->manufacturer);
		v[2] = proto_text(p->product);
		if (!watch_has(&w->before, p->device))
			r = watch_say(w, PROTO_FIDO_PLUGGED, v, 3);
	}
	w->before = w->now;
	return r;
}

static void
watch_close(struct watch *w)
{
	if (w->monitor != NULL)
		udev_monitor_unref(w->monitor);
	if (w->udev != NULL)
		udev_unref(w->udev);
	w->monitor = NULL;
	w->udev = NULL;
}

/* Listen to udev, then look: nothing is missed in between. */
static int
watch_open(struct watch *w)
{
	int r;

	if (access(WATCH_CONTROL, F_OK) == -1)
		return watch_service(w, 0, "udev does not run: " WATCH_CONTROL " is absent");
	if ((w->udev = udev_new()) == NULL ||
	    (w->monitor = udev_monitor_new_from_netlink(w->udev, "udev")) == NULL ||
	    udev_monitor_filter_add_match_subsystem_devtype(w->monitor, "hidraw", NULL) < 0 ||
	    udev_monitor_enable_receiving(w->monitor) < 0) {
		watch_close(w);
		return watch_service(w, 0, "udev cannot be heard");
	}
	if ((r = watch_service(w, 1, "")) != TSR_OK || (r = watch_look(w)) != TSR_OK)
		return r;
	return watch_say(w, PROTO_DONE, NULL, 0);
}

/* Take all that udev said; nothing in it counts. */
static void
watch_drain(struct watch *w)
{
	struct udev_device *d;

	while ((d = udev_monitor_receive_device(w->monitor)) != NULL)
		udev_device_unref(d);
}

static int
watch_loop(struct watch *w)
{
	struct pollfd p[2];
	int n, r = TSR_OK;

	while (r == TSR_OK) {
		if (w->monitor == NULL && (r = watch_open(w)) != TSR_OK)
			return r;
		p[0] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (w->monitor != NULL)
			p[1].fd = udev_monitor_get_fd(w->monitor);
		n = poll(p, 2, w->monitor != NULL ? WATCH_LOOK_MS : WATCH_RETRY_MS);
		if (n == -1 && errno != EINTR)
			return TSR_SYSTEM;
		if (n == -1)
			continue;
		if (p[0].revents != 0)	/* the agent has nothing more to say */
			return recv(w->fd, &n, 1, MSG_DONTWAIT) > 0 ? TSR_INVALID : TSR_CLOSED;
		if (w->monitor == NULL)
			continue;
		if (p[1].revents & POLLIN)
			watch_drain(w);
		if ((p[1].revents & ~POLLIN) != 0 || access(WATCH_CONTROL, F_OK) == -1)
			watch_close(w);	/* watch_open says so */
		else
			r = watch_look(w);
	}
	return r;
}

int
watch_serve(int fd)
{
	static struct watch w;		/* one a process; too large for the stack */
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	struct buf in;
	size_t n;
	int r;

	memset(&w, 0, sizeof(w));
	w.fd = fd;
	w.told = -1;
	fido_init(FIDO_DISABLE_U2F_FALLBACK);
	buf_init(&in, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = frame_recv(fd, &in, &f)) == TSR_OK) {
		w.id = f.id;
		r = f.type == PROTO_WATCH && proto_decode(&f, PROTO_FROM_AGENT, v, &n) == TSR_OK ?
		    watch_loop(&w) : TSR_INVALID;
	}
	watch_close(&w);
	buf_free(&in);
	return r == TSR_CLOSED ? TSR_OK : r;
}
