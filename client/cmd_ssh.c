/*
 * cmd_ssh.c - ssh list, ssh revoke: certificates that were made.
 *
 * SPDX-License-Identifier: ISC
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "client/command.h"
#include "client/hint.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/proof.h"
#include "tessera.h"

#define SSH_SERIAL_LEN		16	/* hexadecimal digits of a serial number */
#define SSH_TARGET_MAX		256	/* bytes of a request target */

static const struct output_column ssh_columns[] = {
	{ "SERIAL", "serial", 0 }, { "USER", "subject", 0 }, { "PRINCIPALS", "principals", 0 },
	{ "FROM", "valid_after", 1 }, { "UNTIL", "valid_before", 1 }, { "AGENT'S", "held", 0 },
	{ "REVOKED", "revoked", 0 }, { "KEY", "fingerprint", 0 },
};
#define SSH_COLUMNS	(sizeof(ssh_columns) / sizeof(ssh_columns[0]))

/* One's own: without the column of whose. */
static void
ssh_table(const json_t *rows, int all, const char *none)
{
	struct output_column own[SSH_COLUMNS - 1];

	own[0] = ssh_columns[0];
	memcpy(own + 1, ssh_columns + 2, sizeof(own) - sizeof(own[0]));
	output_table(rows, all ? ssh_columns : own, all ? SSH_COLUMNS : SSH_COLUMNS - 1, none);
}

/* Nothing was found of a user: is the name a slip?  One who has left is no longer of
 * this host, so it is said afterwards only. */
static void
ssh_no_user(const char *user)
{
	char shown[OUTPUT_TEXT_MAX];

	if (getpwnam(user) == NULL)
		(void)fprintf(stderr, "tessera: this host has no user \"%s\": is the name right?\n",
		    escape_text(shown, sizeof(shown), user, strlen(user)));
}

int
cmd_ssh_list(struct client *c)
{
	const char *user = c->opt[OPT_USER];
	int all = user != NULL || c->opt[OPT_ALL] != NULL, status;
	char target[SSH_TARGET_MAX];
	json_t *answer = NULL;

	if (user != NULL && c->opt[OPT_ALL] != NULL)
		return fail_set(&c->failure, "usage", "--user and --all exclude each other");
	if (form_query(target, sizeof(target), "/admin/ssh/certificates", "subject", user) != TSR_OK)
		return fail_set(&c->failure, "usage", "no user has such a long name");
	if ((status = all ? api_get(c, REACH_ADMIN, target, &answer) :
	    api_get(c, REACH_API, "/ssh/certificates", &answer)) != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else
		ssh_table(json_object_get(answer, "certificates"), all, user != NULL ?
		    "No certificates of this user." : "No certificates.");
	if (user != NULL && c->opt[OPT_JSON] == NULL &&
	    json_array_size(json_object_get(answer, "certificates")) == 0)
		ssh_no_user(user);
	json_decref(answer);
	return FAIL_NONE;
}

/* --- revoke --- */

static int
ssh_is_serial(const char *s)
{
	return strlen(s) == SSH_SERIAL_LEN && strspn(s, "0123456789abcdef") == SSH_SERIAL_LEN;
}

static int
ssh_revoked(struct client *c, json_t *answer)
{
	long long n = (long long)json_integer_value(json_object_get(answer, "revoked"));

	if (c->opt[OPT_JSON] != NULL)
		output_json(answer);
	else if (n == 0 && c->opt[OPT_USER] != NULL)
		(void)printf("No certificate of %s was there to revoke.\n", c->opt[OPT_USER]);
	else
		(void)printf("Revoked %lld certificate%s. The servers refuse %s once they have the new list: bring "
		    "it there (\"tessera ssh ca krl\").\n", n, n == 1 ? "" : "s", n == 1 ? "it" : "them");
	if (n == 0 && c->opt[OPT_USER] != NULL && c->opt[OPT_JSON] == NULL)
		ssh_no_user(c->opt[OPT_USER]);
	json_decref(answer);
	return FAIL_NONE;
}

int
cmd_ssh_revoke(struct client *c)
{
	struct http_request rq = { .method = "POST", .target = "/admin/ssh/revoke", .type = FORM_JSON_TYPE };
	const char *serial = c->n_words > 0 ? c->word[0] : NULL, *user = c->opt[OPT_USER];
	json_t *answer = NULL;
	struct buf body;
	int r, status;

	if ((serial != NULL) + (user != NULL) != 1)
		return fail_set(&c->failure, "usage", "name a certificate by its serial number, or a user by --user");
	if (serial != NULL && !ssh_is_serial(serial))
		return fail_set(&c->failure, "usage", "\"%.32s\" is no serial number: those of \"tessera ssh list "
		    "--all\", with which the ID in sshd's log ends, have %d digits of 0-9 and a-f", serial,
		    SSH_SERIAL_LEN);
	buf_init(&body, FORM_BODY_MAX);
	if ((r = form_json_put(&body, serial != NULL ? "serial" : "subject",
	    serial != NULL ? serial : user)) == TSR_OK)
		r = buf_put_u8(&body, '}');
	rq.body = body.data;
	rq.body_len = body.len;
	status = r != TSR_OK ? api_broken(c, r) : proof_admin_call(c, &rq, 0, &answer);
	buf_free(&body);
	if (status == FAIL_NOT_FOUND && serial != NULL)
		hint_value(c, serial);
	return status != FAIL_NONE ? status : ssh_revoked(c, answer);
}
