/*
 * secret.h - bytes that must not leak: PINs, seeds, private keys.
 *
 * Lives in sodium_malloc() memory (locked, guarded, not dumped), aligned for any
 * type, and is wiped by its free.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *data;		/* size bytes, then one NUL that is not counted */
	size_t size;		/* bytes; may be lowered by whoever filled it */
};

/* A secret of size zero bytes / copied from p (p is not wiped).  NULL when
 * memory is out.  Freed by secret_free(). */
struct secret *secret_new(size_t size);
struct secret *secret_from(const void *p, size_t size);

/* Wipe and release *s and set it to NULL; *s may be NULL. */
void secret_free(struct secret **s);

#endif
