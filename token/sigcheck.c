/*
 * sigcheck.c - signatures of devices.  See sigcheck.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/sigcheck.h"

#include <sodium.h>

#include "tessera.h"
#include "token/pubkey.h"
#include "token/spki.h"

int
sigcheck_prepare(enum proto_algorithm alg, const uint8_t *spki, size_t spki_len,
    struct pubkey **out)
{
	struct pubkey_parts parts;
	int r;

	if ((r = spki_parse(spki, spki_len, &parts)) != TSR_OK)
		return r;
	return pubkey_new(alg, &parts, out);
}

int
sigcheck_verify(enum proto_algorithm alg, const uint8_t *spki, size_t spki_len,
    const void *data, size_t n, const uint8_t *sig, size_t sig_len)
{
	struct pubkey *key = NULL;
	int r;

	if ((r = sigcheck_prepare(alg, spki, spki_len, &key)) != TSR_OK)
		return r;
	r = pubkey_verify(key, data, n, sig, sig_len);
	pubkey_free(&key);
	return r;
}

int
sigcheck_algorithms(const uint8_t *spki, size_t spki_len, uint32_t *mask)
{
	struct pubkey_parts parts;
	int r;

	if ((r = spki_parse(spki, spki_len, &parts)) != TSR_OK ||
	    (r = pubkey_valid(&parts)) != TSR_OK)
		return r;
	*mask = pubkey_algorithms(parts.kind);
	return TSR_OK;
}

int
sigcheck_spki_id(const uint8_t *spki, size_t spki_len,
    uint8_t out[SIGCHECK_ID_LEN])
{
	uint32_t mask = 0;
	int r;

	if ((r = sigcheck_algorithms(spki, spki_len, &mask)) != TSR_OK)
		return r;
	return crypto_hash_sha256(out, spki, spki_len) == 0 ? TSR_OK : TSR_CRYPTO;
}
