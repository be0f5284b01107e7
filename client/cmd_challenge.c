/*
 * cmd_challenge.c - challenge get, on the host that wants a proof; challenge answer,
 * on the host that has the key.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/api.h"
#include "client/assert.h"
#include "client/command.h"
#include "client/input.h"
#include "client/output.h"
#include "tessera.h"

int
cmd_challenge_get(struct client *c)
{
	static const struct {
		enum option_id option;
		const char *name;
	} members[] = {
		{ OPT_AUDIENCE, "audience" }, { OPT_SCOPE, "scope" }, { OPT_CREDENTIAL, "credential" },
	};
	struct http_request rq = { .method = "POST", .target = "/challenge", .type = FORM_JSON_TYPE };
	json_t *answer = NULL;
	struct buf body;
	size_t i;
	int r = TSR_OK, status;

	buf_init(&body, FORM_BODY_MAX);
	for (i = 0; i < sizeof(members) / sizeof(members[0]) && r == TSR_OK; i++)
		if (c->opt[members[i].option] != NULL)
			r = form_json_put(&body, members[i].name, c->opt[members[i].option]);
	if (r == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	status = r != TSR_OK ? api_broken(c, r) : api_call(c, REACH_API, &rq, &answer);
	buf_free(&body);
	if (status == FAIL_NONE)
		output_json(answer);	/* it goes to another program, whoever sees it */
	json_decref(answer);
	return status;
}

/* A person has read it. */
static int
challenge_agreed(struct client *c)
{
	static const char ask[] = "Answer it with your key? [y/N] ";
	char line[16] = "";
	ssize_t n = 0;
	int fd;

	if (c->opt[OPT_YES] != NULL)
		return FAIL_NONE;
	if ((fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		return fail_set(&c->failure, "usage",
		    "there is no terminal to ask whether to answer: use --yes where that is settled");
	if (write(fd, ask, strlen(ask)) == (ssize_t)strlen(ask))
		n = read(fd, line, sizeof(line) - 1);
	(void)close(fd);
	return n > 0 && (line[0] == 'y' || line[0] == 'Y') ? FAIL_NONE :
	    fail_set(&c->failure, "cancelled", "cancelled");
}

int
cmd_challenge_answer(struct client *c)
{
	json_t *doc = NULL, *answer = NULL, *response = NULL;
	struct remote r;
	int status;

	if ((status = input_json(c, c->word[0], "the challenge", &doc)) != FAIL_NONE)
		return status;
	memset(&r, 0, sizeof(r));
	if ((status = remote_read(c, doc, c->opt[OPT_ISSUER], &r)) == FAIL_NONE) {
		remote_show(&r);
		if ((status = challenge_agreed(c)) == FAIL_NONE)
			status = assert_answer(c, &r, c->opt[OPT_CREDENTIAL],
			    c->n_words > 1 ? c->word[1] : NULL, &response);
	}
	if (status == FAIL_NONE && (answer = json_pack("{s:s,s:O}", "challenge_id", r.id, "response",
	    response)) == NULL)
		status = api_broken(c, TSR_NOMEM);
	if (status == FAIL_NONE)
		output_json(answer);
	json_decref(answer);
	json_decref(response);
	json_decref(doc);
	return status;
}
