/*
 * cmd_enroll_otp.c - enroll totp, enroll hotp, enroll confirm: a disconnected
 * token, shown once as a QR code, ends its enrolment by a code of its own.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "client/ask.h"
#include "client/cmd_recovery.h"
#include "client/code.h"
#include "client/command.h"
#include "client/enroll.h"
#include "client/output.h"
#include "client/proof.h"
#include "client/qr.h"
#include "tessera.h"

#define ENROLL_SECRET_MAX	512	/* bytes of a written seed */
#define ENROLL_TARGET_MAX	128	/* bytes of a request target */

/* What an administrator enrols is on another socket than one's own. */
static int
enroll_own(const struct client *c)
{
	return c->opt[OPT_USER] == NULL;
}

static int
enroll_check(struct client *c)
{
	const char *format = c->opt[OPT_SECRET_FORMAT];
	struct failure *f = &c->failure;

	if (enroll_own(c) && geteuid() == 0)
		return fail_set(f, "usage", "--user is missing: whose credential shall it be?");
	if (!enroll_own(c) && (c->opt[OPT_CODE] != NULL || c->opt[OPT_OTP] != NULL))
		return fail_set(f, "usage", "--code and --otp are for one's own enrolment, without --user");
	if (c->opt[OPT_CODE] != NULL && c->opt[OPT_OTP] != NULL)
		return fail_set(f, "usage", "--code and --otp exclude each other");
	if (enroll_own(c) && c->opt[OPT_SECRET_FD] != NULL)
		return fail_set(f, "usage", "only an administrator gives a secret, and says whose with --user");
	if (enroll_own(c) && c->opt[OPT_RECOVERY_CODES] != NULL)
		return fail_set(f, "usage", "recovery codes are an administrator's to give, with --user");
	if (c->opt[OPT_SECRET_FD] == NULL && (format != NULL || c->opt[OPT_YES] != NULL))
		return fail_set(f, "usage", "--secret-format and --yes go with --secret-fd");
	if (format != NULL && strcmp(format, "base32") != 0 && strcmp(format, "hex") != 0)
		return fail_set(f, "usage", "--secret-format wants base32 or hex");
	return FAIL_NONE;
}

static int
enroll_number(struct client *c, struct buf *body, enum option_id option, const char *name, int *r)
{
	const char *v = c->opt[option];

	if (v == NULL)
		return FAIL_NONE;
	if (*v == '\0' || strlen(v) > 18 || strspn(v, "0123456789") != strlen(v) ||
	    (v[0] == '0' && v[1] != '\0'))
		return fail_set(&c->failure, "usage", "--%s wants a number", name);
	*r = buf_printf(body, ",\"%s\":%s", name, v);
	return FAIL_NONE;
}

static int
enroll_texts(struct client *c, struct buf *body)
{
	static const struct {
		enum option_id option;
		const char *name;
	} members[] = {
		{ OPT_USER, "subject" }, { OPT_LABEL, "label" }, { OPT_ALGORITHM, "algorithm" },
		{ OPT_SERIAL, "serial" }, { OPT_CODE, "code" }, { OPT_SECRET_FORMAT, "secret_format" },
	};
	size_t i;
	int r;

	if ((r = form_json_put(body, "kind", c->command->verb)) != TSR_OK)
		return r;
	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (c->opt[members[i].option] != NULL &&
		    (r = form_json_put(body, members[i].name, c->opt[members[i].option])) != TSR_OK)
			return r;
	return TSR_OK;
}

/* What is secret in it: the seed, the code of another token. */
static int
enroll_secrets(struct client *c, struct buf *body, int *r)
{
	struct secret *seed = NULL;
	char code[CODE_MAX];
	int status = FAIL_NONE;

	if (c->opt[OPT_SECRET_FD] != NULL &&
	    (status = code_secret(c, OPT_SECRET_FD, ENROLL_SECRET_MAX, &seed)) == FAIL_NONE)
		*r = form_json_put(body, "secret", (const char *)seed->data);
	if (status == FAIL_NONE && *r == TSR_OK && c->opt[OPT_YES] != NULL)
		*r = buf_put_cstr(body, ",\"confirm\":false");
	if (status == FAIL_NONE && *r == TSR_OK && c->opt[OPT_OTP] != NULL &&
	    (status = code_ask(c, CODE_ANY, "Code of a token you have already", code)) == FAIL_NONE)
		*r = form_json_put(body, "otp", code);
	secret_free(&seed);
	sodium_memzero(code, sizeof(code));
	return status;
}

