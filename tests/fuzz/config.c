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
	json_t *j;
	struct buf b;

	buf_init(&b, 16777216);
	if (config_describe(c, &b) != TSR_OK)
		abort();
	if ((j = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		abort();
	json_decref(j);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_parse *p;
	struct config *c = NULL;
	const uint8_t *at;
	char err[256] = "";
	size_t first = size;
	int r;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return 0;
	p->mode = CONFIG_SYSTEM;
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
	return 0;
}
