/*
 * request.c - what is asked for.  See request.h and tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/request.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/form.h"

#define REQUEST_VALUE_MAX	4096	/* bytes of a value */

/* Where each parameter goes. */
static const struct {
	const char *name;
	int session;	/* with the session grant, too */
	int login;	/* with POST /session */
} parameters[] = {
	[TSR_AUDIENCE] = { "audience", 1, 0 },
	[TSR_SCOPE] = { "scope", 1, 0 },
	[TSR_CREDENTIAL] = { "credential", 0, 1 },
	[TSR_DEVICE] = { "device", 0, 1 },
	[TSR_MAX_AGE] = { "max_age", 1, 0 },
	[TSR_PIN] = { "pin", 0, 0 },
	[TSR_SUBJECT] = { "subject", 0, 0 },
	[TSR_SERVICE] = { "service", 0, 0 },
	[TSR_TTY] = { "tty", 0, 0 },
	[TSR_RHOST] = { "rhost", 0, 0 },
	[TSR_OTP] = { "otp", 0, 1 },
	[TSR_OTP_NEXT] = { "otp_next", 0, 1 },
	[TSR_MIN_VALID] = { "min_valid", 1, 0 },
	[TSR_TOKEN_FORMAT] = { "token_format", 1, 0 },
	[TSR_OFFLINE_ACCESS] = { "offline_access", 1, 0 },
};

#define PARAMETERS	(sizeof(parameters) / sizeof(parameters[0]))

struct tsr_request {
	char *value[PARAMETERS];	/* wiped when freed */
	enum tsr_proof proof;
};

int
tsr_request_new(struct tsr_request **out)
{
	struct tsr_request *rq;

	if ((rq = calloc(1, sizeof(*rq))) == NULL)
		return TSR_NOMEM;
	*out = rq;
	return TSR_OK;
}

static void
request_drop(char **value)
{
	if (*value != NULL)
		sodium_memzero(*value, strlen(*value));
	free(*value);
	*value = NULL;
}

void
tsr_request_free(struct tsr_request **rq)
{
	size_t i;

	if (*rq == NULL)
		return;
	for (i = 0; i < PARAMETERS; i++)
		request_drop(&(*rq)->value[i]);
	free(*rq);
	*rq = NULL;
}

int
tsr_request_set(struct tsr_request *rq, enum tsr_parameter which, const char *value)
{
	char *copy = NULL;

	if ((size_t)which >= PARAMETERS)
		return TSR_INVALID;
	if (value != NULL && strnlen(value, REQUEST_VALUE_MAX + 1) > REQUEST_VALUE_MAX)
		return TSR_TOO_LARGE;
	if (value != NULL && (copy = strdup(value)) == NULL)
		return TSR_NOMEM;
	request_drop(&rq->value[which]);
	rq->value[which] = copy;
	return TSR_OK;
}

int
tsr_request_proof(struct tsr_request *rq, enum tsr_proof proof)
{
	if (proof != TSR_PROOF_ANY && proof != TSR_PROOF_SESSION && proof != TSR_PROOF_FRESH)
		return TSR_INVALID;
	rq->proof = proof;
	return TSR_OK;
}

enum tsr_proof
request_proof(const struct tsr_request *rq)
{
	return rq == NULL ? TSR_PROOF_ANY : rq->proof;
}

int
request_has_code(const struct tsr_request *rq)
{
	return rq != NULL && rq->value[TSR_OTP] != NULL;
}

int
request_again(enum tsr_proof proof, int code)
{
	return proof == TSR_PROOF_ANY && (code == TSR_LOGIN_REQUIRED || code == TSR_STEP_UP_REQUIRED);
}

int
request_form(const struct tsr_request *rq, int fresh, struct buf *form)
{
	size_t i;
	int r;

	r = form_put(form, "grant_type", !fresh ? "urn:tessera:grant:session" :
	    request_has_code(rq) ? "urn:tessera:grant:otp" : "urn:tessera:grant:device");
	for (i = 0; rq != NULL && r == TSR_OK && i < PARAMETERS; i++)
		/* a fresh proof is as young as can be, and so is its token */
		if (rq->value[i] != NULL && (fresh ? i != TSR_MAX_AGE && i != TSR_MIN_VALID :
		    parameters[i].session))
			r = form_put(form, parameters[i].name, rq->value[i]);
	return r;
}

int
request_login(const struct tsr_request *rq, struct buf *body)
{
	size_t i;
	int r = TSR_OK;

	for (i = 0; rq != NULL && r == TSR_OK && i < PARAMETERS; i++) {
		if (rq->value[i] == NULL)
			continue;
		if (!parameters[i].login)
			return TSR_INVALID;
		r = form_json_put(body, parameters[i].name, rq->value[i]);
	}
	return r != TSR_OK ? r : buf_put_cstr(body, body->len == 0 ? "{}" : "}");
}
