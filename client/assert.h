/*
 * assert.h - a FIDO2 key plugged in here signs: by fido2-assert, the program of
 * libfido2, which asks for the PIN itself.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_ASSERT_H
#define CLIENT_ASSERT_H

#include "client/remote.h"

/*
 * Have one of r's native credentials (`only`, its id, where that is not NULL) answer
 * on a device, or on whichever that is plugged in holds it.  *response is what the
 * assertion grant takes, a new reference.  FAIL_*.
 */
int assert_answer(struct client *c, const struct remote *r, const char *only, const char *device,
    json_t **response);

#endif
