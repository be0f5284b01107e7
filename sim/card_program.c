/*
 * card_program.c - tessera-sim card: make a virtual PIV card, or be it.
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
#include <sys/signalfd.h>
#include <unistd.h>

#include "sim/card_device.h"
#include "sim/card_key.h"
#include "sim/card_make.h"
#include "sim/pcscd.h"
#include "sim/sim.h"
#include "tessera.h"

#define SOCKET_NAME	"ctl.sock"	/* in the card's folder */

struct card_options {
	const char *state, *pcscd;
	int init, recipe_given, reader_given;
	enum card_contact contact;
	struct card_recipe recipe;
	struct device_reader reader;
	char from_environment[PATH_MAX];
};

enum card_option { O_STATE = 1, O_INIT, O_ALGORITHM, O_SUBJECT, O_SERIAL, O_CA, O_CONTACTLESS, O_PORT,
	O_PCSCD, O_READER };

static const struct option card_option_table[] = {
	{ "state", required_argument, NULL, O_STATE },
	{ "init", no_argument, NULL, O_INIT },
	{ "algorithm", required_argument, NULL, O_ALGORITHM },
	{ "subject", required_argument, NULL, O_SUBJECT },
	{ "serial", required_argument, NULL, O_SERIAL },
	{ "ca", required_argument, NULL, O_CA },
	{ "contactless", optional_argument, NULL, O_CONTACTLESS },
	{ "port", required_argument, NULL, O_PORT },
	{ "pcscd", required_argument, NULL, O_PCSCD },
	{ "reader", required_argument, NULL, O_READER },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
card_wrong(const char *text)
{
	return sim_complain(SIM_USAGE, "card", "%s", text);
}

static int
card_recipe_option(struct card_options *o, int option, const char *value)
{
	long n;

	o->recipe_given = 1;
	switch (option) {
	case O_ALGORITHM:
		if (card_recipe_algorithms(&o->recipe, value) != TSR_OK)
			return card_wrong("--algorithm: p256, p384, rsa2048 or none, or a list like 9a=p256,9c=rsa2048");
		break;
	case O_SUBJECT:
		o->recipe.subject = value;
		break;
	case O_SERIAL:
		if (sim_number(value, 0, LONG_MAX, &n) != TSR_OK)
			return card_wrong("--serial: a number");
		o->recipe.has_serial = 1;
		o->recipe.serial = (uint64_t)n;
		break;
	default:
		o->recipe.ca = value;
	}
	return SIM_OK;
}

static int
card_reader_option(struct card_options *o, int option, const char *value)
{
	long n;

	if (option == O_PCSCD)
		o->reader.pcscd = value;
	else if (option == O_PORT) {
		if (sim_number(value, 1, UINT16_MAX, &n) != TSR_OK)
			return card_wrong("--port: a number from 1 to 65535");
		o->reader.port = (uint16_t)n;
	} else {
		if (sim_number(value, 0, PCSCD_READERS_MAX - 1, &n) != TSR_OK)
			return card_wrong("--reader: a number, the first is 0");
		o->reader.number = (unsigned)n;
		o->reader_given = 1;
	}
	return SIM_OK;
}

static int
card_option(struct card_options *o, int option, const char *value)
{
	switch (option) {
	case O_STATE:
		o->state = value;
		return SIM_OK;
	case O_INIT:
		o->init = 1;
		return SIM_OK;
	case O_CONTACTLESS:
		if (value != NULL && strcmp(value, "strict") != 0)
			return card_wrong("--contactless, or --contactless=strict");
		o->contact = value != NULL ? CARD_CONTACTLESS_STRICT : CARD_CONTACTLESS;
		return SIM_OK;
	case O_ALGORITHM:
	case O_SUBJECT:
	case O_SERIAL:
	case O_CA:
		return card_recipe_option(o, option, value);
	default:
		return card_reader_option(o, option, value);
	}
}

/* The folder of the socket that the shell was told of by tessera-sim pcscd. */
static void
card_environment(struct card_options *o)
{
	const char *path = getenv("PCSCLITE_CSOCK_NAME");
	char *slash;

	if (path == NULL || strlen(path) >= sizeof(o->from_environment))
		return;
	memcpy(o->from_environment, path, strlen(path) + 1);
	if ((slash = strrchr(o->from_environment, '/')) == NULL || strcmp(slash + 1, PCSCD_SOCKET) != 0)
		return;
	*slash = '\0';
	o->reader.pcscd = o->from_environment;
}

static int
card_check(struct card_options *o)
{
	if (o->state == NULL)
		return card_wrong("say where the card lives: --state");
	if (o->recipe_given && !o->init)
		return card_wrong("--algorithm, --subject, --serial and --ca are for --init");
	if (o->reader.port != 0 && (o->reader.pcscd != NULL || o->reader_given))
		return card_wrong("--port excludes --pcscd and --reader");
	if (o->reader.port == 0 && o->reader.pcscd == NULL && (!o->init || o->reader_given)) {
		card_environment(o);
		if (o->reader.pcscd == NULL)
			return card_wrong("say into which reader: --pcscd or --port, or the variable that "
			    "tessera-sim pcscd prints");
	}
	return SIM_OK;
}

static int
card_complain(const char *what, const char *folder, int r)
{
	switch (r) {
	case TSR_CONFLICT:
		return sim_complain(SIM_FAILED, "card", "%s: a card is there already, or in use", folder);
	case TSR_NOT_FOUND:
		return sim_complain(SIM_FAILED, "card", "%s: there is no card, make one by --init", folder);
	case TSR_SYSTEM:
		return sim_complain(SIM_FAILED, "card", "%s: %s: %s", folder, what, strerror(errno));
	default:
		return sim_complain(SIM_FAILED, "card", "%s: %s: %s", folder, what, tsr_strerror(r));
	}
}

static int
card_init(const struct card_options *o)
{
	int r = card_make(o->state, &o->recipe);

	if (r == TSR_OK)
		return SIM_OK;
	if (r == TSR_INVALID)
		return sim_complain(SIM_USAGE, "card", "--subject: text of 1 to %d characters", CARD_MAKE_SUBJECT_MAX);
	if (r == TSR_NOT_FOUND)
		return sim_complain(SIM_FAILED, "card", "--ca %s: there is no such folder", o->recipe.ca);
	return card_complain("making a card", o->state, r);
}

/* The signals that end it, to be read. */
static int
card_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Between single quotes, for a shell. */
static void
card_print(const char *folder)
{
	const char *p;

	(void)printf("export TESSERA_SIM_CARD='");
	for (p = folder; *p != '\0'; p++)
		(void)printf(*p == '\'' ? "'\\''" : "%c", *p);
	(void)printf("'\n");
	(void)fflush(stdout);
}

static int
card_serve(const struct card_options *o, struct device *d)
{
	char folder[PATH_MAX], path[PATH_MAX + sizeof(SOCKET_NAME)];
	int fd, r;

	if (realpath(o->state, folder) == NULL)
		return card_complain("finding it", o->state, TSR_SYSTEM);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, SOCKET_NAME);
	if ((r = control_open(path, device_command, d, &d->control)) != TSR_OK)
		return card_complain("its control socket", o->state, r);
	if ((r = device_insert(d)) == TSR_NOT_FOUND)
		return sim_complain(SIM_FAILED, "card", "%s has no reader %u", o->reader.pcscd, o->reader.number);
	if (r == TSR_DEVICE_BUSY)
		return sim_complain(SIM_FAILED, "card", "another card is in the reader: pull it, or take another "
		    "reader (tessera-sim pcscd --readers, card --reader)");
	if (r != TSR_OK)
		return sim_complain(SIM_UNREACHABLE, "card", "the reader is away: is its pcscd running?");
	if ((fd = card_signals()) == -1)
		return card_complain("signals", o->state, TSR_SYSTEM);
	card_print(folder);
	if ((r = device_run(d, fd)) != TSR_OK)
		(void)card_complain("serving", o->state, r);
	(void)close(fd);
	return r == TSR_OK ? SIM_OK : SIM_FAILED;
}

