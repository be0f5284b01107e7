/*
 * pcsc_real.c - libpcsclite behind our own functions.  See pcsc_real.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/pcsc_real.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PCSC_LIBRARY	"libpcsclite.so.1"
#define THREAD_STACK	(256u * 1024)	/* bytes */
#define RETRY_MS	50		/* while a reader is another program's alone */

static int stuck;		/* this and the next: the module's one thread's */
static struct timespec end;	/* of patience, CLOCK_MONOTONIC */

const struct pcsc_real *
pcsc_real(void)
{
	static struct pcsc_real real;
	static int tried, good;
	const struct {
		const char *name;
		void **to;
	} symbol[] = {
		{ "SCardEstablishContext", (void **)&real.establish },
		{ "SCardReleaseContext", (void **)&real.release },
		{ "SCardConnect", (void **)&real.connect },
		{ "SCardReconnect", (void **)&real.reconnect },
		{ "SCardDisconnect", (void **)&real.disconnect },
		{ "SCardBeginTransaction", (void **)&real.begin },
		{ "SCardEndTransaction", (void **)&real.end },
		{ "SCardStatus", (void **)&real.status },
		{ "SCardGetStatusChange", (void **)&real.change },
		{ "SCardControl", (void **)&real.control },
		{ "SCardTransmit", (void **)&real.transmit },
		{ "SCardListReaders", (void **)&real.readers },
		{ "SCardCancel", (void **)&real.cancel },
		{ "SCardGetAttrib", (void **)&real.attribute },
	};
	void *so;
	size_t i;

	if (tried)
		return good ? &real : NULL;
	tried = 1;
	if ((so = dlopen(PCSC_LIBRARY, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return NULL;
	for (i = 0; i < sizeof(symbol) / sizeof(symbol[0]); i++)
		if ((*symbol[i].to = dlsym(so, symbol[i].name)) == NULL)
			return NULL;
	good = 1;
	return &real;
}

/* One call, for a thread that may outlive its caller's patience: then it is
 * never freed. */
struct wait {
	enum { WAIT_CONNECT, WAIT_BEGIN, WAIT_DISCONNECT } what;
	SCARDCONTEXT context;
	char reader[MAX_READERNAME];
	DWORD mode, protocols, active, disposition;
	int patient;
	SCARDHANDLE card;
	LONG rv;
	struct timespec end;
};

static int
wait_over(const struct wait *w)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_nsec += RETRY_MS * 1000000L;
	if (now.tv_nsec >= 1000000000L) {
		now.tv_sec++;
		now.tv_nsec -= 1000000000L;
	}
	return now.tv_sec > w->end.tv_sec ||
	    (now.tv_sec == w->end.tv_sec && now.tv_nsec >= w->end.tv_nsec);
}

/* pcscd waits for a transaction to end, but not for a program that has the
 * reader for itself. */
static void
wait_connect(const struct pcsc_real *real, struct wait *w)
{
	const struct timespec pause = { 0, RETRY_MS * 1000000L };

	for (;;) {
		w->rv = real->connect(w->context, w->reader, w->mode, w->protocols, &w->card,
		    &w->active);
		if (w->rv != SCARD_E_SHARING_VIOLATION || !w->patient || wait_over(w))
			return;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
}

static void *
wait_run(void *arg)
{
	const struct pcsc_real *real = pcsc_real();
	struct wait *w = arg;

	switch (w->what) {
	case WAIT_CONNECT:
		wait_connect(real, w);
		break;
	case WAIT_BEGIN:
		w->rv = real->begin(w->card);
		break;
	case WAIT_DISCONNECT:
		w->rv = real->disconnect(w->card, w->disposition);
		break;
	}
	return NULL;
}

static int
wait_start(struct wait *w, pthread_t *thread)
{
	pthread_attr_t attr;
	int r;

	if ((r = pthread_attr_init(&attr)) != 0)
		return r;
	if ((r = pthread_attr_setstacksize(&attr, THREAD_STACK)) == 0)
		r = pthread_create(thread, &attr, wait_run, w);
	(void)pthread_attr_destroy(&attr);
	return r;
}

/* Run it; *w is its copy and holds what came of it. */
static LONG
wait_for(struct wait *w)
{
	struct wait *run;
	pthread_t thread;

	if (stuck)
		return SCARD_E_SHARING_VIOLATION;
	if ((run = malloc(sizeof(*run))) == NULL)
		return SCARD_E_NO_MEMORY;
	*run = *w;
	run->end = end;
	if (wait_start(run, &thread) != 0) {
		free(run);
		return SCARD_E_NO_MEMORY;
	}
	if (pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end) != 0) {
		stuck = 1;
		return SCARD_E_SHARING_VIOLATION;
	}
	*w = *run;
	free(run);
	return w->rv;
}

LONG
pcsc_wait_connect(SCARDCONTEXT context, const char *reader, DWORD mode, DWORD protocols,
    int patient, SCARDHANDLE *out, DWORD *active)
{
	struct wait w = { .what = WAIT_CONNECT, .context = context, .mode = mode,
	    .protocols = protocols, .patient = patient };
	LONG rv;

	(void)snprintf(w.reader, sizeof(w.reader), "%s", reader);
	if ((rv = wait_for(&w)) != SCARD_S_SUCCESS)
		return rv;
	*out = w.card;
	*active = w.active;
	return SCARD_S_SUCCESS;
}

LONG
pcsc_wait_begin(SCARDHANDLE card)
{
	struct wait w = { .what = WAIT_BEGIN, .card = card };

	return wait_for(&w);
}

LONG
pcsc_wait_disconnect(SCARDHANDLE card, DWORD disposition)
{
	struct wait w = { .what = WAIT_DISCONNECT, .card = card, .disposition = disposition };

	return wait_for(&w);
}

void
pcsc_patience(unsigned ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += (long)(ms % 1000) * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000L;
	}
}

int
pcsc_stuck(void)
{
	return stuck;
}
