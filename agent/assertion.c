/*
 * assertion.c - see assertion.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/assertion.h"

#include <sodium.h>
#include <string.h>

#include "include/tessera.h"
#include "token/ecdsa.h"
#include "token/sigcheck.h"

_Static_assert(ASSERTION_HASH_LEN == crypto_hash_sha256_BYTES, "SHA-256");

const char *
assertion_fault_text(enum assertion_fault f)
{
	switch (f) {
	case ASSERTION_GOOD:
		return "good";
	case ASSERTION_MALFORMED:
		return "the key's answer is malformed";
	case ASSERTION_RP:
		return "the key's answer is for another service";
	case ASSERTION_PRESENCE:
		return "the key was not touched";
	case ASSERTION_VERIFICATION:
		return "the key did not verify its user";
	case ASSERTION_COUNTER:
		return "the key's counter did not grow: it may have been copied";
	case ASSERTION_SIGNATURE:
		return "the key's signature does not match the enrolled key";
	case ASSERTION_CREDENTIAL:
		return "the key answered another question";
	}
	return "unknown";
}

void
assertion_client_hash(const uint8_t *challenge, size_t n, uint8_t out[ASSERTION_HASH_LEN])
{
	crypto_hash_sha256(out, challenge, n);
}

/* WebAuthn 7.2 step 21: over authenticator data and hash. */
static int
assertion_signature(const struct assertion_policy *p, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len)
{
	uint8_t data[AUTHDATA_MAX + ASSERTION_HASH_LEN], raw[64];

	memcpy(data, authdata, authdata_len);
	memcpy(data + authdata_len, hash, ASSERTION_HASH_LEN);
	if (p->algorithm == PROTO_ECDSA_P256_SHA256) {
		if (ecdsa_from_der(raw, 32, sig, sig_len) != TSR_OK)
			return TSR_BAD_SIGNATURE;
		sig = raw;
		sig_len = sizeof(raw);
	}
	return sigcheck_verify(p->algorithm, p->spki, p->spki_len, data,
	    authdata_len + ASSERTION_HASH_LEN, sig, sig_len);
}

static enum assertion_fault
assertion_flags(const struct assertion_policy *p, const struct authdata *a)
{
	uint8_t rp[AUTHDATA_RP_LEN];

	crypto_hash_sha256(rp, (const uint8_t *)p->rp_id, strlen(p->rp_id));
	if (sodium_memcmp(rp, a->rp, sizeof(rp)) != 0)
		return ASSERTION_RP;
	if ((a->flags & AUTHDATA_AT) != 0)
		return ASSERTION_CREDENTIAL;
	if (p->presence && (a->flags & AUTHDATA_UP) == 0)
		return ASSERTION_PRESENCE;
	if (p->verification && (a->flags & AUTHDATA_UV) == 0)
		return ASSERTION_VERIFICATION;
	/* step 22: zero and zero is a key without counter */
	if ((a->counter != 0 || p->counter != 0) && a->counter <= p->counter)
		return ASSERTION_COUNTER;
	return ASSERTION_GOOD;
}

int
assertion_judge(const struct assertion_policy *p, const uint8_t hash[ASSERTION_HASH_LEN],
    const uint8_t *authdata, size_t authdata_len, const uint8_t *sig, size_t sig_len,
    struct assertion_found *out, enum assertion_fault *fault)
{
	struct authdata a;
	int r;

	*fault = ASSERTION_MALFORMED;
	if (authdata_read(authdata, authdata_len, &a) != TSR_OK || sig_len > ASSERTION_SIGNATURE_MAX)
		return TSR_BAD_SIGNATURE;
	*fault = ASSERTION_SIGNATURE;
	if ((r = assertion_signature(p, hash, authdata, authdata_len, sig, sig_len)) != TSR_OK)
		return r == TSR_NOMEM || r == TSR_CRYPTO ? r : TSR_BAD_SIGNATURE;
	if ((*fault = assertion_flags(p, &a)) != ASSERTION_GOOD)
		return TSR_DENIED;
	out->counter = a.counter;
	out->verified = (a.flags & AUTHDATA_UV) != 0;
	return TSR_OK;
}
