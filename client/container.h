/*
 * container.h - the tokens of a PSKC container (RFC 6030), read by libpskc, which
 * cannot decrypt: an encrypted container is refused.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_CONTAINER_H
#define CLIENT_CONTAINER_H

#include <stddef.h>

#include "oath/otp.h"

struct container;

/* TSR_INVALID, TSR_UNSUPPORTED (encrypted, or with a document type), each with
 * *why a constant sentence; TSR_NOMEM. */
int container_open(const char *text, size_t n, struct container **out, const char **why);
void container_free(struct container **c);

/* The next key; *at is its number from 1.  account is its user, "" where none is
 * named.  TSR_NOT_FOUND after the last one; TSR_INVALID (*why): this one is
 * unusable, the next call goes on behind it; TSR_NOMEM. */
int container_next(struct container *c, struct otp *o, unsigned *at, const char **why);

#endif
