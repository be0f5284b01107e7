/*
 * setup_client.c - ssh's side: for everybody of a host as root, else for oneself
 * with a line in one's own configuration.  See setup.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/setup.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/home.h"
#include "client/place.h"
#include "tessera.h"

#define CLIENT_SYSTEM	"/etc/ssh/ssh_config.d"
#define CLIENT_CONFIG	"/etc/ssh/ssh_config"
#define CLIENT_INCLUDE	"Include ~/.ssh/config.d/" SETUP_SNIPPET

/* Of one user. */
struct own {
	char ssh[PATH_MAX], folder[PATH_MAX], config[PATH_MAX], snippet[PATH_MAX];
};

static int
client_paths(struct setup *s, struct own *o)
{
	char home[PATH_MAX - 64];
	int status;

	if ((status = home_folder(s->c, home, sizeof(home))) != FAIL_NONE)
		return status;
	(void)snprintf(o->ssh, sizeof(o->ssh), "%s/.ssh", home);
	(void)snprintf(o->folder, sizeof(o->folder), "%s/.ssh/config.d", home);
	(void)snprintf(o->config, sizeof(o->config), "%s/.ssh/config", home);
	(void)snprintf(o->snippet, sizeof(o->snippet), "%s/.ssh/config.d/" SETUP_SNIPPET, home);
	return FAIL_NONE;
}

/* --- the line --- */

/* The line at p: its first word, and where the next one begins. */
static const char *
client_line(const char *p, const char *end, const char **word, size_t *n)
{
	const char *next = memchr(p, '\n', (size_t)(end - p));

	next = next == NULL ? end : next + 1;
	while (p < next && (*p == ' ' || *p == '\t'))
		p++;
	*word = p;
	while (p < next && strchr(" \t\r\n=", *p) == NULL)
		p++;
	*n = (size_t)(p - *word);
	return next;
}

static int
client_is(const char *word, size_t n, const char *name)
{
	return n == strlen(name) && strncasecmp(word, name, n) == 0;
}

static int
client_is_include(const char *p, const char *next)
{
	size_t n = (size_t)(next - p), len = strlen(CLIENT_INCLUDE);

	return n >= len && memcmp(p, CLIENT_INCLUDE, len) == 0 && strspn(p + len, "\r\n") >= n - len;
}

/* Is the line there, where no Host or Match before it makes it one of some hosts? */
static int
client_included(const struct buf *b)
{
	const char *p = (const char *)b->data, *end = p + b->len, *next, *word;
	size_t n;

	for (; p < end; p = next) {
		next = client_line(p, end, &word, &n);
		if (client_is_include(p, next))
			return 1;
		if (client_is(word, n, "Host") || client_is(word, n, "Match"))
			return 0;
	}
	return 0;
}

/* text without our lines */
static int
client_without(const struct buf *text, struct buf *out)
{
	const char *p = (const char *)text->data, *end = p + text->len, *next, *word;
	size_t n;
	int r = TSR_OK;

	for (; p < end && r == TSR_OK; p = next) {
		next = client_line(p, end, &word, &n);
		if (!client_is_include(p, next))
			r = buf_put(out, p, (size_t)(next - p));
	}
	return r;
}

static mode_t
client_mode(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;
}

/* With the line on top, or (add 0) without it. */
static int
client_edit(struct setup *s, const struct own *o, int add)
{
	struct buf old, new;
	int there = 0, r = TSR_OK, status;

	buf_init(&old, PLACE_FILE_MAX);
	buf_init(&new, PLACE_FILE_MAX);
	status = place_read(s->c, o->config, &old, &there);
	if (status != FAIL_NONE && strcmp(s->c->failure.code, "conflict") == 0)
		status = fail_set(&s->c->failure, "conflict", "%s is a link or no plain file, and is left alone: %s "
		    "the line \"%s\" yourself, then run this again", o->config, add ? "put at its top" : "take out",
		    CLIENT_INCLUDE);
	if (status == FAIL_NONE && (add ? !client_included(&old) : there)) {
		if (add)
			r = buf_put_cstr(&new, CLIENT_INCLUDE "\n");
		if (r == TSR_OK)
			r = client_without(&old, &new);
		if (r != TSR_OK)
			status = fail_set(&s->c->failure, "failed", "%s: %s", o->config, tsr_strerror(r));
		else if (!add && new.len == 0)	/* there was none before us */
			status = setup_take(s, o->config, "");
		else
			status = setup_put(s, o->config, &new, client_mode(o->config),
			    add ? SETUP_KEEP_ALL : SETUP_KEEP_NONE);
	}
	buf_free(&old);
	buf_free(&new);
	return status;
}

