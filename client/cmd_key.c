/*
 * cmd_key.c - key list, key rotate, key jwks.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/events.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/proof.h"

#define KEY_JWKS	"/.well-known/jwks.json"

static const struct output_column key_columns[] = {
	{ "KEY", "kid", 0 }, { "ALGORITHM", "algorithm", 0 }, { "STATE", "state", 0 },
	{ "MADE", "created", 1 }, { "SIGNS SINCE", "activated", 1 }, { "RETIRED", "retired", 1 },
	{ "CHANGES", "changes", 1 },
};

int
cmd_key_list(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if ((status = api_get(c, REACH_ADMIN, "/admin/keys", &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		output_table(json_object_get(answer, "keys"), key_columns,
		    sizeof(key_columns) / sizeof(key_columns[0]), "No keys.");
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_key_rotate(struct client *c)
{
	const char *body = c->opt[OPT_AT_ONCE] != NULL ? "{\"at_once\":true}" : "{}";
	struct http_request rq = { .method = "POST", .target = "/admin/keys/rotate",
	    .type = FORM_JSON_TYPE, .body = body, .body_len = strlen(body) };
	json_t *answer = NULL;
	char when[32];
	int status;

	if ((status = proof_admin_call(c, &rq, 0, &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (c->opt[OPT_AT_ONCE] != NULL)
		(void)printf("A new key signs. Tokens of the old ones are refused by all who read the new "
		    "key set.\n");
	else
		(void)printf("A new key is shown. It signs from %s.\n",
		    output_time(json_integer_value(json_object_get(answer, "signs")), when, sizeof(when)));
	json_decref(answer);
	return FAIL_NONE;
}

/* The set, where it is another than the one before. */
static void
key_print(const struct client *c, const char *name, json_t *data)
{
	static json_t *last;
	struct client once = *c;	/* a failure to read it is told once the stream ends */
	json_t *answer = NULL;

	(void)data;
	if ((name != NULL && strcmp(name, "keys-changed") != 0) ||
	    api_get(&once, REACH_API, KEY_JWKS, &answer) != FAIL_NONE)
		return;
	if (last == NULL || !json_equal(last, answer)) {
		output_json(answer);
		(void)fflush(stdout);
	}
	json_decref(last);
	last = answer;
}

int
cmd_key_jwks(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if (c->opt[OPT_WATCH] != NULL)
		return events_watch(c, key_print);
	if ((status = api_get(c, REACH_API, KEY_JWKS, &answer)) != FAIL_NONE)
		return status;
	output_json(answer);
	json_decref(answer);
	return FAIL_NONE;
}
