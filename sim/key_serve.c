/*
 * key_serve.c - a virtual key on its sockets.  See key_serve.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_serve.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sim/key_twist.h"
#include "tessera.h"

#define BACKLOG		16

static int64_t
key_serve_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
key_serve_log(struct key_serve *s, const char *fmt, ...)
{
	char *line = s->log[s->logged++ % KEY_LOG_LINES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, KEY_LOG_WIDTH, fmt, ap);
	va_end(ap);
	if (s->verbose)
		(void)fprintf(stderr, "tessera-sim key: %s\n", line);
}

void
key_serve_event(struct key_serve *s, enum key_event e)
{
	struct key_wait *w;
	size_t i;

	s->count[e]++;
	key_serve_log(s, "%s", key_event_name(e));
	for (i = 0; i < KEY_WAITS_MAX; i++) {
		w = &s->wait[i];
		if (w->ticket != 0 && w->event == e && s->count[e] >= w->count) {
			control_answer(s->control, w->ticket, TSR_OK, NULL);
			w->ticket = 0;
		}
	}
}

static enum key_event
key_serve_command(uint8_t command)
{
	switch (command) {
	case CTAP_MAKE_CREDENTIAL:
		return KEY_MAKE_CREDENTIAL;
	case CTAP_GET_ASSERTION:
		return KEY_GET_ASSERTION;
	case CTAP_GET_INFO:
		return KEY_GET_INFO;
	case CTAP_CLIENT_PIN:
		return KEY_CLIENT_PIN;
	case CTAP_RESET:
		return KEY_RESET;
	case CTAP_GET_NEXT_ASSERTION:
		return KEY_GET_NEXT_ASSERTION;
	case CTAP_CREDENTIAL_MANAGEMENT:
	case CTAP_CREDENTIAL_MANAGEMENT_PREVIEW:
		return KEY_CREDENTIAL_MANAGEMENT;
	case CTAP_SELECTION:
		return KEY_SELECTION;
	default:
		return KEY_OTHER;
	}
}

/* The request at hand is answered: with what the armed fault makes of it. */
static void
key_serve_finish(struct key_serve *s, int status, const struct cbor_out *out)
{
	enum key_fault_kind armed = s->key.fault.kind;
	struct buf reply;
	bool stop;

	s->waiting = false;
	buf_init(&reply, CTAP_MESSAGE);
	if (buf_put_u8(&reply, (uint8_t)status) != TSR_OK ||
	    (status == CTAP_OK && out != NULL &&
	    buf_put(&reply, out->buf.data, out->buf.len) != TSR_OK) ||
	    key_twist_cbor(&s->key.fault, &reply) != TSR_OK) {
		key_serve_log(s, "out of memory");
		buf_reset(&reply);
	}
	key_twist_frame(&s->key.fault, reply.len, &s->hid.twist);
	if (s->key.fault.kind != armed)
		key_serve_log(s, "fault %s", key_fault_name(armed));
	key_serve_log(s, "status 0x%02x, %zu bytes", (unsigned)status, reply.len);
	stop = s->hid.twist.stop;
	ctaphid_reply(&s->hid, reply.data, reply.len);
	if (stop)
		s->pulled = true;
	key_serve_event(s, KEY_REPLY);
	buf_free(&reply);
}

/* Carry out the request at hand, again once the touch has come. */
static void
key_serve_run(struct key_serve *s)
{
	enum key_fault_kind armed = s->key.fault.kind;
	struct cbor_out out;
	int status;

	cbor_out_init(&out, CTAP_MESSAGE - 1);
	status = key_request(&s->key, s->hid.data, s->hid.len, &out);
	if (armed != s->key.fault.kind)
		key_serve_log(s, "fault %s", key_fault_name(armed));
	if (status != CTAP_WAIT) {
		key_serve_finish(s, status, &out);
	} else {
		s->waiting = true;
		s->since = s->next_alive = s->key.now;
		key_serve_event(s, KEY_TOUCH_WANTED);
	}
	cbor_out_free(&out);
}

void
key_serve_touch(struct key_serve *s)
{
	if (!s->waiting) {
		s->armed = true;
		return;
	}
	s->armed = false;
	s->waiting = false;
	s->key.touched = true;
	key_serve_log(s, "touched");
	key_serve_run(s);
}

