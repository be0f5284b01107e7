/*
 * options.c - the command line read by the tables of command.c.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/command.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/near.h"

#define SHOWN_MAX	64	/* bytes of a wrong word that a complaint repeats */
#define MEANT_MAX	512	/* bytes of a complaint with the options that were meant */
#define USAGE_MAX	256	/* bytes of a usage line */
#define LONG_ONLY	0x100	/* above all letters: what options without one return */

/* What getopt_long takes, made from the rows that a command has. */
struct table {
	struct option option[OPT_COUNT + 1];
	const struct option_row *row[OPT_COUNT];
	char letters[2 * OPT_COUNT + 3];
};

static void
options_table(struct table *t, const struct command *cmd, const char *prefix)
{
	const struct option_row *row;
	size_t i, n = 0, at;

	memset(t, 0, sizeof(*t));
	at = strlen(prefix);
	memcpy(t->letters, prefix, at);
	for (i = 0; i < option_count; i++) {
		row = &option_table[i];
		if (!command_takes(cmd, row))
			continue;
		t->row[n] = row;
		t->option[n].name = row->name;
		t->option[n].has_arg = row->arg == NULL ? no_argument :
		    row->shape == OPTION_MAYBE ? optional_argument : required_argument;
		/* two of one value are no two for getopt_long: it takes the first for both */
		t->option[n].val = row->letter != 0 ? row->letter : LONG_ONLY + (int)n;
		n++;
		if (row->letter == 0)
			continue;
		t->letters[at++] = (char)row->letter;
		if (row->arg != NULL)
			t->letters[at++] = ':';
	}
}

static const struct option_row *
options_row(const struct table *t, int ch, int index)
{
	size_t i;

	if (index >= 0)
		return t->row[index];
	for (i = 0; t->row[i] != NULL; i++)
		if (t->row[i]->letter == ch)
			return t->row[i];
	return NULL;
}

/* Why getopt took no long option of that name: what to type instead, into out. */
static void
options_meant(const struct table *t, const char *name, char *out, size_t size)
{
	struct near near = { .typed = name };
	size_t i, at, several = 0, len = strlen(name);

	at = (size_t)snprintf(out, size, "option --%s stands for several:", name);
	for (i = 0; t->row[i] != NULL; i++) {
		if (strcmp(t->row[i]->name, name) == 0) {
			(void)snprintf(out, size, "option --%s takes no value", name);
			return;
		}
		near_offer(&near, t->row[i]->name);
		if (strncmp(t->row[i]->name, name, len) != 0 || at >= size)
			continue;
		at += (size_t)snprintf(out + at, size - at, " --%s", t->row[i]->name);
		several = 1;
	}
	if (several)
		return;
	(void)snprintf(out, size, near.best != NULL ? "there is no option --%s here, is --%s meant?" :
	    "there is no option --%s here", name, near.best);
}

/* The value of a mistyped option may be a secret: only its name is repeated. */
static int
options_refuse(struct client *c, const struct table *t, int ch, const char *word)
{
	char name[SHOWN_MAX], text[MEANT_MAX];
	const char *hint = "";

	(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	if (optopt != 0 && (word[0] != '-' || word[1] != '-'))
		(void)snprintf(name, sizeof(name), "-%c", optopt);
	if (ch == ':')
		return fail_set(&c->failure, "usage", "option %s needs a value", name);
	if (name[0] == '-' && name[1] == '-')
		options_meant(t, name + 2, text, sizeof(text));
	else
		(void)snprintf(text, sizeof(text), "there is no option %s here", name);
	if (strncmp(name, "--pi", 4) == 0)
		hint = "; a PIN is never taken from the command line: use --pin-fd or --pinentry";
	return fail_set(&c->failure, "usage", "%s%s", text, hint);
}

/* Options of cmd (of all commands where it is NULL) from argv[from] on. */
static int
options_read(struct client *c, const struct command *cmd, int argc, char **argv)
{
	const struct option_row *row;
	struct table t;
	int ch, index;

	/* "+": the command's name ends the global options. */
	options_table(&t, cmd, cmd == NULL ? "+:" : ":");
	optind = 0;
	opterr = 0;
	for (;;) {
		index = -1;
		optopt = 0;
		if ((ch = getopt_long(argc, argv, t.letters, t.option, &index)) == -1)
			break;
		if (ch == '?' || ch == ':' || (row = options_row(&t, ch, index)) == NULL)
			return options_refuse(c, &t, ch, argv[optind - 1]);
		c->opt[row->id] = optarg != NULL ? optarg : "";
		if (row->shape != OPTION_MANY)
			continue;
		if (c->n_many == CLIENT_MANY_MAX)
			return fail_set(&c->failure, "usage", "--%s at most %d times", row->name, CLIENT_MANY_MAX);
		c->many[c->n_many++] = optarg;
	}
	return FAIL_NONE;
}

/* There is no such command: say which one is near.  NULL for noun: of the
 * nouns, else of its verbs. */
static int
options_unknown(struct client *c, const char *noun, const char *word)
{
	struct near near = { .typed = word };
	char typed[SHOWN_MAX], hint[SHOWN_MAX] = "";
	const struct command *cmd;
	size_t i;

	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (noun == NULL)
			near_offer(&near, cmd->noun);
		else if (strcmp(cmd->noun, noun) == 0 && cmd->verb != NULL)
			near_offer(&near, cmd->verb);
	}
	if (near.best != NULL)
		(void)snprintf(hint, sizeof(hint), ", is \"%s\" meant?", near.best);
	(void)snprintf(typed, sizeof(typed), "%s", word);
	if (noun == NULL)
		return fail_set(&c->failure, "usage", "there is no command \"%s\"%s; see \"tessera help\"",
		    typed, hint);
	return fail_set(&c->failure, "usage", "\"%s\" has no \"%s\"%s; see \"tessera help %s\"",
	    noun, typed, hint, noun);
}

