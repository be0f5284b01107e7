/*
 * door.c - see door.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/door.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "tessera.h"

#define ACCEPT_MAX	64	/* connections accepted a round, so that requests get their turn */
#define ACCEPT_REST_MS	100	/* without accepting when descriptors or memory are out */

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD	76	/* Linux 6.5 */
#endif

/* The uid's record, made where there is none; NULL when memory is out. */
static struct door_uid *
door_uid(struct door *d, uid_t uid)
{
	struct link *l;
	struct door_uid *u;

	for (l = d->uids.next; l != &d->uids; l = l->next)
		if ((u = LINK_OF(l, struct door_uid, link))->uid == uid)
			return u;
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return NULL;
	u->uid = uid;
	link_init(&u->link);
	link_init(&u->guests);
	link_append(&d->uids, &u->link);
	return u;
}

static void
door_uid_done(struct door_uid *u)
{
	if (u->n > 0)
		return;
	link_remove(&u->link);
	free(u);
}

void
door_enter(struct door *d, struct door_guest *g, struct door_uid *u)
{
	link_init(&g->leaving);
	g->uid = u;
	link_append(&u->guests, &g->of_uid);
	u->n++;
	d->n++;
}

void
door_rest(struct door_guest *g)
{
	link_remove(&g->of_uid);
	link_append(&g->uid->guests, &g->of_uid);
}

void
door_leave(struct door *d, struct door_guest *g)
{
	link_remove(&g->of_uid);
	link_remove(&g->leaving);
	g->uid->n--;
	d->n--;
	door_uid_done(g->uid);
}

/* The connection that a uid can spare best: its oldest idle one, else its
 * oldest that has not sent a request, else the oldest. */
static struct door_guest *
door_spare(struct door_uid *u)
{
	struct door_guest *g, *best = NULL;
	enum door_use use, found = DOOR_BUSY;
	struct link *l;

	for (l = u->guests.next; l != &u->guests; l = l->next) {
		g = LINK_OF(l, struct door_guest, of_uid);
		if ((use = g->use(g)) > found) {
			best = g;
			found = use;
		}
	}
	return best;
}

/* Close one connection of whoever has the most, where that is more than the
 * newcomer would have. */
static int
door_make_room(struct door *d, uint32_t newcomer_has)
{
	struct door_uid *u, *most = NULL;
	struct door_guest *g;
	struct link *l;

	for (l = d->uids.next; l != &d->uids; l = l->next) {
		u = LINK_OF(l, struct door_uid, link);
		if (most == NULL || u->n > most->n)
			most = u;
	}
	if (most == NULL || most->n <= newcomer_has + 1 || (g = door_spare(most)) == NULL)
		return TSR_UNAVAILABLE;
	g->close(g);
	return TSR_OK;
}

static int
door_refused(const struct door *d, uid_t uid)
{
	size_t i;

	for (i = 0; i < d->limits.n_refuse; i++)
		if (d->limits.refuse[i] == uid)
			return 1;
	return 0;
}

