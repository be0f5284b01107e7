/*
 * cmd_credential.c - credential list, show, disable, enable, remove.
 *
 * One's own credentials are on the API socket, everybody's on the
 * administration socket.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/code.h"
#include "client/command.h"
#include "client/output.h"
#include "client/proof.h"
#include "tessera.h"

#define CREDENTIAL_TARGET_MAX	256	/* bytes of a request target */
#define COLUMNS(t)	(sizeof(t) / sizeof((t)[0]))

static const struct output_column credential_columns[] = {
	{ "CREDENTIAL", "id", 0 }, { "SUBJECT", "subject", 0 }, { "LABEL", "label", 0 },
	{ "KIND", "kind", 0 }, { "TOKEN", "token.label|token.model", 0 }, { "ACR", "acr", 0 },
	{ "STATE", "state", 0 }, { "LAST USED", "last_used", 1 },
};

static const struct output_column credential_details[] = {
	{ "credential", "id", 0 }, { "kind", "kind", 0 }, { "subject", "subject", 0 },
	{ "uid", "uid", 0 }, { "label", "label", 0 }, { "state", "state", 0 }, { "acr", "acr", 0 },
	{ "vouched for", "vouched", 0 }, { "algorithm", "algorithm", 0 }, { "module", "module", 0 },
	{ "token", "token.label", 0 }, { "serial", "token.serial", 0 },
	{ "manufacturer", "token.manufacturer", 0 }, { "model", "token.model", 0 },
	{ "key", "key.id", 0 }, { "key label", "key.label", 0 }, { "created", "created", 1 },
	{ "last used", "last_used", 1 },
};

static int
credential_id(struct client *c, const char **id)
{
	*id = c->word[0];
	if (ask_is_id(*id))
		return FAIL_NONE;
	return fail_set(&c->failure, "usage",
	    "that is no credential id; \"tessera credential list\" shows them in its first column");
}

int
cmd_credential_list(struct client *c)
{
	const char *user = c->opt[OPT_USER];
	char target[CREDENTIAL_TARGET_MAX];
	json_t *answer = NULL;
	int admin = user != NULL || c->opt[OPT_ALL] != NULL || geteuid() == 0, status;

	if (user != NULL && c->opt[OPT_ALL] != NULL)
		return fail_set(&c->failure, "usage", "--user and --all exclude each other");
	if (form_query(target, sizeof(target), "/admin/credentials", "subject", user) != TSR_OK)
		return fail_set(&c->failure, "usage", "no user has such a long name");
	status = admin ? api_get(c, REACH_ADMIN, target, &answer) :
	    api_get(c, REACH_API, "/credentials", &answer);
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		output_table(json_object_get(answer, "credentials"), credential_columns,
		    COLUMNS(credential_columns), user != NULL ? "No credentials of this user." : "No credentials.");
	json_decref(answer);
	return FAIL_NONE;
}

/* One of the caller's own: a new reference, NULL where it is not among them. */
static int
credential_own(struct client *c, const char *id, json_t **out)
{
	json_t *answer = NULL, *list, *one;
	const char *got;
	size_t i;
	int status;

	*out = NULL;
	if ((status = api_get(c, REACH_API, "/credentials", &answer)) != FAIL_NONE)
		return status;
	list = json_object_get(answer, "credentials");
	for (i = 0; i < json_array_size(list) && *out == NULL; i++) {
		one = json_array_get(list, i);
		got = json_string_value(json_object_get(one, "id"));
		if (got != NULL && strcmp(got, id) == 0)
			*out = json_incref(one);
	}
	json_decref(answer);
	return FAIL_NONE;
}

/* Where the administration socket is closed to us, what is not ours is not
 * there. */
static int
credential_not_ours(struct client *c)
{
	return fail_set(&c->failure, "not_found",
	    "you have no such credential; those of others are for root and the group tessera-admin");
}

