/*
 * main.c - tessera-fido: the keeper that the agent talks to; with --worker the
 * process that it starts for one operation; with --watch the process that tells
 * the agent of keys that come and go.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/config.h"
#include "base/helper_start.h"
#include "base/keeper.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/spawn.h"
#include "fido/key.h"
#include "fido/launch.h"
#include "fido/watch.h"
#include "fido/worker.h"
#include "tessera.h"

#define EXIT_USAGE	2

struct options {
	const char *config;
	int user;
	int worker;
	int watch;
	int keeper_fd;		/* -1: find it */
};

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: tessera-fido --config FILE [--user] [--watch] [--keeper-fd N]\n");
	exit(EXIT_USAGE);
}

static void
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "keeper-fd", required_argument, NULL, 'k' },
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
		case 'u':
			o->user = 1;
			break;
		case 'V':
			printf("tessera-fido %s\n", TESSERA_VERSION);
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
	if (optind != argc || (o->config == NULL) != o->worker || (o->worker && o->watch))
		usage();
	if (!o->worker && o->config[0] != '/')	/* as in every other place that names it */
		log_fatal(EXIT_USAGE, "--config needs a path from /");
}

/* The only environment that is used is the configured one, in the worker. */
static int
run_keeper(const struct options *o, const struct config *conf, const char *program)
{
	struct sandbox_path paths[LAUNCH_KEEPER_PATHS];
	struct launch l;
	int r, fd = helper_start_agent(o->keeper_fd, o->user);

	if (launch_init(&l, conf, program) != TSR_OK)
		log_fatal(1, "out of memory");
	launch_keeper_paths(&l, paths);
	r = keeper_serve(fd, launch_resolve, &l, paths, LAUNCH_KEEPER_PATHS);
	(void)close(fd);	/* the agent is told before anything else */
	if (r != TSR_OK)
		log_line(LOG_WARN, "%s", tsr_strerror(r));
	launch_free(&l);
	return r == TSR_OK ? 0 : 1;
}

/* The configured environment and nothing else: it is the worker's already. */
static int
run_watch(const struct options *o, const struct config *conf)
{
	const struct strings *e = &conf->fido.environment;
	struct sandbox_path dev = { "/dev", SANDBOX_READ | SANDBOX_WRITE };	/* to ask what a node is */
	int fd = helper_start_agent(o->keeper_fd, o->user);
	size_t i;

	if (clearenv() != 0)
		log_fatal(1, "out of memory");
	for (i = 0; i < e->n; i++)
		if (putenv(e->v[i]) != 0)
			log_fatal(1, "out of memory");
	if (sandbox_enter(SANDBOX_UDEV, &dev, 1) != TSR_OK)
		log_fatal(1, "cannot enter the sandbox: %s", strerror(errno));
	return watch_serve(fd) == TSR_OK ? 0 : 1;
}

/* The nodes that are there now are the request's; those of the start may have
 * gone, and others come, while the worker waited. */
static int
worker_enter(void *arg)
{
	struct sandbox_half **half = arg;
	struct launch_nodes nodes;

	if (launch_nodes(&nodes) != TSR_OK || sandbox_finish(half, nodes.v, nodes.n) != TSR_OK)
		log_fatal(1, "cannot enter the sandbox: %s", strerror(errno));
	launch_nodes_free(&nodes);
	return TSR_OK;
}

/* The keeper's end is no reason to leave a key blinking: SIGTERM lets it go. */
static int
run_worker(void)
{
	struct sandbox_half *half;

	key_init();
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		log_fatal(1, "cannot begin: %s", strerror(errno));
	if (sandbox_begin(SANDBOX_FIDO, NULL, 0, &half) != TSR_OK)
		log_fatal(1, "cannot prepare the sandbox: %s", strerror(errno));
	return worker_serve(SPAWN_FD, worker_enter, &half) == TSR_OK ? 0 : 1;
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
	log_init("tessera-fido", LOG_NOTICE);
	parse_options(argc, argv, &o);
	helper_start_program(program);
	if (o.worker)
		return run_worker();
	conf = helper_start_config(o.config, o.user);
	status = o.watch ? run_watch(&o, conf) :
	    run_keeper(&o, conf, program);
	config_free(&conf);
	return status;
}
