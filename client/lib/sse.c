/*
 * sse.c - server-sent events.  See sse.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/sse.h"

#include <string.h>

#include "tessera.h"

/* The value of "field: value" where the line is of that field, or NULL. */
static const char *
sse_field(const char *line, size_t n, const char *field, size_t *len)
{
	size_t k = strlen(field);

	if (n < k || memcmp(line, field, k) != 0 || (n > k && line[k] != ':'))
		return NULL;
	k += n > k;
	k += n > k && line[k] == ' ';
	*len = n - k;
	return line + k;
}

static int
sse_line(const char *line, size_t n, struct sse_event *e)
{
	const char *v;
	size_t len;

	if ((v = sse_field(line, n, "event", &len)) != NULL) {
		if (e->name[0] != '\0' || len >= sizeof(e->name) || memchr(v, '\0', len) != NULL)
			return TSR_INVALID;
		memcpy(e->name, v, len);
		e->name[len] = '\0';
	} else if ((v = sse_field(line, n, "data", &len)) != NULL) {
		if (e->data != NULL)
			return TSR_INVALID;
		e->data = v;
		e->data_len = len;
	}
	return TSR_OK;
}

int
sse_parse(const char *in, size_t n, struct sse_event *out, size_t *used)
{
	struct sse_event e;
	const char *end;
	size_t at = 0, start = 0, len;
	int r;

	memset(&e, 0, sizeof(e));
	while (at < n && (end = memchr(in + at, '\n', n - at)) != NULL) {
		len = (size_t)(end - (in + at));
		if (len > 0 && in[at + len - 1] == '\r')
			len--;
		if (len == 0 && e.data != NULL) {
			*out = e;
			*used = (size_t)(end + 1 - in);
			return TSR_OK;
		}
		if (len > 0 && in[at] != ':' && (r = sse_line(in + at, len, &e)) != TSR_OK)
			return r;
		at = (size_t)(end + 1 - in);
		if (len == 0)
			e.name[0] = '\0';	/* no data: dispatches nothing */
		if (e.name[0] == '\0' && e.data == NULL)
			start = at;
	}
	if (n - start > SSE_EVENT_MAX)
		return TSR_TOO_LARGE;
	*used = start;
	return TSR_AGAIN;
}
