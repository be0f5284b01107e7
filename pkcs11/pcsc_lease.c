/*
 * pcsc_lease.c - tessera-pcsc.so: the PC/SC library that OpenSC is given in a
 * worker (provider_library in opensc.conf).
 *
 * OpenSC connects to a card once and stays connected for as long as it knows
 * the card.  A program that wants a reader for itself, as GnuPG does, is then
 * refused for minutes; and between two calls of ours anybody may use a card
 * that our PIN has opened.  Here a connection is a lease: it ends with the
 * request, is taken up again when OpenSC next needs the card, and OpenSC is
 * told that the card was reset meanwhile, which it can cope with: what it has
 * read of the card stays good.  From the login to the end of a request the
 * reader stays locked, and ends reset.
 *
 * A card that was changed while we were not connected must not be taken for
 * the one before: pcscd counts insertions and removals, and that count has to
 * be the same.
 *
 * pcsc_calls.c has the calls of winscard.h; one thread makes them.  Once one has not
 * come back from pcscd the library holds a lock of its context for good, so none
 * is made any more.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pkcs11/lease_abi.h"
#include "pkcs11/pcsc_lease.h"
#include "pkcs11/pcsc_real.h"

#define NOTICE_MS	600		/* in which pcscd sees that a card is gone: it looks every 400 */
#define NOTICE_STEP_MS	100
#define BUSY_S		5		/* in which a reader is not waited for again */

static struct lease leases[LEASES_MAX];
static enum lease_cause cause;
static int holding, sent, used;

/* The reader that another program had for itself when we last waited for one:
 * once a while is enough, as OpenSC tries all readers again and again. */
static char busy_reader[MAX_READERNAME];
static time_t busy_until;		/* s, CLOCK_MONOTONIC */

/* --- what went wrong --- */

LONG
lease_note(LONG rv)
{
	switch (rv) {
	case SCARD_W_REMOVED_CARD:
	case SCARD_E_NO_SMARTCARD:
	case SCARD_E_READER_UNAVAILABLE:
	case SCARD_E_UNKNOWN_READER:
		if (cause == LEASE_FINE)
			cause = LEASE_REMOVED;
		break;
	case SCARD_E_SHARING_VIOLATION:
		cause = LEASE_BUSY;
		break;
	case SCARD_E_NO_SERVICE:
	case SCARD_E_SERVICE_STOPPED:
	case SCARD_F_COMM_ERROR:
		cause = LEASE_NO_SERVICE;
		break;
	default:
		break;
	}
	return rv;
}

/* pcscd has ended, and all that it knew: the library says so with several codes. */
void
lease_context_gone(SCARDCONTEXT context)
{
	size_t i;

	for (i = 0; i < LEASES_MAX; i++)
		if (leases[i].used && leases[i].context == context) {
			leases[i].gone = 1;
			leases[i].card = 0;
			leases[i].locked = 0;
		}
}

LONG
lease_note_context(SCARDCONTEXT context, LONG rv)
{
	if (rv == SCARD_E_NO_SERVICE || rv == SCARD_E_SERVICE_STOPPED ||
	    rv == SCARD_F_COMM_ERROR || rv == SCARD_E_INVALID_HANDLE)
		lease_context_gone(context);
	return lease_note(rv);
}

/* --- leases --- */

static struct lease *
lease_find(SCARDHANDLE handle)
{
	size_t i = (size_t)(handle - LEASE_HANDLE);

	return handle >= LEASE_HANDLE && i < LEASES_MAX && leases[i].used ? &leases[i] : NULL;
}

static time_t
lease_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

LONG
lease_join(struct lease *l, SCARDHANDLE *card, DWORD *active)
{
	int patient = lease_now() >= busy_until || strcmp(busy_reader, l->reader) != 0;
	LONG rv;

	rv = pcsc_wait_connect(l->context, l->reader, l->mode, l->protocols, patient, card, active);
	if (rv == SCARD_E_SHARING_VIOLATION && patient) {
		(void)snprintf(busy_reader, sizeof(busy_reader), "%s", l->reader);
		busy_until = lease_now() + BUSY_S;
	}
	return rv;
}

struct lease *
lease_free_one(SCARDHANDLE *handle)
{
	size_t i;

	for (i = 0; i < LEASES_MAX; i++)
		if (!leases[i].used) {
			*handle = LEASE_HANDLE + (SCARDHANDLE)i;
			return &leases[i];
		}
	return NULL;
}

/* What pcscd says of the reader now. */
LONG
lease_state(const struct lease *l, DWORD *state)
{
	SCARD_READERSTATE s;
	LONG rv;

	memset(&s, 0, sizeof(s));
	s.szReader = l->reader;
	s.dwCurrentState = SCARD_STATE_UNAWARE;
	if ((rv = pcsc_real()->change(l->context, 0, &s, 1)) == SCARD_S_SUCCESS)
		*state = s.dwEventState;
	return rv;
}

void
lease_let_go(struct lease *l, DWORD disposition)
{
	SCARDHANDLE card = l->card;

	if (card == 0 || pcsc_stuck())
		return;
	l->card = 0;
	if (l->locked || disposition == SCARD_LEAVE_CARD)
		(void)pcsc_real()->disconnect(card, disposition);	/* waits for nobody */
	else
		(void)lease_note(pcsc_wait_disconnect(card, disposition));
	l->locked = 0;
	l->told = 0;
}

