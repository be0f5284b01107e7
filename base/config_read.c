/*
 * config_read.c - libconfuse's part: syntax, sections, known keys.
 *
 * All options are strings to libconfuse, so that each value is judged by the
 * table with words of its own.  A key's line is kept in the member for an
 * integer's default, of which a string makes no use and of which every section
 * has its own.
 *
 * SPDX-License-Identifier: ISC
 */
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#include "base/config_internal.h"

#define OPTIONS_MAX	32	/* keys and sections of one section */

/* libconfuse ends the process, or frees what it has freed, when memory runs
 * out: it gets all before it starts.  Its most expensive inputs are a list of
 * single letters, 40 bytes for each byte of the file, and sections. */
#define RESERVE_PER_BYTE	((size_t)64)
#define RESERVE_PER_SECTION	((size_t)8192)
#define RESERVE_OTHER		((size_t)1048576)	/* bytes: its scanner's buffers, stdio */

/* glibc's own, mallopt(3) */
#define RESERVE_TRIM	(128 * 1024)
#define RESERVE_MAPS	65536

struct options {
	cfg_opt_t root[OPTIONS_MAX], signing[OPTIONS_MAX], session[OPTIONS_MAX],
	    limits[OPTIONS_MAX], misuse[OPTIONS_MAX], audit[OPTIONS_MAX], module[OPTIONS_MAX], audience[OPTIONS_MAX],
	    verifiers[OPTIONS_MAX], helper[OPTIONS_MAX], metrics[OPTIONS_MAX], pcsc[OPTIONS_MAX],
	    fido[OPTIONS_MAX], webauthn[OPTIONS_MAX], ssh[OPTIONS_MAX], principal[OPTIONS_MAX];
};

/* libconfuse's callbacks carry no argument of ours. */
static _Thread_local struct config_parse *parsing;
static _Thread_local const struct config_source *reading;

/* libconfuse's complaints (3.3), their argument between what we say. */
static const struct {
	const char *theirs;
	const char *before;
	const char *after;
} complaints[] = {
	{ "no such option '%s'", "unknown key ", "remove it, or see tessera.conf(5) for its name" },
	{ "unexpected token '%s'", "unexpected ",
	    "write KEY = \"value\", KEY = {\"a\", \"b\"} or SECTION \"name\" { ... }" },
	{ "missing equal sign after option '%s'", "no \"=\" after the key ", "add it" },
	{ "missing opening brace for section '%s'", "no \"{\" at the begin of the section ", "add it" },
	{ "missing title for section '%s'", "no name after the section ",
	    "write SECTION \"name\" { ... }" },
};

/* A name that two sections of one kind bear. */
static void
complain_title(cfg_t *cfg, const char *title)
{
	static const char *const titled[] = { "audience", "pkcs11-module", "login-helper" };
	static const char *const nested[] = { "principal" };	/* of the one section with sections that have names */
	int inner = strcmp(cfg_name(cfg), "ssh") == 0;
	const char *const *kinds = inner ? nested : titled;
	struct config_scope scope = { reading, NULL };
	struct config_shown shown;
	const char *kind = NULL;
	cfg_t *sec;
	size_t i, found = 0;

	for (i = 0; i < (inner ? 1 : sizeof(titled) / sizeof(titled[0])); i++) {
		if ((sec = cfg_gettsec(cfg, kinds[i], title)) == NULL)
			continue;
		found++;
		kind = kinds[i];
		scope.sec = sec;
	}
	if (found == 1)
		(void)config_complain(parsing, reading, (unsigned)cfg->line,
		    "%s \"%s\" is there twice, here and on line %u: remove one or rename it",
		    kind, config_show(&shown, title), config_read_line(&scope));
	else
		(void)config_complain(parsing, reading, (unsigned)cfg->line,
		    "two sections of one kind have the name \"%s\": remove one or rename it",
		    config_show(&shown, title));
}

static void
complain(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct config_shown shown;
	char text[256];
	size_t i;

	if (parsing == NULL)
		return;
	if (strcmp(fmt, "found duplicate title '%s'") == 0) {
		complain_title(cfg, va_arg(ap, const char *));
		return;
	}
	for (i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
		if (strcmp(fmt, complaints[i].theirs) != 0)
			continue;
		(void)config_complain(parsing, reading, (unsigned)cfg->line, "%s\"%s\": %s",
		    complaints[i].before, config_show(&shown, va_arg(ap, const char *)),
		    complaints[i].after);
		return;
	}
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	(void)config_complain(parsing, reading, (unsigned)cfg->line,
	    "%s: see tessera.conf(5) for the syntax", config_show(&shown, text));
}

/* libconfuse has a value of a key: keep the line, refuse a second setting. */
static int
note_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (opt->nvalues <= 1 && opt->def.number != 0) {
		(void)config_complain(parsing, reading, (unsigned)cfg->line,
		    "%s is set twice, here and on line %ld: remove one", opt->name,
		    opt->def.number);
		return -1;
	}
	if (opt->nvalues > CONFIG_LIST_MAX) {
		(void)config_complain(parsing, reading, (unsigned)cfg->line,
		    "%s has more than %d entries: take some away", opt->name, CONFIG_LIST_MAX);
		return -1;
	}
	if (opt->def.number == 0)
		opt->def.number = cfg->line;
	*(const char **)result = value;
	return 0;
}

/* Add the options of a table after those that are there. */
static void
add_keys(cfg_opt_t *options, const struct config_key *keys)
{
	size_t i;

	for (i = 0; options[i].name != NULL; i++)
		;
	for (; keys->name != NULL && i < OPTIONS_MAX - 1; i++, keys++) {
		options[i] = (cfg_opt_t)CFG_STR_CB(keys->name, NULL, CFGF_NODEFAULT, note_value);
		if (keys->kind == CONFIG_LIST)
			options[i].flags |= CFGF_LIST;
	}
}

