/*
 * card_cert.h - certificates for virtual cards, from a small authority that
 * lives in a folder: ca.pem is what others trust, ca.key signs.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_CERT_H
#define SIM_CARD_CERT_H

#include <stdint.h>

#include <openssl/evp.h>

#include "base/buf.h"

struct card_ca;

/* The authority in that folder, made (P-256, ten years) where there is none.
 * TSR_NOT_FOUND without the folder; TSR_CORRUPT; TSR_CRYPTO; TSR_NOMEM;
 * TSR_SYSTEM. */
int card_ca_open(const char *folder, struct card_ca **out);
void card_ca_free(struct card_ca **ca);

struct card_cert {
	const char *subject;	/* common name, UTF-8 */
	uint8_t ref;		/* the slot, which says what the key may do */
	uint8_t alg;
	const uint8_t *guid;	/* 16 bytes: a subject alternative name */
	EVP_PKEY *key;
};

/* Append a certificate in DER, valid for five years.  TSR_CRYPTO, TSR_NOMEM. */
int card_cert_issue(const struct card_ca *ca, const struct card_cert *cert, struct buf *der);

#endif
