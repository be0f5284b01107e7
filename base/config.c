/*
 * config.c - a whole configuration: files put together, defaults that depend
 * on the mode, complaints.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

#include "base/config_internal.h"
#include "base/escape.h"

/* Drop the last character where snprintf may have cut it. */
static void
trim(char *text, size_t size)
{
	size_t n;

	if (size == 0 || (n = strlen(text)) + 1 < size)
		return;
	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	if (n > 0 && (unsigned char)text[n - 1] >= 0xc0)
		n--;
	text[n] = '\0';
}

int
config_complain(struct config_parse *p, const struct config_source *source,
    unsigned line, const char *fmt, ...)
{
	char sentence[768];
	struct config_shown shown;
	va_list ap;

	if (p->code != TSR_OK)
		return p->code;
	p->code = TSR_CONFIG;
	va_start(ap, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if (source == NULL)
		(void)snprintf(p->err, p->err_size, "%s", sentence);
	else if (line == 0)
		(void)snprintf(p->err, p->err_size, "%s: %s",
		    config_show(&shown, source->name), sentence);
	else
		(void)snprintf(p->err, p->err_size, "%s:%u: %s",
		    config_show(&shown, source->name), line, sentence);
	trim(p->err, p->err_size);
	return TSR_CONFIG;
}

const char *
config_show(struct config_shown *s, const char *text)
{
	return escape_text(s->text, sizeof(s->text), text, strlen(text));
}

int
config_duration(const char *text, uint32_t *seconds)
{
	static const char letters[] = "smhd";
	static const uint32_t factors[] = { 1, 60, 3600, 86400 };
	uint64_t n = 0;
	const char *c, *letter;

	for (c = text; *c >= '0' && *c <= '9'; c++)
		if ((n = n * 10 + (uint64_t)(*c - '0')) > UINT32_MAX)
			return TSR_INVALID;
	if (c == text)
		return TSR_INVALID;
	if (*c != '\0') {
		if ((letter = strchr(letters, *c)) == NULL || c[1] != '\0')
			return TSR_INVALID;
		n *= factors[letter - letters];
	}
	if (n > UINT32_MAX)
		return TSR_INVALID;
	*seconds = (uint32_t)n;
	return TSR_OK;
}

const char *
acr_name(enum acr acr)
{
	const struct config_word *w;

	for (w = config_words_acr; w->word != NULL; w++)
		if (w->value == (unsigned)acr)
			return w->word;
	return "unknown";
}

int
acr_parse(const char *name, enum acr *acr)
{
	const struct config_word *w;

	for (w = config_words_acr; w->word != NULL; w++) {
		if (strcmp(w->word, name) == 0) {
			*acr = (enum acr)w->value;
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}

/* A folder that the environment names, or NULL. */
static const char *
folder_of(const char *variable)
{
	const char *text;

	text = secure_getenv(variable);
	return text != NULL && text[0] == '/' && escape_is_text(text, strlen(text)) ? text : NULL;
}

/* *out = BASE/tail or HOME/below/tail from the environment. */
static int
user_folder(struct config_parse *p, char **out, const char *variable, const char *below,
    const char *tail, const char *key)
{
	const char *base, *home;
	int n;

	if (*out != NULL)
		return TSR_OK;
	base = folder_of(variable);
	home = folder_of("HOME");
	if (base != NULL)
		n = asprintf(out, "%s/%s", base, tail);
	else if (below != NULL && home != NULL)
		n = asprintf(out, "%s/%s/%s", home, below, tail);
	else
		return config_complain(p, &p->source[0], 0,
		    "%s is missing and %s is no absolute path: set one of them", key, variable);
	if (n < 0) {
		*out = NULL;
		return TSR_NOMEM;
	}
	return TSR_OK;
}

static int
default_text(char **out, const char *text)
{
	if (*out == NULL && (*out = strdup(text)) == NULL)
		return TSR_NOMEM;
	return TSR_OK;
}

/* Folders and store where the files name none. */
static int
fill_folders(struct config_parse *p, struct config *c)
{
	int r;

	if (p->mode == CONFIG_SYSTEM) {
		if ((r = default_text(&c->state_dir, "/var/lib/tessera")) != TSR_OK ||
		    (r = default_text(&c->socket_dir, "/run/tessera")) != TSR_OK ||
		    (r = default_text(&c->public_dir, "/run/tesserad")) != TSR_OK)
			return r;
	} else if ((r = user_folder(p, &c->state_dir, "XDG_STATE_HOME", ".local/state", "tessera",
	    "state-dir")) != TSR_OK ||
	    (r = user_folder(p, &c->socket_dir, "XDG_RUNTIME_DIR", NULL, "tessera",
	    "socket-dir")) != TSR_OK ||
	    (r = user_folder(p, &c->public_dir, "XDG_RUNTIME_DIR", NULL, "tesserad",
	    "public-dir")) != TSR_OK)
		return r;
	if (c->store == NULL && asprintf(&c->store, "sqlite:%s/tessera.db", c->state_dir) < 0) {
		c->store = NULL;
		return TSR_NOMEM;
	}
	return TSR_OK;
}

/* Two users of one machine, or one and the system, are not one relying party. */
static int
fill_realm(struct config_parse *p, struct config *c)
{
	return default_text(&c->realm, p->mode == CONFIG_USER ? "user" : "localhost");
}

static int
fill_issuer(struct config_parse *p, struct config *c)
{
	if (c->issuer != NULL)
		return TSR_OK;
	if (p->mode == CONFIG_USER)
		return default_text(&c->issuer, "https://localhost/tessera");
	return config_complain(p, &p->source[0], 0,
	    "issuer is missing: add issuer = \"https://HOST/tessera\" with this host's name");
}

static int
fill(struct config_parse *p, struct config *c)
{
	int r;

	if ((r = default_text(&c->file, p->source[0].name)) != TSR_OK ||
	    (r = config_section_plain(p, NULL, config_keys_root, c)) != TSR_OK ||
	    (r = config_section_plain(p, "signing", config_keys_signing, c)) != TSR_OK ||
	    (r = config_section_plain(p, "session", config_keys_session, c)) != TSR_OK ||
	    (r = config_section_plain(p, "pcsc", config_keys_pcsc, c)) != TSR_OK ||
	    (r = config_section_plain(p, "fido", config_keys_fido, c)) != TSR_OK ||
	    (r = config_section_webauthn(p, c)) != TSR_OK ||
	    (r = config_section_plain(p, "limits", config_keys_limits, c)) != TSR_OK ||
	    (r = config_section_plain(p, "misuse", config_keys_misuse, c)) != TSR_OK ||
	    (r = config_section_plain(p, "audit", config_keys_audit, c)) != TSR_OK ||
	    (r = config_section_plain(p, "metrics", config_keys_callers, &c->metrics)) != TSR_OK ||
	    (r = fill_issuer(p, c)) != TSR_OK || (r = fill_realm(p, c)) != TSR_OK ||
	    (r = fill_folders(p, c)) != TSR_OK ||
	    (r = config_section_named(p, c)) != TSR_OK || (r = config_section_ssh(p, c)) != TSR_OK)
		return r;
	return TSR_OK;
}

int
config_assemble(struct config_parse *p, struct config **out)
{
	struct config *c;
	size_t i;
	int r = TSR_OK;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < p->n && r == TSR_OK; i++)
		if ((r = config_text_scan(p, &p->source[i])) == TSR_OK)
			r = config_read(p, &p->source[i]);
	if (r == TSR_OK && (r = fill(p, c)) == TSR_OK) {
		*out = c;
		c = NULL;
	}
	config_free(&c);
	return r;
}

void
config_parse_free(struct config_parse *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->n; i++) {
		if (p->source[i].cfg != NULL)
			(void)cfg_free(p->source[i].cfg);
		free(p->source[i].text);
		free(p->source[i].name);
	}
	free(p);
}

int
config_load(const char *file, enum config_mode mode, struct config **out,
    char *err, size_t err_size)
{
	struct config_parse *p;
	struct config_shown shown;
	int r = TSR_NOMEM;

	if ((p = calloc(1, sizeof(*p))) != NULL) {
		p->mode = mode;
		p->err = err;
		p->err_size = err_size;
		if ((r = config_file_read(p, file)) == TSR_OK)
			r = config_assemble(p, out);
	}
	if (r != TSR_OK && (p == NULL || p->code == TSR_OK))
		(void)snprintf(err, err_size, "%s: %s", config_show(&shown, file), tsr_strerror(r));
	config_parse_free(p);
	return r;
}

void
config_free(struct config **cp)
{
	struct config *c = *cp;
	size_t i;

	if (c == NULL)
		return;
	config_key_free(config_keys_root, c);
	config_key_free(config_keys_signing, c);
	config_key_free(config_keys_pcsc, c);
	config_key_free(config_keys_fido, c);
	config_key_free(config_keys_webauthn, c);
	config_key_free(config_keys_callers, &c->metrics);
	config_ssh_free(c);
	for (i = 0; i < c->n_modules; i++) {
		config_key_free(config_keys_module, &c->modules[i]);
		free(c->modules[i].name);
	}
	for (i = 0; i < c->n_audiences; i++) {
		config_key_free(config_keys_audience, &c->audiences[i]);
		config_key_free(config_keys_callers, &c->audiences[i].callers);
		config_key_free(config_keys_callers, &c->audiences[i].verifiers);
		free(c->audiences[i].name);
		free(c->audiences[i].file);
	}
	for (i = 0; i < c->n_login_helpers; i++) {
		config_key_free(config_keys_helper, &c->login_helpers[i]);
		free(c->login_helpers[i].name);
	}
	free(c->modules);
	free(c->audiences);
	free(c->login_helpers);
	free(c->file);
	free(c);
	*cp = NULL;
}

const struct config_audience *
config_audience(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_audiences; i++)
		if (strcmp(c->audiences[i].name, name) == 0)
			return &c->audiences[i];
	return NULL;
}

const struct config_module *
config_module(const struct config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_modules; i++)
		if (strcmp(c->modules[i].name, name) == 0)
			return &c->modules[i];
	return NULL;
}
