/*
 * vpcd.c - the card's side of a virtual reader.  See vpcd.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/vpcd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tessera.h"

#define HEAD	2u		/* bytes of the length */

void
vpcd_init(struct vpcd *v)
{
	v->fd = v->claim = -1;
	buf_init(&v->in, HEAD + VPCD_MESSAGE_MAX);
}

/* The driver sends length and body apart and waits in between for our
 * acknowledgement, which the kernel delays by 40 ms where it is not asked each
 * time anew. */
static void
vpcd_quick(const struct vpcd *v)
{
	int one = 1;

	(void)setsockopt(v->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

/* A name that ends with the process, in the namespace of the ports. */
static int
vpcd_claim(uint16_t port, int *out)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, n;

	n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "tessera-sim/reader/%u", port);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return TSR_UNREACHABLE;
	if (bind(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == -1) {
		(void)close(fd);
		return TSR_DEVICE_BUSY;
	}
	*out = fd;
	return TSR_OK;
}

int
vpcd_connect(struct vpcd *v, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, claim, fd, e, r;

	vpcd_close(v);
	if ((r = vpcd_claim(port, &claim)) != TSR_OK)
		return r;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		e = errno;
		if (fd != -1)
			(void)close(fd);
		(void)close(claim);
		errno = e;
		return TSR_UNREACHABLE;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	v->fd = fd;
	v->claim = claim;
	vpcd_quick(v);
	return TSR_OK;
}

void
vpcd_close(struct vpcd *v)
{
	if (v->fd != -1)
		(void)close(v->fd);
	if (v->claim != -1)
		(void)close(v->claim);
	v->fd = v->claim = -1;
	buf_free(&v->in);
}

/* Bytes to the message that are still missing. */
static size_t
vpcd_missing(const struct vpcd *v)
{
	size_t whole = HEAD;

	if (v->in.len >= HEAD)
		whole += (size_t)v->in.data[0] << 8 | v->in.data[1];
	return whole - v->in.len;
}

int
vpcd_receive(struct vpcd *v, struct buf *body)
{
	size_t want;
	ssize_t n;
	int r;

	while ((want = vpcd_missing(v)) > 0) {
		if ((r = buf_reserve(&v->in, want)) != TSR_OK)
			return r;
		vpcd_quick(v);
		n = recv(v->fd, v->in.data + v->in.len, want, MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return TSR_AGAIN;
		if (n <= 0)
			return TSR_CLOSED;
		buf_added(&v->in, (size_t)n);
	}
	vpcd_quick(v);
	buf_reset(body);
	if ((r = buf_put(body, v->in.data + HEAD, v->in.len - HEAD)) == TSR_OK)
		buf_reset(&v->in);
	return r;
}

int
vpcd_send(struct vpcd *v, const void *body, size_t n)
{
	uint8_t message[HEAD + VPCD_MESSAGE_MAX];
	size_t at = 0;
	ssize_t sent;

	if (n > VPCD_MESSAGE_MAX)
		return TSR_TOO_LARGE;
	message[0] = (uint8_t)(n >> 8);
	message[1] = (uint8_t)n;
	if (n > 0)
		memcpy(message + HEAD, body, n);
	while (at < HEAD + n) {
		sent = send(v->fd, message + at, HEAD + n - at, MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent <= 0)
			return TSR_CLOSED;
		at += (size_t)sent;
	}
	return TSR_OK;
}