static int
enroll_body(struct client *c, struct buf *body)
{
	int r, status = FAIL_NONE;

	if ((r = enroll_texts(c, body)) == TSR_OK)
		status = enroll_number(c, body, OPT_DIGITS, "digits", &r);
	if (status == FAIL_NONE && r == TSR_OK)
		status = enroll_number(c, body, OPT_PERIOD, "period", &r);
	if (status == FAIL_NONE && r == TSR_OK)
		status = enroll_number(c, body, OPT_COUNTER, "counter", &r);
	if (status == FAIL_NONE && r == TSR_OK)
		status = enroll_secrets(c, body, &r);
	if (status == FAIL_NONE && r == TSR_OK)
		r = buf_put_u8(body, '}');
	if (status != FAIL_NONE || r == TSR_OK)
		return status;
	return r == TSR_INVALID ? fail_set(&c->failure, "usage",
	    "the value of an option is not UTF-8 text") : api_broken(c, r);
}

/* --- the codes that end it --- */

static int
enroll_send(struct client *c, const char *id, int own, const char *code, const char *next,
    json_t **answer)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	char target[ENROLL_TARGET_MAX];
	struct buf body;
	int r, status;

	(void)snprintf(target, sizeof(target), "%s/credentials/%s/confirm", own ? "" : "/admin", id);
	rq.target = target;
	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, "code", code)) == TSR_OK && next[0] != '\0')
		r = form_json_put(&body, "next", next);
	if (r == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	if (r != TSR_OK)
		status = api_broken(c, r);
	else
		status = own ? api_call(c, REACH_API, &rq, answer) : proof_admin_call(c, &rq, 0, answer);
	buf_free(&body);
	return status;
}

/* Until the agent has seen a right code or will see no more. */
static int
enroll_confirm(struct client *c, const char *id, int own, int codes, json_t **answer)
{
	char code[CODE_MAX], next[CODE_MAX] = "", said[FAIL_TEXT_MAX];
	int status;

	for (;;) {
		status = code_ask(c, CODE_TOKEN, codes > 1 ? "The first code that the token shows" :
		    "The code that it shows now", code);
		if (status == FAIL_NONE && codes > 1)
			status = code_ask(c, CODE_TOKEN, "The next one", next);
		if (status == FAIL_NONE)
			status = enroll_send(c, id, own, code, next, answer);
		if (status == FAIL_NONE || strcmp(c->failure.code, "invalid_grant") != 0 || !code_again(c))
			break;
		(void)fprintf(stderr, "%s\n", output_value(json_object_get(c->failure.answer,
		    "error_description"), said, sizeof(said)));
		fail_clear(&c->failure);
	}
	sodium_memzero(code, sizeof(code));
	sodium_memzero(next, sizeof(next));
	return status;
}

