/*
 * main.c - tessera-sim: virtual devices to rehearse and test with.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/sim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spawn.h"
#include "tessera.h"

#define SHOWN_MAX	64	/* bytes of a wrong word that a complaint repeats */

static int sim_help(int argc, char **argv);

const struct sim_command sim_commands[] = {
	{ "card", "--state DIR [--init [--algorithm A] [--subject CN] [--serial N] [--ca DIR]]\n"
	    "\t[--contactless[=strict]] [--pcscd DIR [--reader N] | --port N]",
	    "make a virtual PIV card, and put it into a reader", sim_card },
	{ "ctl", "[--socket PATH] card|key COMMAND [ARGUMENT...]",
	    "tell a running device what to do", sim_ctl },
	{ "help", "[COMMAND]", "show this, or how a command is used", sim_help },
	{ "key", "--listen SOCK [--control SOCK] [--state DIR] [--set NAME=VALUE]... [--verbose]",
	    "a virtual FIDO2 key, for tessera-sim run", sim_key },
	{ "pcscd", "DIR [--readers N] [--driver FILE] [--foreground | --stop]",
	    "start a pcscd with virtual readers", sim_pcscd },
	{ "run", "[--key SOCK]... [--owner USER] [--] PROGRAM [ARGUMENT...]",
	    "run a program where virtual keys are plugged in", sim_run },
};
const int sim_command_count = (int)(sizeof(sim_commands) / sizeof(sim_commands[0]));

static const struct sim_command *
sim_find(const char *name)
{
	int i;

	for (i = 0; i < sim_command_count; i++)
		if (strcmp(sim_commands[i].name, name) == 0)
			return &sim_commands[i];
	return NULL;
}

int
sim_complain(enum sim_status status, const char *name, const char *fmt, ...)
{
	const struct sim_command *cmd = sim_find(name);
	va_list ap;

	(void)fflush(stdout);
	(void)fprintf(stderr, "tessera-sim %s: ", name);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	if (status == SIM_USAGE && cmd != NULL)
		(void)fprintf(stderr, "usage: tessera-sim %s %s\n", cmd->name, cmd->words);
	return (int)status;
}

int
sim_usage(const char *name)
{
	const struct sim_command *cmd = sim_find(name);

	if (cmd != NULL)
		(void)printf("usage: tessera-sim %s %s\n\n%s; see tessera-sim(1).\n", cmd->name,
		    cmd->words, cmd->summary);
	return SIM_OK;
}

int
sim_number(const char *text, long least, long most, long *out)
{
	char *end;
	long n;

	if (text[0] < '0' || text[0] > '9')
		return TSR_INVALID;
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || n < least || n > most)
		return TSR_INVALID;
	*out = n;
	return TSR_OK;
}

static int
sim_help(int argc, char **argv)
{
	int i;

	if (argc > 2)
		return sim_complain(SIM_USAGE, argv[0], "one command at a time");
	if (argc == 2) {
		if (sim_find(argv[1]) == NULL)
			return sim_complain(SIM_USAGE, argv[0], "there is no command \"%.*s\"",
			    SHOWN_MAX, argv[1]);
		return sim_usage(argv[1]);
	}
	(void)printf("usage: tessera-sim COMMAND [ARGUMENT...]\n\n"
	    "Virtual devices to rehearse and test with, see tessera-sim(1).\n\n");
	for (i = 0; i < sim_command_count; i++)
		(void)printf("  %-8s %s\n", sim_commands[i].name, sim_commands[i].summary);
	return SIM_OK;
}

static int
sim_dispatch(int argc, char **argv)
{
	const struct sim_command *cmd;

	if (argc < 2) {
		(void)fprintf(stderr, "tessera-sim: a command is missing, see \"tessera-sim help\"\n");
		return SIM_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("tessera-sim %s\n", TESSERA_VERSION);
		return SIM_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return sim_help(1, argv);
	if ((cmd = sim_find(argv[1])) == NULL) {
		(void)fprintf(stderr, "tessera-sim: there is no command \"%.*s\", see \"tessera-sim help\"\n",
		    SHOWN_MAX, argv[1]);
		return SIM_USAGE;
	}
	return cmd->run(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	int status;

	if (spawn_fix_fds() != TSR_OK) {
		(void)fprintf(stderr, "tessera-sim: /dev/null cannot be opened\n");
		return SIM_FAILED;
	}
	status = sim_dispatch(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("tessera-sim: standard output");
		status = status == SIM_OK ? SIM_FAILED : status;
	}
	return status;
}
