/*
 * setup_text.c - the text of the files of ssh_config(5) and sshd_config(5), and
 * what goes into it.  See setup.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "client/config_path.h"
#include "client/reach.h"
#include "tessera.h"

#define SETUP_SOCKET	"ssh.sock"
#define SETUP_PATH	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+@-"
#define SETUP_NAME	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* --- hosts --- */

/* NULL, or what is wrong with it.  A pattern without a letter or digit is met by
 * hosts of every kind. */
static const char *
setup_host_wrong(const char *p)
{
	if (*p == '!')
		p++;
	if (*p == '\0')
		return "is empty";
	if (p[strspn(p, SETUP_NAME ".:_-*?")] != '\0')
		return "has a character that no host has; give each pattern its own --host";
	if (p[strcspn(p, SETUP_NAME)] == '\0')
		return "would hide your other keys and agents from every host: name those that trust this agent, "
		    "such as '*.corp.example'";
	return NULL;
}

int
setup_hosts(struct client *c)
{
	const char *why;
	size_t i, named = 0;

	for (i = 0; i < c->n_many; i++) {
		if ((why = setup_host_wrong(c->many[i])) != NULL)
			return fail_set(&c->failure, "usage", "the pattern \"%.64s\" %s", c->many[i], why);
		named += c->many[i][0] != '!';
	}
	if (named == 0)
		return fail_set(&c->failure, "usage",
		    "name the hosts that trust this agent: --host '*.corp.example', as often as needed");
	return FAIL_NONE;
}

/* --- places --- */

/* By the configuration that was named; else, where that can be read, by the usual one
 * if it is that of the agent that is meant. */
static int
setup_configured(struct setup *s)
{
	char path[PATH_MAX], err[FAIL_TEXT_MAX] = "", socket[PATH_MAX];
	struct config *conf = NULL;
	int r;

	config_path(s->c, s->c->opt[OPT_CONFIG], path, sizeof(path));
	if ((r = config_load(path, s->c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM, &conf, err,
	    sizeof(err))) != TSR_OK)
		return s->c->opt[OPT_CONFIG] == NULL ? FAIL_NONE : fail_set(&s->c->failure, "invalid_config", "%s",
		    err[0] != '\0' ? err : tsr_strerror(r));
	(void)snprintf(socket, sizeof(socket), "%s/" SETUP_SOCKET, conf->socket_dir);
	if (s->c->opt[OPT_CONFIG] != NULL || strcmp(socket, s->socket) == 0) {
		memcpy(s->socket, socket, sizeof(socket));
		(void)snprintf(s->public_dir, sizeof(s->public_dir), "%s", conf->public_dir);
	}
	config_free(&conf);
	return FAIL_NONE;
}

/* "/run/tessera" has its public files in "/run/tesserad", whoever's it is. */
static void
setup_beside(struct setup *s, const char *api)
{
	const char *slash = strrchr(api, '/');
	int n = slash == NULL ? 0 : (int)(slash - api);

	(void)snprintf(s->socket, sizeof(s->socket), "%.*s/" SETUP_SOCKET, n, api);
	(void)snprintf(s->public_dir, sizeof(s->public_dir), "%.*sd", n, api);
}

static int
setup_nameable(struct client *c, const char *path)
{
	if (path[0] == '/' && path[strspn(path, SETUP_PATH)] == '\0')
		return FAIL_NONE;
	return fail_set(&c->failure, "usage", "\"%.128s\" cannot be named to ssh: it needs a path of "
	    "letters, digits and ./_+@-", path);
}

int
setup_places(struct setup *s)
{
	const char *variable = secure_getenv("TESSERA_SSH_SOCK");
	char api[SOCKET_PATH_MAX];
	int status;

	if (reach_path(s->c, REACH_API, api) != TSR_OK)
		return fail_set(&s->c->failure, "usage", "the path of the agent's socket is too long");
	setup_beside(s, api);
	if (s->c->opt[OPT_SOCKET] == NULL && (status = setup_configured(s)) != FAIL_NONE)
		return status;
	if (variable != NULL && *variable != '\0')
		(void)snprintf(s->socket, sizeof(s->socket), "%s", variable);
	if ((status = setup_nameable(s->c, s->socket)) != FAIL_NONE ||
	    (status = setup_nameable(s->c, s->public_dir)) != FAIL_NONE)
		return status;
	/* guessed, and the agent is there: a wrong guess would be a key that ssh never finds */
	if (s->c->opt[OPT_IDENTITIES_ONLY] != NULL && access(s->socket, F_OK) == 0 &&
	    access(s->public_dir, F_OK) == -1)
		return fail_set(&s->c->failure, "not_found", "the agent's public files, which --identities-only names, "
		    "are not in %s: name the agent's configuration by --config", s->public_dir);
	return FAIL_NONE;
}

/* --- texts --- */

int
setup_client_text(const struct setup *s, struct buf *out)
{
	const struct client *c = s->c;
	size_t i;
	int r;

	r = buf_put_cstr(out, SETUP_MARK "the agent's key for hosts that trust it.  Made by \"tessera ssh setup\",\n"
	    "# which makes it anew, and takes it out with --remove.\nMatch host ");
	for (i = 0; i < c->n_many && r == TSR_OK; i++)
		r = buf_printf(out, "%s%s", i > 0 ? "," : "", c->many[i]);
	if (r == TSR_OK)
		r = buf_printf(out, "\n\tIdentityAgent %s\n", s->socket);
	if (r == TSR_OK && c->opt[OPT_IDENTITIES_ONLY] != NULL)
		r = buf_printf(out, "\tIdentitiesOnly yes\n\tIdentityFile %s/ssh/%%i.pub\n"
		    "\tCertificateFile %s/ssh/%%i-cert.pub\n", s->public_dir, s->public_dir);
	return r;
}

int
setup_server_text(struct buf *out)
{
	return buf_put_cstr(out, SETUP_MARK "who has a certificate of the agent gets in.  Made by \"tessera ssh setup "
	    "--server\",\n# which makes it anew, and takes it out with --remove.\n"
	    "# The keys that sign certificates, as \"tessera ssh ca show --trusted\" prints them:\n"
	    "TrustedUserCAKeys " SETUP_SSHD_CA "\n"
	    "# What was revoked, as \"tessera ssh ca krl FILE\" writes it.  Without the file sshd takes no key at all:\n"
	    "RevokedKeys " SETUP_SSHD_KRL "\n"
	    "# An account is for the principal of its own name, and for those in its file, one a line:\n"
	    "AuthorizedPrincipalsFile " SETUP_SSHD_PRINCIPALS "/%u\n"
	    "AuthorizedPrincipalsCommand /usr/bin/echo %u\n"
	    "AuthorizedPrincipalsCommandUser nobody\n");
}
