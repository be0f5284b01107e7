/*
 * worker.h - the half of the helper that loads the module: answers requests on
 * one stream, one at a time.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_WORKER_H
#define PKCS11_WORKER_H

#include "base/config.h"

/*
 * Serve the keeper on fd until it closes.  PROTO_OPEN comes first, names the
 * module of that configuration and is when it is loaded: nothing of the module
 * runs before.  Every request is answered; TSR_OK after an orderly end,
 * TSR_INVALID for a frame that the keeper should not have let through,
 * TSR_MODULE where the token could not be logged out and the process's end
 * must do it.  The sandbox has been entered by the caller.
 */
int worker_serve(int fd, const struct config_module *module);

#endif
