/*
 * pcsc_lease.h - the leases of tessera-pcsc.so, as its calls see them.
 *
 * A LONG is a code of PC/SC (SCARD_S_SUCCESS, SCARD_W_..., SCARD_E_...).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PCSC_LEASE_H
#define PKCS11_PCSC_LEASE_H

#include <winscard.h>

#define LEASES_MAX	64		/* connections of the module */
#define LEASE_HANDLE	0x54530000L	/* the module's handle of the first one */
#define COUNT_SHIFT	16		/* where dwEventState has the count */

#define LEASE_EXPORT	__attribute__((visibility("default")))

struct lease {
	int used;
	SCARDCONTEXT context;
	SCARDHANDLE card;		/* pcscd's; 0 while we are not connected */
	char reader[MAX_READERNAME];
	DWORD mode, protocols, active;
	DWORD count;			/* of insertions and removals */
	int depth;			/* of the module's transactions */
	int locked;			/* pcscd's transaction is ours */
	int told;			/* 0: the module has yet to hear of the reset */
	int gone;			/* this card, or its context */
};

/* The lease that a caller's handle stands for; SCARD_E_INVALID_HANDLE, or
 * SCARD_E_SHARING_VIOLATION once a call has not come back. */
LONG lease_of(SCARDHANDLE handle, struct lease **l);

/* The same, connected to its card: SCARD_W_REMOVED_CARD where that is gone. */
LONG lease_at_hand(SCARDHANDLE handle, struct lease **l);

/* One that is not in use, and its handle; NULL where there are LEASES_MAX. */
struct lease *lease_free_one(SCARDHANDLE *handle);

/* Connect to l's reader as l's mode and protocols say; what pcscd says of it now
 * (dwEventState); give the connection back; lock it for a transaction, connected
 * anew where it was not. */
LONG lease_join(struct lease *l, SCARDHANDLE *card, DWORD *active);
LONG lease_state(const struct lease *l, DWORD *state);
void lease_let_go(struct lease *l, DWORD disposition);
LONG lease_lock(struct lease *l);

/* 1 where a lease of that reader has lost its card. */
int lease_reader_gone(const char *reader);

/* What went wrong, for lease_why; each returns rv, lease_failed that of a card
 * which was pulled.  lease_context_gone: all that pcscd knew of it is void. */
LONG lease_note(LONG rv);
LONG lease_note_context(SCARDCONTEXT context, LONG rv);
LONG lease_failed(struct lease *l, LONG rv);
void lease_context_gone(SCARDCONTEXT context);

/* That the module uses readers; that it got a context, or not; that a command
 * goes to a card.  1 while the worker holds its reader. */
void lease_note_use(void);
void lease_note_established(LONG rv);
void lease_note_transmit(void);
int lease_is_held(void);

#endif