/* What is due by now while a touch is waited for.  How many ms until the next
 * of it, or -1. */
static int
key_serve_tick(struct key_serve *s)
{
	const struct key_settings *set = &s->key.set;
	int64_t now = s->key.now, next;
	bool touches;

	if (!s->waiting)
		return -1;
	touches = set->touch == TOUCH_AUTO || set->touch == TOUCH_DENY;
	if (set->touch != TOUCH_NEVER && (s->armed ||
	    (touches && now - s->since >= set->touch_delay))) {
		key_serve_touch(s);
		return s->waiting ? 0 : -1;
	}
	if (now - s->since >= set->timeout) {
		key_serve_finish(s, CTAP_USER_ACTION_TIMEOUT, NULL);
		return -1;
	}
	if (now >= s->next_alive) {
		s->next_alive = now + set->keepalive;
		ctaphid_keepalive(&s->hid, CTAPHID_UP_NEEDED);
		if (key_fault_fires(&s->key.fault, FAULT_UNPLUG_WAITING)) {
			key_serve_log(s, "fault unplug-waiting");
			s->pulled = true;
		}
	}
	next = s->next_alive;
	if (s->since + set->timeout < next)
		next = s->since + set->timeout;
	if (touches && s->since + set->touch_delay < next)
		next = s->since + set->touch_delay;
	return next > now ? (int)(next - now) : 0;
}

/* --- what the framing calls --- */

static void
key_serve_report(void *arg, const uint8_t *p, size_t n)
{
	struct key_serve *s = arg;
	size_t i;

	for (i = 0; i < KEY_HOSTS_MAX && !s->pulled; i++)
		if (s->host[i] != -1 && send(s->host[i], p, n, MSG_NOSIGNAL | MSG_DONTWAIT) == -1)
			key_serve_log(s, "a report is lost: %s", strerror(errno));
}

static void
key_serve_message(void *arg, uint8_t command)
{
	struct key_serve *s = arg;

	key_fault_message(&s->key.fault);
	if (command == CTAPHID_INIT)
		key_serve_event(s, KEY_INIT);
	if (key_fault_fires(&s->key.fault, FAULT_UNPLUG)) {
		key_serve_log(s, "fault unplug");
		s->pulled = true;
	}
}

static void
key_serve_request(void *arg, const uint8_t *p, size_t n)
{
	struct key_serve *s = arg;

	(void)n;
	if (s->pulled)
		return;
	s->command = key_serve_command(p[0]);
	key_serve_event(s, s->command);
	s->key.touched = false;
	key_serve_run(s);
	(void)key_serve_tick(s);		/* a touch that is there counts at once */
}

static void
key_serve_cancel(void *arg, bool abandoned)
{
	struct key_serve *s = arg;

	if (s->pulled)
		return;
	if (abandoned)
		s->waiting = false;
	else
		key_serve_finish(s, CTAP_KEEPALIVE_CANCEL, NULL);
	key_serve_event(s, KEY_CANCEL);
}

static bool
key_serve_bad_nonce(void *arg)
{
	struct key_serve *s = arg;

	return key_fault_fires(&s->key.fault, FAULT_BAD_NONCE);
}

static const struct ctaphid_ops key_serve_ops = {
	.report = key_serve_report,
	.message = key_serve_message,
	.request = key_serve_request,
	.cancel = key_serve_cancel,
	.bad_nonce = key_serve_bad_nonce,
};

/* --- sockets --- */

void
key_serve_unplug(struct key_serve *s)
{
	size_t i;

	s->pulled = false;
	if (s->listener == -1)
		return;
	(void)unlink(s->path);
	(void)close(s->listener);
	s->listener = -1;
	for (i = 0; i < KEY_HOSTS_MAX; i++) {
		if (s->host[i] != -1)
			(void)close(s->host[i]);
		s->host[i] = -1;
	}
	s->waiting = s->armed = false;
	ctaphid_power_up(&s->hid);
	key_serve_log(s, "unplugged");
}

