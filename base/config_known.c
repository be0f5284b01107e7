/*
 * config_known.c - see config_known.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/config_known.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct known {
	void (*warn)(void *arg, const char *sentence);
	void *arg;
	unsigned n;
};

/* Numbers need not have a name. */
static int
known_is_number(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

static void
known_missing(struct known *k, const char *where, const char *kind, const char *name)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s: there is no %s \"%s\" on this machine", where, kind, name);
	k->warn(k->arg, text);
	k->n++;
}

static void
known_user(struct known *k, const char *where, const char *name)
{
	if (name != NULL && !known_is_number(name) && getpwnam(name) == NULL)
		known_missing(k, where, "user", name);
}

static void
known_group(struct known *k, const char *where, const char *name)
{
	if (name != NULL && !known_is_number(name) && getgrnam(name) == NULL)
		known_missing(k, where, "group", name);
}

static void
known_callers(struct known *k, const char *where, const struct config_callers *c)
{
	size_t i;

	for (i = 0; i < c->users.n; i++)
		known_user(k, where, c->users.v[i]);
	for (i = 0; i < c->groups.n; i++)
		known_group(k, where, c->groups.v[i]);
}

unsigned
config_known(const struct config *c, enum config_mode mode,
    void (*warn)(void *arg, const char *sentence), void *arg)
{
	struct known k = { warn, arg, 0 };
	char where[256];
	size_t i;

	if (mode == CONFIG_SYSTEM) {	/* in user mode the user does all of it himself */
		known_user(&k, "helper-user", c->helper_user);
		known_group(&k, "admin-group", c->admin_group);
	}
	known_callers(&k, "metrics", &c->metrics);
	for (i = 0; i < c->n_audiences; i++) {
		(void)snprintf(where, sizeof(where), "audience \"%s\"", c->audiences[i].name);
		known_callers(&k, where, &c->audiences[i].callers);
		(void)snprintf(where, sizeof(where), "audience \"%s\": verifiers", c->audiences[i].name);
		known_callers(&k, where, &c->audiences[i].verifiers);
	}
	for (i = 0; i < c->ssh.n_extra; i++) {
		(void)snprintf(where, sizeof(where), "ssh: principal \"%s\"", c->ssh.extra[i].name);
		known_callers(&k, where, &c->ssh.extra[i].who);
	}
	for (i = 0; i < c->n_login_helpers; i++) {
		(void)snprintf(where, sizeof(where), "login-helper \"%s\"", c->login_helpers[i].name);
		known_user(&k, where, c->login_helpers[i].user);
	}
	return k.n;
}
