/*
 * mech.c - mechanisms and algorithms.  See mech.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/mech.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "tessera.h"

#define ECDSA_BOTH	(1u << PROTO_ECDSA_P256_SHA256 | 1u << PROTO_ECDSA_P384_SHA256)

enum mech_input {
	INPUT_DATA,		/* the token hashes */
	INPUT_DIGEST,		/* SHA-256 */
	INPUT_DIGEST_INFO	/* RFC 8017 section 9.2, DigestInfo of SHA-256 */
};

/* Preferred first within an algorithm. */
static const struct mech_row {
	CK_MECHANISM_TYPE type;
	uint32_t algorithms;	/* bits, 1 << enum proto_algorithm */
	enum mech_input input;
	int pss;
} rows[] = {
	{ CKM_ECDSA, ECDSA_BOTH, INPUT_DIGEST, 0 },
	{ CKM_ECDSA_SHA256, ECDSA_BOTH, INPUT_DATA, 0 },
	{ CKM_SHA256_RSA_PKCS_PSS, 1u << PROTO_RSA_PSS_SHA256, INPUT_DATA, 1 },
	{ CKM_RSA_PKCS_PSS, 1u << PROTO_RSA_PSS_SHA256, INPUT_DIGEST, 1 },
	{ CKM_SHA256_RSA_PKCS, 1u << PROTO_RSA_PKCS1_SHA256, INPUT_DATA, 0 },
	{ CKM_RSA_PKCS, 1u << PROTO_RSA_PKCS1_SHA256, INPUT_DIGEST_INFO, 0 },
	{ CKM_EDDSA, 1u << PROTO_ED25519, INPUT_DATA, 0 },
};
#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

/* RFC 8017 section 9.2, note 1. */
static const uint8_t digest_info[] = {
	0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
	0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};

mech_set
mech_from_list(const CK_MECHANISM_TYPE *list, size_t n)
{
	mech_set set = 0;
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < N_ROWS; k++)
			if (rows[k].type == list[i])
				set |= 1u << k;
	return set;
}

int
mech_list(CK_FUNCTION_LIST *fn, CK_SLOT_ID slot, mech_set *out, struct fault *f)
{
	CK_MECHANISM_TYPE *list = NULL;
	CK_ULONG n = 0, room;
	CK_RV rv;
	int r;

	if ((rv = fn->C_GetMechanismList(slot, NULL, &n)) != CKR_OK)
		return rv_fault(f, "C_GetMechanismList", rv);
	if (n > MECH_LIST_MAX)
		return fault_set(f, TSR_MODULE, "C_GetMechanismList: %lu mechanisms", n);
	room = n;
	if ((list = calloc(room + 1, sizeof(*list))) == NULL)
		return TSR_NOMEM;
	if ((rv = fn->C_GetMechanismList(slot, list, &n)) != CKR_OK) {
		r = rv_fault(f, "C_GetMechanismList", rv);
		goto out;
	}
	if (n > room) {
		r = fault_set(f, TSR_MODULE, "C_GetMechanismList: %lu where %lu fit", n, room);
		goto out;
	}
	*out = mech_from_list(list, n);
	r = TSR_OK;
 out:
	free(list);
	return r;
}

uint32_t
mech_algorithms(mech_set set)
{
	uint32_t bits = 0;
	size_t k;

	for (k = 0; k < N_ROWS; k++)
		if ((set & 1u << k) != 0)
			bits |= rows[k].algorithms;
	return bits;
}

CK_KEY_TYPE
mech_key_type(uint32_t algorithm)
{
	switch (algorithm) {
	case PROTO_RSA_PSS_SHA256:
	case PROTO_RSA_PKCS1_SHA256:
		return CKK_RSA;
	case PROTO_ED25519:
		return CKK_EC_EDWARDS;
	default:
		return CKK_EC;
	}
}

static void
mech_input(struct mech_call *c, enum mech_input kind, const uint8_t *data, size_t n)
{
	size_t at = 0;

	if (kind == INPUT_DATA) {
		memcpy(c->input, data, n);
		c->input_len = n;
		return;
	}
	if (kind == INPUT_DIGEST_INFO) {
		memcpy(c->input, digest_info, sizeof(digest_info));
		at = sizeof(digest_info);
	}
	crypto_hash_sha256(c->input + at, data, n);
	c->input_len = at + crypto_hash_sha256_BYTES;
}

int
mech_prepare(struct mech_call *c, mech_set set, uint32_t algorithm,
    const uint8_t *data, size_t n, struct fault *f)
{
	size_t k;
	uint32_t wanted = algorithm < 32 ? 1u << algorithm : 0;

	if (n == 0 || n > sizeof(c->input))
		return TSR_TOO_LARGE;
	for (k = 0; k < N_ROWS; k++)
		if ((set & 1u << k) != 0 && (rows[k].algorithms & wanted) != 0)
			break;
	if (k == N_ROWS)
		return fault_set(f, TSR_KEY_UNUSABLE, "the token has no mechanism for algorithm %u",
		    algorithm);
	memset(c, 0, sizeof(*c));
	c->mechanism.mechanism = rows[k].type;
	if (rows[k].pss) {
		c->pss.hashAlg = CKM_SHA256;
		c->pss.mgf = CKG_MGF1_SHA256;
		c->pss.sLen = crypto_hash_sha256_BYTES;
		c->mechanism.pParameter = &c->pss;
		c->mechanism.ulParameterLen = sizeof(c->pss);
	}
	mech_input(c, rows[k].input, data, n);
	return TSR_OK;
}

int
mech_signature_fits(uint32_t algorithm, size_t n)
{
	switch (algorithm) {
	case PROTO_ECDSA_P256_SHA256:
	case PROTO_ED25519:
		return n == 64;
	case PROTO_ECDSA_P384_SHA256:
		return n == 96;
	default:
		return n >= 2048 / 8 && n <= PROTO_SIGNATURE_MAX;
	}
}
