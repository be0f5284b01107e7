/*
 * launch.h - what a worker is started with: its arguments, its environment and
 * the paths that it may touch.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_LAUNCH_H
#define FIDO_LAUNCH_H

#include <glob.h>
#include <stddef.h>

#include "base/config.h"
#include "base/keeper.h"
#include "base/sandbox.h"

#define LAUNCH_NODES	"/dev/hidraw*"
#define LAUNCH_KEEPER_PATHS	2
#define LAUNCH_GRACE_MS	300u	/* for a worker to take back what its keys wait for */

struct launch {
	const struct config *conf;
	const char *program;		/* ourselves, absolute */
	char *argv[3], **env;		/* of the worker */
};

/* Paths for sandbox_enter(): v[0..n), freed by launch_nodes_free. */
struct launch_nodes {
	glob_t found;
	struct sandbox_path *v;
	size_t n;
};

/* Fill l; conf and program stay the caller's.  TSR_NOMEM. */
int launch_init(struct launch *l, const struct config *conf, const char *program);
void launch_free(struct launch *l);

/* What a keeper may touch so that it can start a worker for any key. */
void launch_keeper_paths(const struct launch *l, struct sandbox_path out[LAUNCH_KEEPER_PATHS]);

/* The nodes that are there now.  TSR_NOMEM. */
int launch_nodes(struct launch_nodes *out);
void launch_nodes_free(struct launch_nodes *n);

/* A keeper_resolve; arg is a struct launch. */
int launch_resolve(void *arg, const char *module, struct keeper_worker *w);

#endif
