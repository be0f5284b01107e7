/*
 * claims.c - see claims.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/claims.h"

#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/b64.h"

#define CLAIMS_TEXT_MAX	512	/* bytes of a claim that is looked at, with NUL */

/* "https://host/tessera/user/1000": of the agent that a user runs for himself. */
static int
claims_of_user_mode(const char *iss)
{
	static const char mark[] = "/user/";
	const char *uid = NULL, *at;

	for (at = iss; (at = strstr(at, mark)) != NULL; at++)
		uid = at + strlen(mark);
	return uid != NULL && *uid != '\0' && uid[strspn(uid, "0123456789")] == '\0';
}

static int
claims_text_is(const struct record *r, const char *name, const char *want)
{
	char text[CLAIMS_TEXT_MAX];

	return record_text(r, r->doc.node, name, text, sizeof(text)) == TSR_OK && text[0] != '\0' &&
	    strcmp(text, want) == 0;
}

int
claims_fit(const struct record *r, const char *user, const char *audience)
{
	char iss[CLAIMS_TEXT_MAX];

	if (record_text(r, r->doc.node, "iss", iss, sizeof(iss)) != TSR_OK || iss[0] == '\0' ||
	    claims_of_user_mode(iss))
		return TSR_BAD_ISSUER;
	if (record_find(r, r->doc.node, "cnf") != NULL)
		return TSR_DENIED;
	return claims_text_is(r, "sub", user) && claims_text_is(r, "aud", audience) ? TSR_OK : TSR_DENIED;
}

int
claims_of_jwt(const char *token, const char *user, const char *audience)
{
	struct record record = { .text = NULL };
	const char *payload, *end;
	uint8_t *text = NULL;
	size_t n = 0, size;
	int r = TSR_INVALID;

	if (strnlen(token, CLAIMS_TOKEN_MAX + 1) > CLAIMS_TOKEN_MAX ||
	    (payload = strchr(token, '.')) == NULL || (end = strchr(++payload, '.')) == NULL)
		return TSR_INVALID;
	size = (size_t)(end - payload);
	if ((text = malloc(size + 1)) == NULL)
		return TSR_NOMEM;
	if ((r = b64_decode(text, size + 1, payload, size, &n)) == TSR_OK &&
	    (r = record_read(&record, (const char *)text, n)) == TSR_OK)
		r = claims_fit(&record, user, audience);
	record_clear(&record);
	explicit_bzero(text, size + 1);
	free(text);
	return r;
}
