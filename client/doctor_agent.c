/*
 * doctor_agent.c - the agent: its sockets, its health, its tokens that rest.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/output.h"

/* --- sockets --- */

static void
doctor_socket(struct doctor *d, enum reach_socket which, const char *unit)
{
	struct client *c = d->client;
	char path[SOCKET_PATH_MAX], rest[64];
	int fd = -1;

	if (reach_open(c, which, &fd) == FAIL_NONE) {
		(void)close(fd);
		(void)reach_path(c, which, path);
		doctor_say(d, DOCTOR_OK, NULL, "%s answers", path);
		return;
	}
	(void)reach_path(c, which, path);
	(void)snprintf(rest, sizeof(rest), "restart %s%stesserad", d->mode == CONFIG_USER ? "" : unit,
	    d->mode == CONFIG_USER ? "" : " ");
	if (strcmp(c->failure.code, "untrusted_socket") == 0)
		doctor_command(d, "rm %s && systemctl %s", path, rest);
	else
		doctor_systemctl(d, rest);
	if (strcmp(c->failure.code, "denied") == 0 && which == REACH_ADMIN)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "%s", c->failure.text);
	else
		doctor_say(d, DOCTOR_FAILURE, d->command, "%s", c->failure.text);
	fail_clear(&c->failure);
}

/* The agent's way to its helpers, where it does not start them itself. */
static void
doctor_helper_socket(struct doctor *d, const char *path, const char *unit)
{
	struct stat st;
	struct ucred who;
	const struct passwd *pw = getpwnam(DOCTOR_AGENT_USER);

	if (path == NULL)
		return;
	if (stat(path, &st) == -1 || !S_ISSOCK(st.st_mode) ||
	    (doctor_listens(path) == 0 && doctor_connect(path, &who) != 0))	/* not of this namespace */
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "systemctl enable %s && systemctl restart %s",
		    unit, unit), "no helper can be started: nobody listens on %s", path);
	else if (pw != NULL && !doctor_may(&st, pw, S_IWOTH))
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "chown %s: %s", DOCTOR_AGENT_USER, path),
		    "the agent's user %s may not connect to %s", DOCTOR_AGENT_USER, path);
	else
		doctor_say(d, DOCTOR_OK, NULL, "%s starts helpers", path);
}

void
doctor_sockets(struct doctor *d)
{
	doctor_socket(d, REACH_API, "tessera.socket");
	doctor_socket(d, REACH_ADMIN, "tessera-admin.socket");
	if (d->config != NULL)
		doctor_helper_socket(d, d->config->helper_socket, "tessera-pkcs11.socket");
	if (d->config != NULL && d->config->pcsc.watch)
		doctor_helper_socket(d, d->config->watch_socket, "tessera-pkcs11-watch.socket");
	if (d->config != NULL)
		doctor_helper_socket(d, d->config->fido.socket, "tessera-fido.socket");
	if (d->config != NULL)
		doctor_helper_socket(d, d->config->fido.watch_socket, "tessera-fido-watch.socket");
}

/* --- health --- */

/* What the states of /healthz mean, and what mends them; %s is the state
 * folder.  The first row that fits. */
static const struct {
	const char *check, *state, *text, *mend;
} health_table[] = {
	{ "store", "full", "the disk of the store is full", "df -h %s" },
	{ "store", "read-only", "the store is on a file system that is read-only", "mount -o remount,rw $(df --output=target %s | tail -1)" },
	{ "store", "failing", "the store cannot be written: no token is given", "df -h %s && journalctl -u tesserad -n 50" },
	{ "store", NULL, "the store was changed behind the agent's back", "tessera store show && tessera credential list --all && tessera store confirm" },
	{ "audit", NULL, "the audit log cannot be written: no token is given", "df -h %s && journalctl -u tesserad -n 50" },
	{ "clock", NULL, "the wall clock is not trusted: no token is given", "timedatectl set-ntp true && tessera clock accept" },
	{ "keys", "unpublished", "the public keys cannot be written where verifiers look", "df -h /run && systemctl restart tesserad" },
	{ "keys", NULL, "the signing key is older than it should be", "systemctl restart tesserad" },
	{ "ssh", "unpublished", "the SSH CA's files cannot be written: servers do not learn what is revoked", "df -h /run && systemctl restart tesserad" },
	{ "ssh", NULL, "the keys of the SSH CA cannot be read: no certificate is issued", "tessera store check && tessera store show" },
	{ "names", NULL, "the name service does not answer the agent", "systemctl restart tesserad" },
};

