/*
 * cmd_session.c - login, logout, session list, session show.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/code.h"
#include "client/command.h"
#include "client/output.h"
#include "client/proof.h"
#include "tessera.h"

#define SESSION_TARGET_MAX	256	/* bytes of a request target */

static const struct output_column session_columns[] = {
	{ "SESSION", "sid", 0 }, { "SUBJECT", "subject", 0 }, { "LABEL", "label", 0 },
	{ "ACR", "acr", 0 }, { "PROVED", "auth_time", 1 }, { "EXPIRES", "expires", 1 },
	{ "LOCKED", "locked", 0 }, { "AUDIENCES", "audiences", 0 },
};

static const struct output_column session_details[] = {
	{ "session", "sid", 0 }, { "subject", "subject", 0 }, { "credential", "credential", 0 },
	{ "label", "label", 0 }, { "methods", "amr", 0 }, { "acr", "acr", 0 },
	{ "proved", "auth_time", 1 }, { "expires", "expires", 1 }, { "locked", "locked", 0 },
	{ "audiences", "audiences", 0 },
};

#define COLUMNS(t)	(sizeof(t) / sizeof((t)[0]))

/* POST /session, by a device or (otp not NULL) by a code. */
static int
login_call(struct client *c, const char *otp, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/session", .type = FORM_JSON_TYPE };
	const struct {
		const char *name, *value;
	} members[] = {
		{ "credential", c->opt[OPT_CREDENTIAL] }, { "device", c->opt[OPT_DEVICE] }, { "otp", otp },
	};
	struct buf body;
	size_t i;
	int r = TSR_OK, status;

	buf_init(&body, FORM_BODY_MAX);
	for (i = 0; r == TSR_OK && i < sizeof(members) / sizeof(members[0]); i++)
		if (members[i].value != NULL)
			r = form_json_put(&body, members[i].name, members[i].value);
	if (r == TSR_OK)
		r = buf_put_cstr(&body, body.len == 0 ? "{}" : "}");
	rq.body = body.data;
	rq.body_len = body.len;
	if (r != TSR_OK)
		status = api_broken(c, r);
	else
		status = otp != NULL ? api_call(c, REACH_API, &rq, answer) :
		    proof_call(c, REACH_API, &rq, answer);
	buf_free(&body);
	return status;
}

static int
login_by_code(struct client *c, const char *code, void *arg)
{
	return login_call(c, code, arg);
}

int
cmd_login(struct client *c)
{
	json_t *answer = NULL;
	char subject[OUTPUT_TEXT_MAX], label[OUTPUT_TEXT_MAX], acr[OUTPUT_TEXT_MAX], until[32];
	int status, otp = 0;

	if ((status = code_wanted(c, &otp)) == FAIL_NONE)
		status = otp ? code_try(c, login_by_code, &answer) : login_call(c, NULL, &answer);
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)printf("Logged in as %s%s (%s) until %s.\n",
		    output_member(answer, "subject", subject, sizeof(subject)),
		    output_quoted(" with ", answer, "label", label, sizeof(label)),
		    output_member(answer, "acr", acr, sizeof(acr)),
		    output_time(json_integer_value(json_object_get(answer, "expires")), until, sizeof(until)));
	output_pin_default(answer);
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_logout(struct client *c)
{
	const struct http_request rq = { .method = "DELETE", .target = "/session" };
	json_t *answer = NULL;
	long long n;
	int status;

	if ((status = api_call(c, REACH_API, &rq, &answer)) != FAIL_NONE)
		return status;
	n = (long long)json_integer_value(json_object_get(answer, "ended"));
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (n == 0)
		(void)printf("There was no session.\n");
	else
		(void)printf("Ended %lld session%s.\n", n, n == 1 ? "" : "s");
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_session_list(struct client *c)
{
	const char *user = c->opt[OPT_USER];
	char target[SESSION_TARGET_MAX];
	json_t *answer = NULL;
	int admin = user != NULL || c->opt[OPT_ALL] != NULL, status;

	if (user != NULL && c->opt[OPT_ALL] != NULL)
		return fail_set(&c->failure, "usage", "--user and --all exclude each other");
	if (form_query(target, sizeof(target), "/admin/sessions", "subject", user) != TSR_OK)
		return fail_set(&c->failure, "usage", "no user has such a long name");
	if ((status = admin ? api_get(c, REACH_ADMIN, target, &answer) :
	    api_get(c, REACH_API, "/session", &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		output_table(json_object_get(answer, "sessions"), session_columns,
		    COLUMNS(session_columns), user != NULL ? "No sessions of this user." :
		    admin ? "No sessions." : "No sessions. \"tessera login\" opens one.");
	json_decref(answer);
	return FAIL_NONE;
}

/* With --json the one that was named, or all as session list has them. */
int
cmd_session_show(struct client *c)
{
	json_t *answer = NULL, *sessions, *one;
	const char *sid = c->n_words > 0 ? c->word[0] : NULL, *got;
	size_t i, shown = 0;
	int status;

	if ((status = api_get(c, REACH_API, "/session", &answer)) != FAIL_NONE)
		return status;
	sessions = json_object_get(answer, "sessions");
	if (sid == NULL && c->opt[OPT_JSON] != NULL) {
		output_json(answer);
		shown++;
	} else for (i = 0; i < json_array_size(sessions); i++) {
		one = json_array_get(sessions, i);
		got = json_string_value(json_object_get(one, "sid"));
		if (sid != NULL && (got == NULL || strcmp(got, sid) != 0))
			continue;
		if (shown++ > 0)
			(void)putchar('\n');
		if (c->opt[OPT_JSON] != NULL)
			output_json(one);
		else
			output_block(one, session_details, COLUMNS(session_details));
	}
	json_decref(answer);
	if (shown > 0)
		return FAIL_NONE;
	return sid != NULL ? fail_set(&c->failure, "not_found", "you have no session \"%s\"", sid) :
	    fail_set(&c->failure, "not_found", "you have no session; \"tessera login\" opens one");
}