static int
options_find(struct client *c, int n, char **word, int *used)
{
	const struct command *cmd;
	int noun_known = 0;
	size_t i;

	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (strcmp(cmd->noun, word[0]) != 0)
			continue;
		noun_known = 1;
		if (cmd->verb == NULL || (n > 1 && strcmp(cmd->verb, word[1]) == 0)) {
			*used = cmd->verb == NULL ? 1 : 2;
			c->command = cmd;
			return FAIL_NONE;
		}
	}
	if (noun_known && n > 1 && (strcmp(word[1], "--help") == 0 || strcmp(word[1], "-h") == 0)) {
		word[1] = word[0];
		return options_find(c, 1, (char *[]){ "help" }, used);
	}
	if (noun_known && n > 1 && word[1][0] != '-')
		return options_unknown(c, word[0], word[1]);
	if (noun_known)
		return fail_set(&c->failure, "usage", "\"%s\" what? see \"tessera help %s\"",
		    word[0], word[0]);
	return options_unknown(c, NULL, word[0]);
}

static int
options_check(struct client *c)
{
	const struct command *cmd = c->command;
	char usage[USAGE_MAX];
	size_t i;

	if (c->opt[OPT_HELP] != NULL)
		return FAIL_NONE;
	command_usage(cmd, usage, sizeof(usage));
	for (i = 0; i < option_count; i++)
		if ((cmd->required & OPT(option_table[i].id)) != 0 &&
		    c->opt[option_table[i].id] == NULL)
			return fail_set(&c->failure, "usage", "--%s is missing; usage: %s",
			    option_table[i].name, usage);
	if (c->n_words < cmd->min_words || c->n_words > cmd->max_words)
		return fail_set(&c->failure, "usage", "too %s arguments; usage: %s",
		    c->n_words < cmd->min_words ? "few" : "many", usage);
	if (c->opt[OPT_PIN_FD] != NULL && c->opt[OPT_PINENTRY] != NULL)
		return fail_set(&c->failure, "usage", "--pin-fd and --pinentry exclude each other");
	return FAIL_NONE;
}

int
command_parse(struct client *c, int argc, char **argv)
{
	int i, used = 0, status;

	/* Known before anything can go wrong. */
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			c->opt[OPT_JSON] = "";
	if ((status = options_read(c, NULL, argc, argv)) != FAIL_NONE)
		return status;
	argc -= optind;
	argv += optind;
	if (argc == 0) {
		if (c->opt[OPT_HELP] != NULL || c->opt[OPT_VERSION] != NULL)
			return FAIL_NONE;
		return fail_set(&c->failure, "usage", "a command is missing, see \"tessera help\"");
	}
	if ((status = options_find(c, argc, argv, &used)) != FAIL_NONE)
		return status;
	/* getopt takes the word before the options for the program's name */
	argc -= used - 1;
	argv += used - 1;
	if ((status = options_read(c, c->command, argc, argv)) != FAIL_NONE)
		return status;
	c->word = argv + optind;
	c->n_words = argc - optind;
	return options_check(c);
}
