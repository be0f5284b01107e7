/*
 * watch.c - see watch.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#include "base/escape.h"
#include "base/proto.h"
#include "pkcs11/watch_reader.h"
#include "tessera.h"

#define WATCH_READERS_MAX	64	/* pcscd has 16 */
#define WATCH_LIST_MAX		(WATCH_READERS_MAX * MAX_READERNAME)	/* bytes of all names */
#define WATCH_OUT_MAX		(WATCH_READERS_MAX * 1024u)	/* bytes of one report */
/* A reader that comes between two calls is found by the next list at the latest. */
#define WATCH_LIST_MS		30000
#define WATCH_PNP		"\\\\?PnP?\\Notification"

struct watch_place {
	char name[MAX_READERNAME];
	int listed;
};

struct watch {
	int fd;
	uint32_t id;			/* of the agent's PROTO_WATCH */
	struct buf out;
	SCARDCONTEXT context;
	SCARD_READERSTATE state[WATCH_READERS_MAX + 1];	/* the last one is PnP */
	struct watch_place place[WATCH_READERS_MAX];
	size_t n;
	char list[WATCH_LIST_MAX];
	int told;			/* what the agent believes: -1 nothing, 0 no service, 1 service */
};

static int watch_agent = -1;		/* for the signal handler */

const char *
watch_service(const struct config *c)
{
	const size_t n = strlen(WATCH_VARIABLE "=");
	const struct strings *e;
	size_t i, j;

	if (c->pcsc.socket != NULL)
		return c->pcsc.socket;
	for (i = 0; i < c->n_modules; i++)
		for (e = &c->modules[i].environment, j = 0; j < e->n; j++)
			if (strncmp(e->v[j], WATCH_VARIABLE "=", n) == 0)
				return e->v[j] + n;
	return NULL;
}

/* --- the agent's side --- */

static int
watch_put_service(struct watch *w, int available, const char *detail)
{
	struct proto_value v[2] = {
		proto_u32((uint32_t)available), proto_text(detail),
	};

	return proto_encode(&w->out, PROTO_SERVICE, w->id, 0, v, 2);
}

