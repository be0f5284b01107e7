/*
 * verify.c - GET /verify?audience=NAME: forward authentication for nginx
 * (auth_request) and Envoy (ext_authz), by RFC 6750.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/api.h"
#include "agent/introspect.h"
#include "agent/problem.h"
#include "include/tessera.h"
#include "token/jwt.h"

#define VERIFY_HEADERS_MAX	2048	/* bytes of the headers that name the subject */
#define VERIFY_BEARER		"Bearer "

/* The audience, where the caller is a verifier of it; else it was answered.  It
 * comes first in the query: what Envoy puts behind it is its own client's, and is
 * not looked at. */
static int
verify_audience(struct agent *a, const struct http_request *r, const struct config_audience **out)
{
	static const char first[] = "audience=";
	const struct http_text *q = &r->head.query;
	char name[SESSION_AUDIENCE_LEN];
	const char *end;
	size_t n;

	if (q->p == NULL || q->n < sizeof(first) || memcmp(q->p, first, sizeof(first) - 1) != 0) {
		problem_invalid(r->conn, "the query is \"audience=NAME\"");
		return TSR_INVALID;
	}
	n = q->n - (sizeof(first) - 1);
	if ((end = memchr(q->p + sizeof(first) - 1, '&', n)) != NULL)
		n = (size_t)(end - q->p) - (sizeof(first) - 1);
	(void)snprintf(name, sizeof(name), "%.*s", n < sizeof(name) ? (int)n : 0, q->p + sizeof(first) - 1);
	*out = policy_audience(a->policy, name);
	/* One that is not there and one that is not yours look alike. */
	if (*out != NULL && policy_may_verify(a->policy, *out, r->caller) == TSR_OK)
		return TSR_OK;
	problem(r->conn, TSR_DENIED, "you are no verifier of this audience");
	return TSR_DENIED;
}

/* RFC 6750 section 3: no code where no token came. */
static void
verify_refuse(const struct http_request *r, const char *code)
{
	char extra[96], json[96];
	int n = snprintf(json, sizeof(json), "{\"error\":\"%s\"}", code != NULL ? code : "invalid_request");

	(void)snprintf(extra, sizeof(extra), "WWW-Authenticate: Bearer%s%s%s\r\n", code != NULL ?
	    " error=\"" : "", code != NULL ? code : "", code != NULL ? "\"" : "");
	http_answer(r->conn, 401, extra, json, (size_t)n, 0);
}

/* A header's value: what could end the line is not sent. */
static int
verify_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return 0;
	return 1;
}

/* A token of either form, by the rules of introspection. */
static int
verify_good(struct agent *a, const struct http_request *r, const struct config_audience *aud,
    struct jwt_claims *c)
{
	const struct http_text *t = &r->head.authorization;
	size_t skip = strlen(VERIFY_BEARER), n;
	char token[JWT_MAX + 1];
	int good;

	if (t->n <= skip || strncasecmp(t->p, VERIFY_BEARER, skip) != 0 || t->n - skip > JWT_MAX)
		return 0;
	n = t->n - skip;
	memcpy(token, t->p + skip, n);
	token[n] = '\0';
	good = introspect_token(a, r, token, c) && strcmp(c->aud, aud->name) == 0 &&
	    c->jkt[0] == '\0' &&	/* such a one is no bearer's */
	    verify_plain(c->sub) && verify_plain(c->scope) && verify_plain(c->client_id);
	sodium_memzero(token, n);
	return good;
}

void
api_verify(struct agent *a, const struct http_request *r, const struct asker *who)
{
	const struct config_audience *aud = NULL;
	char extra[VERIFY_HEADERS_MAX];
	struct jwt_claims c;

	(void)who;
	if (verify_audience(a, r, &aud) != TSR_OK)
		return;
	if (r->head.authorization.p == NULL)
		verify_refuse(r, NULL);
	else if (!verify_good(a, r, aud, &c))
		verify_refuse(r, "invalid_token");
	else {
		(void)snprintf(extra, sizeof(extra), "Tessera-Subject: %s\r\nTessera-Scope: %s\r\n"
		    "Tessera-Client: %s\r\nTessera-Acr: %s\r\n", c.sub, c.scope, c.client_id, c.acr);
		http_answer(r->conn, 200, extra, "{}", 2, 0);
	}
}
