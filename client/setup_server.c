/*
 * setup_server.c - sshd's side, on a host where both sshd and the agent are: sshd
 * itself is the judge of what is left in place.  See setup.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/setup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/api.h"
#include "client/place.h"
#include "client/ssh_ca.h"
#include "client/sshd.h"
#include "tessera.h"

/* --- what is ours to say --- */

static const struct {
	const char *key, *value, *mend;
} server_keys[] = {
	{ "trustedusercakeys", SETUP_SSHD_CA, "it takes one file: add the lines of \"tessera ssh ca show --trusted\" "
	  "to that one" },
	{ "revokedkeys", SETUP_SSHD_KRL, "it takes one file: take that line out, or have that one hold "
	  "this agent's list too, by \"tessera ssh ca krl FILE --join LIST\"" },
	{ "authorizedprincipalsfile", SETUP_SSHD_PRINCIPALS "/%u", "list the principals there" },
	{ "authorizedprincipalscommand", "/usr/bin/echo %u", "let it print the principals" },
};
#define SERVER_KEYS	(sizeof(server_keys) / sizeof(server_keys[0]))

/* What an administrator has set is never overruled. */
static int
server_free(struct client *c, const struct buf *out)
{
	char value[PATH_MAX];
	size_t i;

	for (i = 0; i < SERVER_KEYS; i++) {
		sshd_value(out, server_keys[i].key, value);
		if (strcmp(value, "none") != 0 && strcmp(value, server_keys[i].value) != 0)
			return fail_set(&c->failure, "conflict", "sshd has %s %s already, and nothing was changed: %s",
			    server_keys[i].key, value, server_keys[i].mend);
	}
	return FAIL_NONE;
}

static int
server_taken(struct client *c, const struct buf *out)
{
	char value[PATH_MAX];
	size_t i;

	for (i = 0; i < SERVER_KEYS; i++) {
		sshd_value(out, server_keys[i].key, value);
		if (strcmp(value, server_keys[i].value) != 0)
			return fail_set(&c->failure, "conflict", "sshd does not read /etc/ssh/sshd_config.d, and it was taken "
			    "out again: put \"Include /etc/ssh/sshd_config.d/*.conf\" at the top of /etc/ssh/sshd_config");
	}
	return FAIL_NONE;
}

static const char *
server_reload(void)
{
	return access("/lib/systemd/system/ssh.service", F_OK) == 0 ||
	    access("/etc/systemd/system/ssh.service", F_OK) == 0 ? "systemctl reload ssh" : "systemctl reload sshd";
}

/* --- the files --- */

/* What an administrator trusts besides: lines as sshd takes them. */
static int
server_offline(struct setup *s, struct buf *text)
{
	const char *p, *end, *next;
	struct buf b;
	int there = 0, status;

	buf_init(&b, SETUP_TEXT_MAX);
	status = place_read(s->c, SETUP_SSHD_OFFLINE, &b, &there);
	for (p = (const char *)b.data, end = p + b.len; status == FAIL_NONE && p < end; p = next + 1) {
		if ((next = memchr(p, '\n', (size_t)(end - p))) == NULL)
			next = end;
		if (!escape_is_text(p, (size_t)(next - p)) || memchr(p, ' ', (size_t)(next - p)) == NULL)
			status = fail_set(&s->c->failure, "failed", "%s: a line that is no public key: \"%.*s\"",
			    SETUP_SSHD_OFFLINE, (int)(next - p < 64 ? next - p : 64), p);
		else if (buf_put(text, p, (size_t)(next - p)) != TSR_OK || buf_put_u8(text, '\n') != TSR_OK)
			status = fail_set(&s->c->failure, "failed", "%s is too large", SETUP_SSHD_OFFLINE);
	}
	buf_free(&b);
	return status;
}

static int
server_ca(struct setup *s, const json_t *keys)
{
	const char *line;
	struct buf text;
	size_t i, n = 0;
	int r, status;

	buf_init(&text, SETUP_TEXT_MAX);
	r = buf_put_cstr(&text, SETUP_MARK "whom TrustedUserCAKeys trusts, as \"tessera ssh ca show\" has them.\n");
	for (i = 0; i < json_array_size(keys) && r == TSR_OK; i++) {
		if ((line = ssh_ca_trusted(json_array_get(keys, i))) == NULL)
			continue;
		r = buf_printf(&text, "%s\n", line);
		n++;
	}
	if (r != TSR_OK)
		status = api_broken(s->c, r);
	else if (n == 0)
		status = fail_set(&s->c->failure, "not_found", "the agent has no key that signs SSH certificates: is "
		    "there an ssh {} in its configuration?");
	else if ((status = server_offline(s, &text)) == FAIL_NONE)
		status = setup_put(s, SETUP_SSHD_CA, &text, 0644, SETUP_KEEP_FOREIGN);
	buf_free(&text);
	return status;
}

static int
server_krl(struct setup *s)
{
	struct buf list;
	int status;

	buf_init(&list, HTTP_ANSWER_BODY_MAX);
	if ((status = api_bytes(s->c, "/ssh/krl", &list)) == FAIL_NONE) {
		if (!ssh_ca_is_krl(list.data, list.len))
			status = api_broken(s->c, TSR_INVALID);
		else
			status = setup_put(s, SETUP_SSHD_KRL, &list, 0644, SETUP_KEEP_NONE);
	}
	buf_free(&list);
	return status;
}

