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
#include "client/collect.h"
#include "client/place.h"
#include "tessera.h"

#define SERVER_SSHD		"/usr/sbin/sshd"
#define SERVER_OUTPUT_MAX	(64 * 1024)	/* bytes of what sshd prints */
#define SERVER_SAID_MAX		256		/* bytes of a complaint of sshd's, with NUL */
#define SERVER_KRL_MARK		"SSHKRL\n"
#define SERVER_PRIVSEP		"/run/sshd"	/* Debian's; there while its unit runs */

/* --- sshd --- */

/* sshd -T: its whole configuration as it is read now.  0, or 1 with what it said. */
static int
server_sshd(struct buf *out)
{
	static char program[] = SERVER_SSHD, option[] = "-T";
	char *const argv[] = { program, option, NULL };
	int status = -1;

	buf_reset(out);
	if (collect_verdict(argv, out, &status) != TSR_OK || buf_put_u8(out, 0) != TSR_OK)
		return 1;
	return status != 0;
}

static int
server_ask(struct buf *out)
{
	int wrong = server_sshd(out);

	if (wrong && out->len > 0 && strstr((const char *)out->data, SERVER_PRIVSEP) != NULL &&
	    mkdir(SERVER_PRIVSEP, 0755) == 0 && chmod(SERVER_PRIVSEP, 0755) == 0)
		wrong = server_sshd(out);
	return wrong;
}

/* The first line of what it said. */
static char *
server_said(const struct buf *out, char said[SERVER_SAID_MAX])
{
	const char *text = out->len > 0 ? (const char *)out->data : "";

	return *text == '\0' ? strcpy(said, "it says nothing") :
	    escape_text(said, SERVER_SAID_MAX, text, strcspn(text, "\r\n"));
}

/* "none", or what the key has in an output of sshd -T. */
static void
server_value(const struct buf *out, const char *key, char value[PATH_MAX])
{
	const char *p = (const char *)out->data, *next;
	size_t n = strlen(key);

	(void)snprintf(value, PATH_MAX, "none");
	for (; p != NULL && *p != '\0'; p = next != NULL ? next + 1 : NULL) {
		next = strchr(p, '\n');
		if (strncmp(p, key, n) == 0 && p[n] == ' ')
			(void)snprintf(value, PATH_MAX, "%.*s", (int)strcspn(p + n + 1, "\r\n"), p + n + 1);
	}
}

/* --- what is ours to say --- */

static const struct {
	const char *key, *value, *mend;
} server_keys[] = {
	{ "trustedusercakeys", SETUP_SSHD_CA, "it takes one file: add the lines of \"tessera ssh ca show --trusted\" "
	  "to that one" },
	{ "revokedkeys", SETUP_SSHD_KRL, "it takes one file: join both lists by \"ssh-keygen -k -u\"" },
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
		server_value(out, server_keys[i].key, value);
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
		server_value(out, server_keys[i].key, value);
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

static int
server_ca(struct setup *s, const json_t *keys)
{
	const char *state, *line;
	struct buf text;
	size_t i, n = 0;
	int r, status;

	buf_init(&text, SETUP_TEXT_MAX);
	r = buf_put_cstr(&text, SETUP_MARK "whom TrustedUserCAKeys trusts, as \"tessera ssh ca show\" has them.\n");
	for (i = 0; i < json_array_size(keys) && r == TSR_OK; i++) {
		state = json_string_value(json_object_get(json_array_get(keys, i), "state"));
		line = json_string_value(json_object_get(json_array_get(keys, i), "public_key"));
		if (state == NULL || line == NULL || strcmp(state, "revoked") == 0)
			continue;
		r = escape_is_text(line, strlen(line)) ? buf_printf(&text, "%s\n", line) : TSR_INVALID;
		n++;
	}
	if (r != TSR_OK)
		status = api_broken(s->c, r);
	else if (n == 0)
		status = fail_set(&s->c->failure, "not_found", "the agent has no key that signs SSH certificates: is "
		    "there an ssh {} in its configuration?");
	else
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
		if (list.len < sizeof(SERVER_KRL_MARK) ||
		    memcmp(list.data, SERVER_KRL_MARK, sizeof(SERVER_KRL_MARK)) != 0)
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
	char text[SERVER_SAID_MAX];
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
	status = server_ask(said) ? fail_set(&s->c->failure, "failed", "sshd refuses %s, which was taken out again: "
	    "%s", SETUP_SSHD_CONFIG, server_said(said, text)) : server_taken(s->c, said);
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
		if (status == FAIL_NONE && s->changed != before)
			setup_next(s, "%s", server_reload());
	}
	json_decref(ca);
	return status;
}

/* --- install and remove --- */

static int
server_begin(struct setup *s, struct buf *said)
{
	char text[SERVER_SAID_MAX];

	if (geteuid() != 0)
		return fail_set(&s->c->failure, "denied", "the files of sshd are root's: run this as root");
	if (access(SERVER_SSHD, X_OK) == -1)
		return fail_set(&s->c->failure, "not_found", "there is no %s here; without --install this prints what a "
		    "server needs", SERVER_SSHD);
	if (server_ask(said))
		return fail_set(&s->c->failure, "failed", "sshd refuses its configuration as it is, and nothing was "
		    "changed: %s", server_said(said, text));
	return FAIL_NONE;
}

int
setup_server_install(struct setup *s)
{
	struct buf said;
	int status;

	buf_init(&said, SERVER_OUTPUT_MAX);
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
	char text[SERVER_SAID_MAX];
	struct buf said;

	if (geteuid() != 0)
		return fail_set(&s->c->failure, "denied", "the files of sshd are root's: run this as root");
	if ((status = setup_take(s, SETUP_SSHD_CONFIG, SETUP_MARK)) != FAIL_NONE)
		return status;
	if (!named) {
		(void)rmdir(SETUP_SSHD_PRINCIPALS);	/* where nobody has put anything into it */
		if ((status = setup_take(s, SETUP_SSHD_CA, SETUP_MARK)) == FAIL_NONE)
			status = setup_take(s, SETUP_SSHD_KRL, SERVER_KRL_MARK);
		return status;
	}
	buf_init(&said, SERVER_OUTPUT_MAX);
	setup_next(s, "%s", server_reload());
	setup_next(s, "tessera ssh setup --server --remove    # once more, then %s and %s go", SETUP_SSHD_CA,
	    SETUP_SSHD_KRL);
	if (access(SERVER_SSHD, X_OK) == 0 && server_ask(&said))
		setup_next(s, "sshd -t    # before the first: it says \"%s\"", server_said(&said, text));
	buf_free(&said);
	return FAIL_NONE;
}
