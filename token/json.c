/*
 * json.c - strict JSON.  See json.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/json.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/doc.h"

int
json_read_object(const char *text, size_t n, unsigned depth, json_t **out)
{
	json_error_t error;
	json_t *o;
	int r;

	/* nesting is counted before jansson recurses into it */
	if ((r = doc_depth(text, n, depth)) != TSR_OK)
		return r;
	/* it passes over a NUL behind a number */
	if (memchr(text, '\0', n) != NULL)
		return TSR_INVALID;
	if ((o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error)) == NULL)
		return json_error_code(&error) == json_error_out_of_memory ?
		    TSR_NOMEM : TSR_INVALID;
	if (!json_is_object(o)) {
		json_decref(o);
		return TSR_INVALID;
	}
	*out = o;
	return TSR_OK;
}

/* A block is preceded by its size, so that its free can wipe it. */
union json_block {
	size_t size;
	max_align_t align;
};

static void *
json_malloc(size_t n)
{
	union json_block *b;

	if (n > SIZE_MAX - sizeof(*b) || (b = malloc(sizeof(*b) + n)) == NULL)
		return NULL;
	b->size = n;
	return b + 1;
}

static void
json_free(void *p)
{
	union json_block *b = p;

	if (b == NULL)
		return;
	b--;
	sodium_memzero(b, sizeof(*b) + b->size);
	free(b);
}

void
json_wipe_memory(void)
{
	size_t seed;

	json_set_alloc_funcs(json_malloc, json_free);
	if (sodium_init() < 0)
		return;
	randombytes_buf(&seed, sizeof(seed));
	json_object_seed(seed | 1);	/* zero would make jansson draw its own */
}
