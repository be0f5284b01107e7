/*
 * cmd_completion.c - completion: scripts for shells, made from the tables of
 * command.c.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/command.h"

/* The first row with this noun. */
static int
completion_first(size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(command_table[k].noun, command_table[i].noun) == 0)
			return 0;
	return 1;
}

static void
completion_nouns(const char *between)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (completion_first(i))
			(void)printf("%s%s", i > 0 ? between : "", command_table[i].noun);
}

static void
completion_verbs(const char *noun, const char *between)
{
	const char *sep = "";
	size_t i;

	for (i = 0; i < command_count; i++)
		if (command_table[i].verb != NULL && strcmp(command_table[i].noun, noun) == 0) {
			(void)printf("%s%s", sep, command_table[i].verb);
			sep = between;
		}
}

static void
completion_options(const struct command *cmd)
{
	size_t i;

	for (i = 0; i < option_count; i++)
		if (command_takes(cmd, &option_table[i]))
			(void)printf(" --%s%s", option_table[i].name, option_table[i].shape == OPTION_MAYBE ? "=" : "");
}

/* --- bash --- */

/* What stands after an option or in an argument's place, as a command that
 * fills COMPREPLY. */
static void
completion_bash_value(const char *kind)
{
	if (kind == NULL)
		(void)printf("COMPREPLY=()");
	else if (strcmp(kind, "file") == 0)
		(void)printf("local IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames 2>/dev/null");
	else if (strcmp(kind, "user") == 0)
		(void)printf("COMPREPLY=($(compgen -u -- \"$cur\"))");
	else if (strcmp(kind, "credential") == 0 || strcmp(kind, "device") == 0)
		(void)printf("COMPREPLY=($(compgen -W \"$(tessera %s list 2>/dev/null | sed -n '2,$s/ .*//p')\" -- \"$cur\"))",
		    kind);
	else if (strcmp(kind, "command") == 0) {
		(void)printf("COMPREPLY=($(compgen -W '");
		completion_nouns(" ");
		(void)printf("' -- \"$cur\"))");
	} else
		(void)printf("COMPREPLY=($(compgen -W '%s' -- \"$cur\"))", kind);
}

static void
completion_bash_values(const struct command *cmd)
{
	const struct option_row *row;
	size_t i;

	(void)printf("\t\tcase \"$prev\" in\n");
	for (i = 0; i < option_count; i++) {
		row = &option_table[i];
		if (row->arg == NULL || row->shape == OPTION_MAYBE || !command_takes(cmd, row))
			continue;
		(void)printf("\t\t--%s", row->name);
		if (row->letter != 0)
			(void)printf("|-%c", row->letter);
		(void)printf(") ");
		completion_bash_value(row->complete);
		(void)printf("; return;;\n");
	}
	(void)printf("\t\tesac\n");
}

static void
completion_bash(void)
{
	const struct command *cmd;
	size_t i;

	(void)printf("# bash completion of tessera, made by \"tessera completion bash\"\n"
	    "_tessera() {\n"
	    "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" w cmd= i\n"
	    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tw=\"${COMP_WORDS[i]}\"\n"
	    "\t\tcase \"$w\" in\n"
	    "\t\t--socket|--admin-socket) ((i++));;\n"
	    "\t\t-*|=) ;;\n"
	    "\t\t*) cmd=\"${cmd:+$cmd }$w\"; [[ $cmd == *' '* ]] && break;;\n"
	    "\t\tesac\n\tdone\n\tcase \"$cmd\" in\n");
	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (cmd->verb != NULL)
			(void)printf("\t'%s %s')\n", cmd->noun, cmd->verb);
		else
			(void)printf("\t%s|%s\\ *)\n", cmd->noun, cmd->noun);
		completion_bash_values(cmd);
		(void)printf("\t\tif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '");
		completion_options(cmd);
		(void)printf("' -- \"$cur\"))\n\t\telse ");
		completion_bash_value(cmd->complete);
		(void)printf("; fi;;\n");
	}
	for (i = 0; i < command_count; i++)
		if (completion_first(i) && command_table[i].verb != NULL) {
			(void)printf("\t%s) COMPREPLY=($(compgen -W '", command_table[i].noun);
			completion_verbs(command_table[i].noun, " ");
			(void)printf("' -- \"$cur\"));;\n");
		}
	(void)printf("\t'') if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '");
	completion_options(NULL);
	(void)printf("' -- \"$cur\"))\n\t\telse COMPREPLY=($(compgen -W '");
	completion_nouns(" ");
	(void)printf("' -- \"$cur\")); fi;;\n\tesac\n}\ncomplete -F _tessera tessera\n");
}