static int
key_serve_listen(const struct sockaddr_un *sun, int *out)
{
	int fd, r = TSR_SYSTEM;

	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return TSR_SYSTEM;
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 || errno == EAGAIN) {
		r = TSR_CONFLICT;
		goto out;
	}
	if ((errno == ECONNREFUSED && unlink(sun->sun_path) == -1) || fchmod(fd, 0600) == -1 ||
	    bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 || listen(fd, BACKLOG) == -1)
		goto out;
	*out = fd;
	fd = -1;
	r = TSR_OK;
 out:
	if (fd != -1)
		(void)close(fd);
	return r;
}

int
key_serve_plug(struct key_serve *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int r;

	if (s->listener != -1)
		return TSR_OK;
	if (strlen(s->path) >= sizeof(sun.sun_path))
		return TSR_TOO_LARGE;
	memcpy(sun.sun_path, s->path, strlen(s->path) + 1);
	if ((r = key_power_up(&s->key)) != TSR_OK ||
	    (r = key_serve_listen(&sun, &s->listener)) != TSR_OK)
		return r;
	key_serve_log(s, "plugged in");
	return TSR_OK;
}

static void
key_serve_accept(struct key_serve *s)
{
	size_t i;
	int fd;

	if ((fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) == -1)
		return;
	for (i = 0; i < KEY_HOSTS_MAX; i++) {
		if (s->host[i] == -1) {
			s->host[i] = fd;
			key_serve_event(s, KEY_CONNECTED);
			return;
		}
	}
	(void)close(fd);
}

static void
key_serve_read(struct key_serve *s, size_t i)
{
	uint8_t report[CTAP_REPORT + 1];
	ssize_t n;

	n = recv(s->host[i], report, sizeof(report), MSG_DONTWAIT);
	if (n == CTAP_REPORT)
		ctaphid_report(&s->hid, report, s->key.now);
	else if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR)) {
		(void)close(s->host[i]);
		s->host[i] = -1;
	}
}

/* Wait for something and do it.  False when it is time to end. */
static bool
key_serve_turn(struct key_serve *s, int signals)
{
	struct pollfd p[2 + KEY_HOSTS_MAX + CONTROL_POLL_MAX];
	size_t i, n;
	int a, b;

	s->key.now = key_serve_now();
	a = key_serve_tick(s);
	b = ctaphid_tick(&s->hid, s->key.now);
	if (s->pulled)
		key_serve_unplug(s);
	p[0] = (struct pollfd){ .fd = signals, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->listener, .events = POLLIN };
	for (i = 0; i < KEY_HOSTS_MAX; i++)
		p[2 + i] = (struct pollfd){ .fd = s->host[i], .events = POLLIN };
	n = control_poll(s->control, p + 2 + KEY_HOSTS_MAX);
	if (poll(p, 2 + KEY_HOSTS_MAX + (nfds_t)n, a < 0 || (b >= 0 && b < a) ? b : a) == -1)
		return errno == EINTR;
	s->key.now = key_serve_now();
	for (i = 0; i < KEY_HOSTS_MAX && !s->pulled; i++)
		if (p[2 + i].revents != 0 && s->host[i] == p[2 + i].fd)
			key_serve_read(s, i);
	if (s->pulled)
		key_serve_unplug(s);
	if (s->listener != -1 && s->listener == p[1].fd && p[1].revents != 0)
		key_serve_accept(s);
	control_serve(s->control, p + 2 + KEY_HOSTS_MAX, n);
	return p[0].revents == 0 && !s->quit;
}

int
key_serve(struct key_serve *s, const char *path, const char *control)
{
	sigset_t set;
	size_t i;
	int signals, r;

	s->path = path;
	s->listener = -1;
	for (i = 0; i < KEY_HOSTS_MAX; i++)
		s->host[i] = -1;
	s->key.now = key_serve_now();
	ctaphid_init(&s->hid, &key_serve_ops, s);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (signals = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return TSR_SYSTEM;
	/* the control socket first: who sees the key's own can steer it */
	if ((r = control_open(control, key_control, s, &s->control)) != TSR_OK ||
	    (r = key_serve_plug(s)) != TSR_OK)
		goto out;
	while (key_serve_turn(s, signals))
		;
 out:
	i = (size_t)errno;
	key_serve_unplug(s);
	control_close(&s->control);
	(void)close(signals);
	errno = (int)i;
	return r;
}
