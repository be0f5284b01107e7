/*
 * cmd_store.c - store show, check, confirm, backup, restore, rekey.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/proof.h"

#define STORE_AGENT	"tesserad"

static const struct output_column store_details[] = {
	{ "verdict", "verdict", 0 }, { "generation", "generation", 0 }, { "anchor", "anchor", 0 },
	{ "whole", "whole", 0 }, { "rows", "rows", 0 }, { "damaged", "damaged", 0 },
	{ "dropped", "dropped", 0 },
};
static const struct output_column store_rows[] = { { "TABLE", "table", 0 }, { "ROW", "row", 0 } };

static int
store_shown(struct client *c, json_t *answer)
{
	const json_t *found = json_object_get(answer, "found");

	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else {
		output_block(answer, store_details, sizeof(store_details) / sizeof(store_details[0]));
		if (json_array_size(found) > 0)
			output_table(found, store_rows, sizeof(store_rows) / sizeof(store_rows[0]), "");
	}
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_store_show(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if ((status = api_get(c, REACH_ADMIN, "/admin/store", &answer)) != FAIL_NONE)
		return status;
	return store_shown(c, answer);
}

static int
store_post(struct client *c, const char *target, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = target, .type = FORM_JSON_TYPE,
	    .body = "{}", .body_len = 2 };

	return proof_admin_call(c, &rq, 0, answer);
}

int
cmd_store_check(struct client *c)
{
	json_t *answer = NULL;
	int status, whole;

	if ((status = store_post(c, "/admin/store/check", &answer)) != FAIL_NONE)
		return status;
	whole = json_is_true(json_object_get(answer, "whole"));
	(void)store_shown(c, answer);
	return whole ? FAIL_NONE : FAIL_FAILED;
}

int
cmd_store_confirm(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if ((status = store_post(c, "/admin/store/confirm", &answer)) != FAIL_NONE)
		return status;
	return store_shown(c, answer);
}

/* --- a backup --- */

static int
store_copy(int from, int to)
{
	char data[65536];
	ssize_t n, w, at;

	while ((n = read(from, data, sizeof(data))) > 0)
		for (at = 0; at < n; at += w)
			if ((w = write(to, data + at, (size_t)(n - at))) == -1)
				return -1;
	return n == 0 ? fsync(to) : -1;
}

/* The agent made it where it may write; here it gets where it was asked for. */
static int
store_fetch(struct client *c, const char *made)
{
	int from = -1, to = -1, status = FAIL_NONE;

	if ((from = open(made, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
		status = fail_set(&c->failure, "failed", "the backup is %s, which cannot be read: %s; "
		    "run this as root", made, strerror(errno));
	else if ((to = open(c->word[0], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		status = fail_set(&c->failure, "failed", "%s cannot be made: %s", c->word[0],
		    strerror(errno));
	else if (store_copy(from, to) != 0) {
		status = fail_set(&c->failure, "failed", "%s cannot be written: %s", c->word[0],
		    strerror(errno));
		(void)unlink(c->word[0]);
	}
	if (from != -1) {
		(void)unlink(made);
		(void)close(from);
	}
	if (to != -1)
		(void)close(to);
	return status;
}

int
cmd_store_backup(struct client *c)
{
	json_t *answer = NULL;
	const char *made;
	int status;

	if (access(c->word[0], F_OK) == 0)
		return fail_set(&c->failure, "conflict", "%s is there already", c->word[0]);
	if ((status = store_post(c, "/admin/store/backup", &answer)) != FAIL_NONE)
		return status;
	made = json_string_value(json_object_get(answer, "path"));
	status = made != NULL ? store_fetch(c, made) :
	    fail_set(&c->failure, "failed", "the agent's answer was not understood");
	if (status == FAIL_NONE) {
		(void)json_object_set_new(answer, "path", json_string(c->word[0]));
		if (c->opt[OPT_JSON] != NULL)
			output_json(answer);
		else
			(void)printf("Wrote %s.\n", c->word[0]);
	}
	json_decref(answer);
	return status;
}

/* --- while the agent is stopped --- */

/* The agent's program does it: beside this one (a build folder), else where it
 * is installed. */
static int
store_offline(struct client *c, char *option, char *file)
{
	static char name[] = STORE_AGENT;
	char *argv[] = { name, option, file, NULL };
	char self[PATH_MAX], path[PATH_MAX + sizeof(STORE_AGENT)];
	char *slash;
	ssize_t n;

	(void)fflush(stdout);
	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) > 0) {
		self[n] = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			slash[1] = '\0';
		(void)snprintf(path, sizeof(path), "%s" STORE_AGENT, self);
		(void)execv(path, argv);
	}
	(void)execv(TESSERA_SBIN "/" STORE_AGENT, argv);
	return fail_set(&c->failure, "failed", "%s/" STORE_AGENT " cannot be started: %s; is the "
	    "package whole?", TESSERA_SBIN, strerror(errno));
}

int
cmd_store_restore(struct client *c)
{
	static char option[] = "--restore";

	return store_offline(c, option, c->word[0]);
}

int
cmd_store_rekey(struct client *c)
{
	static char option[] = "--rekey";

	return store_offline(c, option, NULL);
}
