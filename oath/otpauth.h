/*
 * otpauth.h - otpauth URIs, as authenticator applications scan them
 * ("Key Uri Format"): otpauth://TYPE/LABEL?secret=…&issuer=…&algorithm=…
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_OTPAUTH_H
#define OATH_OTPAUTH_H

#include <stddef.h>

#include "base/buf.h"
#include "oath/otp.h"

#define OTPAUTH_MAX	4096	/* bytes of a URI */

/*
 * Read a URI.  Parameters that we do not know (image, …) are passed over; those
 * that we know may stand there once.  Where the label and the parameter name
 * different issuers, the parameter is believed.  TSR_INVALID, and *why becomes a
 * constant sentence without anything of the secret; TSR_NOMEM (*why NULL).  o
 * is written on success only, and freed by otp_clear.
 */
int otpauth_parse(const char *text, size_t n, struct otp *o, const char **why);

/* Append the URI of a token that otp_check accepts.  TSR_NOMEM, TSR_TOO_LARGE. */
int otpauth_put(struct buf *out, const struct otp *o);

#endif