static void
doctor_health_row(struct doctor *d, const char *check, const char *state)
{
	const char *folder = d->config != NULL ? d->config->state_dir : "/var/lib/tessera";
	size_t i;

	for (i = 0; i < sizeof(health_table) / sizeof(health_table[0]); i++) {
		if (strcmp(health_table[i].check, check) != 0 ||
		    (health_table[i].state != NULL && strcmp(health_table[i].state, state) != 0))
			continue;
		if (strstr(health_table[i].mend, "%s") != NULL) {
			const char *rest = strstr(health_table[i].mend, "%s");

			doctor_command(d, "%.*s%s%s", (int)(rest - health_table[i].mend), health_table[i].mend,
			    folder, rest + 2);
		} else
			doctor_command(d, "%s", health_table[i].mend);
		doctor_say(d, DOCTOR_FAILURE, d->command, "%s: %s", health_table[i].text, state);
		return;
	}
	doctor_say(d, DOCTOR_FAILURE, "journalctl -u tesserad -n 50", "%s: %s", check, state);
}

void
doctor_health(struct doctor *d)
{
	json_t *checks = json_object_get(d->health, "checks");
	char version[OUTPUT_TEXT_MAX];
	unsigned wrong = 0;
	json_t *v;
	void *at;

	if (d->health == NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "the agent does not answer");
		return;
	}
	for (at = json_object_iter(checks); at != NULL; at = json_object_iter_next(checks, at)) {
		v = json_object_iter_value(at);
		if (!json_is_string(v) || strcmp(json_string_value(v), "ok") == 0)
			continue;	/* helpers have a check of their own */
		doctor_health_row(d, json_object_iter_key(at), json_string_value(v));
		wrong++;
	}
	if (wrong == 0)
		doctor_say(d, DOCTOR_OK, NULL, "version %s: store, audit log, clock, keys and names are well",
		    output_member(d->health, "version", version, sizeof(version)));
}

/* --- breakers --- */

#define DOCTOR_JOURNAL	"journalctl -n 50 -u 'tessera-pkcs11@*' -u tesserad"

/* For who may not see the tokens: the modules. */
static unsigned
doctor_resting(struct doctor *d)
{
	json_t *helpers = json_object_get(json_object_get(d->health, "checks"), "helpers");
	unsigned n = 0;
	void *at;

	for (at = json_object_iter(helpers); at != NULL; at = json_object_iter_next(helpers, at)) {
		const char *state = json_string_value(json_object_iter_value(at));

		if (state == NULL || strcmp(state, "resting") != 0)
			continue;
		doctor_say(d, DOCTOR_FAILURE, DOCTOR_JOURNAL, "a token of module %s rests: its helpers died",
		    json_object_iter_key(at));
		n++;
	}
	return n;
}

void
doctor_breakers(struct doctor *d)
{
	json_t *list = json_object_get(d->admin, "breakers"), *e;
	char module[OUTPUT_TEXT_MAX], label[OUTPUT_TEXT_MAX], deaths[64], span[64];
	size_t i;

	if (d->health == NULL) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "the agent does not answer");
		return;
	}
	for (i = 0; i < json_array_size(list); i++) {
		e = json_array_get(list, i);
		doctor_say(d, DOCTOR_FAILURE, DOCTOR_JOURNAL,
		    "module %s, token \"%s\" rests for %s after %s deaths of its helper",
		    output_member(e, "module", module, sizeof(module)),
		    output_member(e, "label", label, sizeof(label)),
		    output_span(json_integer_value(json_object_get(e, "retry_after")), span, sizeof(span)),
		    output_member(e, "deaths", deaths, sizeof(deaths)));
	}
	if (json_array_size(list) == 0 && doctor_resting(d) == 0)
		doctor_say(d, DOCTOR_OK, NULL, "no token rests");
}
