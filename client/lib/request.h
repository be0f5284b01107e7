/*
 * request.h - what a program asks for, and how it is said to the agent.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_REQUEST_H
#define CLIENT_LIB_REQUEST_H

#include "base/buf.h"
#include "tessera.h"

/* The form of POST /token: the session grant takes no device, credential, PIN or
 * code.  rq may be NULL.  TSR_NOMEM, TSR_TOO_LARGE. */
int request_form(const struct tsr_request *rq, int fresh, struct buf *form);

/* The JSON body of POST /session; TSR_INVALID where rq has what a login does
 * not take. */
int request_login(const struct tsr_request *rq, struct buf *body);

/* Which proof it wants; rq may be NULL. */
enum tsr_proof request_proof(const struct tsr_request *rq);

/* Does it bring a code (TSR_OTP), which is the proof then?  rq may be NULL. */
int request_has_code(const struct tsr_request *rq);

/* The session grant was refused with code: where that proof is wanted, is a
 * fresh one to be tried? */
int request_again(enum tsr_proof proof, int code);

#endif
