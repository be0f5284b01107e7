/*
 * cmd_ssh_ca.c - ssh ca: the keys that sign certificates, and the list of those
 * that were revoked; each change says what an administrator has to do next.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/command.h"
#include "client/hint.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/place.h"
#include "client/proof.h"
#include "client/ssh_ca.h"
#include "tessera.h"
#include "token/ssh_krl.h"

static const struct output_column ca_columns[] = {
	{ "KEY", "id", 0 }, { "STATE", "state", 0 }, { "FINGERPRINT", "fingerprint", 0 },
	{ "MADE", "created", 1 }, { "SIGNS SINCE", "activated", 1 },
};

/* --- show --- */

static int
ca_show(struct client *c)
{
	const json_t *keys;
	json_t *answer = NULL;
	size_t i, trusted = 0;
	int status;

	if ((status = api_get(c, REACH_API, "/ssh/ca", &answer)) != FAIL_NONE)
		return status;
	keys = json_object_get(answer, "keys");
	for (i = 0; i < json_array_size(keys); i++)
		trusted += ssh_ca_trusted(json_array_get(keys, i)) != NULL;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (c->opt[OPT_TRUSTED] == NULL)
		output_table(keys, ca_columns, sizeof(ca_columns) / sizeof(ca_columns[0]), "No keys.");
	else if (trusted == 0)
		status = fail_set(&c->failure, "not_found", "there is no key that a server should trust");
	else for (i = 0; i < json_array_size(keys); i++)
		if (ssh_ca_trusted(json_array_get(keys, i)) != NULL)
			(void)puts(ssh_ca_trusted(json_array_get(keys, i)));
	json_decref(answer);
	return status;
}

/* --- change --- */

static const char ca_next_prepare[] =
    "A next key is made. It signs nothing yet. Now:\n"
    "  1. bring the file of trusted keys to every server: \"tessera ssh ca show --trusted\",\n"
    "     on this host \"tessera ssh setup --server --install\";\n"
    "  2. when all have it: \"tessera ssh ca rotate\".\n";
static const char ca_next_rotate[] =
    "The next key signs from now on; the one before is retired: servers still trust it.\n"
    "When its last certificate has expired (\"tessera ssh list --all\"): \"tessera ssh ca retire ID\",\n"
    "with the ID of \"tessera ssh ca show\".\n";
static const char ca_next_at_once[] =
    "A new key signs from now on; all keys before it, and every certificate they signed, are\n"
    "revoked. Bring to every server, now:\n"
    "  1. the list of revoked keys: \"tessera ssh ca krl\";\n"
    "  2. the file of trusted keys: \"tessera ssh ca show --trusted\".\n"
    "On this host \"tessera ssh setup --server --install\" does both. Until a server has the\n"
    "second nobody gets in there by a certificate.\n";
static const char ca_next_retire[] =
    "The key is out of the file of trusted keys. Bring that to every server (\"tessera ssh ca show\n"
    "--trusted\", on this host \"tessera ssh setup --server --install\"): they trust it until then.\n";

static int
ca_change(struct client *c, const char *what, const char *id, const char *next)
{
	struct http_request rq = { .method = "POST", .target = "/admin/ssh/ca", .type = FORM_JSON_TYPE };
	json_t *answer = NULL;
	struct buf body;
	int r, status;

	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, "do", what)) == TSR_OK && id != NULL)
		r = form_json_put(&body, "id", id);
	if (r == TSR_OK)
		r = buf_put_cstr(&body, c->opt[OPT_REVOKE_ALL] != NULL ? ",\"at_once\":true}" : "}");
	rq.body = body.data;
	rq.body_len = body.len;
	status = r != TSR_OK ? api_broken(c, r) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)fputs(next, stdout);
	json_decref(answer);
	return FAIL_NONE;
}

static int
ca_prepare(struct client *c)
{
	return ca_change(c, "prepare", NULL, ca_next_prepare);
}

static int
ca_rotate(struct client *c)
{
	return ca_change(c, "rotate", NULL, c->opt[OPT_REVOKE_ALL] != NULL ? ca_next_at_once : ca_next_rotate);
}

static int
ca_retire(struct client *c)
{
	int status;

	if (c->n_words < 2)
		return fail_set(&c->failure, "usage",
		    "which one? \"tessera ssh ca show\" has the ID of each in its first column");
	if (!ask_is_id(c->word[1]))
		return fail_set(&c->failure, "usage", "\"%.64s\" is no ID of \"tessera ssh ca show\"", c->word[1]);
	if ((status = ca_change(c, "retire", c->word[1], ca_next_retire)) == FAIL_NOT_FOUND)
		hint_value(c, c->word[1]);
	return status;
}

/* --- the list --- */

/* To a file it goes whole: sshd with half a list lets nobody in by a key. */
static int
ca_krl_out(struct client *c, const char *list, size_t n)
{
	const char *file = c->n_words > 1 ? c->word[1] : "-";
	int status;

	if (!ssh_ca_is_krl(list, n))
		return api_broken(c, TSR_INVALID);
	if (strcmp(file, "-") == 0) {
		(void)fwrite(list, 1, n, stdout);
		return FAIL_NONE;
	}
	if ((status = place_write(c, file, list, n, 0644)) == FAIL_NONE && c->opt[OPT_JSON] == NULL)
		(void)printf("Wrote %s. sshd reads it at each login: RevokedKeys has to name it on every server.\n",
		    file);
	if (status == FAIL_NONE && c->opt[OPT_JSON] != NULL) {
		json_t *doc = json_pack("{s:s, s:I}", "path", file, "bytes", (json_int_t)n);

		output_json(doc);
		json_decref(doc);
	}
	return status;
}

