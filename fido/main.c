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
#include "base/keeper.h"
#include "base/log.h"
#include "base/peer.h"
#include "base/sandbox.h"
#include "base/spawn.h"
#include "fido/key.h"
#include "fido/launch.h"
#include "fido/watch.h"
#include "fido/worker.h"
#include "tessera.h"

#define EXIT_USAGE	2
#define COMPLAINT_MAX	1024	/* bytes of a sentence about the configuration */

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

static int
parse_fd(const char *text)
{
	char *end = NULL;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v < 0 || v > INT_MAX)
		usage();
	return (int)v;
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
			o->keeper_fd = parse_fd(optarg);
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

/*
 * Read the configuration.  Its folders are not for us: in user mode they hang
 * on variables that neither the keeper nor the worker is started with, so
 * something stands in for them meanwhile.
 */
static struct config *
load_config(const struct options *o)
{
	static const char *const folders[] = { "XDG_STATE_HOME", "XDG_RUNTIME_DIR" };
	char complaint[COMPLAINT_MAX];
	struct config *conf = NULL;
	int r, set[2] = { 0, 0 };
	size_t i;

	for (i = 0; o->user && i < 2; i++)
		if ((set[i] = getenv(folders[i]) == NULL) &&
		    setenv(folders[i], "/nonexistent", 1) != 0)
			log_fatal(1, "out of memory");
	r = config_load(o->config, o->user ? CONFIG_USER : CONFIG_SYSTEM, &conf, complaint,
	    sizeof(complaint));
	if (r != TSR_OK)
		log_fatal(1, "%s", complaint);
	log_set_level((enum log_level)conf->log_level);
	for (i = 0; i < 2; i++)
		if (set[i])
			(void)unsetenv(folders[i]);
	return conf;
}

/* The agent's connection, and no other descriptor. */
static int
find_agent(const struct options *o)
{
	int fd, from_socket;

	if (peer_find(o->keeper_fd, &fd, &from_socket) != TSR_OK)
		log_fatal(1, "no connection to serve: this program is started by tesserad or by "
		    "socket activation with Accept=yes");
	if (peer_check(fd, from_socket, o->user) != TSR_OK)
		log_fatal(1, "the caller is neither root nor the agent: refused");
	if (spawn_close_from(3, &fd, 1) != TSR_OK)
		log_fatal(1, "cannot close inherited files: %s", strerror(errno));
	return fd;
}

/* The only environment that is used is the configured one, in the worker. */
static int
run_keeper(const struct options *o, const struct config *conf, const char *program)
{
	struct sandbox_path paths[LAUNCH_KEEPER_PATHS];
	struct launch l;
	int r, fd = find_agent(o);

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
	int fd = find_agent(o);
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

/* The keeper's end is no reason to leave a key blinking: SIGTERM lets it go. */
static int
run_worker(void)
{
	struct launch_nodes nodes;
	int r;

	key_init();
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || launch_nodes(&nodes) != TSR_OK)
		log_fatal(1, "cannot begin: %s", strerror(errno));
	if (sandbox_enter(SANDBOX_FIDO, nodes.v, nodes.n) != TSR_OK)
		log_fatal(1, "cannot enter the sandbox: %s", strerror(errno));
	launch_nodes_free(&nodes);
	r = worker_serve(SPAWN_FD);
	return r == TSR_OK ? 0 : 1;
}

int
main(int argc, char **argv)
{
	char program[PATH_MAX];
	struct config *conf;
	struct options o;
	ssize_t n;
	int status;

	if (spawn_fix_fds() != TSR_OK)
		return 1;
	log_init("tessera-fido", LOG_NOTICE);
	parse_options(argc, argv, &o);
	if ((n = readlink("/proc/self/exe", program, sizeof(program) - 1)) <= 0)
		log_fatal(1, "cannot find my own program in /proc: %s", strerror(errno));
	program[n] = '\0';
	if (o.worker)
		return run_worker();
	conf = load_config(&o);
	status = o.watch ? run_watch(&o, conf) :
	    run_keeper(&o, conf, program);
	config_free(&conf);
	return status;
}
