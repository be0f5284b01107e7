/*
 * keeper.h - the half of a helper that links no module: it forwards frames
 * between the agent and a worker, and kills the worker at a request's
 * deadline.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_KEEPER_H
#define BASE_KEEPER_H

#include <stddef.h>

#include "base/sandbox.h"

/* What to start when PROTO_OPEN has named a module. */
struct keeper_worker {
	const char *path;	/* program, absolute */
	char **argv;		/* NULL-terminated */
	char **env;		/* NULL-terminated, NULL for empty */
	unsigned grace_ms;	/* to end by itself once its socket is closed, before it is killed */
};

/* Fill w for the module of that name: TSR_NOT_FOUND where the configuration
 * has none, TSR_CONFIG.  The memory stays valid until the process ends.  Runs
 * inside the sandbox: it looks into memory only. */
typedef int (*keeper_resolve)(void *arg, const char *module, struct keeper_worker *w);

/*
 * Serve one agent connection on fd until it ends: enters SANDBOX_KEEPER with
 * the n paths extra (the worker's program as SANDBOX_EXEC and everything that
 * any worker may be given: a worker inherits the keeper's rules and can only
 * narrow them), expects PROTO_OPEN first and once, starts the worker, answers
 * PROTO_OPEN with the worker's own PROTO_DONE or PROTO_ERROR.
 *
 * Requests run one at a time in order.  Each frame is checked with
 * proto_decode in both directions before it is forwarded, and only replies of
 * the right kind to the request under way pass.  A request's deadline counts
 * from the moment its frame was whole; what is left of it is forwarded.  0
 * means 10 s, and nothing runs longer than 120 s.  At a deadline, a false
 * frame or the worker's death the worker and its process group are killed,
 * PROTO_ERROR (TSR_TIMEOUT, TSR_HELPER; TSR_INVALID for a false frame of the
 * agent's) answers the request and the keeper ends.  When the agent's end
 * closes, the worker is killed at once.  Buffers are wiped after each frame.
 *
 * Returns when the worker is dead and reaped: TSR_OK when the agent closed;
 * otherwise what ended it: the code of the keeper's PROTO_ERROR, TSR_MODULE
 * when the worker itself refused PROTO_OPEN, or TSR_SYSTEM.  fd is left open
 * and non-blocking.
 */
int keeper_serve(int fd, keeper_resolve resolve, void *arg,
    const struct sandbox_path *extra, size_t n);

#endif