/* The first frame, which is the only one. */
static int
watch_request(struct watch *w)
{
	struct proto_value v[PROTO_FIELDS_MAX];
	struct frame f;
	size_t count;
	int r, flags;

	if ((flags = fcntl(w->fd, F_GETFL)) == -1 ||
	    fcntl(w->fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return TSR_SYSTEM;
	if ((r = frame_recv(w->fd, &w->out, &f)) == TSR_OK) {
		if (proto_decode(&f, PROTO_FROM_AGENT, v, &count) != TSR_OK || f.type != PROTO_WATCH)
			r = TSR_INVALID;
		w->id = f.id;
	}
	buf_reset(&w->out);
	return r;
}

/* The agent hung up (or says what it must not say): nothing is left to do, and
 * this process may sit in a call of PC/SC's that nobody answers. */
static void
watch_signalled(int number)
{
	struct pollfd p = { .fd = watch_agent, .events = POLLIN | POLLRDHUP };
	int saved = errno;

	(void)number;
	if (poll(&p, 1, 0) > 0)
		_exit((p.revents & (POLLHUP | POLLRDHUP)) != 0 ? 0 : 1);
	errno = saved;
}

/* Have the kernel say when something comes from the agent, its end too. */
static int
watch_guard(struct watch *w)
{
	struct sigaction sa = { .sa_handler = watch_signalled, .sa_flags = SA_RESTART };
	int flags;

	watch_agent = w->fd;
	if (sigaction(SIGIO, &sa, NULL) == -1 || fcntl(w->fd, F_SETOWN, getpid()) == -1 ||
	    (flags = fcntl(w->fd, F_GETFL)) == -1 || fcntl(w->fd, F_SETFL, flags | O_ASYNC) == -1)
		return TSR_SYSTEM;
	watch_signalled(0);		/* it may have come before */
	return TSR_OK;
}

/* --- readers --- */

static int
watch_add(struct watch *w, const char *name)
{
	struct watch_place *p;

	if (w->n == WATCH_READERS_MAX || strlen(name) >= sizeof(p->name))
		return 0;
	p = &w->place[w->n];
	escape_cut(p->name, sizeof(p->name), name, strlen(name));
	p->listed = 1;
	memset(&w->state[w->n], 0, sizeof(w->state[w->n]));
	w->state[w->n].szReader = p->name;
	w->state[w->n].dwCurrentState = SCARD_STATE_UNAWARE;
	w->n++;
	return 1;
}

static int
watch_remove(struct watch *w, size_t i)
{
	size_t j;
	int r;

	if ((r = watch_reader_put(&w->out, w->id, &w->state[i], 1)) != TSR_OK)
		return r;
	w->n--;
	for (j = i; j < w->n; j++) {
		w->place[j] = w->place[j + 1];
		w->state[j] = w->state[j + 1];
		w->state[j].szReader = w->place[j].name;
	}
	return TSR_OK;
}

/* Which readers there are: new ones are asked for by the next call.  *rv as
 * from PC/SC. */
static int
watch_list(struct watch *w, LONG *rv)
{
	DWORD size = sizeof(w->list);
	const char *name;
	size_t i;
	int r;

	w->list[0] = '\0';
	*rv = SCardListReaders(w->context, NULL, w->list, &size);
	if (*rv == SCARD_E_NO_READERS_AVAILABLE) {
		*rv = SCARD_S_SUCCESS;
		w->list[0] = '\0';
	}
	if (*rv != SCARD_S_SUCCESS)
		return TSR_OK;
	w->list[sizeof(w->list) - 1] = '\0';
	for (i = 0; i < w->n; i++)
		w->place[i].listed = 0;
	for (name = w->list; *name != '\0' && name < w->list + sizeof(w->list) - 1;
	    name += strlen(name) + 1) {
		for (i = 0; i < w->n && strcmp(w->place[i].name, name) != 0; i++)
			;
		if (i < w->n)
			w->place[i].listed = 1;
		else
			(void)watch_add(w, name);
	}
	for (i = w->n; i-- > 0;)
		if (!w->place[i].listed && (r = watch_remove(w, i)) != TSR_OK)
			return r;
	return TSR_OK;
}

/* What the last call said, as far as it is news. */
static int
watch_report(struct watch *w)
{
	SCARD_READERSTATE *s;
	size_t i;
	int r;

	for (i = 0; i < w->n; i++) {
		s = &w->state[i];
		if ((s->dwEventState & SCARD_STATE_CHANGED) != 0 &&
		    (r = watch_reader_put(&w->out, w->id, s, 0)) != TSR_OK)
			return r;
		s->dwCurrentState = s->dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
	}
	return TSR_OK;
}

/* One wait.  TSR_OK also where PC/SC failed: then *rv says how. */
static int
watch_turn(struct watch *w, DWORD wait_ms, LONG *rv)
{
	SCARD_READERSTATE *pnp;
	int r;

	if ((r = watch_list(w, rv)) != TSR_OK || *rv != SCARD_S_SUCCESS)
		return r;
	pnp = &w->state[w->n];
	memset(pnp, 0, sizeof(*pnp));
	pnp->szReader = WATCH_PNP;
	pnp->dwCurrentState = (DWORD)w->n << 16;
	*rv = SCardGetStatusChange(w->context, wait_ms, w->state, (DWORD)w->n + 1);
	if (*rv == SCARD_E_TIMEOUT || *rv == SCARD_E_UNKNOWN_READER || *rv == SCARD_E_NO_READERS_AVAILABLE) {
		*rv = SCARD_S_SUCCESS;		/* the next list tells */
		return frame_flush(w->fd, &w->out);
	}
	if (*rv != SCARD_S_SUCCESS)
		return TSR_OK;
	if ((r = watch_report(w)) != TSR_OK)
		return r;
	return frame_flush(w->fd, &w->out);
}

/* The service is there: tell all, then wait for changes until it is not. */
static int
watch_readers(struct watch *w, LONG *rv)
{
	int r;

	w->n = 0;
	if ((r = watch_put_service(w, 1, "")) != TSR_OK ||
	    (r = watch_turn(w, 0, rv)) != TSR_OK || *rv != SCARD_S_SUCCESS)
		return r;
	w->told = 1;
	if ((r = proto_encode(&w->out, PROTO_DONE, w->id, 0, NULL, 0)) != TSR_OK ||
	    (r = frame_flush(w->fd, &w->out)) != TSR_OK)
		return r;
	do
		r = watch_turn(w, WATCH_LIST_MS, rv);
	while (r == TSR_OK && *rv == SCARD_S_SUCCESS);
	return r;
}

static int
watch_lost(struct watch *w, LONG rv)
{
	int r;

	buf_reset(&w->out);	/* half a report */
	if (w->told == 0)
		return TSR_OK;
	w->told = 0;
	if ((r = watch_put_service(w, 0, pcsc_stringify_error(rv))) != TSR_OK)
		return r;
	return frame_flush(w->fd, &w->out);
}

static void
watch_pause(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) == -1 && errno == EINTR)
		;
}

static int
watch_for_ever(struct watch *w)
{
	unsigned pause = WATCH_TRY_MS;
	LONG rv;
	int r;

	for (;;) {
		rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &w->context);
		if (rv == SCARD_S_SUCCESS) {
			r = watch_readers(w, &rv);
			(void)SCardReleaseContext(w->context);
			if (r != TSR_OK)
				return r;
			pause = w->told == 1 ? WATCH_TRY_MS : pause;
		}
		if ((r = watch_lost(w, rv)) != TSR_OK)
			return r;
		watch_pause(pause);
		pause = 2 * pause < WATCH_TRY_MAX_MS ? 2 * pause : WATCH_TRY_MAX_MS;
	}
}

int
watch_serve(int fd)
{
	struct watch *w;
	int r;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return TSR_NOMEM;
	w->fd = fd;
	w->told = -1;
	buf_init(&w->out, WATCH_OUT_MAX);
	if ((r = watch_request(w)) == TSR_OK && (r = watch_guard(w)) == TSR_OK)
		r = watch_for_ever(w);
	buf_free(&w->out);
	free(w);
	return r == TSR_CLOSED ? TSR_OK : r;
}
