/*
 * record.h - a JSON object that the agent sent, kept to be asked for members.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_RECORD_H
#define CLIENT_LIB_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "token/doc.h"

#define RECORD_DEPTH_MAX	8	/* nesting */
#define RECORD_NODES_MAX	16384	/* values and names */
#define RECORD_NAME_MAX		64	/* bytes of one name of a path, with NUL */

struct record {
	struct doc doc;
	struct doc_node *nodes;
	char *text;
	size_t size;
};

/* Copies text[0..n).  TSR_INVALID, TSR_TOO_LARGE, TSR_NOMEM.  Undone, wiped,
 * by record_clear, which takes a zeroed record, too. */
int record_read(struct record *r, const char *text, size_t n);
void record_clear(struct record *r);

/* A member by path: "device.label" is the member "label" of the object in
 * "device".  NULL where it is absent or below something that is no object. */
const struct doc_node *record_find(const struct record *r, const struct doc_node *from,
    const char *path);

/* Members below `from` by path; TSR_NOT_FOUND also where it is of another kind.
 * A text that does not fit is TSR_TOO_LARGE and out "". */
int record_text(const struct record *r, const struct doc_node *from, const char *path, char *out,
    size_t size);
int record_number(const struct record *r, const struct doc_node *from, const char *path,
    int64_t *out);
int record_flag(const struct record *r, const struct doc_node *from, const char *path);

/* A text of any length in memory of its own, for free().  TSR_NOT_FOUND, TSR_NOMEM. */
int record_copy(const struct record *r, const struct doc_node *from, const char *path, char **out);

#endif
