/*
 * object.h - finding objects and reading their attributes by raw PKCS #11
 * calls, with every length that a module returns checked against what it was
 * given.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_OBJECT_H
#define PKCS11_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include "pkcs11/rv.h"

/* A session and the functions that go with it. */
struct object_source {
	CK_FUNCTION_LIST *fn;
	CK_SESSION_HANDLE session;
};

/* The handles of at most max objects that match the template; *n is their
 * number, 0 for none.  More than max: the first ones.  TSR_MODULE for a count
 * that cannot be. */
int object_find(const struct object_source *s, CK_ATTRIBUTE *tmpl, CK_ULONG n_tmpl,
    CK_OBJECT_HANDLE *out, size_t max, size_t *n, struct fault *f);

/* An attribute's bytes, size at most.  TSR_NOT_FOUND where the object has none
 * (or will not show it), TSR_TOO_LARGE. */
int object_bytes(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, uint8_t *out, size_t size, size_t *n);

/* A CK_ULONG / CK_BBOOL attribute; TSR_NOT_FOUND also for another length. */
int object_ulong(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *out);
int object_bool(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, int *out);

#endif
