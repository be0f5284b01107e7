/*
 * wire.c - see wire.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "meter.h"

#define WIRE_BACKLOG		1024	/* connections that wait for accept */
#define WIRE_SIGN_RESPONSE	14	/* of the ssh-agent protocol */

void
wire_load(struct wire *w, const char *file)
{
	FILE *f = fopen(file, "re");

	if (f == NULL)
		meter_die("%s: cannot be read", file);
	w->request_len = fread(w->request, 1, sizeof(w->request), f);
	(void)fclose(f);
	if (w->request_len == 0 || w->request_len == sizeof(w->request))
		meter_die("%s: empty or too large", file);
}

static socklen_t
wire_address(const char *path, struct sockaddr_un *a)
{
	size_t n = strlen(path);

	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (n >= sizeof(a->sun_path))
		meter_die("%s: too long for a socket", path);
	memcpy(a->sun_path, path, n);
	if (path[0] != '@')
		return sizeof(*a);
	a->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
}

int
wire_dial(const char *path)
{
	struct sockaddr_un a;
	socklen_t n = wire_address(path, &a);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || connect(fd, (const struct sockaddr *)&a, n) != 0)
		meter_die("%s: cannot connect", path);
	return fd;
}

int
wire_listen(const char *path)
{
	struct sockaddr_un a;
	socklen_t n = wire_address(path, &a);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || bind(fd, (const struct sockaddr *)&a, n) != 0 ||
	    listen(fd, WIRE_BACKLOG) != 0)
		meter_die("%s: cannot listen", path);
	return fd;
}

void
wire_send(const struct wire *w, int fd)
{
	if (send(fd, w->request, w->request_len, MSG_NOSIGNAL) != (ssize_t)w->request_len)
		meter_die("%s: cannot send", w->path);
}

static int
wire_whole_http(char *reply, size_t n)
{
	static const char ok[] = "HTTP/1.1 200 ";
	const char *end, *length;

	reply[n] = '\0';
	if (n >= sizeof(ok) - 1 && memcmp(reply, ok, sizeof(ok) - 1) != 0)
		return -1;
	if ((end = strstr(reply, "\r\n\r\n")) == NULL ||
	    (length = strstr(reply, "\r\nContent-Length: ")) == NULL)
		return 0;
	return n >= (size_t)(end + 4 - reply) + strtoul(length + 18, NULL, 10);
}

static int
wire_whole_ssh(const char *reply, size_t n)
{
	if (n < 5)
		return 0;
	if (reply[4] != WIRE_SIGN_RESPONSE)
		return -1;
	return n >= 4 + ((size_t)(unsigned char)reply[2] << 8 | (size_t)(unsigned char)reply[3]);
}

int
wire_whole(const struct wire *w, char *reply, size_t n, int over)
{
	if (over && w->framing != WIRE_END)
		return -1;
	switch (w->framing) {
	case WIRE_HTTP:
		return wire_whole_http(reply, n);
	case WIRE_SSH:
		return wire_whole_ssh(reply, n);
	case WIRE_FIXED:
		return n >= w->reply_len;
	case WIRE_END:
	default:
		if (!over)
			return 0;
		reply[n] = '\0';
		return strstr(reply, "\"status\":\"success\"") != NULL ? 1 : -1;
	}
}

void
wire_ask(const struct wire *w, int fd)
{
	char reply[WIRE_MAX];
	size_t have = 0;
	ssize_t n = 0;
	int whole = 0;

	wire_send(w, fd);
	while (whole == 0 && have < sizeof(reply) - 1) {
		if ((n = read(fd, reply + have, sizeof(reply) - 1 - have)) < 0)
			break;
		have += (size_t)n;
		whole = wire_whole(w, reply, have, n == 0);
	}
	if (whole != 1)
		meter_die("%s: not a success: %.*s", w->path, (int)have, reply);
}
