/*
 * doc.h - a JSON text read strictly into memory that the caller has: no
 * allocation, no library, nothing that grows (RFC 8259, RFC 8725 2.4).
 *
 * Duplicate members, NUL in strings, deep nesting, integers beyond 64 bits,
 * bytes that are not UTF-8 and bytes after the text are refused.  json.h makes
 * jansson's values of what is accepted here; who must not bring a JSON library
 * into other people's processes takes it as it is.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TOKEN_DOC_H
#define TOKEN_DOC_H

#include <stddef.h>
#include <stdint.h>

#define DOC_TEXT_MAX	(1024 * 1024)	/* bytes of a text */
#define DOC_MEMBERS_MAX	1024		/* of one object: each name is held against all before it */

enum doc_kind {
	DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_INTEGER, DOC_REAL, DOC_STRING, DOC_ARRAY, DOC_OBJECT
};

/* One value.  A member is two nodes: its name, and right behind it its value. */
struct doc_node {
	uint32_t kind;		/* enum doc_kind */
	uint32_t at, len;	/* its characters in the text, strings without the quotes */
	uint32_t next;		/* the next name or element beside it, 0 for the last */
	uint32_t count;		/* members or elements */
	uint32_t escaped;	/* 1: the string has escapes */
};

struct doc {
	const char *text;	/* somebody else's */
	struct doc_node *node;	/* node[0] is the object */
	size_t n, max;
};

/* Read text[0..n), one object of at most depth levels (it is the first), into
 * at most max nodes.  TSR_INVALID; TSR_TOO_LARGE (depth, nodes, members,
 * text).  Text
 * and nodes must outlive *d. */
int doc_parse(struct doc *d, struct doc_node *nodes, size_t max, const char *text, size_t n,
    unsigned depth);

/* A member's value; NULL where o is NULL, no object, or has none of that name. */
const struct doc_node *doc_get(const struct doc *d, const struct doc_node *o, const char *name);

/* The elements of an array, or the names of an object's members, one after
 * another; NULL at the end. */
const struct doc_node *doc_first(const struct doc *d, const struct doc_node *o);
const struct doc_node *doc_next(const struct doc *d, const struct doc_node *v);

/* 1 where v is of that kind; v may be NULL. */
int doc_is(const struct doc_node *v, enum doc_kind kind);

/* 1 where v is a string equal to s. */
int doc_equal(const struct doc *d, const struct doc_node *v, const char *s);

/* A string decoded into size bytes with a NUL; *len (may be NULL) without it.
 * TSR_INVALID where v is NULL or no string, TSR_TOO_LARGE; out is then "". */
int doc_text(const struct doc *d, const struct doc_node *v, char *out, size_t size, size_t *len);

/* TSR_INVALID where v is NULL or no integer. */
int doc_integer(const struct doc *d, const struct doc_node *v, int64_t *out);

/* Nesting alone, whatever else is wrong: TSR_TOO_LARGE beyond max levels,
 * TSR_INVALID where more is closed than was opened. */
int doc_depth(const char *text, size_t n, unsigned max);

#endif
