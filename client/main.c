/*
 * main.c - tessera, the command line of the agent.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/sandbox.h"
#include "base/spawn.h"
#include "client/command.h"
#include "client/hint.h"
#include "client/output.h"
#include "token/json.h"

/* The one place where a failure is told. */
static void
main_tell(struct client *c)
{
	char text[FAIL_TEXT_MAX];
	json_t *doc;

	if (c->failure.code[0] == '\0')
		return;		/* the command has printed its verdict */
	if (c->opt[OPT_JSON] != NULL) {
		doc = fail_document(&c->failure);
		output_json(doc);
		json_decref(doc);
		return;
	}
	(void)fflush(stdout);
	(void)fprintf(stderr, "%stessera:%s %s\n", output_colour(STDERR_FILENO, OUTPUT_RED),
	    output_colour(STDERR_FILENO, OUTPUT_PLAIN),
	    escape_text(text, sizeof(text), c->failure.text, strlen(c->failure.text)));
}

static int
main_run(struct client *c, int argc, char **argv)
{
	int status;

	if ((status = command_parse(c, argc, argv)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_VERSION] != NULL) {
		(void)printf("tessera %s\n", TESSERA_VERSION);
		return FAIL_NONE;
	}
	if (c->opt[OPT_HELP] != NULL)
		return cmd_help(c);
	return c->command->run(c);
}

int
main(int argc, char **argv)
{
	struct client c;
	int status;

	memset(&c, 0, sizeof(c));
	c.argv = argv;
	if (spawn_fix_fds() != 0 || sandbox_enter(SANDBOX_CLI, NULL, 0) != 0) {
		(void)fprintf(stderr, "tessera: the process cannot be protected, is /proc or /dev missing?\n");
		return FAIL_FAILED;
	}
	json_wipe_memory();
	status = main_run(&c, argc, argv);
	hint_add(&c);
	main_tell(&c);
	fail_clear(&c.failure);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("tessera: standard output");
		status = status == FAIL_NONE ? FAIL_FAILED : status;
	}
	return status;
}
