/*
 * input.h - what a person hands to the command in a file or on standard input.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_INPUT_H
#define CLIENT_INPUT_H

#include <jansson.h>

#include "base/buf.h"
#include "client/client.h"

#define INPUT_JSON_MAX	(64 * 1024)	/* bytes of a document */
#define INPUT_DEPTH_MAX	16		/* nesting of it */

/* A whole file, of at most out's size.  TSR_SYSTEM, TSR_TOO_LARGE. */
int input_whole(int fd, struct buf *out);

/* One JSON object from a file, "-" for standard input; what is "the challenge", for
 * complaints.  *out is a new reference.  FAIL_*. */
int input_json(struct client *c, const char *name, const char *what, json_t **out);

/* Append a value as it is sent on.  TSR_INVALID where there is none, TSR_NOMEM,
 * TSR_TOO_LARGE. */
int input_put(struct buf *out, const json_t *v);

#endif