/* To a connection that will not be one. */
static void
door_turn_away(struct door *d, const struct door_host *host, int fd)
{
	if (host->full == NULL)
		return;
	/* What the client has sent already is taken, or close would reset it. */
	if (recv(fd, d->scratch, sizeof(d->scratch), MSG_DONTWAIT) > 0)
		sodium_memzero(d->scratch, sizeof(d->scratch));
	(void)send(fd, host->full, strlen(host->full), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
door_refusal(struct door *d, uid_t uid, const char *code)
{
	if (d->refused != NULL)
		d->refused(d->refused_arg, uid, code);
}

static void
door_accept_again(void *arg)
{
	struct door *d = arg;
	size_t i;

	/* A listener left behind would be one for ever. */
	for (i = 0; i < d->n_listeners; i++)
		if (loop_mod(d->loop, &d->listener[i].watch, EPOLLIN) != TSR_OK) {
			(void)timer_arm(loop_timers(d->loop), &d->pause, clock_boot_ms() + ACCEPT_REST_MS,
			    door_accept_again, d);
			return;
		}
	d->paused = 0;
}

/* Out of descriptors or memory: the listeners stay ready, so look away for a
 * moment, and let the largest user pay. */
static void
door_pause(struct door *d)
{
	size_t i;

	if (timer_arm(loop_timers(d->loop), &d->pause, clock_boot_ms() + ACCEPT_REST_MS,
	    door_accept_again, d) != TSR_OK)
		return;
	d->paused = 1;
	for (i = 0; i < d->n_listeners; i++)
		(void)loop_mod(d->loop, &d->listener[i].watch, 0);
	(void)door_make_room(d, 0);
}

/* Nothing more of that uid's. */
static int
door_full(struct door_listener *at, int fd, const struct door_uid *u)
{
	struct door *d = at->door;

	if (u->n < d->limits.connections_per_uid &&
	    (d->n < d->limits.connections || door_make_room(d, u->n) == TSR_OK))
		return 0;
	door_refusal(d, u->uid, "too_many_connections");
	metrics.refused[METRICS_REFUSED_FULL]++;
	door_turn_away(d, at->host, fd);
	return 1;
}

static int
door_guest(struct door_listener *at, int fd, const struct caller *c, struct door_uid *u)
{
	return at->host->admit(at->host->arg, at->kind, fd, c, u);
}

/* What a user starts that runs as root is counted as his: else he could take all
 * connections that root has. */
static int
door_guest_root(struct door_listener *at, int fd, const struct caller *c, struct door_uid *root)
{
	struct door_uid *u;
	uid_t uid;
	int r;

	if (caller_user_slice(c, &uid) != TSR_OK || uid == root->uid)
		return door_guest(at, fd, c, root);
	if ((u = door_uid(at->door, uid)) == NULL)
		return TSR_NOMEM;
	r = door_full(at, fd, u) ? TSR_UNAVAILABLE : door_guest(at, fd, c, u);
	door_uid_done(u);
	return r;
}

/* The limits, then the caller; TSR_OK: fd belongs to a connection now. */
static int
door_admit_uid(struct door_listener *at, int fd, struct door_uid *u)
{
	struct door *d = at->door;
	struct caller caller;
	int on = 1, r;

	if (door_full(at, fd, u))
		return TSR_UNAVAILABLE;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0)
		return TSR_SYSTEM;
	if ((r = caller_read(fd, d->limits.use_pidfd, &caller)) != TSR_OK) {
		metrics.refused[r == TSR_SYSTEM || r == TSR_NOMEM ? METRICS_REFUSED_RESOURCES :
		    METRICS_REFUSED_CALLER]++;
		if (r == TSR_SYSTEM || r == TSR_NOMEM) {
			door_turn_away(d, at->host, fd);
			door_pause(d);
		}
		return r;
	}
	if (caller.uid != u->uid)
		r = TSR_DENIED;
	else
		r = caller.uid == 0 ? door_guest_root(at, fd, &caller, u) : door_guest(at, fd, &caller, u);
	if (r != TSR_OK)
		caller_clear(&caller);
	return r;
}

/* Uids for which there is none. */
static int
door_turned(struct door *d, uid_t uid)
{
	if (!door_refused(d, uid))
		return 0;
	door_refusal(d, uid, "refused_uid");
	return 1;
}

static void
door_admit(struct door_listener *at, int fd)
{
	struct door *d = at->door;
	struct door_uid *u;
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof(peer) ||
	    door_turned(d, peer.uid) || (u = door_uid(d, peer.uid)) == NULL) {
		metrics.refused[METRICS_REFUSED_UID]++;
		(void)close(fd);
		return;
	}
	if (door_admit_uid(at, fd, u) != TSR_OK)
		(void)close(fd);
	door_uid_done(u);
}

