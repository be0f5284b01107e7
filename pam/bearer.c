/*
 * bearer.c - the password is a token, which the agent judges (RFC 7662).
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>
#include <syslog.h>

#include "client/lib/form.h"
#include "pam/call.h"
#include "pam/claims.h"
#include "pam/talk.h"

/* The agent's word, and where the token says something itself, its own: that it is
 * bound to a key is in there. */
static int
bearer_answer(struct attempt *at, const struct record *r, const char *token)
{
	if (!doc_is(record_find(r, r->doc.node, "active"), DOC_TRUE)) {
		attempt_log(at, LOG_NOTICE, "the token is not good for audience=%s, or this program is "
		    "no verifier of it", at->options.audience);
		return PAM_AUTH_ERR;
	}
	if (claims_fit(r, at->user, at->options.audience) == TSR_OK &&
	    (strchr(token, '.') == NULL ||
	    claims_of_jwt(token, at->user, at->options.audience) == TSR_OK))
		return PAM_SUCCESS;
	attempt_log(at, LOG_NOTICE, "the token is another user's, of another audience, a user's own, or "
	    "bound to a key");
	return PAM_AUTH_ERR;
}

static int
bearer_judge(struct attempt *at, const char *token)
{
	struct record record = { .text = NULL };
	struct fault f;
	struct buf form;
	char shown[ATTEMPT_NAME_MAX];
	int r;

	if (strnlen(token, CLAIMS_TOKEN_MAX + 1) > CLAIMS_TOKEN_MAX || !form_is_token(token)) {
		attempt_log(at, LOG_NOTICE, "what was given is no token");
		return PAM_AUTH_ERR;
	}
	attempt_extend(at, at->options.timeout_s);
	buf_init(&form, FORM_BODY_MAX);
	if (form_put(&form, "token", token) != TSR_OK)
		r = PAM_BUF_ERR;
	else if ((r = call_agent(at, "/introspect", &form, &record, &f)) == TSR_OK)
		r = bearer_answer(at, &record, token);
	else {
		attempt_log(at, LOG_ERR, "the agent does not judge the token: %s", talk_name(f.name, shown));
		r = r == TSR_NOMEM ? PAM_BUF_ERR : PAM_AUTHINFO_UNAVAIL;
	}
	record_clear(&record);
	buf_free(&form);
	return r;
}

/* Ask for it, and leave it to the modules behind this one, as pam_unix does. */
static int
bearer_ask(struct attempt *at)
{
	char *typed = NULL;
	int r;

	if (talk_ask(at, 0, &typed, "Token: ") != PAM_SUCCESS)
		return at->talk;
	r = pam_set_item(at->pamh, PAM_AUTHTOK, typed) == PAM_SUCCESS ? bearer_judge(at, typed) :
	    PAM_BUF_ERR;
	talk_wipe(&typed);
	return r;
}

int
bearer_authenticate(struct attempt *at)
{
	const void *item = NULL;
	int r = PAM_AUTH_ERR, there;

	there = pam_get_item(at->pamh, PAM_AUTHTOK, &item) == PAM_SUCCESS && item != NULL;
	if (there)
		r = bearer_judge(at, item);
	if ((!there && at->options.pass != PASS_USE) || (r == PAM_AUTH_ERR && at->options.pass == PASS_TRY))
		r = bearer_ask(at);
	return r;
}
