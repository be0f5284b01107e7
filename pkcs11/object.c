/*
 * object.c - objects of a token.  See object.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/object.h"

#include "tessera.h"

int
object_find(const struct object_source *s, CK_ATTRIBUTE *tmpl, CK_ULONG n_tmpl,
    CK_OBJECT_HANDLE *out, size_t max, size_t *n, struct fault *f)
{
	CK_ULONG got;
	CK_RV rv, last;
	size_t have = 0;
	int r = TSR_OK;

	if ((rv = s->fn->C_FindObjectsInit(s->session, tmpl, n_tmpl)) != CKR_OK)
		return rv_fault(f, "C_FindObjectsInit", rv);
	while (have < max) {
		got = 0;
		rv = s->fn->C_FindObjects(s->session, out + have, max - have, &got);
		if (rv != CKR_OK) {
			r = rv_fault(f, "C_FindObjects", rv);
			break;
		}
		if (got > max - have) {
			r = fault_set(f, TSR_MODULE, "C_FindObjects: %lu objects where %zu fit",
			    got, max - have);
			break;
		}
		if (got == 0)
			break;
		have += got;
	}
	/* An unfinished search would refuse every later one. */
	last = s->fn->C_FindObjectsFinal(s->session);
	if (r == TSR_OK && last != CKR_OK)
		r = rv_fault(f, "C_FindObjectsFinal", last);
	if (r == TSR_OK)
		*n = have;
	return r;
}

/* The room is given at once instead of asked for first: half the calls, and
 * no length to believe in. */
int
object_bytes(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, uint8_t *out, size_t size, size_t *n)
{
	CK_ATTRIBUTE a = { type, out, size };
	CK_RV rv;

	rv = s->fn->C_GetAttributeValue(s->session, object, &a, 1);
	if (rv == CKR_BUFFER_TOO_SMALL)
		return TSR_TOO_LARGE;
	if (rv != CKR_OK || a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return TSR_NOT_FOUND;
	if (a.pValue != out || a.ulValueLen > size)
		return TSR_TOO_LARGE;
	*n = a.ulValueLen;
	return TSR_OK;
}

int
object_ulong(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
	union {
		uint8_t bytes[sizeof(CK_ULONG)];
		CK_ULONG v;
	} u;
	size_t n = 0;

	if (object_bytes(s, object, type, u.bytes, sizeof(u.bytes), &n) != TSR_OK ||
	    n != sizeof(u.bytes))
		return TSR_NOT_FOUND;
	*out = u.v;
	return TSR_OK;
}

int
object_bool(const struct object_source *s, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, int *out)
{
	uint8_t v;
	size_t n = 0;

	if (object_bytes(s, object, type, &v, sizeof(v), &n) != TSR_OK || n != sizeof(v))
		return TSR_NOT_FOUND;
	*out = v != CK_FALSE;
	return TSR_OK;
}
