/*
 * config_section.c - the sections: those that the files fill together, and
 * those that have names, with the rules that span their keys.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#include "base/config_internal.h"

#define AUDIENCE_ADMIN	"tessera-admin"
#define TITLED_MAX	1024	/* sections of one kind in all files */
#define WHERE_MAX	224	/* bytes of "audience "NAME": verifiers: " */

/* A kind of section that has a name, and the struct for each, whose first
 * member is that name. */
struct titled {
	const char *section;
	size_t size;
	int (*fill)(struct config_parse *p, const struct config_scope *scope,
	    const char *where, void *item);
};

static int
missing(struct config_parse *p, const struct config_scope *scope, const char *where,
    const char *key, const char *example)
{
	return config_complain(p, scope->source, config_read_line(scope),
	    "%s%s is missing: add %s = %s", where, key, key, example);
}

static int
fill_module(struct config_parse *p, const struct config_scope *scope, const char *where,
    void *item)
{
	struct config_module *m = item;
	struct config_shown shown;
	const char *advice;
	int r;

	if ((r = config_key_fill(p, config_keys_module, scope, 1, where, m)) != TSR_OK)
		return r;
	if (m->path == NULL)
		return missing(p, scope, where, "path", "\"/path/of/module.so\"");
	if (p->mode == CONFIG_SYSTEM && config_file_trusted(m->path, &advice) != TSR_OK)
		return config_complain(p, scope->source,
		    (unsigned)cfg_getopt(scope->sec, "path")->def.number,
		    "%spath = \"%s\", or a folder above it, %s", where,
		    config_show(&shown, m->path), advice);
	return TSR_OK;
}

/* What holds for class login and for administration, whatever is written. */
static int
force_reuse(struct config_parse *p, const struct config_scope *scope, const char *where,
    struct config_audience *a)
{
	long line;

	if (a->class != CLASS_INTERACTIVE && a->refresh)
		return config_complain(p, scope->source,
		    (unsigned)cfg_getopt(scope->sec, "refresh")->def.number,
		    "%srefresh = true is not for class %s: remove it", where,
		    a->class == CLASS_LOGIN ? "login" : "service");
	if (a->refresh && (a->reuse == REUSE_NEVER || strcmp(a->name, AUDIENCE_ADMIN) == 0))
		return config_complain(p, scope->source,
		    (unsigned)cfg_getopt(scope->sec, "refresh")->def.number,
		    "%srefresh = true is not for an audience that takes a proof for each token: remove it",
		    where);
	if (a->class != CLASS_LOGIN && strcmp(a->name, AUDIENCE_ADMIN) != 0)
		return TSR_OK;
	line = cfg_getopt(scope->sec, "reuse")->def.number;
	if (line != 0 && a->reuse != REUSE_NEVER)
		return config_complain(p, scope->source, (unsigned)line,
		    "%sreuse = \"%s\" is not for %s, which takes a proof for each token:"
		    " write \"never\" or remove it", where, cfg_getstr(scope->sec, "reuse"),
		    a->class == CLASS_LOGIN ? "class login" : "the audience " AUDIENCE_ADMIN);
	a->reuse = REUSE_NEVER;
	return TSR_OK;
}

/* The line of a key, 0 where it is not given. */
static unsigned
line_of(const struct config_scope *scope, const char *key)
{
	return (unsigned)cfg_getopt(scope->sec, key)->def.number;
}

/* Where each thing that decides about callers was written, to be told. */
static int
note_lines(const struct config_scope *scope, struct config_audience *a)
{
	if ((a->file = strdup(scope->source->name)) == NULL)
		return TSR_NOMEM;
	a->line.section = config_read_line(scope);
	a->line.users = line_of(scope, "users");
	a->line.groups = line_of(scope, "groups");
	a->line.units = line_of(scope, "units");
	a->line.any_user = line_of(scope, "any-user");
	a->line.class = line_of(scope, "class");
	a->line.scopes = line_of(scope, "scopes");
	return TSR_OK;
}

