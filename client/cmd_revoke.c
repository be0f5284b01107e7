/*
 * cmd_revoke.c - session revoke, token revoke, revoke: tokens ended before their
 * time.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/command.h"
#include "client/output.h"
#include "client/proof.h"
#include "client/token_file.h"
#include "tessera.h"

#define REVOKE_TARGET_MAX	256	/* bytes of a request target */

static int
revoke_show(struct client *c, json_t *answer)
{
	const char *whose = c->opt[OPT_USER] != NULL ? c->opt[OPT_USER] : c->opt[OPT_CREDENTIAL];
	long long n = (long long)json_integer_value(json_object_get(answer, "ended"));

	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (n == 0 && c->opt[OPT_ALL] == NULL)
		(void)printf("No session %s%s was there to end.\n", whose != NULL ? "of " : "",
		    whose != NULL ? whose : "that gave it");
	else
		(void)printf("Revoked. %lld session%s ended.\n", n, n == 1 ? "" : "s");
	json_decref(answer);
	return FAIL_NONE;
}

/* An administrator's: {"name": value}, or {"all": true} where value is NULL. */
static int
revoke_admin(struct client *c, const char *name, const char *value)
{
	struct http_request rq = { .method = "POST", .target = "/admin/revoke", .type = FORM_JSON_TYPE };
	json_t *answer = NULL;
	struct buf body;
	int r = TSR_OK, status;

	buf_init(&body, FORM_BODY_MAX);
	if (value == NULL)
		r = buf_put_cstr(&body, "{\"all\":true}");
	else if ((r = form_json_put(&body, name, value)) == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	status = r != TSR_OK ? api_broken(c, r) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	return status != FAIL_NONE ? status : revoke_show(c, answer);
}

int
cmd_revoke(struct client *c)
{
	const char *user = c->opt[OPT_USER], *credential = c->opt[OPT_CREDENTIAL], *all = c->opt[OPT_ALL];

	if ((user != NULL) + (credential != NULL) + (all != NULL) != 1)
		return fail_set(&c->failure, "usage", "say whose: one of --user, --credential and --all");
	return revoke_admin(c, user != NULL ? "subject" : "credential", user != NULL ? user : credential);
}

/* One's own needs no administrator. */
int
cmd_session_revoke(struct client *c)
{
	struct http_request own = { .method = "DELETE" };
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE, .body = "{}", .body_len = 2 };
	const char *sid = c->n_words > 0 ? c->word[0] : NULL, *user = c->opt[OPT_USER];
	char target[REVOKE_TARGET_MAX];
	json_t *answer = NULL;
	int status;

	if ((sid != NULL) + (user != NULL) != 1)
		return fail_set(&c->failure, "usage", "name a session, or a user by --user");
	if (user != NULL)
		return revoke_admin(c, "subject", user);
	if (!ask_is_id(sid))
		return fail_set(&c->failure, "usage",
		    "that is no session; \"tessera session list\" shows them in its first column");
	(void)snprintf(target, sizeof(target), "/session/%s", sid);
	own.target = target;
	status = api_call(c, REACH_API, &own, &answer);
	if (status != FAIL_NONE && strcmp(c->failure.code, "not_found") == 0 &&
	    reach_possible(c, REACH_ADMIN)) {
		fail_clear(&c->failure);
		(void)snprintf(target, sizeof(target), "/admin/sessions/%s/revoke", sid);
		rq.target = target;
		status = proof_admin_call(c, &rq, 0, &answer);
	}
	return status != FAIL_NONE ? status : revoke_show(c, answer);
}

/* RFC 7009. */
int
cmd_token_revoke(struct client *c)
{
	struct http_request rq = { .method = "POST", .target = "/revoke", .type = FORM_TYPE };
	struct buf token, form;
	json_t *answer = NULL;
	int r, status;

	buf_init(&token, TOKEN_FILE_MAX + 1);
	buf_init(&form, FORM_BODY_MAX);
	if ((status = token_file_read(c, &token)) == FAIL_NONE) {
		if ((r = form_put(&form, "token", (const char *)token.data)) != TSR_OK)
			status = api_broken(c, r);
		rq.body = form.data;
		rq.body_len = form.len;
	}
	if (status == FAIL_NONE)
		status = api_call(c, REACH_API, &rq, &answer);
	buf_free(&token);
	buf_free(&form);
	return status != FAIL_NONE ? status : revoke_show(c, answer);
}
