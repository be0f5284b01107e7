/*
 * token_file.c - tokens from files.  See token_file.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/input.h"
#include "tessera.h"

#define TOKEN_SHORTEST		40	/* characters of the shortest that looks like a JWT */

/* "header.payload.signature" in base64url, or one of our opaque ones. */
static int
token_file_is_token(const char *s)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	const char *dot;

	if (strncmp(s, "tsr_at_", 7) == 0 || strncmp(s, "tsr_rt_", 7) == 0)
		return 1;
	if (strlen(s) < TOKEN_SHORTEST || strspn(s, alphabet) != strlen(s))
		return 0;
	dot = strchr(s, '.');
	return strncmp(s, "eyJ", 3) == 0 && dot != NULL && strchr(dot + 1, '.') != NULL;
}

int
token_file_read(struct client *c, struct buf *out)
{
	const char *name = c->n_words > 0 ? c->word[0] : "-";
	int fd = STDIN_FILENO, r;

	if (token_file_is_token(name))
		return fail_set(&c->failure, "usage",
		    "a token is not taken as an argument, where every process of this machine can read it; give it on standard input or in a file");
	if (strcmp(name, "-") != 0 && (fd = open(name, O_RDONLY | O_CLOEXEC)) == -1)
		return fail_set(&c->failure, errno == ENOENT ? "not_found" : "failed",
		    "the token cannot be read from %s: %s", name, strerror(errno));
	r = input_whole(fd, out);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	if (r == TSR_SYSTEM)
		return fail_set(&c->failure, "failed", "the token cannot be read from %s: %s",
		    strcmp(name, "-") == 0 ? "standard input" : name, strerror(errno));
	while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
		out->len--;
	if (r == TSR_OK && out->len > 0 && memchr(out->data, '\0', out->len) != NULL)
		r = TSR_INVALID;
	if (r == TSR_OK && out->len > 0 && buf_put_u8(out, 0) == TSR_OK) {
		out->len--;
		return FAIL_NONE;
	}
	return fail_set(&c->failure, "invalid_token", "%s", r == TSR_TOO_LARGE ?
	    "the token is larger than any token is" : out->len == 0 ?
	    "there is no token: the input is empty" : "what was given is not a token");
}
