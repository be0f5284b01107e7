/*
 * launch.h - what a module's worker is started with: its arguments, its
 * environment and the paths that it may touch, all from the configuration.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_LAUNCH_H
#define PKCS11_LAUNCH_H

#include <stddef.h>

#include "base/config.h"
#include "base/keeper.h"
#include "base/sandbox.h"

struct launch {
	const struct config *conf;
	const char *program;		/* ourselves, absolute */
	const char *config_file;	/* absolute: a worker starts in / */
	int user_mode;
	char *folder;			/* of the configuration file, conf.d below it */
	char *opensc;			/* "OPENSC_CONF=..." of the file installed beside us */
	char *pcsc;			/* the library that this file names */
	char **argv, **env;		/* of the worker last resolved */
};

/* Paths for sandbox_enter(): v[0..n), freed by launch_paths_free. */
struct launch_paths {
	struct sandbox_path *v;
	size_t n;
};

/* Fill l; conf, program and config_file stay the caller's.  TSR_NOMEM. */
int launch_init(struct launch *l, const struct config *conf, const char *program,
    const char *config_file, int user_mode);
void launch_free(struct launch *l);

/* What one module's worker may touch: the module, the OpenSC configuration
 * that it will read, tessera-pcsc.so, its read-paths and write-paths.  Appends.  TSR_NOMEM. */
int launch_module_paths(const struct launch *l, const struct config_module *m,
    struct launch_paths *out);

/* What a keeper may touch so that it can start any of them. */
int launch_keeper_paths(const struct launch *l, struct launch_paths *out);

void launch_paths_free(struct launch_paths *p);

/* A keeper_resolve; arg is a struct launch.  The module's environment exactly,
 * and OPENSC_CONF where it names none: OpenSC with its own defaults leaves a
 * card open for others after a logout.  What w points to is good until the next
 * call or launch_free. */
int launch_resolve(void *arg, const char *module, struct keeper_worker *w);

#endif
