/*
 * record.c - members of what the agent sent.  See record.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/record.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

/* A value takes two characters at least, with what is between it and the next. */
static size_t
record_nodes(size_t n)
{
	return n / 2 + 2 < RECORD_NODES_MAX ? n / 2 + 2 : RECORD_NODES_MAX;
}

int
record_read(struct record *out, const char *text, size_t n)
{
	size_t max = record_nodes(n);
	struct doc_node *nodes = NULL;
	struct doc doc;
	char *copy = NULL;
	int r = TSR_NOMEM;

	if ((copy = malloc(n + 1)) == NULL || (nodes = calloc(max, sizeof(*nodes))) == NULL)
		goto out;
	memcpy(copy, text, n);
	if ((r = doc_parse(&doc, nodes, max, copy, n, RECORD_DEPTH_MAX)) == TSR_OK) {
		*out = (struct record){ .doc = doc, .nodes = nodes, .text = copy, .size = n };
		return TSR_OK;
	}
	sodium_memzero(copy, n);
 out:
	free(copy);
	free(nodes);
	return r;
}

void
record_clear(struct record *r)
{
	if (r->text != NULL)
		sodium_memzero(r->text, r->size);
	free(r->text);
	free(r->nodes);
	memset(r, 0, sizeof(*r));
}

const struct doc_node *
record_find(const struct record *r, const struct doc_node *from, const char *path)
{
	char name[RECORD_NAME_MAX];
	size_t n;

	for (; from != NULL; path += n + 1) {
		n = strcspn(path, ".");
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		from = doc_get(&r->doc, from, name);
		if (path[n] == '\0')
			return from;
	}
	return NULL;
}

int
record_text(const struct record *r, const struct doc_node *from, const char *path, char *out,
    size_t size)
{
	int code = doc_text(&r->doc, record_find(r, from, path), out, size, NULL);

	return code == TSR_INVALID ? TSR_NOT_FOUND : code;
}

int
record_number(const struct record *r, const struct doc_node *from, const char *path, int64_t *out)
{
	return doc_integer(&r->doc, record_find(r, from, path), out) == TSR_OK ? TSR_OK :
	    TSR_NOT_FOUND;
}

int
record_flag(const struct record *r, const struct doc_node *from, const char *path)
{
	return doc_is(record_find(r, from, path), DOC_TRUE);
}

int
record_copy(const struct record *r, const struct doc_node *from, const char *path, char **out)
{
	const struct doc_node *v = record_find(r, from, path);
	char *s;

	if (!doc_is(v, DOC_STRING))
		return TSR_NOT_FOUND;
	if ((s = malloc((size_t)v->len + 1)) == NULL)
		return TSR_NOMEM;
	(void)doc_text(&r->doc, v, s, (size_t)v->len + 1, NULL);	/* decoding never grows it */
	*out = s;
	return TSR_OK;
}