static void
listener_ready(struct loop_watch *w, uint32_t events)
{
	struct door_listener *l = LINK_OF(w, struct door_listener, watch);
	struct door *d = l->door;
	int fd, i;

	(void)events;
	for (i = 0; i < ACCEPT_MAX && !d->paused; i++) {
		fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1)
			door_admit(l, fd);
		else if (errno == EAGAIN)
			return;
		else if (errno != ECONNABORTED && errno != EINTR) {
			metrics.refused[METRICS_REFUSED_RESOURCES]++;
			door_pause(d);
		}
	}
}

void
door_init(struct door *d, struct loop *l, const struct door_limits *limits)
{
	memset(d, 0, sizeof(*d));
	d->loop = l;
	d->limits = *limits;
	link_init(&d->uids);
}

int
door_listen(struct door *d, int fd, const struct door_host *host, int kind)
{
	struct door_listener *l;
	int on = 1, off = 0, r = TSR_TOO_LARGE;

	if (d->n_listeners == DOOR_LISTEN_MAX)
		goto out;
	/* Accepted sockets inherit it, so what is sent before accept bears its
	 * sender's credentials too.  Other control data would push them out. */
	r = TSR_SYSTEM;
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		goto out;
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSSEC, &off, sizeof(off));
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &off, sizeof(off));
	l = &d->listener[d->n_listeners];
	l->watch.fd = fd;
	l->watch.ready = listener_ready;
	l->door = d;
	l->host = host;
	l->kind = kind;
	if ((r = loop_add(d->loop, &l->watch, d->paused ? 0 : EPOLLIN)) != TSR_OK)
		goto out;
	d->n_listeners++;
	fd = -1;
 out:
	if (fd != -1)
		(void)close(fd);
	return r;
}

void
door_stop_listening(struct door *d)
{
	size_t i;

	for (i = 0; i < d->n_listeners; i++) {
		loop_del(d->loop, &d->listener[i].watch);
		(void)close(d->listener[i].watch.fd);
	}
	d->n_listeners = 0;
	timer_disarm(loop_timers(d->loop), &d->pause);
}

void
door_close(struct door *d, void (*whose)(struct door_guest *g),
    int (*over)(struct door_guest *g))
{
	struct link todo, *l, *m;
	struct door_uid *u;
	struct door_guest *g;

	/* A list of all to close, made first, stays true. */
	link_init(&todo);
	for (l = d->uids.next; l != &d->uids; l = l->next) {
		u = LINK_OF(l, struct door_uid, link);
		for (m = u->guests.next; m != &u->guests; m = m->next) {
			g = LINK_OF(m, struct door_guest, of_uid);
			if (g->close == whose && (over == NULL || over(g)))
				link_append(&todo, &g->leaving);
		}
	}
	while ((l = todo.next) != &todo) {
		g = LINK_OF(l, struct door_guest, leaving);
		g->close(g);
	}
}

/*
 * The control buffer holds the sender's credentials and nothing else: descriptors
 * do not fit, so the kernel drops them uninstalled and says MSG_CTRUNC.
 */
ssize_t
door_recv(struct door *d, int fd, const struct caller *caller)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = d->scratch, .iov_len = DOOR_READ_MAX };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *cm;
	struct ucred sender;
	ssize_t n;

	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : TSR_CLOSED;
	if (n == 0)
		return TSR_CLOSED;
	cm = CMSG_FIRSTHDR(&msg);
	if ((msg.msg_flags & MSG_CTRUNC) != 0 || cm == NULL || cm->cmsg_level != SOL_SOCKET ||
	    cm->cmsg_type != SCM_CREDENTIALS || cm->cmsg_len != CMSG_LEN(sizeof(sender))) {
		sodium_memzero(d->scratch, (size_t)n);
		metrics.refused[METRICS_REFUSED_SENDER]++;
		return TSR_DENIED;
	}
	memcpy(&sender, CMSG_DATA(cm), sizeof(sender));
	if (sender.uid != caller->uid) {
		door_refusal(d, sender.uid, "foreign_sender");
		metrics.refused[METRICS_REFUSED_SENDER]++;
		sodium_memzero(d->scratch, (size_t)n);
		return TSR_DENIED;
	}
	return n;
}
