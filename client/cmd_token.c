/*
 * cmd_token.c - token get, token refresh, token introspect.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/code.h"
#include "client/command.h"
#include "client/input.h"
#include "client/output.h"
#include "client/proof.h"
#include "client/span.h"
#include "client/token_file.h"
#include "tessera.h"

/* --max-age and --min-valid as seconds.  FAIL_*. */
static int
token_time(struct client *c, enum option_id option, enum tsr_parameter which, struct tsr_request *rq)
{
	char text[16];
	uint32_t seconds;
	int r;

	if (c->opt[option] == NULL)
		return FAIL_NONE;
	if (span_parse(c->opt[option], &seconds) != TSR_OK)
		return fail_set(&c->failure, "usage",
		    "\"%.32s\" is no time: write 90s, 10m or 8h", c->opt[option]);
	(void)snprintf(text, sizeof(text), "%u", seconds);
	if ((r = tsr_request_set(rq, which, text)) != TSR_OK)
		return api_broken(c, r);
	return FAIL_NONE;
}

/* What the options ask for.  FAIL_*. */
static int
token_request(struct client *c, struct tsr_request **out)
{
	static const struct {
		enum option_id option;
		enum tsr_parameter parameter;
	} said[] = {
		{ OPT_AUDIENCE, TSR_AUDIENCE }, { OPT_SCOPE, TSR_SCOPE },
		{ OPT_CREDENTIAL, TSR_CREDENTIAL }, { OPT_DEVICE, TSR_DEVICE },
		{ OPT_TOKEN_FORMAT, TSR_TOKEN_FORMAT },
	};
	enum tsr_proof proof = c->opt[OPT_FRESH] != NULL ? TSR_PROOF_FRESH :
	    c->opt[OPT_NO_PROMPT] != NULL ? TSR_PROOF_SESSION : TSR_PROOF_ANY;
	struct tsr_request *rq = NULL;
	size_t i;
	int r, status;

	if ((r = tsr_request_new(&rq)) == TSR_OK)
		r = tsr_request_proof(rq, proof);
	for (i = 0; r == TSR_OK && i < sizeof(said) / sizeof(said[0]); i++)
		r = tsr_request_set(rq, said[i].parameter, c->opt[said[i].option]);
	if (r == TSR_OK && c->opt[OPT_OFFLINE] != NULL)
		r = tsr_request_set(rq, TSR_OFFLINE_ACCESS, "true");
	status = r != TSR_OK ? api_broken(c, r) : token_time(c, OPT_MAX_AGE, TSR_MAX_AGE, rq);
	if (status == FAIL_NONE)
		status = token_time(c, OPT_MIN_VALID, TSR_MIN_VALID, rq);
	if (status == FAIL_NONE)
		*out = rq;
	else
		tsr_request_free(&rq);
	return status;
}

struct token_ask {
	struct tsr_request *rq;
	json_t **answer;
};

static int
token_by_code(struct client *c, const char *code, void *arg)
{
	struct token_ask *a = arg;
	int r;

	if ((r = tsr_request_set(a->rq, TSR_OTP, code)) != TSR_OK)
		return api_broken(c, r);
	return proof_token(c, a->rq, a->answer);
}

/* A code is asked for only where no session will do: it is good once. */
static int
token_otp(struct client *c, struct tsr_request *rq, json_t **answer)
{
	struct token_ask a = { rq, answer };
	int status;

	if (c->opt[OPT_FRESH] == NULL) {
		(void)tsr_request_proof(rq, TSR_PROOF_SESSION);
		status = proof_token(c, rq, answer);
		if (status == FAIL_NONE || c->opt[OPT_NO_PROMPT] != NULL ||
		    (strcmp(c->failure.code, "login_required") != 0 &&
		    strcmp(c->failure.code, "step_up_required") != 0))
			return status;
		fail_clear(&c->failure);
	}
	(void)tsr_request_proof(rq, TSR_PROOF_FRESH);
	return code_try(c, token_by_code, &a);
}

