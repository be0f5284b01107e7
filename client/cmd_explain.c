/*
 * cmd_explain.c - config explain: would this user, or this unit, be given a token
 * of this audience, and which line says so.  From the configuration alone: the
 * agent need not run.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/escape.h"
#include "client/command.h"
#include "client/config_path.h"
#include "client/output.h"
#include "tessera.h"

#define EXPLAIN_GROUPS	1024	/* groups of one user that are looked at */
#define EXPLAIN_NAME	256	/* bytes of a user's name, with NUL */
#define EXPLAIN_TEXT	512	/* bytes of the reason, with NUL */

/* What was asked, and what came of it. */
struct explain {
	const struct config *config;
	const char *user, *unit;
	char name[EXPLAIN_NAME];	/* the user's, as the system spells it */
	uid_t uid;
	gid_t groups[EXPLAIN_GROUPS];
	int n_groups;
	const struct config_audience *audience;
	int allowed;
	unsigned line;
	const char *setting;		/* that decides */
	char reason[EXPLAIN_TEXT];
};

/* Decimal numbers name themselves. */
static int
explain_number(const char *text, uint32_t *out)
{
	char *end = NULL;
	unsigned long v;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || v >= UINT32_MAX)
		return 0;
	*out = (uint32_t)v;
	return 1;
}

static int
explain_user(struct client *c, struct explain *e)
{
	struct passwd *pw;
	uint32_t number;

	e->user = c->opt[OPT_USER];
	pw = explain_number(e->user, &number) ? getpwuid(number) : getpwnam(e->user);
	if (pw == NULL && !explain_number(e->user, &number))
		return fail_set(&c->failure, "not_found", "there is no user \"%.64s\" on this machine",
		    e->user);
	e->uid = pw != NULL ? pw->pw_uid : number;
	if (pw == NULL)			/* a uid without a name has no groups by name */
		return FAIL_NONE;
	(void)snprintf(e->name, sizeof(e->name), "%s", pw->pw_name);
	e->n_groups = EXPLAIN_GROUPS;
	if (getgrouplist(pw->pw_name, pw->pw_gid, e->groups, &e->n_groups) == -1)
		e->n_groups = EXPLAIN_GROUPS;	/* as many as fit */
	return FAIL_NONE;
}

static int
explain_is_user(const struct explain *e, const char *name)
{
	const struct passwd *pw;
	uint32_t number;

	if (explain_number(name, &number))
		return number == e->uid;
	return (pw = getpwnam(name)) != NULL && pw->pw_uid == e->uid;
}

static int
explain_in_group(const struct explain *e, const char *name)
{
	const struct group *gr;
	uint32_t gid;
	int i;

	if (!explain_number(name, &gid)) {
		if ((gr = getgrnam(name)) == NULL)
			return 0;
		gid = gr->gr_gid;
	}
	for (i = 0; i < e->n_groups; i++)
		if (e->groups[i] == gid)
			return 1;
	return 0;
}

static int
explain_is_unit(const struct explain *e, const char *name)
{
	return e->unit != NULL && strcmp(e->unit, name) == 0;
}

static int
explain_list(struct explain *e, const char *setting, const struct strings *list, unsigned line,
    int (*is)(const struct explain *e, const char *name))
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (is(e, list->v[i])) {
			e->allowed = 1;
			e->setting = setting;
			e->line = line;
			(void)snprintf(e->reason, sizeof(e->reason), "%s names \"%s\"", setting, list->v[i]);
			return 1;
		}
	return 0;
}

/* As the agent judges (agent/policy.c): the first that matches. */
static void
explain_judge(struct explain *e)
{
	const struct config_audience *a = e->audience;
	const struct config_callers *w = &a->callers;

	if (w->any_user) {
		e->allowed = 1;
		e->setting = "any-user";
		e->line = a->line.any_user;
		(void)snprintf(e->reason, sizeof(e->reason), "any-user lets every local user ask");
		return;
	}
	if (explain_list(e, "users", &w->users, a->line.users, explain_is_user) ||
	    explain_list(e, "groups", &w->groups, a->line.groups, explain_in_group) ||
	    explain_list(e, "units", &w->units, a->line.units, explain_is_unit))
		return;
	e->setting = "callers";
	e->line = a->line.section;
	(void)snprintf(e->reason, sizeof(e->reason), w->users.n + w->groups.n + w->units.n == 0 ?
	    "the audience names no users, groups or units: nobody may ask" :
	    "neither users nor groups nor units of the audience %s", e->unit != NULL ?
	    "name this user or this unit" : "name this user; for a service say --unit, too");
}

/* The grants by which it could be had. */
static json_t *
explain_grants(const struct config_audience *a)
{
	json_t *all = json_array();

	if (a->class == CLASS_SERVICE) {
		(void)json_array_append_new(all, json_string("client_credentials"));
		return all;
	}
	(void)json_array_append_new(all, json_string("device"));
	if (a->acr <= ACR_OTP)
		(void)json_array_append_new(all, json_string("otp"));
	if (a->reuse != REUSE_NEVER)
		(void)json_array_append_new(all, json_string("session"));
	if (a->refresh)
		(void)json_array_append_new(all, json_string("refresh_token"));
	return all;
}