/* --- zsh --- */

/* Between single quotes, in a specification of _arguments. */
static void
completion_zsh_text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			(void)fputs("'\\''", stdout);
		else if (strchr("[]:\\", *s) != NULL)
			(void)printf("\\%c", *s);
		else
			(void)putchar(*s);
	}
}

static void
completion_zsh_value(const char *kind)
{
	if (kind == NULL)
		(void)fputs(" ", stdout);
	else if (strcmp(kind, "file") == 0)
		(void)fputs("_files", stdout);
	else if (strcmp(kind, "user") == 0)
		(void)fputs("_users", stdout);
	else if (strcmp(kind, "credential") == 0 || strcmp(kind, "device") == 0)
		(void)printf("{compadd -- $(tessera %s list 2>/dev/null | sed -n \"2,\\$s/ .*//p\")}", kind);
	else if (strcmp(kind, "command") == 0) {
		(void)printf("(");
		completion_nouns(" ");
		(void)printf(")");
	} else
		(void)printf("(%s)", kind);
}

static void
completion_zsh_options(const struct command *cmd)
{
	const struct option_row *row;
	size_t i;

	for (i = 0; i < option_count; i++) {
		row = &option_table[i];
		if (!command_takes(cmd, row))
			continue;
		(void)printf(" \\\n\t\t\t");
		if (row->letter != 0)
			(void)printf("'(-%c --%s)'{-%c%s,--%s%s}'", row->letter, row->name, row->letter,
			    row->arg != NULL ? "+" : "", row->name, row->arg != NULL ? "=" : "");
		else
			(void)printf("'%s--%s%s", row->shape == OPTION_MANY ? "*" : "", row->name,
			    row->arg == NULL ? "" : row->shape == OPTION_MAYBE ? "=-" : "=");
		(void)printf("[");
		completion_zsh_text(row->help);
		(void)printf("]");
		if (row->arg != NULL) {
			(void)printf("%s%s:", row->shape == OPTION_MAYBE ? "::" : ":", row->arg);
			completion_zsh_value(row->complete);
		}
		(void)printf("'");
	}
}

static void
completion_zsh_verbs(void)
{
	size_t i, k;

	for (i = 0; i < command_count; i++) {
		if (!completion_first(i) || command_table[i].verb == NULL)
			continue;
		(void)printf("\t\t%s) verbs=(", command_table[i].noun);
		for (k = 0; k < command_count; k++)
			if (strcmp(command_table[k].noun, command_table[i].noun) == 0) {
				(void)printf(" '%s:", command_table[k].verb);
				completion_zsh_text(command_table[k].summary);
				(void)printf("'");
			}
		(void)printf(" )\n\t\t\tif (( CURRENT == 2 )); then _describe verb verbs; return; fi;;\n");
	}
}

static void
completion_zsh(void)
{
	const struct command *cmd;
	size_t i;

	(void)printf("#compdef tessera\n# zsh completion of tessera, made by \"tessera completion zsh\"\n"
	    "_tessera() {\n\tlocal curcontext=\"$curcontext\" state line\n\tlocal -a nouns verbs\n\tnouns=(");
	for (i = 0; i < command_count; i++)
		if (completion_first(i)) {
			(void)printf(" '%s", command_table[i].noun);
			if (command_table[i].verb == NULL) {
				(void)printf(":");
				completion_zsh_text(command_table[i].summary);
			}
			(void)printf("'");
		}
	(void)printf(" )\n\t_arguments -C");
	completion_zsh_options(NULL);
	(void)printf(" \\\n\t\t\t'1:command:->noun' '*::argument:->rest' && return\n"
	    "\tcase $state in\n\tnoun) _describe command nouns;;\n\trest)\n\t\tcase $words[1] in\n");
	completion_zsh_verbs();
	(void)printf("\t\tesac\n\t\tcase \"$words[1] $words[2]\" in\n");
	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (cmd->verb != NULL)
			(void)printf("\t\t'%s %s') shift words; (( CURRENT-- ))\n", cmd->noun, cmd->verb);
		else
			(void)printf("\t\t%s\\ *)\n", cmd->noun);
		(void)printf("\t\t\t_arguments");
		completion_zsh_options(cmd);
		if (cmd->words != NULL) {
			(void)printf(" \\\n\t\t\t'%s:", cmd->max_words > 1 ? "*" : "1");
			completion_zsh_text(cmd->words);
			(void)printf(":");
			completion_zsh_value(cmd->complete);
			(void)printf("'");
		}
		(void)printf(";;\n");
	}
	(void)printf("\t\tesac;;\n\tesac\n}\n"
	    "if [ \"$funcstack[1]\" = _tessera ]; then _tessera \"$@\"; else compdef _tessera tessera; fi\n");
}

