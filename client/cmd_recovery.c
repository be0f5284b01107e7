/*
 * cmd_recovery.c - credential replace, credential recovery-codes.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/cmd_recovery.h"

#include <stdio.h>
#include <string.h>

#include "client/ask.h"
#include "client/output.h"
#include "client/proof.h"
#include "tessera.h"

int
cmd_credential_replace(struct client *c)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE, .body = "{}", .body_len = 2 };
	char target[128], code[OUTPUT_TEXT_MAX], left[64];
	json_t *answer = NULL;
	int status;

	if (!ask_is_id(c->word[0]))
		return fail_set(&c->failure, "usage",
		    "that is no credential id; \"tessera credential list\" shows them in its first column");
	(void)snprintf(target, sizeof(target), "/admin/credentials/%s/replace", c->word[0]);
	rq.target = target;
	if ((status = proof_admin_call(c, &rq, 0, &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)printf("%s\nGood once, for %s, for this user alone, in place of a code: tessera token get --otp, tessera enroll KIND --code CODE\n",
		    output_member(answer, "code", code, sizeof(code)),
		    output_span(json_integer_value(json_object_get(answer, "expires_in")), left, sizeof(left)));
	json_decref(answer);
	return FAIL_NONE;
}

int
recovery_fetch(struct client *c, const char *user, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/admin/recovery-codes", .type = FORM_JSON_TYPE };
	struct buf body;
	int r, status;

	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, "subject", user)) == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	status = r == TSR_INVALID ? fail_set(&c->failure, "usage", "a user name is UTF-8 text") :
	    r != TSR_OK ? api_broken(c, r) : proof_admin_call(c, &rq, 0, answer);
	buf_free(&body);
	return status;
}

void
recovery_print(const json_t *answer)
{
	const json_t *codes = json_object_get(answer, "codes");
	char text[OUTPUT_TEXT_MAX];
	size_t i;

	for (i = 0; i < json_array_size(codes); i++)
		(void)printf("%s\n", output_value(json_array_get(codes, i), text, sizeof(text)));
	(void)printf("Each is good once, in place of a code. Keep them on paper; a list of before is void.\n");
}

int
cmd_credential_recovery_codes(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if ((status = recovery_fetch(c, c->opt[OPT_USER], &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		recovery_print(answer);
	json_decref(answer);
	return FAIL_NONE;
}
