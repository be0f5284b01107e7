/*
 * enrol_match.h - which token and key a PKCS#11 URI names, whether that key is
 * enrolled already, and how it will sign.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_MATCH_H
#define AGENT_ENROL_MATCH_H

#include "agent/device.h"
#include "agent/store.h"
#include "agent/uri.h"

/* 1 where the URI's attributes are those of the token, of the key. */
int enrol_match_token(const struct uri *u, const struct device *d);
int enrol_match_key(const struct uri *u, const struct device_key *k);

/* The one to be pinned of those offered (bits 1 << enum proto_algorithm); 0
 * where there is none. */
enum proto_algorithm enrol_match_algorithm(uint32_t offered);

/* Before anybody types a PIN: TSR_CONFLICT where the key of c is enrolled
 * already, as anybody's. */
int enrol_match_known(struct store *st, const struct credential *c);

#endif
