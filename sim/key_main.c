/*
 * key_main.c - tessera-sim key: its command line.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/key_serve.h"
#include "sim/sim.h"
#include "tessera.h"

#define SETTINGS_MAX	64		/* --set options */

struct key_options {
	const char *listen, *control, *state;
	char *set[SETTINGS_MAX];
	size_t sets;
	bool verbose;
};

static int
key_options(int argc, char **argv, struct key_options *o)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "control", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 'd' },
		{ "set", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int ch;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, "+:l:c:d:s:vh", options, NULL)) != -1) {
		switch (ch) {
		case 'l':
			o->listen = optarg;
			break;
		case 'c':
			o->control = optarg;
			break;
		case 'd':
			o->state = optarg;
			break;
		case 's':
			if (o->sets == SETTINGS_MAX)
				return sim_complain(SIM_USAGE, "key", "at most %d settings",
				    SETTINGS_MAX);
			o->set[o->sets++] = optarg;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			return sim_usage("key");
		default:
			return sim_complain(SIM_USAGE, "key", "%s: %s", argv[optind - 1],
			    ch == ':' ? "a value is missing" : "there is no such option");
		}
	}
	if (optind != argc)
		return sim_complain(SIM_USAGE, "key", "%s: an argument too many", argv[optind]);
	if (o->listen == NULL)
		return sim_complain(SIM_USAGE, "key", "--listen is missing");
	return -1;
}

static int
key_settings(struct key *k, const struct key_options *o)
{
	char *value;
	size_t i;
	int r;

	for (i = 0; i < o->sets; i++) {
		if ((value = strchr(o->set[i], '=')) == NULL)
			return sim_complain(SIM_USAGE, "key", "%s: a setting is NAME=VALUE",
			    o->set[i]);
		*value++ = '\0';
		if ((r = key_set(k, o->set[i], value)) != TSR_OK)
			return sim_complain(SIM_USAGE, "key", "%s=%s: %s; the settings: %s",
			    o->set[i], value, r == TSR_NOT_FOUND ? "there is no such setting" :
			    r == TSR_INVALID ? "not a value that it takes" : tsr_strerror(r),
			    key_set_help());
	}
	return -1;
}

int
sim_key(int argc, char **argv)
{
	struct key_options o;
	char control[PATH_MAX];
	struct key_serve *s;
	int r, status;

	memset(&o, 0, sizeof(o));
	if ((status = key_options(argc, argv, &o)) != -1)
		return status;
	if (o.control == NULL) {
		if ((size_t)snprintf(control, sizeof(control), "%s.ctl", o.listen) >= sizeof(control))
			return sim_complain(SIM_USAGE, "key", "the path is too long");
		o.control = control;
	}
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return sim_complain(SIM_FAILED, "key", "%s", tsr_strerror(TSR_NOMEM));
	s->verbose = o.verbose;
	if ((r = key_init(&s->key, o.state)) != TSR_OK) {
		status = sim_complain(SIM_FAILED, "key", "%s: %s", o.state == NULL ? "memory" : o.state,
		    r == TSR_SYSTEM ? strerror(errno) : tsr_strerror(r));
		free(s);
		return status;
	}
	if ((status = key_settings(&s->key, &o)) == -1) {
		status = SIM_OK;
		if ((r = key_serve(s, o.listen, o.control)) != TSR_OK)
			status = sim_complain(SIM_FAILED, "key", "%s: %s", o.listen,
			    r == TSR_SYSTEM ? strerror(errno) : r == TSR_CONFLICT ?
			    "somebody listens there already" : tsr_strerror(r));
	}
	key_free(&s->key);
	free(s);
	return status;
}
