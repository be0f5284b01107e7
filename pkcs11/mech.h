/*
 * mech.h - what a token's mechanisms can do for us, and how each algorithm is
 * asked of it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_MECH_H
#define PKCS11_MECH_H

#include <stddef.h>
#include <stdint.h>

#include <p11-kit/pkcs11.h>

#include "base/proto.h"
#include "pkcs11/rv.h"

#define MECH_LIST_MAX	1024	/* mechanisms of a token */

#define MECH_INPUT_MAX	(PROTO_CHALLENGE_MAX > 64 ? PROTO_CHALLENGE_MAX : 64)	/* bytes */

/* The mechanisms that matter, as a set of bits (mech.c numbers them). */
typedef uint32_t mech_set;

/* Ask the slot.  TSR_MODULE. */
int mech_list(CK_FUNCTION_LIST *fn, CK_SLOT_ID slot, mech_set *out, struct fault *f);

/* The set of a list, for tests and for mech_list. */
mech_set mech_from_list(const CK_MECHANISM_TYPE *list, size_t n);

/* 1 << algorithm for each enum proto_algorithm that the set offers. */
uint32_t mech_algorithms(mech_set set);

/* The key type that an algorithm needs. */
CK_KEY_TYPE mech_key_type(uint32_t algorithm);

/* What to hand to C_SignInit and C_Sign.  Not to be copied: mechanism points
 * into it. */
struct mech_call {
	CK_MECHANISM mechanism;
	CK_RSA_PKCS_PSS_PARAMS pss;
	uint8_t input[MECH_INPUT_MAX];
	size_t input_len;
};

/* Prepare signing of data with an algorithm: the token hashes where it can be
 * asked to with padding, we do where it signs a digest.  TSR_KEY_UNUSABLE where
 * the set does not offer it, TSR_TOO_LARGE. */
int mech_prepare(struct mech_call *c, mech_set set, uint32_t algorithm,
    const uint8_t *data, size_t n, struct fault *f);

/* 1 where a signature of an algorithm may be n bytes long. */
int mech_signature_fits(uint32_t algorithm, size_t n);

#endif
