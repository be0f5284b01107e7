/*
 * secret.c - bytes that must not leak.  See secret.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

struct secret *
secret_new(size_t size)
{
	struct secret *s;

	/* sodium_malloc() needs it, and it costs next to nothing again. */
	if (size == SIZE_MAX || sodium_init() < 0)
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if ((s->data = sodium_malloc(size + 1)) == NULL) {
		free(s);
		return NULL;
	}
	memset(s->data, 0, size + 1);	/* sodium_malloc() fills with 0xdb */
	s->size = size;
	return s;
}

struct secret *
secret_from(const void *p, size_t size)
{
	struct secret *s;

	if ((s = secret_new(size)) != NULL && size > 0)
		memcpy(s->data, p, size);
	return s;
}

void
secret_free(struct secret **s)
{
	if (s == NULL || *s == NULL)
		return;
	sodium_free((*s)->data);	/* wipes all that was allocated, whatever size says now */
	free(*s);
	*s = NULL;
}
