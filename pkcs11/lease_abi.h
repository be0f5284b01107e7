/*
 * lease_abi.h - what the worker and tessera-pcsc.so (the library that stands
 * between OpenSC and pcscd) say to one another: a table of functions that the
 * library exports as LEASE_SYMBOL.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_LEASE_ABI_H
#define PKCS11_LEASE_ABI_H

#include <winscard.h>

#define LEASE_LIBRARY	"tessera-pcsc.so"	/* also its soname, and in opensc.conf */
#define LEASE_SYMBOL	"tessera_lease"

/* Why PC/SC refused something since lease_functions.begin. */
enum lease_cause {
	LEASE_FINE,
	LEASE_REMOVED,		/* the card went away or was changed */
	LEASE_BUSY,		/* another program holds the reader */
	LEASE_NO_SERVICE	/* pcscd does not answer */
};

struct lease_functions {
	/* A request begins: forget causes, and have patience with other programs
	 * for so long. */
	void (*begin)(unsigned ms);
	/* Forget causes alone. */
	void (*forget)(void);
	/* From here on a reader that is used stays locked until release: nobody
	 * comes between, and pcscd resets the card should this process die. */
	void (*hold)(void);
	/* Let go of all readers; reset is 1 where a PIN may have been given: the
	 * card is reset, and with it closed, before anybody else gets at it. */
	void (*release)(int reset);
	enum lease_cause (*cause)(void);
	/* 1: a card was sent something since hold. */
	int (*sent)(void);
	/* 1: the module goes through here. */
	int (*used)(void);
	/* 1: a call into pcscd has not come back, so this process must end. */
	int (*stuck)(void);
	/* For the worker's own connections: shared, and a transaction on it, waited
	 * for as long as begin said. */
	LONG (*connect)(SCARDCONTEXT context, const char *reader, DWORD protocols, SCARDHANDLE *out,
	    DWORD *active);
	LONG (*transact)(SCARDHANDLE card);
};

#endif
