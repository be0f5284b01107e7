/*
 * watch.h - tessera-pkcs11 --watch: tell the agent of readers and cards, as
 * PC/SC tells us.  Links libpcsclite and parses what readers say, so it is
 * believed no more than any other helper; the agent starts it again when it
 * ends.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_WATCH_H
#define PKCS11_WATCH_H

#include "base/config.h"

#define WATCH_VARIABLE	"PCSCLITE_CSOCK_NAME"	/* how libpcsclite is told where pcscd listens */

/* Where pcscd listens: pcsc.socket, else what a module's environment says, else
 * NULL for the library's own place. */
const char *watch_service(const struct config *c);

/*
 * Serve one agent connection on fd (blocking or not) until it ends: expects
 * PROTO_WATCH, and nothing after it, and reports (proto.h).  While the service
 * cannot be reached it is tried again, after WATCH_TRY_MS at first and
 * WATCH_TRY_MAX_MS at most.  When the agent hangs up the whole process ends at
 * once, by a signal handler, with status 0, and with 1 where it says more.
 * TSR_OK where it hung up before or in a send; TSR_INVALID for a false frame,
 * TSR_NOMEM, TSR_SYSTEM.  Inside the sandbox.
 */
#define WATCH_TRY_MS		50
#define WATCH_TRY_MAX_MS	2000
int watch_serve(int fd);

#endif