/* Connect anew, to the same card or not at all. */
static LONG
lease_take(struct lease *l)
{
	SCARDHANDLE card = 0;
	DWORD active = 0, state = 0;
	LONG rv;

	rv = lease_join(l, &card, &active);
	if (rv != SCARD_S_SUCCESS)
		return lease_note_context(l->context, rv);
	l->card = card;
	l->locked = 0;
	l->told = 0;
	rv = lease_state(l, &state);
	if (rv == SCARD_S_SUCCESS && (state >> COUNT_SHIFT) == l->count &&
	    (active & l->active) != 0)
		return SCARD_S_SUCCESS;
	lease_let_go(l, SCARD_LEAVE_CARD);
	l->gone = 1;
	return lease_note(SCARD_W_REMOVED_CARD);
}

LONG
lease_lock(struct lease *l)
{
	LONG rv;

	if (l->card == 0 && (rv = lease_take(l)) != SCARD_S_SUCCESS)
		return rv;
	if (l->locked)
		return SCARD_S_SUCCESS;
	rv = pcsc_wait_begin(l->card);
	if (rv == SCARD_W_RESET_CARD) {		/* by another program: as if we had let go */
		lease_let_go(l, SCARD_LEAVE_CARD);
		if ((rv = lease_take(l)) != SCARD_S_SUCCESS)
			return rv;
		rv = pcsc_wait_begin(l->card);
	}
	if (rv != SCARD_S_SUCCESS) {
		if (rv == SCARD_W_REMOVED_CARD || rv == SCARD_E_READER_UNAVAILABLE)
			l->gone = 1;
		return lease_note_context(l->context, rv);
	}
	l->locked = 1;
	return SCARD_S_SUCCESS;
}

int
lease_reader_gone(const char *reader)
{
	size_t i;

	for (i = 0; i < LEASES_MAX; i++)
		if (leases[i].used && leases[i].gone && strcmp(leases[i].reader, reader) == 0)
			return 1;
	return 0;
}

/* Whether the same card is still there, as pcscd sees it; *state is for the next
 * call, which waits until something changes, ms at most. */
static int
lease_present(struct lease *l, DWORD ms, DWORD *state)
{
	SCARD_READERSTATE s;
	LONG rv;

	memset(&s, 0, sizeof(s));
	s.szReader = l->reader;
	s.dwCurrentState = *state & ~(DWORD)SCARD_STATE_CHANGED;
	rv = pcsc_real()->change(l->context, ms, &s, 1);
	if (rv != SCARD_S_SUCCESS) {
		(void)lease_note_context(l->context, rv);
		return 1;		/* no more is known of it */
	}
	*state = s.dwEventState;
	return (*state & SCARD_STATE_PRESENT) != 0 &&
	    (*state >> COUNT_SHIFT) == l->count;
}

/* A command failed.  A card that is pulled makes it fail before pcscd sees that
 * it is gone. */
LONG
lease_failed(struct lease *l, LONG rv)
{
	DWORD state = SCARD_STATE_UNAWARE;
	int i;

	for (i = 0; i <= NOTICE_MS / NOTICE_STEP_MS; i++)
		if (!lease_present(l, i == 0 ? 0 : NOTICE_STEP_MS, &state)) {
			l->gone = 1;
			return lease_note(SCARD_W_REMOVED_CARD);
		}
	return lease_note_context(l->context, rv);
}

/* What a caller's handle stands for. */
LONG
lease_of(SCARDHANDLE handle, struct lease **l)
{
	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	return (*l = lease_find(handle)) == NULL ? SCARD_E_INVALID_HANDLE : SCARD_S_SUCCESS;
}

/* The same, connected to its card. */
LONG
lease_at_hand(SCARDHANDLE handle, struct lease **l)
{
	LONG rv = lease_of(handle, l);

	if (rv != SCARD_S_SUCCESS)
		return rv;
	if ((*l)->gone || ((*l)->card == 0 && lease_take(*l) != SCARD_S_SUCCESS))
		return lease_note(SCARD_W_REMOVED_CARD);
	return SCARD_S_SUCCESS;
}

int
lease_is_held(void)
{
	return holding;
}

void
lease_note_transmit(void)
{
	sent |= holding;
}

void
lease_note_established(LONG rv)
{
	if (rv == SCARD_S_SUCCESS && cause == LEASE_NO_SERVICE)
		cause = LEASE_FINE;	/* it is back */
	(void)lease_note(rv);
}

void
lease_note_use(void)
{
	used = 1;
}

/* --- the worker's side --- */

static void
lease_begin(unsigned ms)
{
	cause = LEASE_FINE;
	sent = 0;
	pcsc_patience(ms);
}

static void
lease_forget(void)
{
	cause = LEASE_FINE;
}

static void
lease_hold(void)
{
	holding = 1;
}

static void
lease_release(int reset)
{
	struct lease *l;

	holding = 0;
	for (l = leases; l < leases + LEASES_MAX; l++) {
		if (!l->used || l->card == 0)
			continue;
		lease_let_go(l, reset ? SCARD_RESET_CARD : SCARD_LEAVE_CARD);
		l->depth = 0;
	}
}

static enum lease_cause
lease_why(void)
{
	return cause;
}

static int
lease_sent(void)
{
	return sent;
}

static int
lease_used(void)
{
	return used;
}

static LONG
lease_connect_shared(SCARDCONTEXT context, const char *reader, DWORD protocols, SCARDHANDLE *out,
    DWORD *active)
{
	return lease_note(pcsc_wait_connect(context, reader, SCARD_SHARE_SHARED, protocols, 1, out,
	    active));
}

static LONG
lease_transact(SCARDHANDLE card)
{
	return lease_note(pcsc_wait_begin(card));
}

LEASE_EXPORT extern const struct lease_functions tessera_lease;
const struct lease_functions tessera_lease = {
	lease_begin, lease_forget, lease_hold, lease_release, lease_why, lease_sent, lease_used,
	pcsc_stuck, lease_connect_shared, lease_transact
};