static int
enroll_done(struct client *c, json_t *answer)
{
	char id[OUTPUT_TEXT_MAX], subject[OUTPUT_TEXT_MAX], label[OUTPUT_TEXT_MAX], acr[OUTPUT_TEXT_MAX];
	json_t *codes = NULL;
	int status;

	if (c->opt[OPT_RECOVERY_CODES] != NULL &&
	    (status = recovery_fetch(c, c->opt[OPT_USER], &codes)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL) {
		if (codes != NULL)
			(void)json_object_set(answer, "recovery_codes", json_object_get(codes, "codes"));
		output_json(answer);
		json_decref(codes);
		return FAIL_NONE;
	}
	(void)printf("Enrolled%s for %s (%s): credential %s\n",
	    output_quoted(" ", answer, "label", label, sizeof(label)),
	    output_member(answer, "subject", subject, sizeof(subject)),
	    output_member(answer, "acr", acr, sizeof(acr)), output_member(answer, "id", id, sizeof(id)));
	if (codes != NULL)
		recovery_print(codes);
	json_decref(codes);
	return FAIL_NONE;
}

/* The one time that the seed is seen. */
static void
enroll_show(const json_t *begun)
{
	char shown[OUTPUT_TEXT_MAX];
	const char *uri = json_string_value(json_object_get(begun, "uri"));

	if (uri == NULL)
		return;
	if (qr_show(uri))
		(void)printf("\nScan this with the authenticator on your phone, or give it the line below.\n");
	else
		(void)printf("Give this to the authenticator; it is shown this once:\n");
	(void)printf("%s\n\n", output_member(begun, "uri", shown, sizeof(shown)));
	(void)fflush(stdout);
}

/* 202: a code is waited for.  With --json and nobody who gives one now, the
 * document ends this command, and "enroll confirm" goes on. */
static int
enroll_begun(struct client *c, const json_t *begun, int own)
{
	const char *id = json_string_value(json_object_get(begun, "id"));
	json_int_t codes = json_integer_value(json_object_get(begun, "codes"));
	json_t *answer = NULL;
	int status;

	if (id == NULL || !ask_is_id(id))
		return api_broken(c, TSR_INVALID);
	if (c->opt[OPT_JSON] != NULL && (c->opt[OPT_OTP_FD] == NULL || c->opt[OPT_OTP] != NULL)) {
		output_json(begun);
		return FAIL_NONE;
	}
	if (c->opt[OPT_JSON] == NULL)
		enroll_show(begun);
	if ((status = enroll_confirm(c, id, own, codes > 1 ? 2 : 1, &answer)) != FAIL_NONE)
		return status;
	status = enroll_done(c, answer);
	json_decref(answer);
	return status;
}

static int
enroll_otp(struct client *c)
{
	struct http_request rq = { .method = "POST", .type = FORM_JSON_TYPE };
	struct buf body;
	json_t *answer = NULL;
	int status, own = enroll_own(c);

	if ((status = enroll_check(c)) != FAIL_NONE)
		return status;
	buf_init(&body, FORM_BODY_MAX);
	status = enroll_body(c, &body);
	rq.target = own ? "/credentials" : "/admin/credentials";
	rq.body = body.data;
	rq.body_len = body.len;
	if (status == FAIL_NONE)
		status = own ? proof_call(c, REACH_API, &rq, &answer) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	if (status != FAIL_NONE)
		return status;
	if (json_object_get(answer, "codes") != NULL)
		status = enroll_begun(c, answer, own);
	else
		status = enroll_done(c, answer);
	json_decref(answer);
	return status;
}

int
cmd_enroll_totp(struct client *c)
{
	if (c->opt[OPT_COUNTER] != NULL)
		return fail_set(&c->failure, "usage", "--counter goes with \"enroll hotp\"");
	return enroll_otp(c);
}

int
cmd_enroll_hotp(struct client *c)
{
	if (c->opt[OPT_PERIOD] != NULL)
		return fail_set(&c->failure, "usage", "--period goes with \"enroll totp\"");
	return enroll_otp(c);
}

/* One's own, or as an administrator one of another: each knows its own socket. */
int
cmd_enroll_confirm(struct client *c)
{
	json_t *answer = NULL;
	const char *id = c->word[0];
	int status, own = geteuid() != 0 && c->opt[OPT_ADMIN] == NULL;

	if (!ask_is_id(id))
		return fail_set(&c->failure, "usage", "that is no id that an enrolment gave");
	if (c->opt[OPT_ANSWER] != NULL)
		return enroll_answer(c, id, own);
	if ((status = enroll_confirm(c, id, own, c->opt[OPT_TWO] != NULL ? 2 : 1, &answer)) != FAIL_NONE)
		return status;
	status = enroll_done(c, answer);
	json_decref(answer);
	return status;
}
