/*
 * run_main.c - tessera-sim run: its command line.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "sim/run.h"
#include "sim/sim.h"
#include "tessera.h"

#define OWNER	"tessera-dev"		/* whom the FIDO helpers run as */

/* Whose the devices shall be: not ours only where we are root. */
static int
run_owner(const char *name, uid_t *out)
{
	const struct passwd *pw;

	*out = (uid_t)-1;
	if (name == NULL) {
		if (geteuid() == 0 && (pw = getpwnam(OWNER)) != NULL)
			*out = pw->pw_uid;
		return -1;
	}
	if ((pw = getpwnam(name)) == NULL)
		return sim_complain(SIM_FAILED, "run", "there is no user \"%s\"", name);
	if (geteuid() == 0)
		*out = pw->pw_uid;
	else if (pw->pw_uid != geteuid())
		return sim_complain(SIM_FAILED, "run", "only root can give devices to %s", name);
	return -1;
}

int
sim_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "owner", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *owner = NULL, *what;
	char *key[RUN_KEYS_MAX];
	size_t keys = 0;
	int ch, r, status;
	uid_t uid;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, "+:k:o:h", options, NULL)) != -1) {
		if (ch == 'h')
			return sim_usage("run");
		if (ch == 'k' && keys == RUN_KEYS_MAX)
			return sim_complain(SIM_USAGE, "run", "at most %d keys", RUN_KEYS_MAX);
		if (ch == 'k')
			key[keys++] = optarg;
		else if (ch == 'o')
			owner = optarg;
		else
			return sim_complain(SIM_USAGE, "run", "%s: %s", argv[optind - 1],
			    ch == ':' ? "a value is missing" : "there is no such option");
	}
	if (optind == argc)
		return sim_complain(SIM_USAGE, "run", "which program?");
	if ((status = run_owner(owner, &uid)) != -1)
		return status;
	if ((r = run(key, keys, uid, argv + optind, &status, &what)) != TSR_OK)
		return sim_complain(SIM_FAILED, "run", "%s: %s", what,
		    r == TSR_SYSTEM ? strerror(errno) : tsr_strerror(r));
	return status;
}
