/*
 * main.c - tessera-pkcs11: the keeper that the agent talks to, and (--worker)
 * the process that the keeper starts to load one module; with --watch the
 * process that tells the agent of readers and cards.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/helper_start.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/spawn.h"
#include "pkcs11/launch.h"
#include "pkcs11/lease.h"
#include "pkcs11/watch.h"
#include "pkcs11/worker.h"
#include "tessera.h"

#define EXIT_USAGE	2

struct options {
	const char *config;
	const char *module;	/* of the worker */
	int user;
	int worker;
	int watch;
	int keeper_fd;		/* -1: find it */
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: tessera-pkcs11 --config FILE [--user] [--watch] [--keeper-fd N]\n");
	exit(EXIT_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "keeper-fd", required_argument, NULL, 'k' },
		{ "module", required_argument, NULL, 'm' },
		{ "user", no_argument, NULL, 'u' },
		{ "version", no_argument, NULL, 'V' },
		{ "watch", no_argument, NULL, 'W' },
		{ "worker", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	memset(o, 0, sizeof(*o));
	o->keeper_fd = -1;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			if ((o->keeper_fd = helper_start_fd(optarg)) == -1)
				usage();
			break;
		case 'm':
			o->module = optarg;
			break;
		case 'u':
			o->user = 1;
			break;
		case 'V':
			printf("tessera-pkcs11 %s\n", TESSERA_VERSION);
			exit(0);
		case 'W':
			o->watch = 1;
			break;
		case 'w':
			o->worker = 1;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || o->config == NULL || (o->worker != (o->module != NULL)) ||
	    (o->worker && o->watch))
		usage();
	if (o->config[0] != '/')	/* the worker starts in / */
		log_fatal(EXIT_USAGE, "--config needs a path from /");
}

/* The only environment that is used is the module's own, in the worker. */
static int
run_keeper(const struct options *o, const struct config *conf, const char *program)
{
	struct launch_paths paths = { NULL, 0 };
	struct launch l;
	int r, fd = helper_start_agent(o->keeper_fd, o->user);

	if (launch_init(&l, conf, program, o->config, o->user) != TSR_OK ||
	    launch_keeper_paths(&l, &paths) != TSR_OK)
		log_fatal(1, "out of memory");
	r = keeper_serve(fd, launch_resolve, &l, paths.v, paths.n);
	(void)close(fd);	/* the agent is told before anything else */
	if (r != TSR_OK)
		log_line(LOG_WARN, "%s", tsr_strerror(r));
	launch_paths_free(&paths);
	launch_free(&l);
	return r == TSR_OK ? 0 : 1;
}

/* Where the agent hangs up, this ends inside. */
static _Noreturn void
run_watch(const struct options *o, const struct config *conf)
{
	const char *service = watch_service(conf);
	struct sandbox_path path = { service, SANDBOX_READ };
	int fd = helper_start_agent(o->keeper_fd, o->user);

	if (service != NULL && setenv(WATCH_VARIABLE, service, 1) != 0)
		log_fatal(1, "out of memory");
	if (sandbox_enter(SANDBOX_WATCH, &path, service != NULL) != TSR_OK)
		log_fatal(1, "cannot enter the sandbox: %s", strerror(errno));
	_exit(watch_serve(fd) == TSR_OK ? 0 : 1);
}

/* Ends by _exit: a module's destructors have nothing to say here, and some
 * hang.  The token is logged out; the end of the process closes the rest. */
static _Noreturn void
run_worker(const struct options *o, const struct config *conf, const char *program)
{
	const struct config_module *m;
	struct launch_paths paths = { NULL, 0 };
	struct launch l;
	int r;

	if ((m = config_module(conf, o->module)) == NULL)
		log_fatal(1, "no module of that name is configured");
	if (launch_init(&l, conf, program, o->config, o->user) != TSR_OK ||
	    launch_module_paths(&l, m, &paths) != TSR_OK)
		log_fatal(1, "out of memory");
	if (sandbox_enter(SANDBOX_MODULE, paths.v, paths.n) != TSR_OK)
		log_fatal(1, "cannot enter the sandbox: %s", strerror(errno));
	launch_paths_free(&paths);
	lease_load(conf->libexec_dir);
	r = worker_serve(SPAWN_FD, m);
	_exit(r == TSR_OK ? 0 : 1);
}

int
main(int argc, char **argv)
{
	char program[PATH_MAX];
	struct config *conf;
	struct options o;
	int status;

	if (spawn_fix_fds() != TSR_OK)
		return 1;
	log_init("tessera-pkcs11", LOG_NOTICE);
	parse_options(argc, argv, &o);
	helper_start_program(program);
	conf = helper_start_config(o.config, o.user);
	if (o.worker)
		run_worker(&o, conf, program);
	if (o.watch)
		run_watch(&o, conf);
	status = run_keeper(&o, conf, program);
	config_free(&conf);
	return status;
}
