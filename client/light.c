/*
 * light.c - what the program on everybody's path leaves to tessera-full.
 *
 * A process that links libcrypto, libassuan and libconfuse takes three times
 * as long to start, and most calls, "tessera token get" before all, need none
 * of them.  So there are two programs with the same table of commands; this
 * one hands the whole command line on where it comes to that.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/prompter.h"
#include "tessera.h"

#define LIGHT_FULL	"tessera-full"

/* Where it may be, seen from this program: a build folder, and an installation
 * that stands elsewhere than it was built for. */
static const char *const light_places[] = { "", "../libexec/tessera/" };

static int
light_exec(struct client *c)
{
	char self[PATH_MAX], path[PATH_MAX + 64];
	char *slash;
	ssize_t n;
	size_t i;

	(void)fflush(stdout);
	if ((n = readlink("/proc/self/exe", self, sizeof(self) - 1)) > 0) {
		self[n] = '\0';
		if ((slash = strrchr(self, '/')) != NULL)
			slash[1] = '\0';
		for (i = 0; i < sizeof(light_places) / sizeof(light_places[0]); i++) {
			(void)snprintf(path, sizeof(path), "%s%s%s", self, light_places[i], LIGHT_FULL);
			(void)execv(path, c->argv);
		}
	}
	(void)execv(TESSERA_LIBEXEC "/" LIGHT_FULL, c->argv);
	return fail_set(&c->failure, "failed", "%s/%s cannot be started: %s; is the package whole?",
	    TESSERA_LIBEXEC, LIGHT_FULL, strerror(errno));
}

int
cmd_token_verify(struct client *c)
{
	return light_exec(c);
}

int
cmd_config_check(struct client *c)
{
	return light_exec(c);
}

int
cmd_config_explain(struct client *c)
{
	return light_exec(c);
}

int
cmd_audit_verify(struct client *c)
{
	return light_exec(c);
}

int
cmd_audit_tail(struct client *c)
{
	return light_exec(c);
}

int
cmd_audit_export(struct client *c)
{
	return light_exec(c);
}

int
cmd_config_show(struct client *c)
{
	return light_exec(c);
}

int
cmd_enroll_totp(struct client *c)
{
	return light_exec(c);
}

int
cmd_enroll_hotp(struct client *c)
{
	return light_exec(c);
}

int
cmd_enroll_confirm(struct client *c)
{
	return light_exec(c);
}

int
cmd_credential_import(struct client *c)
{
	return light_exec(c);
}

int
cmd_doctor(struct client *c)
{
	return light_exec(c);
}

/* What it reads is gone once it was read. */
int
cmd_ssh_cert(struct client *c)
{
	return light_exec(c);
}

int
cmd_ssh_setup(struct client *c)
{
	return light_exec(c);
}

int
cmd_support_bundle(struct client *c)
{
	return light_exec(c);
}

/* Nothing was asked of anybody yet: see prompter_new(). */
int
prompter_pinentry(struct client *c, struct prompter *p, const char *program)
{
	(void)p;
	(void)program;
	(void)light_exec(c);
	return TSR_SYSTEM;
}