/* --- fish --- */

static void
completion_fish_text(const char *s)
{
	(void)putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'' || *s == '\\')
			(void)putchar('\\');
		(void)putchar(*s);
	}
	(void)putchar('\'');
}

static void
completion_fish_value(const char *kind)
{
	if (kind == NULL)
		(void)printf(" -f");
	else if (strcmp(kind, "file") == 0)
		(void)printf(" -F");
	else if (strcmp(kind, "user") == 0)
		(void)printf(" -f -a '(__fish_complete_users)'");
	else if (strcmp(kind, "credential") == 0 || strcmp(kind, "device") == 0)
		(void)printf(" -f -a '(tessera %s list 2>/dev/null | sed -n \"2,\\$s/ .*//p\")'", kind);
	else if (strcmp(kind, "command") == 0) {
		(void)printf(" -f -a '");
		completion_nouns(" ");
		(void)printf("'");
	} else
		(void)printf(" -f -a '%s'", kind);
}

static void
completion_fish_option(const char *when, const struct option_row *row)
{
	(void)printf("complete -c tessera -n '%s' -l %s", when, row->name);
	if (row->letter != 0)
		(void)printf(" -s %c", row->letter);
	if (row->arg != NULL && row->shape != OPTION_MAYBE) {
		(void)printf(" -r");
		completion_fish_value(row->complete);
	}
	(void)printf(" -d ");
	completion_fish_text(row->help);
	(void)putchar('\n');
}

static void
completion_fish(void)
{
	const struct command *cmd;
	char when[160];
	size_t i, k;

	(void)printf("# fish completion of tessera, made by \"tessera completion fish\"\n"
	    "complete -c tessera -f\n");
	for (i = 0; i < command_count; i++) {
		cmd = &command_table[i];
		if (completion_first(i)) {
			(void)printf("complete -c tessera -n __fish_use_subcommand -a %s -d ", cmd->noun);
			completion_fish_text(cmd->verb == NULL ? cmd->summary : cmd->noun);
			(void)putchar('\n');
		}
		if (cmd->verb != NULL) {
			(void)printf("complete -c tessera -n '__fish_seen_subcommand_from %s; and not __fish_seen_subcommand_from ",
			    cmd->noun);
			completion_verbs(cmd->noun, " ");
			(void)printf("' -a %s -d ", cmd->verb);
			completion_fish_text(cmd->summary);
			(void)putchar('\n');
		}
		(void)snprintf(when, sizeof(when), "__fish_seen_subcommand_from %s%s%s", cmd->noun,
		    cmd->verb != NULL ? "; and __fish_seen_subcommand_from " : "",
		    cmd->verb != NULL ? cmd->verb : "");
		for (k = 0; k < option_count; k++)
			if ((cmd->options & OPT(option_table[k].id)) != 0)
				completion_fish_option(when, &option_table[k]);
		if (cmd->complete != NULL) {
			(void)printf("complete -c tessera -n '%s'", when);
			completion_fish_value(cmd->complete);
			(void)putchar('\n');
		}
	}
	for (k = 0; k < option_count; k++)
		if (command_takes(NULL, &option_table[k]))
			completion_fish_option(option_table[k].id == OPT_VERSION ? "__fish_use_subcommand" :
			    "true", &option_table[k]);
}

int
cmd_completion(struct client *c)
{
	static const struct {
		const char *shell;
		void (*print)(void);
	} shells[] = {
		{ "bash", completion_bash }, { "zsh", completion_zsh }, { "fish", completion_fish },
	};
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shells[i].shell, c->word[0]) == 0) {
			shells[i].print();
			return FAIL_NONE;
		}
	return fail_set(&c->failure, "usage", "there are completions for bash, zsh and fish");
}