static int
fill_audience(struct config_parse *p, const struct config_scope *scope, const char *where,
    void *item)
{
	struct config_audience *a = item;
	struct config_scope verifiers = { scope->source, cfg_getsec(scope->sec, "verifiers") };
	struct config_shown shown;
	char inner[WHERE_MAX];
	const char *advice;
	int r;

	if ((advice = config_check_scope(a->name)) != NULL)
		return config_complain(p, scope->source, config_read_line(scope),
		    "audience \"%s\" is no name for an audience: %s",
		    config_show(&shown, a->name), advice);
	if (verifiers.sec == NULL)
		return TSR_NOMEM;
	(void)snprintf(inner, sizeof(inner), "%sverifiers: ", where);
	if ((r = config_key_fill(p, config_keys_audience, scope, 1, where, a)) != TSR_OK ||
	    (r = config_key_fill(p, config_keys_callers, scope, 1, where, &a->callers)) != TSR_OK ||
	    (r = config_key_fill(p, config_keys_callers, &verifiers, 1, inner,
	    &a->verifiers)) != TSR_OK)
		return r;
	if (a->scopes.n == 0)
		return missing(p, scope, where, "scopes", "{\"read\"}");
	if ((r = note_lines(scope, a)) != TSR_OK)
		return r;
	return force_reuse(p, scope, where, a);
}

static int
fill_helper(struct config_parse *p, const struct config_scope *scope, const char *where,
    void *item)
{
	/* "uid" is another word for "user" */
	static const struct config_key uid[] = {
		{ "uid", CONFIG_STRING, offsetof(struct config_login_helper, user), NULL,
		    0, 0, NULL, config_check_name },
		{ NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, NULL }
	};
	struct config_login_helper *h = item;
	long line;
	int r;

	if ((r = config_key_fill(p, config_keys_helper, scope, 1, where, h)) != TSR_OK)
		return r;
	line = cfg_getopt(scope->sec, "uid")->def.number;
	if (h->user != NULL && line != 0)
		return config_complain(p, scope->source, (unsigned)line,
		    "%suid and user are one key: remove one", where);
	if ((r = config_key_fill(p, uid, scope, 1, where, h)) != TSR_OK)
		return r;
	if (h->user == NULL)
		return missing(p, scope, where, "user", "\"root\"");
	return h->unit != NULL ? TSR_OK :
	    missing(p, scope, where, "unit", "\"gdm.service\"");
}

/* Refuse item, the n-th of items, where an earlier one has its name. */
static int
refuse_twin(struct config_parse *p, const struct titled *t, const struct config_scope *scope,
    const char *items, size_t n)
{
	const char *name = *(char *const *)(const void *)(items + n * t->size);
	struct config_shown shown, file;
	struct config_scope first;
	size_t i;

	for (i = 0; i < p->n; i++) {
		first.source = &p->source[i];
		if (first.source == scope->source)
			return TSR_OK;	/* within one file libconfuse looks */
		if ((first.sec = cfg_gettsec(first.source->cfg, t->section, name)) != NULL)
			return config_complain(p, scope->source, config_read_line(scope),
			    "%s \"%s\" is there twice, here and at %s:%u: remove one or rename it",
			    t->section, config_show(&shown, name),
			    config_show(&file, first.source->name), config_read_line(&first));
	}
	return TSR_OK;
}

static int
fill_item(struct config_parse *p, const struct titled *t, const struct config_scope *scope,
    char *items, size_t n)
{
	const char *title = cfg_title(scope->sec), *advice;
	struct config_shown shown;
	char where[WHERE_MAX];
	void *item = items + n * t->size;
	int r;

	if ((*(char **)item = strdup(title)) == NULL)
		return TSR_NOMEM;
	if ((r = refuse_twin(p, t, scope, items, n)) != TSR_OK)
		return r;
	if (t->fill != fill_audience && (advice = config_check_label(title)) != NULL)
		return config_complain(p, scope->source, config_read_line(scope),
		    "%s \"%s\" has no good name: %s", t->section, config_show(&shown, title), advice);
	(void)snprintf(where, sizeof(where), "%s \"%s\": ", t->section, config_show(&shown, title));
	return t->fill(p, scope, where, item);
}

/* All sections of one kind, file by file.  *n counts also a half-filled last
 * one, for config_free. */
