/*
 * config.c - any text as a configuration: the first line that is "%%" parts
 * the main file from one in conf.d.  A refusal must be a sentence fit to be
 * shown; what is accepted must be described as strict JSON.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tessera.h"

#include "base/buf.h"
#include "base/config_internal.h"
#include "base/escape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char parting[] = "\n%%\n";

static int
add(struct config_parse *p, const char *name, const uint8_t *data, size_t size)
{
	struct config_source *s = &p->source[p->n];

	if (size > CONFIG_FILE_MAX)
		return -1;
	p->n++;
	if ((s->name = strdup(name)) == NULL || (s->text = malloc(size + 1)) == NULL)
		return -1;
	if (size > 0)
		memcpy(s->text, data, size);
	s->text[size] = '\0';
	s->size = size;
	return 0;
}

static void
check_accepted(const struct config *c)
{
	enum acr acr;
	json_t *j;
	struct buf b;
	size_t i;

	for (i = 0; i < c->n_audiences; i++)
		if (config_audience(c, c->audiences[i].name) != &c->audiences[i] ||
		    acr_parse(acr_name(c->audiences[i].acr), &acr) != TSR_OK || acr != c->audiences[i].acr)
			abort();
	for (i = 0; i < c->n_modules; i++)
		if (config_module(c, c->modules[i].name) != &c->modules[i])
			abort();
	if (config_audience(c, "/") != NULL || config_module(c, "/") != NULL ||
	    acr_parse("gold", &acr) == TSR_OK)
		abort();

	buf_init(&b, 16777216);
	if (config_describe(c, &b) != TSR_OK)
		abort();
	if ((j = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		abort();
	json_decref(j);
	buf_free(&b);
}

static void
one(const uint8_t *data, size_t size, enum config_mode mode)
{
	struct config_parse *p;
	struct config *c = NULL;
	const uint8_t *at;
	char err[256] = "";
	size_t first = size;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return;
	p->mode = mode;
	p->err = err;
	p->err_size = sizeof(err);
	if (size > 0 && (at = memmem(data, size, parting, strlen(parting))) != NULL)
		first = (size_t)(at - data);
	r = add(p, "/etc/tessera/tessera.conf", data, first);
	if (r == 0 && first < size)
		r = add(p, "/etc/tessera/conf.d/a.conf", data + first + strlen(parting),
		    size - first - strlen(parting));
	if (r == 0) {
		r = config_assemble(p, &c);
		if (r == TSR_OK ? c == NULL || err[0] != '\0' :
		    r != TSR_CONFIG || c != NULL || err[0] == '\0' ||
		    !escape_is_text(err, strlen(err)))
			abort();
		if (r == TSR_OK)
			check_accepted(c);
	}
	config_free(&c);
	config_parse_free(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = NULL;
	char err[256] = "";

	if (config_load("/nonexistent/tessera.conf", CONFIG_SYSTEM, &c, err, sizeof(err)) != TSR_CONFIG ||
	    c != NULL || strstr(err, "does not exist") == NULL)
		abort();
	one(data, size, CONFIG_SYSTEM);
	/* a user's own: with folders, with a home alone, with neither */
	(void)setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	(void)setenv("XDG_STATE_HOME", "/state", 1);
	(void)setenv("HOME", "/home/a", 1);
	one(data, size, CONFIG_USER);
	(void)unsetenv("XDG_STATE_HOME");
	one(data, size, CONFIG_USER);
	(void)unsetenv("XDG_RUNTIME_DIR");
	one(data, size, CONFIG_USER);
	return 0;
}
