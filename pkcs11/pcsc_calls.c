/*
 * pcsc_calls.c - PC/SC as OpenSC hears it: the calls of winscard.h over leases.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "pkcs11/pcsc_lease.h"
#include "pkcs11/pcsc_real.h"

LEASE_EXPORT LONG
SCardEstablishContext(DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT out)
{
	LONG rv;

	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	lease_note_use();
	if (pcsc_real() == NULL)
		return lease_note(SCARD_E_NO_SERVICE);
	rv = pcsc_real()->establish(scope, a, b, out);
	lease_note_established(rv);
	return rv;
}

LEASE_EXPORT LONG
SCardReleaseContext(SCARDCONTEXT context)
{
	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	lease_context_gone(context);
	return pcsc_real()->release(context);
}

LEASE_EXPORT LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD protocols,
    LPSCARDHANDLE out, LPDWORD active)
{
	SCARDHANDLE handle = 0;
	struct lease *l = lease_free_one(&handle);
	DWORD state = 0;
	LONG rv;

	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	if (l == NULL || strlen(reader) >= sizeof(l->reader))
		return SCARD_E_NO_MEMORY;
	memset(l, 0, sizeof(*l));
	l->context = context;
	l->mode = mode;
	l->protocols = protocols;
	(void)snprintf(l->reader, sizeof(l->reader), "%s", reader);
	rv = lease_join(l, &l->card, &l->active);
	if (rv == SCARD_S_SUCCESS &&
	    (rv = lease_state(l, &state)) != SCARD_S_SUCCESS)
		lease_let_go(l, SCARD_LEAVE_CARD);
	if (rv != SCARD_S_SUCCESS)
		return lease_note_context(context, rv);
	l->count = state >> COUNT_SHIFT;
	l->told = 1;
	l->used = 1;
	*out = handle;
	*active = l->active;
	return SCARD_S_SUCCESS;
}

LEASE_EXPORT LONG
SCardReconnect(SCARDHANDLE handle, DWORD mode, DWORD protocols, DWORD disposition, LPDWORD active)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_at_hand(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	if (disposition != SCARD_LEAVE_CARD || mode != l->mode) {
		rv = pcsc_real()->reconnect(l->card, mode, protocols, disposition, &l->active);
		if (rv != SCARD_S_SUCCESS)
			return lease_note_context(l->context, rv);
		l->mode = mode;
		l->protocols = protocols;
	}
	l->told = 1;
	*active = l->active;
	return SCARD_S_SUCCESS;
}

LEASE_EXPORT LONG
SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_of(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	lease_let_go(l, l->gone ? SCARD_LEAVE_CARD : disposition);
	l->used = 0;
	return SCARD_S_SUCCESS;
}

LEASE_EXPORT LONG
SCardBeginTransaction(SCARDHANDLE handle)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_of(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	if (l->gone)
		return lease_note(SCARD_W_REMOVED_CARD);
	if ((rv = lease_lock(l)) != SCARD_S_SUCCESS)
		return rv;
	if (!l->told)
		return SCARD_W_RESET_CARD;	/* it reconnects and comes again */
	l->depth++;
	return SCARD_S_SUCCESS;
}

LEASE_EXPORT LONG
SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_of(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	if (l->depth > 0)
		l->depth--;
	if (!l->locked || l->depth > 0 || lease_is_held())
		return SCARD_S_SUCCESS;
	l->locked = 0;
	if ((rv = pcsc_real()->end(l->card, disposition)) != SCARD_S_SUCCESS)
		return lease_note_context(l->context, rv);
	return SCARD_S_SUCCESS;
}

/* OpenSC asks only whether the card is still the same.  Where we are not
 * connected that is seen when we are again. */
LEASE_EXPORT LONG
SCardStatus(SCARDHANDLE handle, LPSTR name, LPDWORD name_len, LPDWORD state, LPDWORD protocol,
    LPBYTE atr, LPDWORD atr_len)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_of(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	if (l->gone)
		return lease_note(SCARD_W_REMOVED_CARD);
	if (l->card != 0) {
		rv = pcsc_real()->status(l->card, name, name_len, state, protocol, atr, atr_len);
		return rv == SCARD_W_RESET_CARD ? SCARD_S_SUCCESS :
		    lease_note_context(l->context, rv);
	}
	*name_len = 0;
	*atr_len = 0;
	*state = SCARD_PRESENT;
	*protocol = l->active;
	return SCARD_S_SUCCESS;
}

/* OpenSC 0.23 asks twice for each listing and forgets after the second time
 * what it heard after the first: until it lets go of a card that is gone it
 * hears that all is new. */
LEASE_EXPORT LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD ms, SCARD_READERSTATE *states, DWORD n)
{
	DWORD i;
	LONG rv;

	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	for (i = 0; i < n; i++)
		if (states[i].szReader != NULL && lease_reader_gone(states[i].szReader))
			states[i].dwCurrentState = SCARD_STATE_UNAWARE;
	rv = pcsc_real()->change(context, ms, states, n);
	return rv == SCARD_E_TIMEOUT ? rv : lease_note_context(context, rv);
}

LEASE_EXPORT LONG
SCardControl(SCARDHANDLE handle, DWORD code, LPCVOID in, DWORD in_len, LPVOID out, DWORD size,
    LPDWORD out_len)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_at_hand(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	return pcsc_real()->control(l->card, code, in, in_len, out, size, out_len);
}

LEASE_EXPORT LONG
SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *send, LPCBYTE in, DWORD in_len,
    SCARD_IO_REQUEST *receive, LPBYTE out, LPDWORD out_len)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_at_hand(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	lease_note_transmit();
	rv = pcsc_real()->transmit(l->card, send, in, in_len, receive, out, out_len);
	if (rv == SCARD_S_SUCCESS || rv == SCARD_W_RESET_CARD || rv == SCARD_E_INSUFFICIENT_BUFFER)
		return rv;
	return lease_failed(l, rv);
}

LEASE_EXPORT LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR out, LPDWORD len)
{
	LONG rv;

	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	rv = pcsc_real()->readers(context, groups, out, len);
	return rv == SCARD_E_NO_READERS_AVAILABLE ? rv : lease_note_context(context, rv);
}

LEASE_EXPORT LONG
SCardCancel(SCARDCONTEXT context)
{
	if (pcsc_stuck())
		return SCARD_E_SHARING_VIOLATION;
	return pcsc_real()->cancel(context);
}

LEASE_EXPORT LONG
SCardGetAttrib(SCARDHANDLE handle, DWORD id, LPBYTE out, LPDWORD len)
{
	struct lease *l;
	LONG rv;

	if ((rv = lease_of(handle, &l)) != SCARD_S_SUCCESS)
		return rv;
	if (l->card == 0)
		return SCARD_E_INVALID_HANDLE;
	return pcsc_real()->attribute(l->card, id, out, len);
}