/* A link is not edited, but may have the line as it is: 1; -1 where it is no link. */
static int
client_linked(const struct own *o)
{
	struct stat st;
	char text[SETUP_TEXT_MAX];
	struct buf b;
	FILE *f;
	size_t n;
	int found;

	if (lstat(o->config, &st) == -1 || !S_ISLNK(st.st_mode))
		return -1;
	if (stat(o->config, &st) == -1 || !S_ISREG(st.st_mode) || (f = fopen(o->config, "re")) == NULL)
		return 0;
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	buf_init(&b, sizeof(text));
	found = buf_put(&b, text, n) == TSR_OK && client_included(&b);
	buf_free(&b);
	return found;
}

/* --- install and remove --- */

/* Does the system's file read the folder?  We do not edit that one. */
static void
client_read_there(struct setup *s)
{
	struct buf b;
	int there = 0;

	buf_init(&b, PLACE_FILE_MAX);
	if (place_read(s->c, CLIENT_CONFIG, &b, &there) != FAIL_NONE || buf_put_u8(&b, 0) != TSR_OK ||
	    strstr((const char *)b.data, "ssh_config.d/") == NULL)
		setup_next(s, "put \"Include %s/*.conf\" at the top of %s: it does not read that folder", CLIENT_SYSTEM,
		    CLIENT_CONFIG);
	fail_clear(&s->c->failure);
	buf_free(&b);
}

static int
client_install_own(struct setup *s, const struct buf *text)
{
	struct own o;
	int made, status;

	if ((status = client_paths(s, &o)) != FAIL_NONE ||
	    (status = place_folder(s->c, o.ssh, 0700, &made)) != FAIL_NONE ||
	    (status = place_folder(s->c, o.folder, 0700, &made)) != FAIL_NONE)
		return status;
	/* the line first: where it cannot be, the rest is of no use */
	if (client_linked(&o) != 1 && (status = client_edit(s, &o, 1)) != FAIL_NONE)
		return status;
	return setup_put(s, o.snippet, text, 0600, SETUP_KEEP_ALL);
}

int
setup_client_install(struct setup *s)
{
	struct buf text;
	int made, r, status;

	buf_init(&text, SETUP_TEXT_MAX);
	if ((r = setup_client_text(s, &text)) != TSR_OK)
		status = fail_set(&s->c->failure, "failed", "%s", tsr_strerror(r));
	else if (geteuid() != 0)
		status = client_install_own(s, &text);
	else if ((status = place_folder(s->c, CLIENT_SYSTEM, 0755, &made)) == FAIL_NONE &&
	    (status = setup_put(s, CLIENT_SYSTEM "/" SETUP_SNIPPET, &text, 0644, SETUP_KEEP_ALL)) == FAIL_NONE)
		client_read_there(s);
	buf_free(&text);
	if (status == FAIL_NONE && access(s->socket, F_OK) == -1)
		setup_next(s, "systemctl enable --now tessera-ssh.socket: there is no %s", s->socket);
	return status;
}

int
setup_client_remove(struct setup *s)
{
	struct own o;
	int status;

	if (geteuid() == 0)
		return setup_take(s, CLIENT_SYSTEM "/" SETUP_SNIPPET, SETUP_MARK);
	if ((status = client_paths(s, &o)) != FAIL_NONE)
		return status;
	if (access(o.ssh, F_OK) == -1)
		return FAIL_NONE;
	if (client_linked(&o) != 0 && (status = client_edit(s, &o, 0)) != FAIL_NONE)
		return status;
	if (access(o.folder, F_OK) == -1)
		return FAIL_NONE;
	if ((status = setup_take(s, o.snippet, SETUP_MARK)) == FAIL_NONE)
		(void)rmdir(o.folder);
	return status;
}
