/*
 * worker.h - the half of the helper that speaks to keys: one operation, and the
 * end of the stream takes it back.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_WORKER_H
#define FIDO_WORKER_H

#define WORKER_MODULE	"fido"	/* the name that PROTO_OPEN bears */

/*
 * Serve the keeper on fd until it closes: PROTO_OPEN, then one request; a second
 * one is refused.  Between the two it may wait for long.  enter(arg) is called once,
 * when the request is there and before a byte of it is read: it enters the sandbox,
 * so that its rules are for the keys of that moment; what it says other than TSR_OK
 * is handed back.  TSR_OK after an orderly end, TSR_INVALID for a frame that the
 * keeper should not have let through.
 */
int worker_serve(int fd, int (*enter)(void *arg), void *arg);

#endif
