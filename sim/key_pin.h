/*
 * key_pin.h - PIN/UV auth protocols one and two (CTAP 2.1 sections 6.5.6 and
 * 6.5.7), and the pinUvAuthToken.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_PIN_H
#define SIM_KEY_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/cbor.h"
#include "sim/key_pair.h"

#define KEY_PIN_PROTOCOLS	2
#define KEY_PIN_TOKEN		32	/* bytes */
#define KEY_PIN_IV		16	/* bytes before the ciphertext in protocol two */

struct key_pin {			/* volatile: fresh at each power-up */
	struct key_pair agreement[KEY_PIN_PROTOCOLS];
	uint8_t token[KEY_PIN_TOKEN];
	int protocol;			/* of the token; 0: there is none */
	unsigned permissions;
	bool bound;			/* to the relying party below */
	uint8_t rp[32];
	int failed;			/* wrong PINs in a row since power-up */
};

struct key_pin_shared {			/* a shared secret with the platform */
	int protocol;
	uint8_t hmac[32], aes[32];
};

/* New agreement keys, no token, no failures.  TSR_CRYPTO. */
int key_pin_power_up(struct key_pin *p);
void key_pin_free(struct key_pin *p);

/* A new agreement key for that protocol: after a wrong PIN. */
int key_pin_renew(struct key_pin *p, int protocol);

/* The secret shared with the owner of that COSE_Key.  TSR_INVALID. */
int key_pin_agree(const struct key_pin *p, int protocol, const struct cbor *cose,
    struct key_pin_shared *out);

/* AES-256-CBC without padding.  out has room for n, encrypting for
 * n + KEY_PIN_IV bytes; n is whole blocks.  TSR_INVALID, TSR_CRYPTO. */
int key_pin_decrypt(const struct key_pin_shared *s, const uint8_t *p, size_t n, uint8_t *out,
    size_t *len);
int key_pin_encrypt(const struct key_pin_shared *s, const uint8_t *p, size_t n, uint8_t *out,
    size_t *len);

/* Whether sig is the protocol's HMAC of n bytes. */
bool key_pin_verify(int protocol, const uint8_t key[32], const uint8_t *p, size_t n,
    const uint8_t *sig, size_t sig_len);

/* A new token, in place of any other.  rp may be NULL: bound at first use. */
void key_pin_token(struct key_pin *p, int protocol, unsigned permissions, const uint8_t rp[32]);
void key_pin_forget(struct key_pin *p);

#endif
