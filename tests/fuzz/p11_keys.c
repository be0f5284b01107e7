/*
 * p11_keys.c - the key list of a token whose module answers with the input:
 * lengths, counts, attributes and return values are all the input's.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/keys.h"
#include "pkcs11/mech.h"
#include "pkcs11/token.h"
#include "tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left;

static uint8_t
take(void)
{
	if (left == 0)
		return 0;
	left--;
	return *input++;
}

/* Mostly what is true, sometimes what cannot be. */
static CK_ULONG
length(CK_ULONG truth)
{
	uint8_t how = take();

	if (how == 0xff)
		return CK_UNAVAILABLE_INFORMATION;
	if (how == 0xfe)
		return (CK_ULONG)take() << 24 | take();
	if (how == 0xfd)
		return truth + take();
	return truth;
}

static CK_RV
answer(void)
{
	uint8_t b = take();

	return b < 0xf0 ? CKR_OK : (CK_RV)b << 4 | take();
}

static CK_RV
get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *n)
{
	CK_ULONG i, count = take();

	(void)slot;
	if (list != NULL)
		for (i = 0; i < *n; i++)
			list[i] = (CK_MECHANISM_TYPE)take() << 8 | take();
	*n = length(list != NULL ? *n : count);
	return answer();
}

static CK_RV
find_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	(void)h, (void)tmpl, (void)n;
	return answer();
}

static CK_RV
find(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *n)
{
	CK_ULONG i, count = take() % 4;

	(void)h;
	for (i = 0; i < max && i < count; i++)
		out[i] = take();
	*n = length(i);
	return answer();
}

static CK_RV
find_final(CK_SESSION_HANDLE h)
{
	(void)h;
	return answer();
}

static CK_RV
get_attribute(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	static const CK_KEY_TYPE types[] = { CKK_EC, CKK_RSA, CKK_EC_EDWARDS, CKK_DSA };
	CK_KEY_TYPE type;
	size_t want, i;

	(void)h, (void)o;
	if (n != 1)
		abort();
	if (a->type == CKA_KEY_TYPE && a->ulValueLen >= sizeof(type)) {
		type = types[take() % 4];
		memcpy(a->pValue, &type, sizeof(type));
		a->ulValueLen = length(sizeof(type));
		return answer();
	}
	want = (size_t)take() << 8;
	want |= take();
	for (i = 0; i < want && i < a->ulValueLen && left > 0; i++)
		((uint8_t *)a->pValue)[i] = take();
	/* a module that says more than it wrote: the room was zeroed before */
	a->ulValueLen = length(i);
	return answer();
}

static void
list_keys(CK_FUNCTION_LIST *fn)
{
	struct object_source src = { fn, 1 };
	struct keys keys = { 0, NULL };
	struct fault f;
	mech_set mechs = 0;
	size_t i;

	fault_clear(&f);
	(void)mech_list(fn, 1, &mechs, &f);
	if (keys_list_public(&src, mechs | 0xff, &keys, &f) == TSR_OK) {
		for (i = 0; i < keys.n; i++) {
			const struct key *k = &keys.v[i];

			if (k->id_len == 0 || k->id_len > sizeof(k->id) || k->algorithms == 0 ||
			    k->spki.len == 0 || k->spki.len > sizeof(k->spki.der) ||
			    memchr(k->label, '\0', sizeof(k->label)) == NULL)
				abort();
		}
	}
	if (memchr(f.detail, '\0', sizeof(f.detail)) == NULL)
		abort();
	keys_free(&keys);
}

static void
read_certificate(const uint8_t *data, size_t size)
{
	struct spki spki;
	X509 *x;

	if (size > PROTO_CERT_MAX || (x = d2i_X509(NULL, &data, (long)size)) == NULL)
		return;
	(void)spki_from_certificate(x, &spki);
	X509_free(x);
}

static void
read_token(const uint8_t *data, size_t size)
{
	CK_TOKEN_INFO info;
	struct token t;

	if (size < sizeof(info))
		return;
	memcpy(&info, data, sizeof(info));
	token_from_info(&t, 1, &info);
	if (memchr(t.label, '\0', sizeof(t.label)) == NULL ||
	    memchr(t.serial, '\0', sizeof(t.serial)) == NULL || !token_is(&t, t.serial, t.label))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CK_FUNCTION_LIST fn = {
		.C_GetMechanismList = get_mechanism_list, .C_FindObjectsInit = find_init,
		.C_FindObjects = find, .C_FindObjectsFinal = find_final,
		.C_GetAttributeValue = get_attribute,
	};

	if (size == 0)
		return 0;
	switch (data[0] % 4) {
	case 0:
		read_certificate(data + 1, size - 1);
		break;
	case 1:
		read_token(data + 1, size - 1);
		break;
	default:
		input = data + 1;
		left = size - 1;
		list_keys(&fn);
		break;
	}
	return 0;
}
