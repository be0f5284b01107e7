/*
 * config_key.c - from the text of a key to the member of a struct.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#include "base/config_internal.h"

/* One text of one key, and where it stands. */
struct value {
	struct config_parse *p;
	const struct config_key *key;
	const struct config_source *source;	/* NULL: a fallback */
	unsigned line;
	const char *where;
	const char *text;
};

static int
refuse(const struct value *v, const char *advice)
{
	struct config_shown shown;

	(void)config_complain(v->p, v->source, v->line, "%s%s = \"%s\" is not accepted: %s",
	    v->where, v->key->name, config_show(&shown, v->text), advice);
	return TSR_CONFIG;
}

/* An exact multiple of a unit reads best: 3600 is "1h". */
static void
show_duration(char *out, size_t size, uint32_t seconds)
{
	static const struct {
		uint32_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i;

	for (i = 0; i < 3; i++)
		if (seconds >= units[i].seconds && seconds % units[i].seconds == 0)
			break;
	(void)snprintf(out, size, "%u%c", seconds / units[i].seconds, units[i].letter);
}

static int
store_duration(const struct value *v, void *member)
{
	char advice[128], min[16], max[16];
	uint32_t seconds;

	if (config_duration(v->text, &seconds) != TSR_OK || seconds < v->key->min ||
	    seconds > v->key->max) {
		show_duration(min, sizeof(min), v->key->min);
		show_duration(max, sizeof(max), v->key->max);
		(void)snprintf(advice, sizeof(advice),
		    "write a duration from %s to %s, such as \"%s\"", min, max, v->key->fallback);
		return refuse(v, advice);
	}
	*(uint32_t *)member = seconds;
	return TSR_OK;
}

static int
store_number(const struct value *v, void *member)
{
	char advice[128];
	unsigned long n = 0;
	size_t digits;

	digits = strspn(v->text, "0123456789");
	if (digits > 0 && digits < 10)
		n = strtoul(v->text, NULL, 10);
	if (digits == 0 || digits >= 10 || v->text[digits] != '\0' || n < v->key->min ||
	    n > v->key->max) {
		(void)snprintf(advice, sizeof(advice), "write a number from %u to %u",
		    v->key->min, v->key->max);
		return refuse(v, advice);
	}
	*(uint32_t *)member = (uint32_t)n;
	return TSR_OK;
}

static int
store_bool(const struct value *v, void *member)
{
	int b;

	if ((b = cfg_parse_boolean(v->text)) < 0)
		return refuse(v, "write true or false");
	*(int *)member = b;
	return TSR_OK;
}

static int
find_word(const struct value *v, const struct config_word **out)
{
	const struct config_word *w;
	char advice[160];
	size_t used;

	for (w = v->key->words; w->word != NULL; w++) {
		if (strcmp(w->word, v->text) == 0) {
			*out = w;
			return TSR_OK;
		}
	}
	used = (size_t)snprintf(advice, sizeof(advice), "write");
	for (w = v->key->words; w->word != NULL && used < sizeof(advice); w++)
		used += (size_t)snprintf(advice + used, sizeof(advice) - used, "%s \"%s\"",
		    w == v->key->words ? "" : w[1].word == NULL ? " or" : ",", w->word);
	return refuse(v, advice);
}

static int
store_string(const struct value *v, void *member)
{
	const struct config_word *w;
	const char *advice;
	char *copy;
	int r;

	if (v->key->words != NULL && (r = find_word(v, &w)) != TSR_OK)
		return r;
	if (v->key->check != NULL && (advice = v->key->check(v->text)) != NULL)
		return refuse(v, advice);
	if ((copy = strdup(v->text)) == NULL)
		return TSR_NOMEM;
	*(char **)member = copy;
	return TSR_OK;
}

static int
store_list(struct value *v, cfg_opt_t *opt, struct strings *list)
{
	const char *advice;
	unsigned i, j;

	if ((list->v = calloc(cfg_opt_size(opt), sizeof(*list->v))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < cfg_opt_size(opt); i++) {
		v->text = cfg_opt_getnstr(opt, i);
		if ((advice = v->key->check(v->text)) != NULL)
			return refuse(v, advice);
		for (j = 0; j < i; j++)
			if (strcmp(list->v[j], v->text) == 0)
				return refuse(v, "it is in the list twice, remove one");
		if ((list->v[i] = strdup(v->text)) == NULL)
			return TSR_NOMEM;
		list->n = i + 1;
	}
	return TSR_OK;
}

static int
store(struct value *v, cfg_opt_t *opt, void *member)
{
	const struct config_word *w = NULL;
	int r;

	switch (v->key->kind) {
	case CONFIG_STRING:
		return store_string(v, member);
	case CONFIG_LIST:
		return opt == NULL ? TSR_OK : store_list(v, opt, member);
	case CONFIG_DURATION:
		return store_duration(v, member);
	case CONFIG_NUMBER:
		return store_number(v, member);
	case CONFIG_BOOL:
		return store_bool(v, member);
	case CONFIG_WORD:
		if ((r = find_word(v, &w)) == TSR_OK)
			memcpy(member, &w->value, sizeof(w->value));
		return r;
	case CONFIG_FIXED:
		return find_word(v, &w);
	}
	return TSR_INVALID;
}

int
config_key_fill(struct config_parse *p, const struct config_key *keys,
    const struct config_scope *scopes, size_t n, const char *where, void *base)
{
	const struct config_scope *scope;
	struct value v = { .p = p, .where = where };
	cfg_opt_t *opt;
	int r;

	for (; keys->name != NULL; keys++) {
		if ((r = config_read_find(p, keys->name, scopes, n, &opt, &scope)) != TSR_OK)
			return r;
		v.key = keys;
		v.source = opt == NULL ? NULL : scope->source;
		v.line = opt == NULL ? 0 : (unsigned)opt->def.number;
		v.text = opt == NULL ? keys->fallback : cfg_opt_getnstr(opt, 0);
		if (v.text != NULL &&
		    (r = store(&v, opt, (char *)base + keys->offset)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

void
config_key_free(const struct config_key *keys, void *base)
{
	struct strings *list;
	char **string;
	size_t i;

	for (; keys->name != NULL; keys++) {
		if (keys->kind == CONFIG_STRING) {
			string = (char **)(void *)((char *)base + keys->offset);
			free(*string);
			*string = NULL;
		} else if (keys->kind == CONFIG_LIST) {
			list = (struct strings *)(void *)((char *)base + keys->offset);
			for (i = 0; i < list->n; i++)
				free(list->v[i]);
			free(list->v);
			list->v = NULL;
			list->n = 0;
		}
	}
}
