/*
 * json.h - reading JSON strictly: jansson with duplicate members, deep
 * nesting, NUL in strings and trailing bytes refused (RFC 8259, RFC 8725 2.4);
 * and writing its strings.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JSON_H
#define TOKEN_JSON_H

#include <stddef.h>
#include <jansson.h>

#include "base/buf.h"

/* Parse one JSON object of at most depth levels (the object is the first).
 * The depth is scanned before jansson sees the text.  TSR_INVALID,
 * TSR_TOO_LARGE (depth), TSR_NOMEM.  *out is for json_decref. */
int json_read_object(const char *text, size_t n, unsigned depth, json_t **out);

/* Append s as a JSON string with quotes.  TSR_INVALID where s is not UTF-8,
 * TSR_NOMEM, TSR_TOO_LARGE; on error nothing changed. */
int json_put_string(struct buf *out, const char *s);

/* The same into size bytes of memory, not terminated; *len is how many.
 * TSR_INVALID, TSR_TOO_LARGE. */
int json_quote(char *out, size_t size, const char *s, size_t *len);

/* Before the first use, once a process: jansson's memory is wiped when freed
 * and its hash seed drawn from libsodium (not from a file that a sandbox
 * hides).  What json_dumps() returns is then not for free(). */
void json_wipe_memory(void);

#endif
