/*
 * input.c - see input.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"
#include "token/json.h"

int
input_whole(int fd, struct buf *out)
{
	ssize_t n;
	int r;

	for (;;) {
		if ((r = buf_reserve(out, 1)) != TSR_OK)
			return r;
		n = read(fd, out->data + out->len, out->cap - out->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return TSR_SYSTEM;
		if (n == 0)
			return TSR_OK;
		buf_added(out, (size_t)n);
	}
}

int
input_json(struct client *c, const char *name, const char *what, json_t **out)
{
	const char *shown = strcmp(name, "-") == 0 ? "standard input" : name;
	int fd = STDIN_FILENO, r, status = FAIL_NONE;
	struct buf b;

	if (strcmp(name, "-") != 0 && (fd = open(name, O_RDONLY | O_CLOEXEC)) == -1)
		return fail_set(&c->failure, errno == ENOENT ? "not_found" : "failed",
		    "%s cannot be read from %s: %s", what, shown, strerror(errno));
	buf_init(&b, INPUT_JSON_MAX);
	if ((r = input_whole(fd, &b)) == TSR_SYSTEM)
		status = fail_set(&c->failure, "failed", "%s cannot be read from %s: %s", what, shown,
		    strerror(errno));
	else if (r != TSR_OK || json_read_object((const char *)b.data, b.len, INPUT_DEPTH_MAX,
	    out) != TSR_OK)
		status = fail_set(&c->failure, "invalid_request", "%s, as read from %s, is not one JSON "
		    "object", what, shown);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	buf_free(&b);
	return status;
}

static int
input_more(const char *p, size_t n, void *out)
{
	return buf_put(out, p, n) == TSR_OK ? 0 : -1;
}

int
input_put(struct buf *out, const json_t *v)
{
	if (v == NULL)
		return TSR_INVALID;
	return json_dump_callback(v, input_more, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0 ? TSR_OK :
	    TSR_TOO_LARGE;
}