/* {"challenge_id":...,"response":...}, of a key elsewhere or of a browser. */
static int
token_answer(struct client *c, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/token", .type = FORM_TYPE };
	json_t *doc = NULL;
	const char *id;
	struct buf form, response;
	int r, status;

	if ((status = input_json(c, c->opt[OPT_ANSWER], "the answer", &doc)) != FAIL_NONE)
		return status;
	buf_init(&form, FORM_BODY_MAX);
	buf_init(&response, FORM_BODY_MAX);
	id = json_string_value(json_object_get(doc, "challenge_id"));
	if (id == NULL || input_put(&response, json_object_get(doc, "response")) != TSR_OK ||
	    buf_put_u8(&response, 0) != TSR_OK)
		status = fail_set(&c->failure, "invalid_request",
		    "an answer has a \"challenge_id\" and a \"response\"");
	else if ((r = form_put(&form, "grant_type", "urn:tessera:grant:assertion")) != TSR_OK ||
	    (r = form_put(&form, "challenge_id", id)) != TSR_OK ||
	    (r = form_put(&form, "response", (const char *)response.data)) != TSR_OK ||
	    (r = form_put(&form, "audience", c->opt[OPT_AUDIENCE])) != TSR_OK ||
	    (c->opt[OPT_SCOPE] != NULL && (r = form_put(&form, "scope", c->opt[OPT_SCOPE])) != TSR_OK))
		status = api_broken(c, r);
	else {
		rq.body = form.data;
		rq.body_len = form.len;
		status = api_call(c, REACH_API, &rq, answer);
	}
	buf_free(&form);
	buf_free(&response);
	json_decref(doc);
	return status;
}

int
cmd_token_get(struct client *c)
{
	struct tsr_request *rq = NULL;
	json_t *answer = NULL;
	const char *token;
	int status, otp = 0;

	if (c->opt[OPT_FRESH] != NULL && c->opt[OPT_NO_PROMPT] != NULL)
		return fail_set(&c->failure, "usage", "--fresh and --no-prompt exclude each other");
	if (c->opt[OPT_FRESH] != NULL && c->opt[OPT_MIN_VALID] != NULL)
		return fail_set(&c->failure, "usage", "--fresh and --min-valid exclude each other");
	if (c->opt[OPT_OFFLINE] != NULL && c->opt[OPT_JSON] == NULL)
		return fail_set(&c->failure, "usage",
		    "--offline-access gives two tokens, which --json prints: add it");
	if ((status = code_wanted(c, &otp)) != FAIL_NONE ||
	    (status = token_request(c, &rq)) != FAIL_NONE)
		return status;
	status = c->opt[OPT_ANSWER] != NULL ? token_answer(c, &answer) :
	    otp ? token_otp(c, rq, &answer) : proof_token(c, rq, &answer);
	tsr_request_free(&rq);
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

/* The token that a file or standard input has, as a form to target: any one, or
 * with `grant` for that grant.  FAIL_*. */
static int
token_post(struct client *c, const char *target, const char *name, const char *grant,
    json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = target, .type = FORM_TYPE };
	struct buf token, form;
	int r = TSR_OK, status;

	buf_init(&token, TOKEN_FILE_MAX + 1);
	buf_init(&form, FORM_BODY_MAX);
	if ((status = token_file_read(c, &token)) == FAIL_NONE) {
		if (grant != NULL)
			r = form_put(&form, "grant_type", grant);
		if (r == TSR_OK)
			r = form_put(&form, name, (const char *)token.data);
		if (r == TSR_OK && c->opt[OPT_SCOPE] != NULL)
			r = form_put(&form, "scope", c->opt[OPT_SCOPE]);
		if (r != TSR_OK)
			status = api_broken(c, r);
		rq.body = form.data;
		rq.body_len = form.len;
	}
	if (status == FAIL_NONE)
		status = api_call(c, REACH_API, &rq, answer);
	buf_free(&token);
	buf_free(&form);
	return status;
}

/* The next refresh token is as precious as the access token: a document has both. */
int
cmd_token_refresh(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if (c->opt[OPT_JSON] == NULL)
		return fail_set(&c->failure, "usage",
		    "a refresh gives two tokens, which --json prints: add it");
	if ((status = token_post(c, "/token", "refresh_token", "refresh_token", &answer)) != FAIL_NONE)
		return status;
	output_json(answer);
	json_decref(answer);
	return FAIL_NONE;
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
	json_t *answer = NULL;
	int status;

	if ((status = token_post(c, "/introspect", "token", NULL, &answer)) != FAIL_NONE)
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
