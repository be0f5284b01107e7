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
 * one is refused.  TSR_OK after an orderly end, TSR_INVALID for a frame that the
 * keeper should not have let through.  The sandbox has been entered by the caller.
 */
int worker_serve(int fd);

#endif