static void
add_section(cfg_opt_t *options, const char *name, cfg_opt_t *section, cfg_flag_t flags)
{
	size_t i;

	for (i = 0; options[i].name != NULL; i++)
		;
	if (i < OPTIONS_MAX - 1)
		options[i] = (cfg_opt_t)CFG_SEC(name, section, flags);
}

static void
options_init(struct options *o)
{
	static const struct config_key uid[] = {
		{ "uid", CONFIG_STRING, 0, NULL, 0, 0, NULL, NULL },
		{ NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, NULL }
	};

	memset(o, 0, sizeof(*o));
	add_keys(o->root, config_keys_root);
	add_keys(o->signing, config_keys_signing);
	add_keys(o->session, config_keys_session);
	add_keys(o->pcsc, config_keys_pcsc);
	add_keys(o->fido, config_keys_fido);
	add_keys(o->webauthn, config_keys_webauthn);
	add_keys(o->ssh, config_keys_ssh);
	add_keys(o->principal, config_keys_principal);
	add_keys(o->limits, config_keys_limits);
	add_keys(o->misuse, config_keys_misuse);
	add_keys(o->audit, config_keys_audit);
	add_keys(o->module, config_keys_module);
	add_keys(o->audience, config_keys_audience);
	add_keys(o->audience, config_keys_callers);
	add_keys(o->verifiers, config_keys_callers);
	add_keys(o->helper, config_keys_helper);
	add_keys(o->helper, uid);
	add_keys(o->metrics, config_keys_callers);
	add_section(o->root, "signing", o->signing, CFGF_NONE);
	add_section(o->root, "session", o->session, CFGF_NONE);
	add_section(o->root, "pcsc", o->pcsc, CFGF_NONE);
	add_section(o->root, "fido", o->fido, CFGF_NONE);
	add_section(o->root, "webauthn", o->webauthn, CFGF_NONE);
	add_section(o->ssh, "principal", o->principal,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	add_section(o->root, "ssh", o->ssh, CFGF_NODEFAULT);	/* there where it is written alone */
	add_section(o->root, "limits", o->limits, CFGF_NONE);
	add_section(o->root, "misuse", o->misuse, CFGF_NONE);
	add_section(o->root, "audit", o->audit, CFGF_NONE);
	add_section(o->root, "metrics", o->metrics, CFGF_NONE);
	add_section(o->audience, "verifiers", o->verifiers, CFGF_NONE);
	add_section(o->root, "pkcs11-module", o->module,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	add_section(o->root, "audience", o->audience,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
	add_section(o->root, "login-helper", o->helper,
	    CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);
}

/* Have the memory for size bytes in our heap, from which nothing goes back to the
 * system until let_go(): what another process takes meanwhile, and a limit, are not
 * felt.  TSR_NOMEM. */
static int
reserve(size_t size)
{
	char *p;

	(void)mallopt(M_MMAP_MAX, 0);
	(void)mallopt(M_TRIM_THRESHOLD, -1);
	p = malloc(size * RESERVE_PER_BYTE + CONFIG_SECTIONS_MAX * RESERVE_PER_SECTION + RESERVE_OTHER);
	if (p == NULL)
		return TSR_NOMEM;
	*(volatile char *)p = 0;	/* or the compiler sees through it */
	free(p);
	return TSR_OK;
}

static void
let_go(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, RESERVE_TRIM);
	(void)mallopt(M_MMAP_MAX, RESERVE_MAPS);
	(void)malloc_trim(0);
}

/* With the memory that it takes. */
static int
parse(struct config_parse *p, struct config_source *source)
{
	struct options o;

	options_init(&o);
	if ((source->cfg = cfg_init(o.root, CFGF_NONE)) == NULL)
		return TSR_NOMEM;
	(void)cfg_set_error_function(source->cfg, complain);
	if (cfg_parse_buf(source->cfg, source->text) == CFG_SUCCESS)
		return TSR_OK;
	if (p->code != TSR_OK)
		return p->code;
	/* memory ran out: what libconfuse left cannot be freed safely */
	source->cfg = NULL;
	return TSR_NOMEM;
}

int
config_read(struct config_parse *p, struct config_source *source)
{
	int r;

	parsing = p;
	reading = source;
	if ((r = reserve(source->size)) == TSR_OK)
		r = parse(p, source);
	let_go();
	parsing = NULL;
	reading = NULL;
	return r;
}

unsigned
config_read_line(const struct config_scope *scope)
{
	return config_text_block(scope->source->text, (unsigned)scope->sec->line);
}

int
config_read_find(struct config_parse *p, const char *key,
    const struct config_scope *scopes, size_t n, cfg_opt_t **opt,
    const struct config_scope **scope)
{
	const struct config_scope *found = NULL;
	cfg_opt_t *found_opt = NULL, *o;
	struct config_shown shown;
	size_t i;

	for (i = 0; i < n; i++) {
		o = cfg_getopt(scopes[i].sec, key);
		if (o == NULL || o->def.number == 0)
			continue;
		if (found_opt != NULL)
			return config_complain(p, scopes[i].source, (unsigned)o->def.number,
			    "%s is set twice, here and at %s:%ld: remove one", key,
			    config_show(&shown, found->source->name), found_opt->def.number);
		found = &scopes[i];
		found_opt = o;
	}
	*opt = found_opt;
	*scope = found;
	return TSR_OK;
}
