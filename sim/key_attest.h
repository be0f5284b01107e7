/*
 * key_attest.h - the attestation of a virtual key: a CA of its own in the
 * state folder ("attestation-ca.pem", "attestation-ca.key"), and a leaf in the
 * form that WebAuthn 8.2.1 asks of packed attestation.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_ATTEST_H
#define SIM_KEY_ATTEST_H

#include "sim/key.h"

/* Make, or make again where the AAGUID has changed, what k->attest holds.
 * TSR_CRYPTO, TSR_SYSTEM with errno. */
int key_attest_ready(struct key *k);
void key_attest_free(struct key_attest *a);

#endif
