/*
 * token_file.h - a token that a person hands to the command: from a file or
 * standard input, never from an argument, which every process can read.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_TOKEN_FILE_H
#define CLIENT_TOKEN_FILE_H

#include "base/buf.h"
#include "client/client.h"

#define TOKEN_FILE_MAX	(16 * 1024)	/* bytes that are read */

/* Read the file that the first argument names ("-" or none: standard input)
 * into out, without the newline at its end, with a NUL after it that is not
 * counted.  An argument that is a token is refused with the reason.  FAIL_*. */
int token_file_read(struct client *c, struct buf *out);

#endif
