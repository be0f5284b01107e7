/*
 * config_ssh.c - the section ssh: whose rules hold, and what SSH certificates say.
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#include "base/config_internal.h"
#include "base/escape.h"

#define SSH_PRINCIPAL_BYTES	255	/* of a principal, of a namespace (token/ssh_cert.h) */
#define SSH_PRINCIPALS		64	/* in one certificate */
#define SSH_LINE_BYTES		1024	/* of a command */
#define SSH_ADDRESS_BYTES	64
#define SSH_WHERE_MAX		320	/* bytes of "ssh: principal "NAME": " */
#define SSH_NONE		"none"	/* a list of nothing: the syntax has no empty one */

const char *
config_check_principal(const char *text)
{
	static const char advice[] = "write 1 to 255 bytes without comma and without blanks at the "
	    "ends; a % alone in %u, the user's name";
	size_t n = strlen(text), i;

	if (n == 0 || n > SSH_PRINCIPAL_BYTES || text[0] == ' ' || text[n - 1] == ' ' ||
	    strchr(text, ',') != NULL || !escape_is_text(text, n))
		return advice;
	for (i = 0; i < n; i++)
		if (text[i] == '%' && text[++i] != 'u')
			return advice;
	return NULL;
}

const char *
config_check_extension(const char *text)
{
	static const char *const known[] = { SSH_NONE, "permit-X11-forwarding",
	    "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(text, known[i]) == 0)
			return NULL;
	return "write permit-X11-forwarding, permit-agent-forwarding, permit-port-forwarding, "
	    "permit-pty or permit-user-rc, or \"none\" alone";
}

const char *
config_check_line(const char *text)
{
	size_t n = strlen(text);

	return n > 0 && n <= SSH_LINE_BYTES && escape_is_text(text, n) ? NULL :
	    "write 1 to 1024 bytes in one line";
}

/* As sshd wants it: no bit set behind the prefix. */
const char *
config_check_source(const char *text)
{
	static const char advice[] = "write an address, or a network such as 10.0.0.0/8 or 2001:db8::/32 "
	    "with no bit set behind its prefix";
	char address[SSH_ADDRESS_BYTES];
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text), digits;
	unsigned char bytes[16] = { 0 };
	unsigned long bits, size;

	if (n == 0 || n >= sizeof(address))
		return advice;
	memcpy(address, text, n);
	address[n] = '\0';
	size = strchr(address, ':') != NULL ? 128 : 32;
	if (inet_pton(size == 128 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return advice;
	if (slash == NULL)
		return NULL;
	digits = strspn(slash + 1, "0123456789");
	if (digits == 0 || digits > 3 || slash[1 + digits] != '\0' || (digits > 1 && slash[1] == '0'))
		return advice;
	bits = strtoul(slash + 1, NULL, 10);
	if (bits > size)
		return advice;
	for (; bits < size; bits++)
		if (bytes[bits / 8] & (0x80u >> (bits % 8)))
			return advice;
	return NULL;
}

/* --- the section --- */

/* The sections of all files; *n of them. */
static void
ssh_scopes(const struct config_parse *p, struct config_scope scopes[CONFIG_FILES_MAX], size_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < p->n; i++) {
		scopes[*n].source = &p->source[i];
		scopes[*n].sec = cfg_size(p->source[i].cfg, "ssh") == 0 ? NULL :
		    cfg_getsec(p->source[i].cfg, "ssh");
		if (scopes[*n].sec != NULL)
			(*n)++;
	}
}

static int
ssh_complain(struct config_parse *p, const struct config_scope *scopes, size_t n, const char *key,
    const char *what, const char *value, const char *advice)
{
	const struct config_scope *at = &scopes[0];
	struct config_shown shown;
	unsigned line = config_read_line(at);
	size_t i;

	for (i = 0; i < n; i++)
		if (cfg_getopt(scopes[i].sec, key)->def.number != 0) {
			at = &scopes[i];
			line = (unsigned)cfg_getopt(at->sec, key)->def.number;
		}
	return config_complain(p, at->source, line, "ssh: %s%s%s%s", what, config_show(&shown, value),
	    *value != '\0' ? "\": " : "", advice);
}

static int
ssh_default(struct strings *list, const char *const *words, size_t n)
{
	size_t i;

	if (list->n > 0)
		return TSR_OK;
	if ((list->v = calloc(n, sizeof(*list->v))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < n; i++) {
		if ((list->v[i] = strdup(words[i])) == NULL)
			return TSR_NOMEM;
		list->n = i + 1;
	}
	return TSR_OK;
}

static int
ssh_defaults(struct config *c)
{
	static const char *const principals[] = { "%u" };
	static const char *const namespaces[] = { "file", "git" };
	static const char *const extensions[] = { "permit-pty", "permit-port-forwarding",
	    "permit-user-rc" };
	struct strings *e = &c->ssh.extensions;
	int r;

	if ((r = ssh_default(&c->ssh.principals, principals, 1)) != TSR_OK ||
	    (r = ssh_default(&c->ssh.namespaces, namespaces, 2)) != TSR_OK ||
	    (r = ssh_default(e, extensions, 3)) != TSR_OK)
		return r;
	if (e->n == 1 && strcmp(e->v[0], SSH_NONE) == 0)
		free(e->v[--e->n]);
	return TSR_OK;
}

/* What spans the keys. */
static int
ssh_judge(struct config_parse *p, const struct config_scope *scopes, size_t n, struct config *c)
{
	const struct config_audience *a;
	size_t i;

	if (c->ssh.audience == NULL)
		return ssh_complain(p, scopes, n, "audience", "audience is missing", "",
		    ": add audience = \"ssh\", and that audience");
	if ((a = config_audience(c, c->ssh.audience)) == NULL)
		return ssh_complain(p, scopes, n, "audience", "audience = \"", c->ssh.audience,
		    "there is no such audience: add it");
	if (a->class != CLASS_INTERACTIVE)
		return ssh_complain(p, scopes, n, "audience", "audience = \"", c->ssh.audience,
		    "it is not of class interactive: name another");
	for (i = 0; i < c->ssh.extensions.n; i++)
		if (c->ssh.extensions.n > 1 && strcmp(c->ssh.extensions.v[i], SSH_NONE) == 0)
			return ssh_complain(p, scopes, n, "extensions", "extensions = \"", SSH_NONE,
			    "it stands alone, or not at all");
	for (i = 0; i < c->ssh.namespaces.n; i++)
		if (strlen(c->ssh.namespaces.v[i]) > SSH_PRINCIPAL_BYTES)
			return ssh_complain(p, scopes, n, "namespaces", "namespaces = \"",
			    c->ssh.namespaces.v[i], "write at most 255 bytes");
		else if (strpbrk(c->ssh.namespaces.v[i], "*?,") != NULL)
			return ssh_complain(p, scopes, n, "namespaces", "namespaces = \"",
			    c->ssh.namespaces.v[i], "a namespace is named whole, there are no patterns");
	if (c->ssh.principals.n + c->ssh.n_extra > SSH_PRINCIPALS)
		return ssh_complain(p, scopes, n, "principals", "more than 64 principals", "",
		    ": a certificate holds no more, take some away");
	return TSR_OK;
}

static int
ssh_principal(struct config_parse *p, const struct config_scope *scope, struct config *c,
    struct config_principal *e)
{
	struct config_shown shown;
	char where[SSH_WHERE_MAX];
	size_t i;
	int r;

	(void)config_show(&shown, e->name);
	if (strchr(e->name, '%') != NULL || config_check_principal(e->name) != NULL)
		return config_complain(p, scope->source, config_read_line(scope),
		    "ssh: principal \"%s\" has no good name: write 1 to 255 bytes without comma, %% and "
		    "blanks at the ends", shown.text);
	for (i = 0; i + 1 < c->ssh.n_extra; i++)
		if (strcmp(c->ssh.extra[i].name, e->name) == 0)
			return config_complain(p, scope->source, config_read_line(scope),
			    "ssh: principal \"%s\" is there twice: remove one or rename it", shown.text);
	(void)snprintf(where, sizeof(where), "ssh: principal \"%s\": ", shown.text);
	if ((r = config_key_fill(p, config_keys_principal, scope, 1, where, &e->who)) != TSR_OK)
		return r;
	return e->who.any_user || e->who.users.n + e->who.groups.n > 0 ? TSR_OK :
	    config_complain(p, scope->source, config_read_line(scope),
	    "%snobody has it: add users, groups or any-user", where);
}

static int
ssh_principals(struct config_parse *p, const struct config_scope *scopes, size_t n, struct config *c)
{
	struct config_scope scope;
	size_t total = 0, i;
	unsigned j;
	int r;

	for (i = 0; i < n; i++)
		total += cfg_size(scopes[i].sec, "principal");
	if (total == 0)
		return TSR_OK;
	if ((c->ssh.extra = calloc(total, sizeof(*c->ssh.extra))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < n; i++)
		for (j = 0; j < cfg_size(scopes[i].sec, "principal"); j++) {
			scope.source = scopes[i].source;
			scope.sec = cfg_getnsec(scopes[i].sec, "principal", j);
			if ((c->ssh.extra[c->ssh.n_extra].name = strdup(cfg_title(scope.sec))) == NULL)
				return TSR_NOMEM;
			c->ssh.n_extra++;
			if ((r = ssh_principal(p, &scope, c, &c->ssh.extra[c->ssh.n_extra - 1])) != TSR_OK)
				return r;
		}
	return TSR_OK;
}

int
config_section_ssh(struct config_parse *p, struct config *c)
{
	struct config_scope scopes[CONFIG_FILES_MAX];
	size_t n;
	int r;

	ssh_scopes(p, scopes, &n);
	if (n == 0)
		return TSR_OK;
	if ((r = config_key_fill(p, config_keys_ssh, scopes, n, "ssh: ", c)) != TSR_OK ||
	    (r = ssh_principals(p, scopes, n, c)) != TSR_OK ||
	    (r = ssh_judge(p, scopes, n, c)) != TSR_OK || (r = ssh_defaults(c)) != TSR_OK)
		return r;
	c->ssh.there = 1;
	return TSR_OK;
}

void
config_ssh_free(struct config *c)
{
	size_t i;

	config_key_free(config_keys_ssh, c);
	for (i = 0; i < c->ssh.n_extra; i++) {
		config_key_free(config_keys_principal, &c->ssh.extra[i].who);
		free(c->ssh.extra[i].name);
	}
	free(c->ssh.extra);
}
