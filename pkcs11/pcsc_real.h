/*
 * pcsc_real.h - libpcsclite's own functions, for the library that goes by their
 * names itself; and those that may wait for other programs, with a limit.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_PCSC_REAL_H
#define PKCS11_PCSC_REAL_H

#include <winscard.h>

struct pcsc_real {
	LONG (*establish)(DWORD, LPCVOID, LPCVOID, LPSCARDCONTEXT);
	LONG (*release)(SCARDCONTEXT);
	LONG (*connect)(SCARDCONTEXT, LPCSTR, DWORD, DWORD, LPSCARDHANDLE, LPDWORD);
	LONG (*reconnect)(SCARDHANDLE, DWORD, DWORD, DWORD, LPDWORD);
	LONG (*disconnect)(SCARDHANDLE, DWORD);
	LONG (*begin)(SCARDHANDLE);
	LONG (*end)(SCARDHANDLE, DWORD);
	LONG (*status)(SCARDHANDLE, LPSTR, LPDWORD, LPDWORD, LPDWORD, LPBYTE, LPDWORD);
	LONG (*change)(SCARDCONTEXT, DWORD, SCARD_READERSTATE *, DWORD);
	LONG (*control)(SCARDHANDLE, DWORD, LPCVOID, DWORD, LPVOID, DWORD, LPDWORD);
	LONG (*transmit)(SCARDHANDLE, const SCARD_IO_REQUEST *, LPCBYTE, DWORD,
	    SCARD_IO_REQUEST *, LPBYTE, LPDWORD);
	LONG (*readers)(SCARDCONTEXT, LPCSTR, LPSTR, LPDWORD);
	LONG (*cancel)(SCARDCONTEXT);
	LONG (*attribute)(SCARDHANDLE, DWORD, LPBYTE, LPDWORD);
};

/* NULL where libpcsclite is not installed. */
const struct pcsc_real *pcsc_real(void);

/* The calls that wait for as long as somebody else likes: in a thread that is
 * given up so long after the last pcsc_patience().  Then they return
 * SCARD_E_SHARING_VIOLATION, and pcsc_stuck() is 1 from there on: the thread is
 * still at it, with a lock that it may get later, and only the end of the
 * process stops it.  Not patient: a reader that is another program's alone is
 * not waited for. */
void pcsc_patience(unsigned ms);
LONG pcsc_wait_connect(SCARDCONTEXT context, const char *reader, DWORD mode, DWORD protocols,
    int patient, SCARDHANDLE *out, DWORD *active);
LONG pcsc_wait_begin(SCARDHANDLE card);
LONG pcsc_wait_disconnect(SCARDHANDLE card, DWORD disposition);
int pcsc_stuck(void);

#endif
