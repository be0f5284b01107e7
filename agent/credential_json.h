/*
 * credential_json.h - an enrolled credential as JSON, and names of algorithms.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CREDENTIAL_JSON_H
#define AGENT_CREDENTIAL_JSON_H

#include "agent/store.h"
#include "base/buf.h"

/* "ecdsa-p256-sha256" ... */
const char *credential_algorithm(enum proto_algorithm a);

int credential_json(struct buf *out, const struct credential *c);

/* {"credentials":[...]} of a subject, or of everybody with subject NULL. */
int credential_json_list(struct buf *out, struct store *st, const char *subject, uid_t uid);

/* Append ,"name":"hex" */
int credential_json_hex(struct buf *out, const char *name, const uint8_t *p, size_t n);

#endif
