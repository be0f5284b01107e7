/*
 * http_client.c - a connection to the agent.  See http_client.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/http_client.h"

#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tessera.h"

#define HTTP_CLIENT_READ	4096		/* bytes a read */
#define HTTP_CLIENT_REQUEST_MAX	(80 * 1024)	/* bytes of a request */

struct http_client {
	int fd;
	struct buf out, in;
	size_t head_len;	/* of the answer in `in`, 0 before it is known */
};

int
http_client_new(int fd, struct http_client **out)
{
	struct http_client *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		(void)close(fd);
		return TSR_NOMEM;
	}
	c->fd = fd;
	buf_init(&c->out, HTTP_CLIENT_REQUEST_MAX);
	buf_init(&c->in, HTTP_ANSWER_HEAD_MAX + HTTP_ANSWER_BODY_MAX + HTTP_CLIENT_READ);
	*out = c;
	return TSR_OK;
}

void
http_client_free(struct http_client **c)
{
	if (*c == NULL)
		return;
	(void)close((*c)->fd);
	buf_free(&(*c)->out);
	buf_free(&(*c)->in);
	free(*c);
	*c = NULL;
}

int
http_client_start(struct http_client *c, const struct http_request *rq)
{
	int r;

	buf_reset(&c->out);
	buf_reset(&c->in);
	c->head_len = 0;
	if ((r = buf_printf(&c->out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", rq->method, rq->target)) != 0)
		return r;
	if (rq->bearer != NULL &&
	    ((r = buf_put_cstr(&c->out, "Authorization: Bearer ")) != 0 ||
	    (r = buf_put_cstr(&c->out, rq->bearer)) != 0 || (r = buf_put_cstr(&c->out, "\r\n")) != 0))
		return r;
	if (rq->type != NULL && (r = buf_printf(&c->out, "Content-Type: %s\r\nContent-Length: %zu\r\n",
	    rq->type, rq->body_len)) != 0)
		return r;
	if ((r = buf_put_cstr(&c->out, "\r\n")) != 0)
		return r;
	return rq->body_len > 0 ? buf_put(&c->out, rq->body, rq->body_len) : TSR_OK;
}

/*
 * Send with the credentials said aloud: the kernel's own word would be the
 * real uid, and the agent hangs up on who connected by another (a set-user-ID
 * program connects by its effective one).
 */
static ssize_t
http_client_write(int fd, void *p, size_t n)
{
	const struct ucred self = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { .iov_base = p, .iov_len = n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
	    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(self));
	memcpy(CMSG_DATA(c), &self, sizeof(self));
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static int
http_client_send(struct http_client *c)
{
	ssize_t n;

	while (c->out.len > 0) {
		n = http_client_write(c->fd, c->out.data, c->out.len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return TSR_AGAIN;
		if (n == -1 && (errno == EPIPE || errno == ECONNRESET)) {
			buf_reset(&c->out);	/* an early answer may be there to read */
			return TSR_OK;
		}
		if (n == -1)
			return TSR_SYSTEM;
		buf_consume(&c->out, (size_t)n);
	}
	return TSR_OK;
}

int
http_client_more(struct http_client *c)
{
	ssize_t n;
	int r;

	if ((r = buf_reserve(&c->in, HTTP_CLIENT_READ)) != 0)
		return r;
	do
		n = recv(c->fd, c->in.data + c->in.len, HTTP_CLIENT_READ, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? TSR_AGAIN : errno == ECONNRESET ? TSR_CLOSED : TSR_SYSTEM;
	if (n == 0)
		return TSR_CLOSED;
	buf_added(&c->in, (size_t)n);
	return TSR_OK;
}

int
http_client_step(struct http_client *c, struct http_answer *a)
{
	struct http_answer got;
	int r;

	if ((r = http_client_send(c)) != TSR_OK)
		return r;
	for (;;) {
		r = c->in.len == 0 ? TSR_AGAIN :
		    http_answer_parse((const char *)c->in.data, c->in.len, &got);
		if (r == TSR_OK && (got.stream || c->in.len >= got.head_len + got.length))
			break;
		if (r != TSR_OK && r != TSR_AGAIN)
			return r;
		if ((r = http_client_more(c)) != TSR_OK)
			return r;
	}
	if (!got.stream && c->in.len > got.head_len + got.length)
		return TSR_INVALID;	/* nobody asked for more */
	c->head_len = got.head_len;
	*a = got;
	return TSR_OK;
}

int
http_client_fd(const struct http_client *c)
{
	return c->fd;
}

short
http_client_events(const struct http_client *c)
{
	return c->out.len > 0 ? POLLOUT : POLLIN;
}

int
http_client_finish(struct http_client *c, uint64_t deadline, struct http_answer *a)
{
	struct pollfd p;
	uint64_t now;
	int r;

	while ((r = http_client_step(c, a)) == TSR_AGAIN) {
		if ((now = http_client_now()) >= deadline)
			return TSR_TIMEOUT;
		p.fd = c->fd;
		p.events = http_client_events(c);
		if (poll(&p, 1, (int)(deadline - now)) == -1 && errno != EINTR)
			return TSR_SYSTEM;
	}
	return r;
}

const char *
http_client_body(const struct http_client *c, size_t *n)
{
	*n = c->in.len - c->head_len;
	return c->in.data == NULL ? "" : (const char *)c->in.data + c->head_len;
}

void
http_client_used(struct http_client *c, size_t n)
{
	buf_consume(&c->in, c->head_len + n);
	c->head_len = 0;
}

uint64_t
http_client_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
