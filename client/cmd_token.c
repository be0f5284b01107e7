/*
 * cmd_token.c - token get, token introspect.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/output.h"
#include "client/proof.h"
#include "client/span.h"
#include "client/token_file.h"
#include "tessera.h"

/* --max-age as seconds into the form.  FAIL_*. */
static int
token_max_age(struct client *c, struct buf *form)
{
	char text[16];
	uint32_t seconds;
	int r;

	if (c->opt[OPT_MAX_AGE] == NULL)
		return FAIL_NONE;
	if (span_parse(c->opt[OPT_MAX_AGE], &seconds) != TSR_OK)
		return fail_set(&c->failure, "usage",
		    "\"%.32s\" is no time: write 90s, 10m or 8h", c->opt[OPT_MAX_AGE]);
	(void)snprintf(text, sizeof(text), "%u", seconds);
	if ((r = form_put(form, "max_age", text)) != TSR_OK)
		return api_broken(c, r);
	return FAIL_NONE;
}

/* A token from a session that lives. */
static int
token_from_session(struct client *c, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/token", .type = FORM_TYPE };
	struct buf form;
	int r, status;

	buf_init(&form, FORM_BODY_MAX);
	if ((r = form_put(&form, "grant_type", "urn:tessera:grant:session")) == TSR_OK &&
	    (r = form_put(&form, "audience", c->opt[OPT_AUDIENCE])) == TSR_OK &&
	    c->opt[OPT_SCOPE] != NULL)
		r = form_put(&form, "scope", c->opt[OPT_SCOPE]);
	status = r != TSR_OK ? api_broken(c, r) : FAIL_NONE;
	if (status == FAIL_NONE &&
	    (status = token_max_age(c, &form)) == FAIL_NONE) {
		rq.body = form.data;
		rq.body_len = form.len;
		status = api_call(c, REACH_API, &rq, answer);
	}
	buf_free(&form);
	return status;
}

int
cmd_token_get(struct client *c)
{
	json_t *answer = NULL;
	const char *token;
	int status, fresh = c->opt[OPT_FRESH] != NULL;

	if (fresh && c->opt[OPT_NO_PROMPT] != NULL)
		return fail_set(&c->failure, "usage", "--fresh and --no-prompt exclude each other");
	if (!fresh) {
		status = token_from_session(c, &answer);
		fresh = status != FAIL_NONE && c->opt[OPT_NO_PROMPT] == NULL &&
		    (strcmp(c->failure.code, "login_required") == 0 ||
		    strcmp(c->failure.code, "step_up_required") == 0);
	} else
		status = FAIL_NONE;
	if (fresh) {
		fail_clear(&c->failure);
		status = proof_token(c, c->opt[OPT_AUDIENCE], 1, &answer);
	}
	if (status != FAIL_NONE)
		return status;
	token = json_string_value(json_object_get(answer, "access_token"));
	if (!form_is_token(token))
		status = api_broken(c, TSR_INVALID);
	else if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)puts(token);
	output_pin_default(answer);
	json_decref(answer);
	return status;
}

int
cmd_token_introspect(struct client *c)
{
	static const struct output_column columns[] = {
		{ "active", "active", 0 }, { "subject", "sub", 0 }, { "user", "username", 0 },
		{ "audience", "aud", 0 }, { "scope", "scope", 0 }, { "client", "client_id", 0 },
		{ "issuer", "iss", 0 }, { "issued", "iat", 1 }, { "expires", "exp", 1 },
		{ "proved", "auth_time", 1 }, { "acr", "acr", 0 }, { "methods", "amr", 0 },
		{ "session", "sid", 0 }, { "id", "jti", 0 },
	};
	struct http_request rq = { .method = "POST", .target = "/introspect", .type = FORM_TYPE };
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
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		output_block(answer, columns, sizeof(columns) / sizeof(columns[0]));
	if (!json_is_true(json_object_get(answer, "active")))
		status = FAIL_AUTH;
	json_decref(answer);
	return status;
}
