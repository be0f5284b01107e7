/*
 * lease.h - the worker's hold on readers, by way of tessera-pcsc.so: OpenSC's
 * connections to cards last for one request.  Modules that do not go through
 * it, because they are no readers' or because the module's own OPENSC_CONF
 * says so, work as they like; then all of this does nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_LEASE_H
#define PKCS11_LEASE_H

#include <winscard.h>

#include "pkcs11/rv.h"

/* Load the library of that folder, for the module to find.  Once, before the
 * module is loaded; nothing where there is none. */
void lease_load(const char *folder);

/* Around each request to the module.  A reader that another program holds is
 * waited for as long as ms says, in all; within the request's deadline, so that
 * the keeper need not end it.  reset is 1 where a PIN may have been given. */
void lease_begin(unsigned ms);
void lease_release(int reset);

/* Keep all others from the reader until lease_release. */
void lease_hold(void);

/* The code of a failed request, and its words in f, with what PC/SC knows: a
 * module says CKR_GENERAL_ERROR where a card was pulled, a reader is another
 * program's (TSR_DEVICE_BUSY) or pcscd does not answer (TSR_UNAVAILABLE).  A
 * code about a PIN stays. */
int lease_explain(int code, struct fault *f);

/* The same of a listing that went well and may have missed a reader: TSR_OK,
 * TSR_DEVICE_BUSY, TSR_UNAVAILABLE. */
int lease_missed(struct fault *f);

/* 1 where the card or pcscd was found gone, which is then forgotten: a module may
 * have said that all is well. */
int lease_lost(void);

/* 1 for a failure that a module which starts anew may not have: of one that uses
 * readers, with a service, a card or a state that is no more; of another, with a
 * token that it does not know as it is now, since it read its files while somebody
 * wrote them.  tried is 1 where C_Login was called; then nothing may have been sent
 * to the card, or no PIN looked at. */
int lease_may_repeat(int code, int tried);

/* 1: the process must end after its answer; connections are left alone until
 * then, since libpcsclite waits for the call that has not come back. */
int lease_must_end(void);

/* A connection of our own to a card that is shared, and a transaction on it: as
 * SCardConnect and SCardBeginTransaction, but they wait for another program no
 * longer than lease_begin allows (then SCARD_E_SHARING_VIOLATION, of which
 * lease_missed knows). */
LONG lease_connect(SCARDCONTEXT context, const char *reader, DWORD protocols, SCARDHANDLE *out,
    DWORD *active);
LONG lease_transact(SCARDHANDLE card);

#endif
