/*
 * cbor.h - strict reader of the CBOR that CTAP sends (CTAP 2.1 section 8).
 *
 * One whole message is checked first: definite lengths, shortest heads, map
 * keys of one kind of order without duplicates, UTF-8 text, at most CBOR_DEPTH
 * levels, no tags, no floats, nothing after it.  What is found in it
 * afterwards points into the caller's memory.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CBOR_H
#define SIM_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CBOR_DEPTH	4		/* levels of arrays and maps */

enum cbor_kind {			/* the major types */
	CBOR_UINT = 0,
	CBOR_NEGINT = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_SIMPLE = 7			/* false, true, null */
};

struct cbor {
	enum cbor_kind kind;
	uint64_t value;			/* number, length, count of elements or pairs, or 20, 21, 22 */
	const uint8_t *p;		/* a string's bytes; the elements of an array or map */
	size_t n;
	const uint8_t *raw;		/* the whole item, with its head */
	size_t raw_len;
};

/* Check n bytes to be one item.  TSR_INVALID. */
int cbor_parse(const void *p, size_t n, struct cbor *out);

/* Its integer.  TSR_INVALID where it is none, or goes beyond int64_t. */
int cbor_int(const struct cbor *item, int64_t *out);

/* Whether it is true or false.  TSR_INVALID where it is neither. */
int cbor_bool(const struct cbor *item, bool *out);

/* The i-th element of an array, or (2 i, 2 i + 1) key and value of a map.
 * TSR_NOT_FOUND beyond the last. */
int cbor_at(const struct cbor *item, size_t i, struct cbor *out);

/* The value under that key.  TSR_NOT_FOUND, also where item is no map. */
int cbor_find(const struct cbor *map, int64_t key, struct cbor *out);
int cbor_find_text(const struct cbor *map, const char *key, struct cbor *out);

#endif
