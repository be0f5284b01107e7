/*
 * key_cred.h - credentials of a virtual key.  An id carries what is needed to
 * make its key again, under a MAC; resident ones are in the store as well.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_CRED_H
#define SIM_KEY_CRED_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/key.h"

enum key_cred_flag { CRED_RESIDENT = 1, CRED_HMAC_SECRET = 2 };

struct key_cred {
	int alg;
	int protect;			/* credProtect: 1 to 3 */
	unsigned flags;
};

/* Write an id for a new credential of that relying party. */
void key_cred_new(struct key *k, const uint8_t rp[32], const struct key_cred *c,
    uint8_t id[KEY_ID]);

/* Whether n bytes are the id of a credential of ours for rp, that is still
 * there; c is what it says. */
bool key_cred_known(const struct key *k, const uint8_t rp[32], const uint8_t *id, size_t n,
    struct key_cred *c);

/* Its key pair; TSR_CRYPTO.  And the secret of hmac-secret. */
int key_cred_pair(const struct key *k, const uint8_t id[KEY_ID], struct key_pair *out);
void key_cred_secret(const struct key *k, const uint8_t id[KEY_ID], bool uv, uint8_t out[32]);

/* The counter for an assertion (or for a new credential), by the settings. */
uint32_t key_cred_count(struct key *k, const uint8_t id[KEY_ID]);

/* The resident credential of that id, or NULL. */
struct key_resident *key_cred_resident(struct key *k, const uint8_t id[KEY_ID]);
size_t key_cred_residents(const struct key *k);

/* The SHA-256 of a relying party's id. */
void key_cred_rp(const char *rp, uint8_t out[32]);

/* Authenticator data up to the counter (WebAuthn 6.1), with the faults that
 * touch it. */
void key_cred_authdata(struct key *k, const uint8_t rp[32], uint8_t flags,
    const uint8_t id[KEY_ID], struct cbor_out *o);

/* Sign authenticator data and the client data's hash.  TSR_CRYPTO, TSR_NOMEM. */
int key_cred_sign(struct key *k, const struct key_pair *pair, const struct cbor_out *authdata,
    const uint8_t client_data[32], uint8_t sig[KEY_PAIR_SIG], size_t *len);

#endif
