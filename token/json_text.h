/*
 * json_text.h - writing JSON's strings (RFC 8259 section 7).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_JSON_TEXT_H
#define TOKEN_JSON_TEXT_H

#include <stddef.h>

#include "base/buf.h"

/* Append s as a JSON string with quotes.  TSR_INVALID where s is not UTF-8,
 * TSR_NOMEM, TSR_TOO_LARGE; on error nothing changed. */
int json_put_string(struct buf *out, const char *s);

/* Append ,"name":"value": a further member; name needs no escapes.  As above. */
int json_put_member(struct buf *out, const char *name, const char *value);

/* The string into size bytes of memory, not terminated; *len is how many.
 * TSR_INVALID, TSR_TOO_LARGE. */
int json_quote(char *out, size_t size, const char *s, size_t *len);

/* Put members (",\"a\":1", "" for none) before the bracket that ends the object
 * in b. */
int json_add_members(struct buf *b, const char *members);

#endif
