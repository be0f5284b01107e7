/*
 * cmd_clock.c - clock show, clock accept.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>

#include "client/command.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/proof.h"

static const struct output_column clock_details[] = {
	{ "state", "state", 0 }, { "trusted", "trusted", 0 }, { "synchronised", "synchronised", 0 },
	{ "clock", "wall", 1 }, { "expected", "expected", 1 }, { "latest seen", "mark", 1 },
};

static int
clock_shown(struct client *c, json_t *answer)
{
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		output_block(answer, clock_details, sizeof(clock_details) / sizeof(clock_details[0]));
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_clock_show(struct client *c)
{
	json_t *answer = NULL;
	int status;

	if ((status = api_get(c, REACH_ADMIN, "/admin/clock", &answer)) != FAIL_NONE)
		return status;
	return clock_shown(c, answer);
}

int
cmd_clock_accept(struct client *c)
{
	struct http_request rq = { .method = "POST", .target = "/admin/clock", .type = FORM_JSON_TYPE,
	    .body = "{}", .body_len = 2 };
	json_t *answer = NULL;
	int status;

	if ((status = proof_admin_call(c, &rq, 0, &answer)) != FAIL_NONE)
		return status;
	return clock_shown(c, answer);
}
