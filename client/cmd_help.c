/*
 * cmd_help.c - help: the tables of command.c for people.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/command.h"

#define HELP_USAGE_MAX	256	/* bytes of a usage line */

static void
help_options(const struct command *cmd)
{
	const struct option_row *row;
	char left[64];
	size_t i;

	for (i = 0; i < option_count; i++) {
		row = &option_table[i];
		if (!command_takes(cmd, row))
			continue;
		(void)snprintf(left, sizeof(left), "--%s%s%s%s", row->name,
		    row->arg == NULL ? "" : row->shape == OPTION_MAYBE ? "[=" : " ",
		    row->arg == NULL ? "" : row->arg, row->shape == OPTION_MAYBE ? "]" : "");
		if (row->letter != 0)
			(void)printf("  -%c, %-22s %s\n", row->letter, left, row->help);
		else
			(void)printf("      %-22s %s\n", left, row->help);
	}
}

static void
help_one(const struct command *cmd)
{
	char usage[HELP_USAGE_MAX];

	command_usage(cmd, usage, sizeof(usage));
	(void)printf("usage: %s\n\n%c%s.\n", usage, cmd->summary[0] - 'a' + 'A', cmd->summary + 1);
	if (cmd->words != NULL && strstr(cmd->words, "ACTION") != NULL)
		(void)printf("ACTION is one of: %s.\n", cmd->complete);
	(void)printf("\nOptions:\n");
	help_options(cmd);
}

static void
help_line(const struct command *cmd)
{
	char left[64];

	(void)snprintf(left, sizeof(left), "%s%s%s%s%s", cmd->noun, cmd->verb != NULL ? " " : "",
	    cmd->verb != NULL ? cmd->verb : "", cmd->words != NULL ? " " : "",
	    cmd->words != NULL ? cmd->words : "");
	(void)printf("  %-30s  %s\n", left, cmd->summary);
}

static void
help_all(void)
{
	size_t i;

	(void)printf("usage: tessera [options] COMMAND [options]\n\n"
	    "The command line of the Tessera authentication agent.\n\nCommands:\n");
	for (i = 0; i < command_count; i++)
		help_line(&command_table[i]);
	(void)printf("\nOptions of every command:\n");
	help_options(NULL);
	(void)printf("\n\"tessera help COMMAND\" tells more, and so does tessera(1).\n");
}

/* The commands of a noun, or the one of noun and verb. */
static int
help_find(struct client *c)
{
	const struct command *cmd, *only = NULL;
	const char *verb = c->n_words > 1 ? c->word[1] : NULL;
	size_t i, n = 0;

	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (strcmp(cmd->noun, c->word[0]) != 0 ||
		    (verb != NULL && (cmd->verb == NULL || strcmp(cmd->verb, verb) != 0)))
			continue;
		only = cmd;
		n++;
	}
	if (n == 0)
		return fail_set(&c->failure, "usage", "there is no command \"%s%s%s\"; see \"tessera help\"",
		    c->word[0], verb != NULL ? " " : "", verb != NULL ? verb : "");
	if (n == 1) {
		help_one(only);
		return FAIL_NONE;
	}
	for (i = 0; i < command_count; i++)
		if (strcmp(command_table[i].noun, c->word[0]) == 0)
			help_line(&command_table[i]);
	return FAIL_NONE;
}

int
cmd_help(struct client *c)
{
	if (c->command != NULL && c->opt[OPT_HELP] != NULL)
		help_one(c->command);
	else if (c->n_words > 0)
		return help_find(c);
	else
		help_all();
	return FAIL_NONE;
}
