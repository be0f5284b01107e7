/*
 * p11_keys.c - the key list of a token whose module answers with the input:
 * lengths, counts, attributes and return values are all the input's.  The first
 * byte says what (modulo 4: a certificate, a token's info, else keys; bit 7:
 * with libp11's certificate before them, and an input to sign).
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

/* What libp11 has of the token: the certificate that the target began with. */
static PKCS11_CERT certificates[2];

int __wrap_PKCS11_enumerate_certs(PKCS11_TOKEN *token, PKCS11_CERT **certs, unsigned int *n);
unsigned long __wrap_PKCS11_get_slotid_from_slot(PKCS11_SLOT *slot);

int
__wrap_PKCS11_enumerate_certs(PKCS11_TOKEN *token, PKCS11_CERT **certs, unsigned int *n)
{
	(void)token;
	*certs = certificates;
	*n = 2;
	return take() < 0xf0 ? 0 : -1;
}

unsigned long
__wrap_PKCS11_get_slotid_from_slot(PKCS11_SLOT *slot)
{
	(void)slot;
	return 1;
}

/* Both certificates name the same key, by one id of the input's. */
static void
have_certificate(char *label)
{
	static unsigned char id[3];
	const uint8_t *p;
	size_t n = (size_t)take() << 8, i;
	X509 *x;

	n |= take();
	for (i = 0; i < sizeof(id); i++)
		id[i] = take();
	p = input;
	n = n < left ? n : left;
	x = n > 0 ? d2i_X509(NULL, &p, (long)n) : NULL;
	input += n;
	left -= n;
	for (i = 0; i < 2; i++)
		certificates[i] = (PKCS11_CERT){ .label = i == 0 ? label : NULL, .id = id,
		    .id_len = id[0] % 3u, .x509 = x };
}

/* What the token offers is the input's, too: a mask of the mechanisms that matter. */
static void
sign_input(mech_set mechs)
{
	static const uint8_t data[MECH_INPUT_MAX + 1];
	struct mech_call c;
	struct fault f;
	uint32_t algorithm = take();
	size_t n = (size_t)take() * 4;

	fault_clear(&f);
	if (mech_prepare(&c, mechs, algorithm, data, n < sizeof(data) ? n : sizeof(data), &f) == TSR_OK &&
	    (c.input_len == 0 || c.input_len > sizeof(c.input) || c.mechanism.pParameter != (c.pss.sLen > 0 ?
	    &c.pss : NULL)))
		abort();
	(void)mech_key_type(algorithm);
	if (mech_signature_fits(algorithm, PROTO_SIGNATURE_MAX + 1))
		abort();
}

static void
list_keys(CK_FUNCTION_LIST *fn, int whole)
{
	static char label[] = "a\x1b" "b";
	PKCS11_TOKEN token = { .label = label, .serialnr = label };
	PKCS11_SLOT slot = { .token = &token };
	struct session s;
	struct keys keys = { 0, NULL };
	struct fault f;
	mech_set mechs = 0;
	size_t i;

	fault_clear(&f);
	certificates[0].x509 = NULL;
	if (whole)
		have_certificate(label);
	(void)mech_list(fn, 1, &mechs, &f);
	mechs |= whole ? take() : 0xff;
	if (whole)
		sign_input(mechs);
	memset(&s, 0, sizeof(s));
	s.src.fn = fn;
	s.src.session = 1;
	s.mechs = mechs;
	if (whole) {
		token.userPinFinalTry = take() & 1;
		token.userPinLocked = take() & 1;
		token_from_p11(&s.token, &slot);
		if (strchr(s.token.label, '\x1b') != NULL ||
		    (token_tries(s.token.flags) == 0) != token.userPinLocked)
			abort();
	}
	if (keys_list(&s, &keys, &f) == TSR_OK) {
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
	X509_free(certificates[0].x509);
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
		list_keys(&fn, (data[0] & 0x80) != 0);
		break;
	}
	return 0;
}
