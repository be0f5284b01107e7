/*
 * call.h - questions to the agent that are no requests for a token.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_CALL_H
#define PAM_CALL_H

#include "base/buf.h"
#include "client/lib/fault.h"
#include "client/lib/record.h"
#include "pam/attempt.h"

/* Ask, no longer than the agent may take; form is NULL for GET.  TSR_OK: status
 * 200 and the JSON object in *out, which record_clear undoes.  Else *f says why. */
int call_agent(struct attempt *at, const char *target, const struct buf *form, struct record *out,
    struct fault *f);

#endif