static int
fill_titled(struct config_parse *p, const struct titled *t, void *out, size_t *n)
{
	struct config_scope scope;
	size_t total = 0, i;
	unsigned j;
	char *items;
	int r;

	for (i = 0; i < p->n; i++)
		total += cfg_size(p->source[i].cfg, t->section);
	if (total == 0)
		return TSR_OK;
	if (total > TITLED_MAX)
		return config_complain(p, &p->source[0], 0,
		    "and conf.d have more than %d sections %s: take some away", TITLED_MAX, t->section);
	if ((items = calloc(total, t->size)) == NULL)
		return TSR_NOMEM;
	memcpy(out, &items, sizeof(items));
	for (i = 0; i < p->n; i++) {
		scope.source = &p->source[i];
		for (j = 0; j < cfg_size(scope.source->cfg, t->section); j++) {
			scope.sec = cfg_getnsec(scope.source->cfg, t->section, j);
			(*n)++;
			if ((r = fill_item(p, t, &scope, items, *n - 1)) != TSR_OK)
				return r;
		}
	}
	return TSR_OK;
}

int
config_section_plain(struct config_parse *p, const char *section, const struct config_key *keys,
    void *base)
{
	struct config_scope scopes[CONFIG_FILES_MAX];
	char where[32] = "";
	size_t i;

	if (section != NULL)
		(void)snprintf(where, sizeof(where), "%s: ", section);
	for (i = 0; i < p->n; i++) {
		scopes[i].source = &p->source[i];
		scopes[i].sec = section == NULL ? p->source[i].cfg :
		    cfg_getsec(p->source[i].cfg, section);
		if (scopes[i].sec == NULL)
			return TSR_NOMEM;
	}
	return config_key_fill(p, keys, scopes, p->n, where, base);
}

/* Where a key of the section is set: a source and a line, or the first and 0. */
static unsigned
webauthn_line(const struct config_parse *p, const char *key, const struct config_source **source)
{
	cfg_t *sec;
	size_t i;

	for (i = 0; i < p->n; i++)
		if ((sec = cfg_getsec(p->source[i].cfg, "webauthn")) != NULL &&
		    cfg_getopt(sec, key)->def.number != 0) {
			*source = &p->source[i];
			return (unsigned)cfg_getopt(sec, key)->def.number;
		}
	*source = &p->source[0];
	return 0;
}

/* Does the origin's host end in the rp id?  (WebAuthn level 3 section 5.1.3) */
static int
webauthn_within(const char *origin, const char *rp_id)
{
	const char *host = strstr(origin, "://") + 3;
	size_t n = strcspn(host, ":"), id = strlen(rp_id);

	return n >= id && strncmp(host + n - id, rp_id, id) == 0 && (n == id || host[n - id - 1] == '.');
}

int
config_section_webauthn(struct config_parse *p, struct config *c)
{
	const struct config_source *source;
	struct config_shown shown;
	unsigned line;
	size_t i;
	int r;

	if ((r = config_section_plain(p, "webauthn", config_keys_webauthn, c)) != TSR_OK)
		return r;
	if (c->webauthn.rp_id == NULL && c->webauthn.origins.n == 0)
		return TSR_OK;
	line = webauthn_line(p, c->webauthn.rp_id != NULL ? "rp-id" : "origins", &source);
	if (c->webauthn.rp_id == NULL)
		return config_complain(p, source, line, "webauthn: rp-id is missing: add rp-id = "
		    "\"DOMAIN\", which the origins share");
	if (c->webauthn.origins.n == 0)
		return config_complain(p, source, line, "webauthn: origins is missing: add origins = "
		    "{\"https://%s\"}", c->webauthn.rp_id);
	line = webauthn_line(p, "origins", &source);
	for (i = 0; i < c->webauthn.origins.n; i++)
		if (!webauthn_within(c->webauthn.origins.v[i], c->webauthn.rp_id))
			return config_complain(p, source, line, "webauthn: origins = \"%s\" is not within "
			    "rp-id \"%s\": no browser would ask for it there",
			    config_show(&shown, c->webauthn.origins.v[i]), c->webauthn.rp_id);
	return TSR_OK;
}

int
config_section_named(struct config_parse *p, struct config *c)
{
	static const struct titled modules = {
		"pkcs11-module", sizeof(struct config_module), fill_module };
	static const struct titled audiences = {
		"audience", sizeof(struct config_audience), fill_audience };
	static const struct titled helpers = {
		"login-helper", sizeof(struct config_login_helper), fill_helper };
	int r;

	if ((r = fill_titled(p, &modules, &c->modules, &c->n_modules)) != TSR_OK ||
	    (r = fill_titled(p, &audiences, &c->audiences, &c->n_audiences)) != TSR_OK)
		return r;
	return fill_titled(p, &helpers, &c->login_helpers, &c->n_login_helpers);
}