static int
card_be(const struct card_options *o)
{
	struct card *card = NULL;
	struct device *d;
	int r, status;

	if ((r = card_load(o->state, o->contact, &card)) != TSR_OK)
		return card_complain("loading the card", o->state, r);
	if ((d = malloc(sizeof(*d))) == NULL) {
		card_free(&card);
		return card_complain("loading the card", o->state, TSR_NOMEM);
	}
	device_init(d, card, &o->reader);
	status = card_serve(o, d);
	device_free(d);
	free(d);
	return status;
}

int
sim_card(int argc, char **argv)
{
	struct card_options o;
	int ch, status;

	memset(&o, 0, sizeof(o));
	memset(o.recipe.alg, ALG_P256, sizeof(o.recipe.alg));
	opterr = 0;
	while ((ch = getopt_long(argc, argv, ":h", card_option_table, NULL)) != -1) {
		if (ch == 'h')
			return sim_usage(argv[0]);
		if (ch == '?' || ch == ':')
			return sim_complain(SIM_USAGE, argv[0], "%s: %s", argv[optind - 1],
			    ch == ':' ? "a value is missing" : "there is no such option");
		if ((status = card_option(&o, ch, optarg)) != SIM_OK)
			return status;
	}
	if (optind != argc)
		return sim_complain(SIM_USAGE, argv[0], "%s: an option is missing before it", argv[optind]);
	if ((status = card_check(&o)) != SIM_OK || (o.init && (status = card_init(&o)) != SIM_OK))
		return status;
	return o.reader.port != 0 || o.reader.pcscd != NULL ? card_be(&o) : SIM_OK;
}
