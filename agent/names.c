/*
 * names.c - the agent's side of the names worker: questions, their deadlines,
 * and the worker's life.  See names.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/names.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/link.h"
#include "agent/metrics.h"
#include "agent/names_cache.h"
#include "base/escape.h"
#include "base/proto.h"
#include "base/spawn.h"
#include "tessera.h"

#define NAMES_RESTART_MS	1000	/* between two starts of the worker */
#define NAMES_REAP_MS		50	/* between looks at a worker that was killed */
#define NAMES_TRIES_MAX		2	/* times a question is sent */
#define NAMES_READ_MAX		4096	/* bytes a read */
#define NAMES_BUF_MAX		524288	/* bytes waiting either way */

struct names_request {
	struct link link;		/* names.pending, in the order asked */
	struct names *names;
	struct names_key key;
	unsigned id;
	int tries;
	struct timer timer;
	names_done done;
	void *arg;
};

struct names {
	struct loop_watch watch;	/* fd -1 while there is no worker */
	struct loop *loop;
	char *program;
	struct names_cache *cache;
	struct link pending;
	size_t n_pending;
	unsigned last_id;
	pid_t pid;			/* -1 once reaped */
	int pidfd;
	uint64_t started_ms;
	struct timer restart;
	struct buf in, out;
};

static void names_lost(struct names *n);

static void
names_answer(struct names_request *q, const struct names_answer *a)
{
	struct names *n = q->names;
	names_done done = q->done;
	void *arg = q->arg;

	link_remove(&q->link);
	n->n_pending--;
	timer_disarm(loop_timers(n->loop), &q->timer);
	free(q);
	done(arg, a->code, a->uid, a->gid, a->code == TSR_OK ? a->name : NULL);
}

static void
names_fail(struct names_request *q, int code)
{
	struct names_answer a = { .code = code, .uid = (uid_t)-1, .gid = (gid_t)-1 };

	names_answer(q, &a);
}