/* One principal of everybody, as this user bears it. */
static json_t *
explain_expand(const struct explain *e, const char *text)
{
	char out[2 * EXPLAIN_NAME] = "";
	size_t n = 0, len;

	for (; *text != '\0' && n < sizeof(out); text++) {
		len = (size_t)snprintf(out + n, sizeof(out) - n, text[0] == '%' ? "%s" : "%.1s",
		    text[0] == '%' ? e->name : text);
		n += len;
		text += text[0] == '%';		/* its u */
	}
	return json_string(out);
}

static int
explain_bears(const struct explain *e, const struct config_callers *who)
{
	size_t i;

	for (i = 0; i < who->users.n; i++)
		if (explain_is_user(e, who->users.v[i]))
			return 1;
	for (i = 0; i < who->groups.n; i++)
		if (explain_in_group(e, who->groups.v[i]))
			return 1;
	return who->any_user;
}

/* What his SSH certificates bear. */
static json_t *
explain_principals(const struct explain *e)
{
	const struct config *c = e->config;
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < c->ssh.principals.n; i++)
		(void)json_array_append_new(all, explain_expand(e, c->ssh.principals.v[i]));
	for (i = 0; i < c->ssh.n_extra; i++)
		if (explain_bears(e, &c->ssh.extra[i].who))
			(void)json_array_append_new(all, json_string(c->ssh.extra[i].name));
	return all;
}

static json_t *
explain_document(const struct explain *e)
{
	static const char *const classes[] = {
		[CLASS_INTERACTIVE] = "interactive", [CLASS_LOGIN] = "login", [CLASS_SERVICE] = "service"
	};
	static const char *const reuses[] = {
		[REUSE_NEVER] = "never", [REUSE_AUDIENCE] = "audience", [REUSE_SESSION] = "session"
	};
	const struct config_audience *a = e->audience;
	json_t *scopes = json_array(), *doc;
	size_t i;

	for (i = 0; i < a->scopes.n; i++)
		(void)json_array_append_new(scopes, json_string(a->scopes.v[i]));
	doc = json_pack("{s:b, s:s, s:s, s:s, s:i, s:s, s:I, s:s, s:s*, s:s, s:o, s:o, s:I, s:I, s:s}",
	    "allowed", e->allowed, "reason", e->reason, "setting", e->setting, "file", a->file,
	    "line", (int)e->line, "user", e->user, "uid", (json_int_t)e->uid, "audience", a->name,
	    "unit", e->unit, "class", classes[a->class], "grants", explain_grants(a), "scopes", scopes,
	    "lifetime", (json_int_t)a->lifetime, "max_age", (json_int_t)a->max_age,
	    "format", a->format == FORMAT_OPAQUE ? "opaque" : "jwt");
	if (a->class != CLASS_SERVICE) {
		(void)json_object_set_new(doc, "acr", json_string(acr_name(a->acr)));
		(void)json_object_set_new(doc, "reuse", json_string(reuses[a->reuse]));
	}
	if (e->config->ssh.there && strcmp(e->config->ssh.audience, a->name) == 0 && e->name[0] != '\0')
		(void)json_object_set_new(doc, "principals", explain_principals(e));
	return doc;
}

static void
explain_print(struct client *c, const struct explain *e)
{
	static const struct output_column columns[] = {
		{ "class", "class", 0 }, { "grants", "grants", 0 }, { "scopes", "scopes", 0 },
		{ "format", "format", 0 }, { "acr", "acr", 0 }, { "reuse", "reuse", 0 },
		{ "max age, s", "max_age", 0 }, { "lifetime, s", "lifetime", 0 },
		{ "SSH principals", "principals", 0 },
	};
	json_t *doc = explain_document(e);
	char file[PATH_MAX];

	if (c->opt[OPT_JSON] != NULL)
		output_json(doc);
	else {
		escape_text(file, sizeof(file), e->audience->file, strlen(e->audience->file));
		(void)printf("%s: %s (%s:%u)\n", e->allowed ? "allowed" : "denied", e->reason, file,
		    e->line);
		if (e->allowed)
			output_block(doc, columns, sizeof(columns) / sizeof(columns[0]));
	}
	json_decref(doc);
}

int
cmd_config_explain(struct client *c)
{
	char path[PATH_MAX], err[FAIL_TEXT_MAX] = "";
	struct config *conf = NULL;
	struct explain *e = NULL;
	int status;

	config_path(c, c->n_words > 0 ? c->word[0] : NULL, path, sizeof(path));
	if (config_load(path, c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM, &conf, err,
	    sizeof(err)) != TSR_OK)
		return fail_set(&c->failure, "invalid_config", "%s", err);
	if ((e = calloc(1, sizeof(*e))) == NULL)
		status = fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	else if ((e->audience = config_audience(conf, c->opt[OPT_AUDIENCE])) == NULL)
		status = fail_set(&c->failure, "not_found", "%s has no audience \"%.128s\"", conf->file,
		    c->opt[OPT_AUDIENCE]);
	else if ((status = explain_user(c, e)) == FAIL_NONE) {
		e->config = conf;
		e->unit = c->opt[OPT_UNIT];
		explain_judge(e);
		explain_print(c, e);
		status = e->allowed ? FAIL_NONE : FAIL_DENIED;
	}
	free(e);
	config_free(&conf);
	return status;
}
