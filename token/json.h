/*
 * json.h - reading JSON strictly into jansson's values: duplicate members,
 * deep nesting, NUL in strings and trailing bytes are refused (RFC 8259, RFC
 * 8725 2.4); and writing its strings.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JSON_H
#define TOKEN_JSON_H

#include <stddef.h>
#include <jansson.h>

#include "token/json_text.h"

/* Parse one JSON object of at most depth levels (the object is the first).
 * It accepts what doc.h accepts.  TSR_INVALID, TSR_TOO_LARGE (depth, text,
 * members), TSR_NOMEM.  *out is for json_decref. */
int json_read_object(const char *text, size_t n, unsigned depth, json_t **out);

/* Before the first use, once a process: jansson's memory is wiped when freed
 * and its hash seed drawn from libsodium (not from a file that a sandbox
 * hides).  What json_dumps() returns is then not for free(). */
void json_wipe_memory(void);

#endif