/* One that is joined to what was written before would be in it twice, then thrice. */
static int
ca_is_written(const struct client *c, const char *name)
{
	struct stat a, b;

	return c->n_words > 1 && stat(c->word[1], &a) == 0 && stat(name, &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
ca_join(struct client *c, const char *name, struct buf *list)
{
	struct buf other;
	int r, status, there = 0;

	if (ca_is_written(c, name))
		return fail_set(&c->failure, "usage", "%s is the file that is written: join the lists of other agents", name);
	buf_init(&other, SSH_KRL_MAX);
	if ((status = place_read(c, name, &other, &there)) != FAIL_NONE)
		;
	else if (!there)
		status = fail_set(&c->failure, "not_found", "there is no file %s", name);
	else if ((r = ssh_krl_join(list, other.data, other.len)) == TSR_UNSUPPORTED)
		status = fail_set(&c->failure, "failed", "%s is signed, or of a kind that not every sshd reads: only plain "
		    "lists can be joined", name);
	else if (r == TSR_TOO_LARGE)
		status = fail_set(&c->failure, "failed", "with %s the list is over %u MiB", name, SSH_KRL_MAX >> 20);
	else if (r == TSR_INVALID)
		status = fail_set(&c->failure, "failed", "%s is no list of revoked keys, or is damaged: fetch it again by "
		    "\"tessera ssh ca krl\"", name);
	else if (r != TSR_OK)
		status = api_broken(c, r);
	buf_free(&other);
	return status;
}

/* All of them, or none: what is left out would be let in. */
static int
ca_join_all(struct client *c, const struct buf *own, struct buf *list)
{
	int r, status = FAIL_NONE;
	size_t i;

	if ((r = ssh_krl_join(list, own->data, own->len)) != TSR_OK)
		return api_broken(c, r);
	for (i = 0; i < c->n_many && status == FAIL_NONE; i++)
		status = ca_join(c, c->many[i], list);
	return status;
}

static int
ca_krl(struct client *c)
{
	struct buf own, list;
	int status;

	if (c->opt[OPT_JSON] != NULL && (c->n_words < 2 || strcmp(c->word[1], "-") == 0))
		return fail_set(&c->failure, "usage", "the list is no JSON: name a file for it");
	if (c->n_words < 2 && isatty(STDOUT_FILENO))
		return fail_set(&c->failure, "usage", "the list is nothing to look at: name a file for it, or \"-\"");
	buf_init(&own, HTTP_ANSWER_BODY_MAX);
	buf_init(&list, SSH_KRL_MAX);
	if ((status = api_bytes(c, "/ssh/krl", &own)) == FAIL_NONE && c->n_many > 0)
		status = ca_join_all(c, &own, &list);
	if (status == FAIL_NONE)
		status = c->n_many > 0 ? ca_krl_out(c, (const char *)list.data, list.len) :
		    ca_krl_out(c, (const char *)own.data, own.len);
	buf_free(&list);
	buf_free(&own);
	return status;
}

int
cmd_ssh_ca(struct client *c)
{
	static const struct {
		const char *action;
		int words;
		int (*run)(struct client *c);
		option_set options;
	} actions[] = {
		{ "show", 1, ca_show, OPT(OPT_TRUSTED) }, { "prepare", 1, ca_prepare, 0 },
		{ "rotate", 1, ca_rotate, OPT(OPT_REVOKE_ALL) }, { "retire", 2, ca_retire, 0 },
		{ "krl", 2, ca_krl, OPT(OPT_JOIN) },
	};
	const char *action = c->n_words > 0 ? c->word[0] : "show";
	size_t i, n = sizeof(actions) / sizeof(actions[0]);

	for (i = 0; i < n && strcmp(actions[i].action, action) != 0; i++)
		;
	if (i == n)
		return fail_set(&c->failure, "usage",
		    "\"%.32s\" is not to be done with it: show, prepare, rotate, retire or krl", action);
	if (c->n_words > actions[i].words)
		return fail_set(&c->failure, "usage", "too many arguments for \"%s\"", action);
	if (c->opt[OPT_TRUSTED] != NULL && (actions[i].options & OPT(OPT_TRUSTED)) == 0)
		return fail_set(&c->failure, "usage", "--trusted is for \"show\", not for \"%s\"", action);
	if (c->opt[OPT_REVOKE_ALL] != NULL && (actions[i].options & OPT(OPT_REVOKE_ALL)) == 0)
		return fail_set(&c->failure, "usage", "--at-once is for \"rotate\", not for \"%s\"", action);
	if (c->opt[OPT_JOIN] != NULL && (actions[i].options & OPT(OPT_JOIN)) == 0)
		return fail_set(&c->failure, "usage", "--join is for \"krl\", not for \"%s\"", action);
	return actions[i].run(c);
}
