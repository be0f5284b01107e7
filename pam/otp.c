/*
 * otp.c - a proof by a code that a token shows, or a recovery code.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "pam/talk.h"

#define OTP_CODE_MAX	64	/* bytes of what can be a code */

/* Of another module, or typed.  PAM_SUCCESS with *typed (talk_wipe) or *code. */
static int
otp_code(struct attempt *at, const char **code, char **typed)
{
	const void *item = NULL;
	int r;

	if (at->options.pass != PASS_ANY &&
	    pam_get_item(at->pamh, PAM_AUTHTOK, &item) == PAM_SUCCESS && item != NULL) {
		*code = item;
		return PAM_SUCCESS;
	}
	if (at->options.pass == PASS_USE)
		return PAM_AUTH_ERR;
	r = talk_ask(at, 0, typed, "%s: code of your token: ", at->shown);
	*code = *typed;
	return r;
}

/* One code: an empty one is none, and nothing is asked of the agent. */
static int
otp_prove(struct attempt *at, const char *code)
{
	struct tsr_request *rq = NULL;
	int r;

	if (code[0] == '\0' || strnlen(code, OTP_CODE_MAX + 1) > OTP_CODE_MAX)
		return PAM_AUTH_ERR;
	if ((r = attempt_request(at, &rq)) != PAM_SUCCESS)
		return r;
	if (tsr_request_set(rq, TSR_OTP, code) != TSR_OK)
		r = PAM_BUF_ERR;
	else
		r = attempt_token(at, rq);
	tsr_request_free(&rq);
	/* the one request whose form the person has a part in */
	return r == PAM_SERVICE_ERR && strcmp(tsr_error_name(at->client), "invalid_request") == 0 ?
	    PAM_AUTH_ERR : r;
}

int
otp_authenticate(struct attempt *at)
{
	const char *code = NULL;
	char *typed = NULL;
	int r;

	/* To a guesser a wrong code and an unknown user are one: so who has nothing is
	 * told apart before a code is asked for, and only where root wants it told. */
	if (at->options.nouserok && (r = attempt_unknown(at, PAM_AUTH_ERR,
	    PAM_AUTHINFO_UNAVAIL)) != PAM_AUTH_ERR)
		return r;
	if ((r = otp_code(at, &code, &typed)) == PAM_SUCCESS)
		r = otp_prove(at, code);
	if (r == PAM_AUTH_ERR && typed == NULL && at->options.pass == PASS_TRY) {
		at->options.pass = PASS_ANY;	/* the other module's was none: ask */
		if ((r = otp_code(at, &code, &typed)) == PAM_SUCCESS)
			r = otp_prove(at, code);
	}
	talk_wipe(&typed);
	return r;
}
