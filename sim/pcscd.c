/*
 * pcscd.c - tessera-sim pcscd: an isolated pcscd with virtual readers.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/pcscd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/sim.h"
#include "tessera.h"

/* Where distributions put the driver. */
static const char *const pcscd_drivers[] = {
	"/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
	"/usr/lib64/pcsc/drivers/serial/libifdvpcd.so",
	"/usr/local/lib/pcsc/drivers/serial/libifdvpcd.so",
};

static const char *
pcscd_driver(void)
{
	size_t i;

	for (i = 0; i < sizeof(pcscd_drivers) / sizeof(pcscd_drivers[0]); i++)
		if (access(pcscd_drivers[i], R_OK) == 0)
			return pcscd_drivers[i];
	return NULL;
}

static int
pcscd_complain(int r, const char *folder)
{
	switch (r) {
	case TSR_CONFLICT:
		return sim_complain(SIM_FAILED, "pcscd", "%s: one runs there already, end it with --stop", folder);
	case TSR_NOT_FOUND:
		return sim_complain(SIM_FAILED, "pcscd", "there is no pcscd in /usr/sbin: install pcscd");
	case TSR_TIMEOUT:
		return sim_complain(SIM_FAILED, "pcscd", "its readers do not come up, see %s/log", folder);
	case TSR_TOO_LARGE:
		return sim_complain(SIM_FAILED, "pcscd", "%s: the path is too long for a socket", folder);
	default:
		return sim_complain(SIM_FAILED, "pcscd", "%s: %s", folder,
		    r == TSR_SYSTEM ? strerror(errno) : tsr_strerror(r));
	}
}

/* Between single quotes, for a shell. */
static void
pcscd_print(const char *folder)
{
	const char *p;

	(void)printf("export PCSCLITE_CSOCK_NAME='");
	for (p = folder; *p != '\0'; p++)
		(void)printf(*p == '\'' ? "'\\''" : "%c", *p);
	(void)printf("/%s'\n", PCSCD_SOCKET);
	(void)fflush(stdout);
}

/* Until pcscd or we are to end.  The signals are blocked. */
static int
pcscd_attend(const char *folder, pid_t pid, const sigset_t *set)
{
	struct signalfd_siginfo info;
	int fd, status = SIM_OK;

	if ((fd = signalfd(-1, set, SFD_CLOEXEC)) == -1)
		return pcscd_complain(TSR_SYSTEM, folder);
	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) && info.ssi_signo == SIGCHLD)
		status = sim_complain(SIM_FAILED, "pcscd", "it has ended, see %s/log", folder);
	(void)pcscd_stop(folder);
	(void)waitpid(pid, NULL, 0);
	(void)close(fd);
	return status;
}

static int
pcscd_begin(struct pcscd_setup *s)
{
	sigset_t set;
	pid_t pid;
	int r;

	if (s->driver == NULL && (s->driver = pcscd_driver()) == NULL)
		return sim_complain(SIM_FAILED, "pcscd",
		    "the driver of the virtual reader is missing: install vsmartcard-vpcd, or name it by --driver");
	if (access(s->driver, R_OK) == -1)
		return sim_complain(SIM_FAILED, "pcscd", "%s: %s", s->driver, strerror(errno));
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (s->foreground)
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
	if ((r = pcscd_start(s, &pid)) != TSR_OK)
		return pcscd_complain(r, s->folder);
	pcscd_print(s->folder);
	return s->foreground ? pcscd_attend(s->folder, pid, &set) : SIM_OK;
}

static int
pcscd_end(const char *folder)
{
	int r = pcscd_stop(folder);

	if (r == TSR_NOT_FOUND)
		return sim_complain(SIM_FAILED, "pcscd", "%s: none runs there", folder);
	return r == TSR_OK ? SIM_OK : pcscd_complain(r, folder);
}

static int
pcscd_folder(const char *given, int make, char out[PATH_MAX])
{
	if (make && mkdir(given, 0755) == 0)
		(void)chmod(given, 0755);	/* who uses the socket must get there */
	if (realpath(given, out) == NULL)
		return sim_complain(SIM_FAILED, "pcscd", "%s: %s", given, strerror(errno));
	return SIM_OK;
}

int
sim_pcscd(int argc, char **argv)
{
	static const struct option options[] = {
		{ "readers", required_argument, NULL, 'n' },
		{ "driver", required_argument, NULL, 'd' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "stop", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct pcscd_setup s = { .readers = 1 };
	char folder[PATH_MAX];
	int ch, stop = 0, status;
	long n;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (ch == 'h')
			return sim_usage(argv[0]);
		else if (ch == 'n' && sim_number(optarg, 1, PCSCD_READERS_MAX, &n) == TSR_OK)
			s.readers = (unsigned)n;
		else if (ch == 'n')
			return sim_complain(SIM_USAGE, argv[0], "--readers: a number from 1 to %d", PCSCD_READERS_MAX);
		else if (ch == 'd')
			s.driver = optarg;
		else if (ch == 'f')
			s.foreground = 1;
		else if (ch == 's')
			stop = 1;
		else
			return sim_complain(SIM_USAGE, argv[0], "%s: %s", argv[optind - 1],
			    ch == ':' ? "a value is missing" : "there is no such option");
	}
	if (argc - optind != 1)
		return sim_complain(SIM_USAGE, argv[0], "name one folder");
	if ((status = pcscd_folder(argv[optind], !stop, folder)) != SIM_OK)
		return status;
	s.folder = folder;
	return stop ? pcscd_end(folder) : pcscd_begin(&s);
}
