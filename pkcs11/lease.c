/*
 * lease.c - the worker's hold on readers.  See lease.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/lease.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

#include "pkcs11/lease_abi.h"
#include "tessera.h"

static const struct lease_functions *lease;	/* NULL: without */

void
lease_load(const char *folder)
{
	char path[PATH_MAX];
	void *so;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, LEASE_LIBRARY);
	if ((so = dlopen(path, RTLD_NOW | RTLD_LOCAL)) != NULL)
		lease = dlsym(so, LEASE_SYMBOL);
}

void
lease_begin(unsigned ms)
{
	if (lease != NULL)
		lease->begin(ms);
}

void
lease_release(int reset)
{
	if (lease != NULL)
		lease->release(reset);
}

void
lease_hold(void)
{
	if (lease != NULL)
		lease->hold();
}

int
lease_must_end(void)
{
	return lease != NULL && lease->stuck();
}

LONG
lease_connect(SCARDCONTEXT context, const char *reader, DWORD protocols, SCARDHANDLE *out,
    DWORD *active)
{
	return lease != NULL ? lease->connect(context, reader, protocols, out, active) :
	    SCardConnect(context, reader, SCARD_SHARE_SHARED, protocols, out, active);
}

LONG
lease_transact(SCARDHANDLE card)
{
	return lease != NULL ? lease->transact(card) : SCardBeginTransaction(card);
}

int
lease_lost(void)
{
	enum lease_cause cause = lease != NULL ? lease->cause() : LEASE_FINE;

	if (cause != LEASE_REMOVED && cause != LEASE_NO_SERVICE)
		return 0;
	lease->forget();
	return 1;
}

int
lease_may_repeat(int code, int tried)
{
	if (lease == NULL || !lease->used())
		return code == TSR_PIN_UNSET || code == TSR_DEVICE_NOT_FOUND ||
		    (code == TSR_DEVICE_REMOVED && !tried);
	return !lease->stuck() && (!tried || !lease->sent()) &&
	    (code == TSR_MODULE || code == TSR_UNAVAILABLE || code == TSR_DEVICE_REMOVED);
}

static int
lease_busy(struct fault *f)
{
	return fault_set(f, TSR_DEVICE_BUSY, "another program keeps the reader for itself: "
	    "close it (gpg: \"gpgconf --kill scdaemon\") and try again");
}

static int
lease_no_service(struct fault *f)
{
	return fault_set(f, TSR_UNAVAILABLE, "the smart card service (pcscd) does not answer: "
	    "systemctl status pcscd");
}

int
lease_missed(struct fault *f)
{
	if (lease == NULL)
		return TSR_OK;
	switch (lease->cause()) {
	case LEASE_BUSY:
		return lease_busy(f);
	case LEASE_NO_SERVICE:
		return lease_no_service(f);
	case LEASE_FINE:
	case LEASE_REMOVED:
		break;
	}
	return TSR_OK;
}

int
lease_explain(int code, struct fault *f)
{
	int r;

	if (lease == NULL || code == TSR_OK || code == TSR_PIN_WRONG || code == TSR_PIN_LOCKED ||
	    code == TSR_PIN_LENGTH || code == TSR_PIN_REQUIRED || code == TSR_PIN_UNSET)
		return code;
	if ((r = lease_missed(f)) != TSR_OK)
		return r;
	if (lease->cause() == LEASE_REMOVED && code != TSR_DEVICE_NOT_FOUND)
		return fault_set(f, TSR_DEVICE_REMOVED, "the card was pulled or changed");
	return code;
}
