/*
 * rv.h - CK_RV folded into TSR_*, and what a failed request tells the agent.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_RV_H
#define PKCS11_RV_H

#include <stdint.h>

#include <p11-kit/pkcs11.h>

#define FAULT_DETAIL_MAX	256	/* bytes of a detail, with NUL */

/* Why a request failed.  fault_clear() before use; the code is what the
 * functions return. */
struct fault {
	uint32_t tries;			/* PIN tries left, PROTO_TRIES_UNKNOWN */
	char detail[FAULT_DETAIL_MAX];	/* UTF-8 without control characters */
};

void fault_clear(struct fault *f);

/* Say why and return code. */
int fault_set(struct fault *f, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The TSR_* of a CK_RV (PKCS #11 2.40 section 5.1): TSR_OK for CKR_OK alone;
 * one that is not in the table is TSR_MODULE. */
int rv_fold(CK_RV rv);

/* "CKR_PIN_INCORRECT"; "CKR_VENDOR_DEFINED" and "CKR_?" for those without a
 * name. */
const char *rv_name(CK_RV rv);

/* fault_set() with the call's name and the CKR's; returns rv_fold(rv).  f is
 * untouched for CKR_OK. */
int rv_fault(struct fault *f, const char *call, CK_RV rv);

/* 1 where rv says that the session, and not the device, is gone: what was
 * asked has not been done and may be asked again in a new session. */
int rv_session_gone(CK_RV rv);

#endif
