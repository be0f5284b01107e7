/*
 * cmd_enroll.c - enroll pkcs11, enroll fido, enroll webauthn, enroll code.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/enroll.h"
#include "client/input.h"
#include "client/output.h"
#include "client/proof.h"
#include "tessera.h"

/* Whose it is, and who says so. */
static int
enroll_check_who(struct client *c)
{
	const char *vouch = c->opt[OPT_VOUCH];

	if (c->opt[OPT_USER] == NULL && geteuid() == 0)
		return fail_set(&c->failure, "usage", "--user is missing: whose credential shall it be?");
	if (c->opt[OPT_USER] != NULL && c->opt[OPT_CODE] != NULL)
		return fail_set(&c->failure, "usage",
		    "--code is for one's own enrolment, without --user");
	if (vouch != NULL && strcmp(vouch, "hardware") != 0 && strcmp(vouch, "hardware-pin") != 0)
		return fail_set(&c->failure, "usage", "--vouch wants hardware or hardware-pin");
	if (vouch != NULL && c->opt[OPT_USER] == NULL)
		return fail_set(&c->failure, "usage",
		    "only an administrator can vouch, who names whom he enrols with --user");
	return FAIL_NONE;
}

/* RFC 7512: a URI may carry a PIN, which then is in the list of processes. */
static int
enroll_check(struct client *c)
{
	const char *uri = c->opt[OPT_URI];

	if (strncmp(uri, "pkcs11:", 7) != 0)
		return fail_set(&c->failure, "usage",
		    "--device wants a URI that begins with pkcs11:, as \"tessera device list --keys\" shows them");
	if (strcasestr(uri, "pin-value") != NULL || strcasestr(uri, "pin-source") != NULL)
		return fail_set(&c->failure, "usage",
		    "a PIN is not taken in the URI, where every process of this machine can read it; leave pin-value and pin-source out, you will be asked");
	return enroll_check_who(c);
}

static int
enroll_body(const struct client *c, const char *kind, struct buf *body)
{
	static const struct {
		enum option_id option;
		const char *name;
	} members[] = {
		{ OPT_USER, "subject" }, { OPT_URI, "device" }, { OPT_LABEL, "label" },
		{ OPT_VOUCH, "vouch" }, { OPT_CODE, "code" }, { OPT_UV, "uv" },
		{ OPT_ATTESTATION, "attestation" },
	};
	size_t i;
	int r;

	if ((r = form_json_put(body, "kind", kind)) != TSR_OK)
		return r;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (c->opt[members[i].option] != NULL &&
		    (r = form_json_put(body, members[i].name, c->opt[members[i].option])) != TSR_OK)
			return r;
	if (c->opt[OPT_RESIDENT] != NULL && (r = buf_put_cstr(body, ",\"resident\":true")) != TSR_OK)
		return r;
	return buf_put_u8(body, '}');
}

/* The failure of a body that could not be written.  FAIL_*. */
static int
enroll_unwritten(struct client *c, int r)
{
	if (r == TSR_INVALID)
		return fail_set(&c->failure, "usage", "the value of an option is not UTF-8 text");
	return api_broken(c, r);
}

/* The credential, or what a browser needs first. */
static void
enroll_told(struct client *c, const json_t *answer)
{
	char id[OUTPUT_TEXT_MAX], subject[OUTPUT_TEXT_MAX], label[OUTPUT_TEXT_MAX], acr[OUTPUT_TEXT_MAX];

	if (c->opt[OPT_JSON] != NULL || json_object_get(answer, "public_key") != NULL)
		output_json(answer);
	else
		(void)printf("Enrolled%s for %s (%s): credential %s\n",
		    output_quoted(" ", answer, "label", label, sizeof(label)),
		    output_member(answer, "subject", subject, sizeof(subject)),
		    output_member(answer, "acr", acr, sizeof(acr)), output_member(answer, "id", id, sizeof(id)));
	output_pin_default(answer);
}

static int
enroll(struct client *c, const char *kind)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	struct buf body;
	json_t *answer = NULL;
	int r, status = FAIL_NONE, own = c->opt[OPT_USER] == NULL;

	buf_init(&body, FORM_BODY_MAX);
	if ((r = enroll_body(c, kind, &body)) != TSR_OK)
		status = enroll_unwritten(c, r);
	rq.target = own ? "/credentials" : "/admin/credentials";
	rq.body = body.data;
	rq.body_len = body.len;
	if (status == FAIL_NONE)
		status = own ? proof_call(c, REACH_API, &rq, &answer) : proof_admin_call(c, &rq, 1, &answer);
	buf_free(&body);
	if (status != FAIL_NONE)
		return status;
	enroll_told(c, answer);
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_enroll_pkcs11(struct client *c)
{
	int status = enroll_check(c);

	return status != FAIL_NONE ? status : enroll(c, "pkcs11");
}

int
cmd_enroll_fido(struct client *c)
{
	int status = enroll_check_who(c);

	return status != FAIL_NONE ? status : enroll(c, "fido");
}

/* The page of a browser goes on with the document that this prints. */
int
cmd_enroll_webauthn(struct client *c)
{
	int status = enroll_check_who(c);

	return status != FAIL_NONE ? status : enroll(c, "webauthn");
}

/* What its page made of it: {"response":...}. */
int
enroll_answer(struct client *c, const char *id, int own)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	json_t *doc = NULL, *answer = NULL;
	char target[128];
	struct buf body;
	int r, status;

	if ((status = input_json(c, c->opt[OPT_ANSWER], "the browser's answer", &doc)) != FAIL_NONE)
		return status;
	(void)snprintf(target, sizeof(target), "%s/credentials/%s/confirm", own ? "" : "/admin", id);
	buf_init(&body, FORM_BODY_MAX);
	if ((r = input_put(&body, doc)) != TSR_OK)
		status = api_broken(c, r);
	else {
		rq.target = target;
		rq.body = body.data;
		rq.body_len = body.len;
		status = own ? api_call(c, REACH_API, &rq, &answer) : proof_admin_call(c, &rq, 0, &answer);
	}
	if (status == FAIL_NONE)
		enroll_told(c, answer);
	buf_free(&body);
	json_decref(doc);
	json_decref(answer);
	return status;
}

int
cmd_enroll_code(struct client *c)
{
	struct http_request rq = { .method = "POST", .target = "/admin/enrolment-codes", .type = FORM_JSON_TYPE };
	struct buf body;
	json_t *answer = NULL;
	char code[OUTPUT_TEXT_MAX], left[64];
	int r, status;

	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, "subject", c->opt[OPT_USER])) == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	status = r != TSR_OK ? enroll_unwritten(c, r) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		(void)printf("%s\nGood once, for %s, for this user alone: tessera enroll KIND --code CODE\n"
		    "KIND is pkcs11 (with --device URI), fido, webauthn, totp or hotp.\n",
		    output_member(answer, "code", code, sizeof(code)),
		    output_span(json_integer_value(json_object_get(answer, "expires_in")), left, sizeof(left)));
	json_decref(answer);
	return FAIL_NONE;
}