/* In its place before sshd is asked, and out of it again where sshd says no. */
static int
server_snippet(struct setup *s, struct buf *said)
{
	char text[SSHD_SAID_MAX];
	struct buf new, old;
	struct failure why;
	int there = 0, status;

	buf_init(&new, SETUP_TEXT_MAX);
	buf_init(&old, PLACE_FILE_MAX);
	if (setup_server_text(&new) != TSR_OK)
		status = api_broken(s->c, TSR_NOMEM);
	else if ((status = place_read(s->c, SETUP_SSHD_CONFIG, &old, &there)) == FAIL_NONE)
		status = setup_put(s, SETUP_SSHD_CONFIG, &new, 0644, SETUP_KEEP_ALL);
	if (status != FAIL_NONE)
		goto out;
	status = sshd_ask(said, 1) ? fail_set(&s->c->failure, "failed", "sshd refuses %s, which was taken out again: "
	    "%s", SETUP_SSHD_CONFIG, sshd_said(said, text)) : server_taken(s->c, said);
	if (status == FAIL_NONE)
		goto out;
	why = s->c->failure;
	memset(&s->c->failure, 0, sizeof(s->c->failure));
	(void)(there ? place_write(s->c, SETUP_SSHD_CONFIG, old.data, old.len, 0644) :
	    place_remove(s->c, SETUP_SSHD_CONFIG));
	fail_clear(&s->c->failure);
	s->c->failure = why;
 out:
	buf_free(&new);
	buf_free(&old);
	return status;
}

static int
server_files(struct setup *s, struct buf *said)
{
	json_t *ca = NULL;
	unsigned before;
	int made, status;

	if ((status = api_get(s->c, REACH_API, "/ssh/ca", &ca)) != FAIL_NONE)
		return status;
	if ((status = server_ca(s, json_object_get(ca, "keys"))) == FAIL_NONE &&
	    (status = server_krl(s)) == FAIL_NONE &&
	    (status = place_folder(s->c, SETUP_SSHD_PRINCIPALS, 0755, &made)) == FAIL_NONE) {
		before = s->changed;
		status = server_snippet(s, said);
		/* the other two are read at each login */
		if (status == FAIL_NONE && s->changed != before) {
			setup_next(s, "%s", server_reload());
			setup_next(s, "systemctl enable --now tessera-sshd.path    # it learns later changes by itself");
		}
	}
	json_decref(ca);
	return status;
}

/* --- install and remove --- */

static int
server_begin(struct setup *s, struct buf *said)
{
	char text[SSHD_SAID_MAX];

	if (geteuid() != 0)
		return fail_set(&s->c->failure, "denied", "the files of sshd are root's: run this as root");
	if (access(SSHD_PROGRAM, X_OK) == -1)
		return fail_set(&s->c->failure, "not_found", "there is no %s here; without --install this prints what a "
		    "server needs", SSHD_PROGRAM);
	if (sshd_ask(said, 1))
		return fail_set(&s->c->failure, "failed", "sshd refuses its configuration as it is, and nothing was "
		    "changed: %s", sshd_said(said, text));
	return FAIL_NONE;
}

int
setup_server_install(struct setup *s)
{
	struct buf said;
	int status;

	buf_init(&said, SSHD_OUTPUT_MAX);
	if ((status = server_begin(s, &said)) == FAIL_NONE && (status = server_free(s->c, &said)) == FAIL_NONE)
		status = server_files(s, &said);
	buf_free(&said);
	return status;
}

/* An sshd that runs goes on reading the files until it is told otherwise, and
 * without the list of what is revoked it takes no key of anybody: so the files go
 * once the configuration that names them has gone before. */
int
setup_server_remove(struct setup *s)
{
	int named = access(SETUP_SSHD_CONFIG, F_OK) == 0, status;
	char text[SSHD_SAID_MAX];
	struct buf said;

	if (geteuid() != 0)
		return fail_set(&s->c->failure, "denied", "the files of sshd are root's: run this as root");
	if ((status = setup_take(s, SETUP_SSHD_CONFIG, SETUP_MARK)) != FAIL_NONE)
		return status;
	if (!named) {
		(void)rmdir(SETUP_SSHD_PRINCIPALS);	/* where nobody has put anything into it */
		if ((status = setup_take(s, SETUP_SSHD_CA, SETUP_MARK)) == FAIL_NONE)
			status = setup_take(s, SETUP_SSHD_KRL, SSH_CA_KRL_MARK);
		return status;
	}
	buf_init(&said, SSHD_OUTPUT_MAX);
	setup_next(s, "systemctl disable --now tessera-sshd.path");
	setup_next(s, "%s", server_reload());
	setup_next(s, "tessera ssh setup --server --remove    # once more, then %s and %s go", SETUP_SSHD_CA,
	    SETUP_SSHD_KRL);
	if (access(SSHD_PROGRAM, X_OK) == 0 && sshd_ask(&said, 1))
		setup_next(s, "sshd -t    # before the first: it says \"%s\"", sshd_said(&said, text));
	buf_free(&said);
	return FAIL_NONE;
}
