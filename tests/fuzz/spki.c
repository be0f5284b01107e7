/*
 * spki.c - fuzz target: a SubjectPublicKeyInfo that we accept is one that
 * OpenSSL reads too, and writes again with the same bytes.  With a signature
 * that nobody made, none verifies.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tessera.h"
#include "token/ecdsa.h"
#include "token/sigcheck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_in_openssl(const uint8_t *data, size_t size)
{
	const unsigned char *p = data;
	unsigned char *out = NULL;
	EVP_PKEY *key;
	int n;

	if ((key = d2i_PUBKEY(NULL, &p, (long)size)) == NULL || p != data + size)
		abort();
	n = i2d_PUBKEY(key, &out);
	if (n < 0 || (size_t)n != size || memcmp(out, data, size) != 0)
		abort();
	OPENSSL_free(out);
	EVP_PKEY_free(key);
}

/* ECDSA signatures: what is read from DER is written to it again as it was. */
static void
signature(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = { ECDSA_P256, ECDSA_P384 };
	uint8_t raw[2 * ECDSA_P384], again[2 * ECDSA_P384], der[ECDSA_DER_MAX];
	size_t i, n;

	for (i = 0; i < 2; i++) {
		if (ecdsa_from_der(raw, sizes[i], data, size) == TSR_OK &&
		    ecdsa_to_der(der, &n, sizes[i], raw, 2 * sizes[i]) == TSR_OK &&
		    (n != size || memcmp(der, data, n) != 0))
			abort();
		if (size == 2 * sizes[i] && ecdsa_to_der(der, &n, sizes[i], data, size) == TSR_OK &&
		    (ecdsa_from_der(again, sizes[i], der, n) != TSR_OK || memcmp(again, data, size) != 0))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t sig[512] = { 1 };
	static const size_t lengths[] = { 64, 96, 256, 384, 512 };
	uint8_t id[SIGCHECK_ID_LEN];
	uint32_t mask = 0;
	unsigned alg;
	size_t i;
	int r;

	signature(data, size);
	r = sigcheck_algorithms(data, size, &mask);
	if (sigcheck_spki_id(data, size, id) != r)
		abort();
	if (r == TSR_OK) {
		if (mask == 0)
			abort();
		same_in_openssl(data, size);
	}
	for (alg = PROTO_ECDSA_P256_SHA256; alg <= PROTO_ED25519; alg++)
		for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			if (sigcheck_verify((enum proto_algorithm)alg, data, size,
			    "x", 1, sig, lengths[i]) == TSR_OK)
				abort();
	return 0;
}
