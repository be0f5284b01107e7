/*
 * control.c - the control socket of a virtual device.  See control.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tessera.h"

#define BACKLOG	64

struct conn {
	int fd;			/* -1: free */
	uint64_t ticket;	/* of the command that waits for its answer, or 0 */
	struct buf in, out;
};

struct control {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	control_fn fn;
	void *arg;
	uint64_t last_ticket;
	struct conn conn[CONTROL_CONNS_MAX];
};

static int
control_address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return TSR_TOO_LARGE;
	memcpy(sun->sun_path, path, strlen(path) + 1);
	return TSR_OK;
}

static int
control_connect(const struct sockaddr_un *sun)
{
	int fd, e;

	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

static int
control_listen(const struct sockaddr_un *sun, int *out)
{
	int fd, r = TSR_SYSTEM;

	if ((fd = control_connect(sun)) != -1) {
		(void)close(fd);
		return TSR_CONFLICT;
	}
	if (errno == ECONNREFUSED && unlink(sun->sun_path) == -1)
		return TSR_SYSTEM;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return TSR_SYSTEM;
	/* before bind: the file is born with it */
	if (fchmod(fd, 0600) == -1 || bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ||
	    listen(fd, BACKLOG) == -1)
		goto out;
	*out = fd;
	fd = -1;
	r = TSR_OK;
 out:
	if (fd != -1)
		(void)close(fd);
	return r;
}

int
control_open(const char *path, control_fn fn, void *arg, struct control **out)
{
	struct sockaddr_un sun;
	struct control *c;
	size_t i;
	int r;

	if ((r = control_address(path, &sun)) != TSR_OK)
		return r;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	if ((r = control_listen(&sun, &c->fd)) != TSR_OK) {
		free(c);
		return r;
	}
	memcpy(c->path, sun.sun_path, sizeof(c->path));
	c->fn = fn;
	c->arg = arg;
	for (i = 0; i < CONTROL_CONNS_MAX; i++) {
		c->conn[i].fd = -1;
		buf_init(&c->conn[i].in, CONTROL_LINE_MAX);
		buf_init(&c->conn[i].out, CONTROL_ANSWER_MAX);
	}
	*out = c;
	return TSR_OK;
}

static void
control_drop(struct conn *conn)
{
	if (conn->fd != -1)
		(void)close(conn->fd);
	conn->fd = -1;
	conn->ticket = 0;
	buf_free(&conn->in);
	buf_free(&conn->out);
}

void
control_close(struct control **c)
{
	size_t i;

	if (*c == NULL)
		return;
	for (i = 0; i < CONTROL_CONNS_MAX; i++)
		control_drop(&(*c)->conn[i]);
	(void)close((*c)->fd);
	(void)unlink((*c)->path);
	free(*c);
	*c = NULL;
}

/* Send what is left of the answer.  TSR_AGAIN where the peer is slow. */
static int
control_send(struct conn *conn)
{
	ssize_t n;

	while (conn->out.len > 0) {
		n = send(conn->fd, conn->out.data, conn->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? TSR_AGAIN : TSR_CLOSED;
		buf_consume(&conn->out, (size_t)n);
	}
	return TSR_OK;
}

static void
control_say(struct conn *conn, int r, const char *text, size_t len)
{
	size_t i;

	buf_reset(&conn->out);
	if (buf_put_cstr(&conn->out, r == TSR_OK ? "ok" : "error") != TSR_OK ||
	    (len > 0 && (buf_put_u8(&conn->out, ' ') != TSR_OK ||
	    buf_put(&conn->out, text, len) != TSR_OK)))
		goto drop;
	for (i = 0; i < conn->out.len; i++)
		if (conn->out.data[i] == '\n')
			conn->out.data[i] = ' ';
	if (buf_put_u8(&conn->out, '\n') != TSR_OK)
		goto drop;
	if (control_send(conn) != TSR_CLOSED)
		return;
 drop:
	control_drop(conn);
}

static int
control_split(char *line, char **word)
{
	char *save = NULL, *w;
	int n = 0;

	for (w = strtok_r(line, " \t\r", &save); w != NULL; w = strtok_r(NULL, " \t\r", &save)) {
		if (n == CONTROL_WORDS_MAX)
			return TSR_TOO_LARGE;
		word[n++] = w;
	}
	return n;
}

static void
control_line(struct control *c, struct conn *conn, char *line)
{
	char *word[CONTROL_WORDS_MAX + 1] = { NULL };
	const char *text;
	struct buf answer;
	int n, r;

	buf_init(&answer, CONTROL_ANSWER_MAX - sizeof("error \n"));
	if ((n = control_split(line, word)) <= 0) {
		r = TSR_INVALID;
		text = n == 0 ? "a command is missing" : "too many words";
		control_say(conn, r, text, strlen(text));
		return;
	}
	conn->ticket = ++c->last_ticket;
	r = c->fn(c->arg, n, word, conn->ticket, &answer);
	if (r != CONTROL_LATER) {
		conn->ticket = 0;
		text = tsr_strerror(r);
		if (r != TSR_OK && answer.len == 0)
			control_say(conn, r, text, strlen(text));
		else
			control_say(conn, r, (const char *)answer.data, answer.len);
	}
	buf_free(&answer);
}

/* Serve the lines that are whole, while none waits for its answer. */
static void
control_lines(struct control *c, struct conn *conn)
{
	char line[CONTROL_LINE_MAX];
	const uint8_t *end;
	size_t n;

	while (conn->fd != -1 && conn->ticket == 0 && conn->out.len == 0 && conn->in.len > 0) {
		if ((end = memchr(conn->in.data, '\n', conn->in.len)) == NULL) {
			if (conn->in.len == CONTROL_LINE_MAX)
				control_drop(conn);
			return;
		}
		n = (size_t)(end - conn->in.data);
		memcpy(line, conn->in.data, n);
		line[n] = '\0';
		buf_consume(&conn->in, n + 1);
		control_line(c, conn, line);
	}
}

static void
control_read(struct control *c, struct conn *conn)
{
	size_t room = CONTROL_LINE_MAX - conn->in.len;
	ssize_t n;

	if (room == 0)
		return;			/* lines wait behind one that waits */
	if (buf_reserve(&conn->in, room) != TSR_OK) {
		control_drop(conn);
		return;
	}
	n = recv(conn->fd, conn->in.data + conn->in.len, room, MSG_DONTWAIT);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		control_drop(conn);
		return;
	}
	buf_added(&conn->in, (size_t)n);
	control_lines(c, conn);
}

static void
control_accept(struct control *c)
{
	size_t i;
	int fd;

	for (i = 0; i < CONTROL_CONNS_MAX; i++) {
		if (c->conn[i].fd != -1)
			continue;
		if ((fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) == -1)
			return;
		c->conn[i].fd = fd;
	}
}

size_t
control_poll(const struct control *c, struct pollfd *p)
{
	const struct conn *conn;
	size_t i, n = 1;

	p[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	for (i = 0; i < CONTROL_CONNS_MAX; i++) {
		conn = &c->conn[i];
		if (conn->fd == -1)
			continue;
		p[n] = (struct pollfd){ .fd = conn->fd };
		if (conn->out.len > 0)
			p[n].events = POLLOUT;
		else if (conn->in.len < CONTROL_LINE_MAX)
			p[n].events = POLLIN;
		n++;
	}
	if (n == CONTROL_POLL_MAX)
		p[0].fd = -1;		/* full: who comes now waits in the backlog */
	return n;
}

static void
control_event(struct control *c, struct conn *conn, short events)
{
	if ((events & POLLIN) != 0)
		control_read(c, conn);
	else if ((events & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		control_drop(conn);
	else if ((events & POLLOUT) != 0) {
		if (control_send(conn) == TSR_CLOSED)
			control_drop(conn);
		control_lines(c, conn);
	}
}

void
control_serve(struct control *c, const struct pollfd *p, size_t n)
{
	size_t i, k;

	for (k = 1; k < n; k++) {
		if (p[k].revents == 0)
			continue;
		for (i = 0; i < CONTROL_CONNS_MAX; i++) {
			if (c->conn[i].fd == p[k].fd) {
				control_event(c, &c->conn[i], p[k].revents);
				break;
			}
		}
	}
	if (n > 0 && p[0].revents != 0)
		control_accept(c);
}

void
control_answer(struct control *c, uint64_t ticket, int r, const char *text)
{
	size_t i;

	for (i = 0; i < CONTROL_CONNS_MAX; i++) {
		if (c->conn[i].fd == -1 || ticket == 0 || c->conn[i].ticket != ticket)
			continue;
		c->conn[i].ticket = 0;
		if (text == NULL)
			text = r == TSR_OK ? "" : tsr_strerror(r);
		control_say(&c->conn[i], r, text, strlen(text));
		control_lines(c, &c->conn[i]);
		return;
	}
}

int
control_asked(const struct control *c, uint64_t ticket)
{
	size_t i;

	for (i = 0; i < CONTROL_CONNS_MAX; i++)
		if (c->conn[i].fd != -1 && ticket != 0 && c->conn[i].ticket == ticket)
			return 1;
	return 0;
}

/* Up to and without the newline. */
static int
control_receive(int fd, int timeout_ms, char *answer, size_t size)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;
	char *end;
	int ready;

	for (;;) {
		if ((ready = poll(&p, 1, timeout_ms)) == 0)
			return TSR_TIMEOUT;
		if (ready == -1 && errno == EINTR)
			continue;
		n = recv(fd, answer + len, size - 1 - len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return TSR_CLOSED;
		answer[len + (size_t)n] = '\0';
		if ((end = strchr(answer + len, '\n')) != NULL) {
			*end = '\0';
			return TSR_OK;
		}
		if ((len += (size_t)n) == size - 1)
			return TSR_TOO_LARGE;
	}
}

int
control_call(const char *path, const char *line, int timeout_ms, char *answer, size_t size)
{
	struct sockaddr_un sun;
	struct buf b;
	int fd = -1, r;

	buf_init(&b, CONTROL_LINE_MAX);
	if ((r = control_address(path, &sun)) != TSR_OK ||
	    (r = buf_printf(&b, "%s\n", line)) != TSR_OK)
		goto out;
	if ((fd = control_connect(&sun)) == -1) {
		r = TSR_UNREACHABLE;
		goto out;
	}
	if (send(fd, b.data, b.len, MSG_NOSIGNAL) != (ssize_t)b.len) {
		r = TSR_CLOSED;
		goto out;
	}
	r = control_receive(fd, timeout_ms, answer, size);
 out:
	if (fd != -1)
		(void)close(fd);
	buf_free(&b);
	return r;
}