int
cmd_credential_show(struct client *c)
{
	char target[CREDENTIAL_TARGET_MAX];
	const char *id;
	json_t *one = NULL;
	int status;

	if ((status = credential_id(c, &id)) != FAIL_NONE)
		return status;
	if (geteuid() != 0 && (status = credential_own(c, id, &one)) != FAIL_NONE)
		return status;
	if (one == NULL && geteuid() != 0 && !reach_possible(c, REACH_ADMIN))
		return credential_not_ours(c);
	(void)snprintf(target, sizeof(target), "/admin/credentials/%s", id);
	if (one == NULL && (status = api_get(c, REACH_ADMIN, target, &one)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(one);
	else
		output_block(one, credential_details, COLUMNS(credential_details));
	json_decref(one);
	return FAIL_NONE;
}

/* A change by an administrator. */
static int
credential_change(struct client *c, const char *id, const char *verb, json_t **answer)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	char target[CREDENTIAL_TARGET_MAX];

	(void)snprintf(target, sizeof(target), "/admin/credentials/%s/%s", id, verb);
	rq.target = target;
	rq.body = c->opt[OPT_FORCE] != NULL ? "{\"force\":true}" : "{\"force\":false}";
	rq.body_len = strlen(rq.body);
	return proof_admin_call(c, &rq, 0, answer);
}

static int
credential_changed(struct client *c, json_t *answer, const char *done)
{
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)printf("%s %s.\n", done, c->word[0]);
	json_decref(answer);
	return FAIL_NONE;
}

/* One's own needs no administrator, but for the last one. */
int
cmd_credential_disable(struct client *c)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE, .body = "{}", .body_len = 2 };
	char target[CREDENTIAL_TARGET_MAX];
	const char *id;
	json_t *answer = NULL;
	int status, own = geteuid() != 0 && c->opt[OPT_FORCE] == NULL;

	if ((status = credential_id(c, &id)) != FAIL_NONE)
		return status;
	if (own) {
		(void)snprintf(target, sizeof(target), "/credentials/%s/disable", id);
		rq.target = target;
		status = api_call(c, REACH_API, &rq, &answer);
		if (status == FAIL_NONE)
			return credential_changed(c, answer, "Disabled");
		if (strcmp(c->failure.code, "not_found") != 0)
			return status;
		if (!reach_possible(c, REACH_ADMIN))
			return credential_not_ours(c);
		fail_clear(&c->failure);
	}
	if ((status = credential_change(c, id, "disable", &answer)) != FAIL_NONE)
		return status;
	return credential_changed(c, answer, "Disabled");
}

int
cmd_credential_enable(struct client *c)
{
	const char *id;
	json_t *answer = NULL;
	int status;

	if ((status = credential_id(c, &id)) != FAIL_NONE ||
	    (status = credential_change(c, id, "enable", &answer)) != FAIL_NONE)
		return status;
	return credential_changed(c, answer, "Enabled");
}

int
cmd_credential_remove(struct client *c)
{
	const char *id;
	json_t *answer = NULL;
	int status;

	if ((status = credential_id(c, &id)) != FAIL_NONE ||
	    (status = credential_change(c, id, "remove", &answer)) != FAIL_NONE)
		return status;
	return credential_changed(c, answer, "Removed");
}

/* --- resync --- */

/* Two codes in a row: an administrator's word brings any token back in step, an
 * owner's by a login with that token. */
static int
resync_send(struct client *c, const char *id, int own, const char *code, const char *next)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	char target[CREDENTIAL_TARGET_MAX];
	json_t *answer = NULL;
	struct buf body;
	int r, status;

	(void)snprintf(target, sizeof(target), "/admin/credentials/%s/resync", id);
	rq.target = own ? "/session" : target;
	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, own ? "otp" : "code", code)) == TSR_OK &&
	    (r = form_json_put(&body, own ? "otp_next" : "next", next)) == TSR_OK &&
	    (!own || (r = form_json_put(&body, "credential", id)) == TSR_OK))
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	if (r != TSR_OK)
		status = api_broken(c, r);
	else
		status = own ? api_call(c, REACH_API, &rq, &answer) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	if (status != FAIL_NONE)
		return status;
	return credential_changed(c, answer, "In step again:");
}

int
cmd_credential_resync(struct client *c)
{
	char code[CODE_MAX], next[CODE_MAX];
	const char *id;
	json_t *one = NULL;
	int status, own = geteuid() != 0 && c->opt[OPT_ADMIN] == NULL;

	if ((status = credential_id(c, &id)) != FAIL_NONE ||
	    (own && (status = credential_own(c, id, &one)) != FAIL_NONE))
		return status;
	if (own && one == NULL)
		return credential_not_ours(c);
	json_decref(one);
	if ((status = code_ask(c, CODE_TOKEN, "The code that the token shows", code)) == FAIL_NONE &&
	    (status = code_ask(c, CODE_TOKEN, "The next one", next)) == FAIL_NONE)
		status = resync_send(c, id, own, code, next);
	sodium_memzero(code, sizeof(code));
	sodium_memzero(next, sizeof(next));
	return status;
}
