/*
 * main.c - tesserad: options, environment, and the order of things.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/daemon.h"
#include "agent/names.h"
#include "agent/offline.h"
#include "base/config.h"
#include "base/config_known.h"
#include "base/log.h"
#include "base/spawn.h"
#include "include/tessera.h"
#include "token/json.h"

#define CONFIG_FILE	"/etc/tessera/tessera.conf"

static const char usage[] =
	"usage: tesserad [--user] [--config FILE] [--rehearse FD] [--verbose]\n"
	"       tesserad [--user] [--config FILE] --check-config\n"
	"       tesserad [--user] [--config FILE] --restore BACKUP | --rekey\n"
	"       tesserad --version | --help\n";

struct options {
	int user, check, names, verbose, rehearse, rekey;
	const char *config, *restore;
};

static int
main_number(const char *text, int *out)
{
	char *end = NULL;
	long v = strtol(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v < 3 || v > 1023)
		return TSR_INVALID;
	*out = (int)v;
	return TSR_OK;
}

/* Exits for --help, --version and mistakes. */
static void
main_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "user", no_argument, NULL, 'u' },
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "rehearse", required_argument, NULL, 'r' },
		{ "restore", required_argument, NULL, 'R' },
		{ "rekey", no_argument, NULL, 'K' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "names", no_argument, NULL, 'n' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	memset(o, 0, sizeof(*o));
	o->rehearse = -1;
	while ((c = getopt_long(argc, argv, "c:vVh", known, NULL)) != -1) {
		switch (c) {
		case 'u':
			o->user = 1;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 'C':
			o->check = 1;
			break;
		case 'r':
			if (main_number(optarg, &o->rehearse) != TSR_OK)
				log_fatal(2, "--rehearse takes the number of an open descriptor, not \"%s\"", optarg);
			break;
		case 'R':
			o->restore = optarg;
			break;
		case 'K':
			o->rekey = 1;
			break;
		case 'v':
			o->verbose = 1;
			break;
		case 'n':
			o->names = 1;
			break;
		case 'V':
			(void)printf("tesserad %s\n", TESSERA_VERSION);
			exit(0);
		case 'h':
			(void)fputs(usage, stdout);
			exit(0);
		default:
			(void)fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind != argc || (o->restore != NULL && o->rekey)) {
		(void)fputs(usage, stderr);
		exit(2);
	}
}

/* The absolute path of the configuration, in memory for the process's life. */
static const char *
main_config_file(const struct options *o)
{
	static char path[PATH_MAX];
	char here[PATH_MAX / 2];
	const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");

	if (o->config != NULL && o->config[0] == '/')
		return o->config;
	if (o->config != NULL) {
		if (getcwd(here, sizeof(here)) == NULL ||
		    snprintf(path, sizeof(path), "%s/%s", here, o->config) >= (int)sizeof(path))
			log_fatal(1, "the path of --config \"%s\" is too long", o->config);
		return path;
	}
	if (!o->user)
		return CONFIG_FILE;
	if (xdg != NULL && xdg[0] == '/')
		(void)snprintf(path, sizeof(path), "%s/tessera/tessera.conf", xdg);
	else if (home != NULL && home[0] == '/')
		(void)snprintf(path, sizeof(path), "%s/.config/tessera/tessera.conf", home);
	else
		log_fatal(1, "neither XDG_CONFIG_HOME nor HOME is set: name the file with --config");
	return path;
}

/* From here on the environment has nothing but what the service manager's own
 * library reads. */
static void
main_environment(void)
{
	static const char *const keep[] = {
		"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC",
		"WATCHDOG_PID", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY"
	};
	char *value[sizeof(keep) / sizeof(keep[0])];
	const char *v;
	size_t i;

	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		value[i] = NULL;
		if ((v = getenv(keep[i])) != NULL && (value[i] = strdup(v)) == NULL)
			log_fatal(1, "%s", tsr_strerror(TSR_NOMEM));
	}
	if (clearenv() != 0)
		log_fatal(1, "the environment cannot be cleared");
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		if (value[i] != NULL && setenv(keep[i], value[i], 1) != 0)
			log_fatal(1, "%s", tsr_strerror(TSR_NOMEM));
		free(value[i]);
	}
}

static void
main_program(char out[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);

	if (n <= 0)
		log_fatal(1, "the path of this program cannot be read from /proc/self/exe");
	out[n] = '\0';
}

static void
main_warn(void *arg, const char *sentence)
{
	(void)arg;
	log_line(LOG_WARN, "%s", sentence);
}

/* --restore and --rekey: while no agent serves. */
static int
main_offline(const struct options *o, const struct daemon_options *d, const struct config *c)
{
	char err[1024];
	int fd = -1, status;

	if (o->restore != NULL &&
	    (fd = open(o->restore, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) == -1)
		log_fatal(1, "the backup %s cannot be opened: %s", o->restore, strerror(errno));
	if (offline_become(c, err, sizeof(err)) != TSR_OK)
		log_fatal(1, "%s", err);
	(void)umask(077);
	if (o->restore == NULL)
		return offline_rekey(c, d);
	status = offline_restore(c, d, fd);
	(void)close(fd);
	return status;
}

int
main(int argc, char **argv)
{
	struct daemon_options d;
	struct options o;
	struct config *config = NULL;
	struct daemon *daemon = NULL;
	char program[PATH_MAX], err[1024];
	int status;

	log_init("tesserad", LOG_NOTICE);
	if (spawn_fix_fds() != TSR_OK || sodium_init() < 0)
		log_fatal(1, "descriptors or libsodium cannot be set up");
	main_options(argc, argv, &o);
	if (o.verbose)
		log_set_level(LOG_DETAIL);
	if (o.names)
		return names_worker();
	json_wipe_memory();
	main_program(program);
	d.mode = o.user ? CONFIG_USER : CONFIG_SYSTEM;
	d.config_file = main_config_file(&o);
	d.program = program;
	d.verbose = o.verbose;
	if (config_load(d.config_file, d.mode, &config, err, sizeof(err)) != TSR_OK)
		log_fatal(1, "%s", err);
	if (o.check) {
		(void)config_known(config, d.mode, main_warn, NULL);
		(void)printf("%s: the configuration is good\n", d.config_file);
		config_free(&config);
		return 0;
	}
	if (o.restore != NULL || o.rekey) {
		status = main_offline(&o, &d, config);
		config_free(&config);
		return status;
	}
	if (!o.user && getuid() == 0)
		log_fatal(1, "do not run tesserad as root: the service runs as user tessera, "
		    "\"tesserad --user\" as yourself");
	if (o.rehearse != -1 && clock_rehearse(o.rehearse) != TSR_OK)
		log_fatal(1, "descriptor %d of --rehearse is no clock page", o.rehearse);
	main_environment();
	if (daemon_new(&d, config, &daemon, err, sizeof(err)) != TSR_OK)
		log_fatal(1, "%s", err);
	status = daemon_run(daemon);
	daemon_free(&daemon);
	return status;
}