static void
names_write(struct names *n)
{
	ssize_t sent;

	if (n->watch.fd == -1 || n->out.len == 0)
		return;
	sent = send(n->watch.fd, n->out.data, n->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent == -1 && errno != EAGAIN && errno != EINTR) {
		/* Its end is noticed by the loop, not inside whoever asked. */
		buf_reset(&n->out);
		return;
	}
	if (sent > 0)
		buf_consume(&n->out, (size_t)sent);
	(void)loop_mod(n->loop, &n->watch, n->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int
names_send(struct names_request *q)
{
	struct proto_value v;

	if (q->names->watch.fd == -1)
		return TSR_OK;		/* sent when the worker is back */
	memset(&v, 0, sizeof(v));
	if (q->key.kind == PROTO_NAME_OF) {
		v.u32 = q->key.uid;
	} else {
		v.p = (const uint8_t *)q->key.name;
		v.n = strlen(q->key.name);
	}
	q->tries++;
	return proto_encode(&q->names->out, q->key.kind, q->id, NAMES_TIMEOUT_MS, &v, 1);
}

static void
names_on_timeout(void *arg)
{
	struct names_request *q = arg;
	struct names *n = q->names;
	int sent = q->tries > 0;

	names_fail(q, TSR_TIMEOUT);
	if (sent && n->watch.fd != -1)
		names_lost(n);	/* it hangs, and all others wait behind it */
}

/* A reply's meaning; a reply that does not fit the question is a failure. */
static int
names_read_reply(const struct names_request *q, const struct frame *f,
    const struct proto_value *v, struct names_answer *a)
{
	a->code = TSR_NOT_FOUND;
	a->uid = (uid_t)-1;
	a->gid = (gid_t)-1;
	memset(a->name, 0, sizeof(a->name));
	if (f->type == PROTO_ERROR)
		return v[0].u32 == (uint32_t)-TSR_NOT_FOUND ? TSR_OK : TSR_UNAVAILABLE;
	if (f->type == PROTO_GROUP && q->key.kind == PROTO_GID_OF) {
		a->gid = v[0].u32;
		memcpy(a->name, q->key.name, sizeof(a->name));
		a->code = TSR_OK;
		return TSR_OK;
	}
	if (f->type != PROTO_USER || q->key.kind == PROTO_GID_OF ||
	    (q->key.kind == PROTO_NAME_OF && v[0].u32 != q->key.uid))
		return TSR_UNAVAILABLE;
	if (v[2].n == 0 || v[2].n >= NAMES_NAME_MAX)
		return TSR_OK;		/* longer than names may be here: unknown */
	a->uid = v[0].u32;
	a->gid = v[1].u32;
	memcpy(a->name, v[2].p, v[2].n);
	a->code = TSR_OK;
	return TSR_OK;
}

static void
names_reply(struct names *n, const struct frame *f, const struct proto_value *v)
{
	struct names_request *q;
	struct names_answer a;
	struct link *l;

	for (l = n->pending.next; l != &n->pending; l = l->next) {
		q = LINK_OF(l, struct names_request, link);
		if (q->id != f->id)
			continue;
		if (names_read_reply(q, f, v, &a) == TSR_OK) {
			names_cache_put(n->cache, &q->key, &a, clock_boot_ms());
			names_answer(q, &a);
		} else {
			names_fail(q, TSR_UNAVAILABLE);
		}
		return;
	}
	/* Cancelled or timed out. */
}

/* TSR_OK, or the worker is to be dropped. */
static int
names_read(struct names *n)
{
	uint8_t bytes[NAMES_READ_MAX];
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	size_t count, used, need;
	ssize_t got;
	int r;

	got = recv(n->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got == -1)
		return errno == EAGAIN || errno == EINTR ? TSR_OK : TSR_CLOSED;
	if (got == 0)
		return TSR_CLOSED;
	if ((r = buf_put(&n->in, bytes, (size_t)got)) != TSR_OK)
		return r;
	while ((r = frame_decode(n->in.data, n->in.len, &f, &used, &need)) == TSR_OK) {
		if ((r = proto_decode(&f, PROTO_FROM_HELPER, v, &count)) != TSR_OK)
			return r;
		names_reply(n, &f, v);
		buf_consume(&n->in, used);
	}
	return r == TSR_AGAIN ? TSR_OK : r;
}

static void
names_ready(struct loop_watch *w, uint32_t events)
{
	struct names *n = LINK_OF(w, struct names, watch);

	if ((events & EPOLLIN) != 0 ? names_read(n) != TSR_OK : (events & (EPOLLHUP | EPOLLERR)) != 0) {
		names_lost(n);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		names_write(n);
}

/* Start the worker and send what waits. */
static int
names_start(struct names *n)
{
	char name[] = "tesserad", option[] = "--names";
	char *argv[] = { name, option, NULL };
	struct link *l;
	int r;

	n->started_ms = clock_boot_ms();
	metrics.names_starts++;
	if ((r = spawn_helper(n->program, argv, NULL, &n->pid, &n->pidfd, &n->watch.fd)) != TSR_OK) {
		n->pid = -1;
		n->watch.fd = n->pidfd = -1;
		return r;
	}
	if ((r = loop_add(n->loop, &n->watch, EPOLLIN)) != TSR_OK) {
		names_lost(n);
		return r;
	}
	for (l = n->pending.next; l != &n->pending; l = l->next)
		(void)names_send(LINK_OF(l, struct names_request, link));
	names_write(n);
	return TSR_OK;
}

static void
names_restart(void *arg)
{
	struct names *n = arg;
	uint64_t again = NAMES_RESTART_MS;

	if (n->pid != -1 && waitpid(n->pid, NULL, WNOHANG) == 0)
		again = NAMES_REAP_MS;
	else
		n->pid = -1;
	if (n->pid == -1 && names_start(n) == TSR_OK)
		return;
	(void)timer_arm(loop_timers(n->loop), &n->restart, clock_boot_ms() + again,
	    names_restart, n);
}

static void
names_disconnect(struct names *n)
{
	/* Where SIGCHLD is ignored the number may be another's by now. */
	if (n->pidfd != -1)
		(void)pidfd_send_signal(n->pidfd, SIGKILL, NULL, 0);
	else if (n->pid != -1)
		(void)kill(n->pid, SIGKILL);
	if (n->watch.fd != -1) {
		loop_del(n->loop, &n->watch);
		(void)close(n->watch.fd);
	}
	if (n->pidfd != -1)
		(void)close(n->pidfd);
	n->watch.fd = n->pidfd = -1;
	buf_reset(&n->in);
	buf_reset(&n->out);
}

/* The worker is gone or has to go: another one in its time.  A question over
 * which two have died is not asked a third one. */
static void
names_lost(struct names *n)
{
	struct link failed, *l, *next;
	uint64_t now = clock_boot_ms(), due = n->started_ms + NAMES_RESTART_MS;

	names_disconnect(n);
	(void)timer_arm(loop_timers(n->loop), &n->restart, due > now ? due : now + NAMES_REAP_MS,
	    names_restart, n);
	link_init(&failed);
	for (l = n->pending.next; l != &n->pending; l = next) {
		next = l->next;
		if (LINK_OF(l, struct names_request, link)->tries >= NAMES_TRIES_MAX) {
			link_remove(l);
			link_append(&failed, l);
		}
	}
	while (!link_empty(&failed))
		names_fail(LINK_OF(failed.next, struct names_request, link), TSR_UNAVAILABLE);
}

int
names_new(struct loop *l, const char *program, struct names **out)
{
	struct names *n;
	int r;

	if ((n = calloc(1, sizeof(*n))) == NULL)
		return TSR_NOMEM;
	n->loop = l;
	n->watch.fd = n->pidfd = -1;
	n->watch.ready = names_ready;
	n->pid = -1;
	link_init(&n->pending);
	buf_init(&n->in, NAMES_BUF_MAX);
	buf_init(&n->out, NAMES_BUF_MAX);
	if ((n->program = strdup(program)) == NULL)
		r = TSR_NOMEM;
	else if ((r = names_cache_new(&n->cache)) == TSR_OK)
		r = names_start(n);
	if (r != TSR_OK) {
		names_free(&n);
		return r;
	}
	*out = n;
	return TSR_OK;
}

void
names_free(struct names **np)
{
	struct names *n;
	struct names_request *q;

	if (np == NULL || (n = *np) == NULL)
		return;
	names_disconnect(n);
	while (n->pid != -1 && waitpid(n->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	timer_disarm(loop_timers(n->loop), &n->restart);
	while (!link_empty(&n->pending)) {
		q = LINK_OF(n->pending.next, struct names_request, link);
		link_remove(&q->link);
		timer_disarm(loop_timers(n->loop), &q->timer);
		free(q);
	}
	names_cache_free(&n->cache);
	buf_free(&n->in);
	buf_free(&n->out);
	free(n->program);
	free(n);
	*np = NULL;
}

static int
names_queue(struct names *n, const struct names_key *k, names_done done, void *arg,
    unsigned *ticket)
{
	struct names_request *q;
	int r;

	if (n->n_pending >= NAMES_PENDING_MAX)
		return TSR_TOO_LARGE;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return TSR_NOMEM;
	q->names = n;
	q->key = *k;
	q->done = done;
	q->arg = arg;
	if (++n->last_id == 0)
		n->last_id = 1;
	q->id = n->last_id;
	link_init(&q->link);
	if ((r = timer_arm(loop_timers(n->loop), &q->timer, clock_boot_ms() + NAMES_TIMEOUT_MS,
	    names_on_timeout, q)) != TSR_OK || (r = names_send(q)) != TSR_OK) {
		timer_disarm(loop_timers(n->loop), &q->timer);
		free(q);
		return r;
	}
	link_append(&n->pending, &q->link);
	n->n_pending++;
	if (ticket != NULL)
		*ticket = q->id;
	names_write(n);
	return TSR_OK;
}

static int
names_ask(struct names *n, const struct names_key *k, names_done done, void *arg,
    unsigned *ticket)
{
	const struct names_answer *known;
	struct names_answer a;

	if ((known = names_cache_get(n->cache, k, clock_boot_ms())) == NULL) {
		metrics.names_misses++;
		return names_queue(n, k, done, arg, ticket);
	}
	metrics.names_hits++;
	a = *known;	/* done may ask, and so change the cache */
	if (ticket != NULL)
		*ticket = 0;
	done(arg, a.code, a.uid, a.gid, a.code == TSR_OK ? a.name : NULL);
	return TSR_OK;
}

static int
names_ask_name(struct names *n, uint16_t kind, const char *name, names_done done, void *arg,
    unsigned *ticket)
{
	struct names_key k;
	size_t len = strlen(name);

	if (len == 0 || len >= NAMES_NAME_MAX || !escape_is_text(name, len)) {
		if (ticket != NULL)
			*ticket = 0;
		done(arg, TSR_NOT_FOUND, (uid_t)-1, (gid_t)-1, NULL);
		return TSR_OK;
	}
	memset(&k, 0, sizeof(k));
	k.kind = kind;
	memcpy(k.name, name, len);
	return names_ask(n, &k, done, arg, ticket);
}

int
names_name_of(struct names *n, uid_t uid, names_done done, void *arg, unsigned *ticket)
{
	struct names_key k;

	memset(&k, 0, sizeof(k));
	k.kind = PROTO_NAME_OF;
	k.uid = uid;
	return names_ask(n, &k, done, arg, ticket);
}

int
names_uid_of(struct names *n, const char *name, names_done done, void *arg, unsigned *ticket)
{
	return names_ask_name(n, PROTO_UID_OF, name, done, arg, ticket);
}

int
names_gid_of(struct names *n, const char *group, names_done done, void *arg, unsigned *ticket)
{
	return names_ask_name(n, PROTO_GID_OF, group, done, arg, ticket);
}

void
names_cancel(struct names *n, unsigned ticket)
{
	struct names_request *q;
	struct link *l;

	for (l = n->pending.next; ticket != 0 && l != &n->pending; l = l->next) {
		q = LINK_OF(l, struct names_request, link);
		if (q->id != ticket)
			continue;
		link_remove(&q->link);
		n->n_pending--;
		timer_disarm(loop_timers(n->loop), &q->timer);
		free(q);
		return;
	}
}

int
names_working(const struct names *n)
{
	return n->watch.fd != -1;
}
