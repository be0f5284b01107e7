/*
 * cmd_doctor.c - doctor: look through an installation from its configuration to
 * its cards, and name for each fault the command that mends it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "client/command.h"
#include "client/config_path.h"
#include "client/doctor.h"
#include "client/output.h"
#include "tessera.h"

#define DOCTOR_PCSCD	"/run/pcscd/pcscd.comm"	/* as libpcsclite has it built in */
#define DOCTOR_VARIABLE	"PCSCLITE_CSOCK_NAME="

/* In the order of what rests on what. */
static const struct {
	const char *name;
	void (*run)(struct doctor *d);
} doctor_table[] = {
	{ "configuration", doctor_configuration },
	{ "users", doctor_users },
	{ "sockets", doctor_sockets },
	{ "agent", doctor_health },
	{ "modules", doctor_modules },
	{ "opensc", doctor_opensc },
	{ "pcscd", doctor_pcscd },
	{ "polkit", doctor_polkit },
	{ "rights", doctor_rights },
	{ "readers", doctor_readers },
	{ "holders", doctor_holders },
	{ "tries", doctor_tries },
	{ "keys", doctor_keys },
	{ "breakers", doctor_breakers },
	{ "ssh", doctor_ssh },
};
#define DOCTOR_CHECKS	(sizeof(doctor_table) / sizeof(doctor_table[0]))

/* Modules that reach no smart card reader; of others it has to be assumed. */
static int
doctor_without_reader(const char *path)
{
	static const char *const names[] = { "softhsm", "tpm2_pkcs11", "softokn", "p11-kit-trust" };
	const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') : path;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(name, names[i]) != NULL)
			return 1;
	return 0;
}

static void
doctor_find_pcscd(struct doctor *d)
{
	const char *usual = d->config != NULL && d->config->pcsc.socket != NULL ? d->config->pcsc.socket :
	    DOCTOR_PCSCD;
	const struct config_module *m;
	size_t i, j;

	if (d->config == NULL)		/* what is likely */
		(void)snprintf(d->pcscd, sizeof(d->pcscd), "%s", usual);
	for (i = 0; d->config != NULL && i < d->config->n_modules; i++) {
		m = &d->config->modules[i];
		if (doctor_without_reader(m->path))
			continue;
		if (d->pcscd[0] == '\0')
			(void)snprintf(d->pcscd, sizeof(d->pcscd), "%s", usual);
		for (j = 0; j < m->environment.n; j++)
			if (strncmp(m->environment.v[j], DOCTOR_VARIABLE, sizeof(DOCTOR_VARIABLE) - 1) == 0)
				(void)snprintf(d->pcscd, sizeof(d->pcscd), "%s",
				    m->environment.v[j] + sizeof(DOCTOR_VARIABLE) - 1);
	}
}

/* What the agent says, as far as it does; an answer of 503 has its checks. */
static void
doctor_ask(struct doctor *d)
{
	struct client *c = d->client;
	json_t *answer;

	if (api_get(c, REACH_API, "/healthz", &d->health) != FAIL_NONE && c->failure.answer != NULL &&
	    json_object_get(c->failure.answer, "checks") != NULL)
		d->health = json_incref(c->failure.answer);
	fail_clear(&c->failure);
	answer = NULL;
	if (d->health != NULL && api_get(c, REACH_API, "/devices", &answer) == FAIL_NONE)
		d->devices = answer;
	fail_clear(&c->failure);
	if (reach_possible(c, REACH_ADMIN))
		(void)api_get(c, REACH_ADMIN, "/admin/status", &d->admin);
	fail_clear(&c->failure);
}

/* --config, else the one that the agent has read, else the usual one. */
static void
doctor_load(struct doctor *d)
{
	const char *given = d->client->opt[OPT_CONFIG];

	if (given == NULL)
		given = json_string_value(json_object_get(d->admin, "configuration"));
	config_path(d->client, given, d->config_file, sizeof(d->config_file));
	if (config_load(d->config_file, d->mode, &d->config, d->config_err,
	    sizeof(d->config_err)) != TSR_OK)
		d->config = NULL;
	doctor_find_pcscd(d);
}

static unsigned
doctor_count(const json_t *results, const char *state)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < json_array_size(results); i++)
		n += strcmp(json_string_value(json_object_get(json_array_get(results, i), "state")), state) == 0;
	return n;
}

static void
doctor_show(const json_t *r)
{
	const char *state = json_string_value(json_object_get(r, "state"));
	char check[OUTPUT_TEXT_MAX], text[2 * DOCTOR_TEXT_MAX];
	enum output_colour colour = strcmp(state, "failure") == 0 ? OUTPUT_RED :
	    strcmp(state, "warning") == 0 ? OUTPUT_YELLOW : OUTPUT_PLAIN;

	(void)printf("%s%-8s%s", colour != OUTPUT_PLAIN ? output_colour(1, colour) : "", state,
	    colour != OUTPUT_PLAIN ? output_colour(1, OUTPUT_PLAIN) : "");
	(void)printf(" %-14s", output_member(r, "check", check, sizeof(check)));
	(void)printf("%s\n", output_member(r, "text", text, sizeof(text)));
	if (json_is_string(json_object_get(r, "mend")))
		(void)printf("%24s%s\n", "mend: ", output_member(r, "mend", text, sizeof(text)));
}

static void
doctor_print(const struct doctor *d, unsigned failures, unsigned warnings)
{
	const char *word = failures > 0 ? "failure" : warnings > 0 ? "warning" : "ok";
	json_t *doc;
	size_t i;

	if (d->client->opt[OPT_JSON] != NULL) {
		doc = json_pack("{s:s, s:s, s:O}", "status", word, "configuration", d->config_file,
		    "checks", d->results);
		output_json(doc);
		json_decref(doc);
		return;
	}
	for (i = 0; i < json_array_size(d->results); i++)
		doctor_show(json_array_get(d->results, i));
	if (failures + warnings == 0)
		(void)printf("Nothing is wrong.\n");
	else
		(void)printf("%u failure%s, %u warning%s.\n", failures, failures == 1 ? "" : "s", warnings,
		    warnings == 1 ? "" : "s");
}

int
cmd_doctor(struct client *c)
{
	struct doctor d;
	unsigned failures;
	size_t i;

	memset(&d, 0, sizeof(d));
	d.client = c;
	d.mode = c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM;
	if ((d.results = json_array()) == NULL)
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	doctor_ask(&d);
	doctor_load(&d);
	for (i = 0; i < DOCTOR_CHECKS; i++) {
		d.check = doctor_table[i].name;
		doctor_table[i].run(&d);
	}
	failures = doctor_count(d.results, "failure");
	doctor_print(&d, failures, doctor_count(d.results, "warning"));
	json_decref(d.results);
	json_decref(d.health);
	json_decref(d.devices);
	json_decref(d.admin);
	config_free(&d.config);
	return failures > 0 ? FAIL_FAILED : FAIL_NONE;
}
