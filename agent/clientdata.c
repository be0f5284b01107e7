/*
 * clientdata.c - see clientdata.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/clientdata.h"

#include "include/tessera.h"
#include "token/b64.h"
#include "token/doc.h"

#define NODES_MAX	128	/* names and values: a browser writes about ten */
#define DEPTH_MAX	4

const char *
clientdata_fault_text(enum clientdata_fault f)
{
	switch (f) {
	case CLIENTDATA_GOOD:
		return "good";
	case CLIENTDATA_MALFORMED:
		return "the browser's client data is malformed";
	case CLIENTDATA_TYPE:
		return "the browser's client data is of another ceremony";
	case CLIENTDATA_CHALLENGE:
		return "the browser answered another challenge";
	case CLIENTDATA_ORIGIN:
		return "the browser asked for a page whose origin is not configured";
	case CLIENTDATA_CROSS:
		return "the browser asked within a page of another origin";
	}
	return "unknown";
}

/* The text, and not what it decodes to: there is one spelling alone. */
static int
clientdata_challenge(const struct clientdata_policy *p, const struct doc *d,
    const struct doc_node *v)
{
	char text[B64_LEN(CLIENTDATA_CHALLENGE_MAX) + 1];

	if (p->challenge_len == 0 || p->challenge_len > CLIENTDATA_CHALLENGE_MAX)
		return 0;
	text[b64_encode(text, p->challenge, p->challenge_len)] = '\0';
	return doc_equal(d, v, text);
}

static int
clientdata_origin(const struct clientdata_policy *p, const struct doc *d, const struct doc_node *v)
{
	size_t i;

	for (i = 0; i < p->origins->n; i++)
		if (doc_equal(d, v, p->origins->v[i]))
			return 1;
	return 0;
}

int
clientdata_check(const struct clientdata_policy *p, const char *json, size_t n,
    enum clientdata_fault *fault)
{
	struct doc_node node[NODES_MAX];
	const struct doc_node *o = node, *cross;
	struct doc d;

	*fault = CLIENTDATA_MALFORMED;
	if (n > CLIENTDATA_MAX || doc_parse(&d, node, NODES_MAX, json, n, DEPTH_MAX) != TSR_OK)
		return TSR_DENIED;
	cross = doc_get(&d, o, "crossOrigin");
	if (!doc_equal(&d, doc_get(&d, o, "type"), p->type))
		*fault = CLIENTDATA_TYPE;
	else if (!clientdata_challenge(p, &d, doc_get(&d, o, "challenge")))
		*fault = CLIENTDATA_CHALLENGE;
	else if (!clientdata_origin(p, &d, doc_get(&d, o, "origin")))
		*fault = CLIENTDATA_ORIGIN;
	else if ((cross != NULL && !doc_is(cross, DOC_FALSE)) || doc_get(&d, o, "topOrigin") != NULL)
		*fault = CLIENTDATA_CROSS;
	else {
		*fault = CLIENTDATA_GOOD;
		return TSR_OK;
	}
	return TSR_DENIED;
}
