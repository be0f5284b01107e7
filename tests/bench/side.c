/*
 * side.c - see side.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "side.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "echo.h"

#define SIDE_EVENTS	64	/* taken from the epoll set at once */

static unsigned char side_key[crypto_sign_SECRETKEYBYTES];
static char side_echo_path[32];

static void
side_conn_open(struct side *s, struct side_conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = c } };

	c->fd = wire_dial(s->wire.path);
	if (epoll_ctl(s->set, EPOLL_CTL_ADD, c->fd, &e) != 0)
		meter_die("epoll");
}

static void
side_ask(struct side *s, struct side_conn *c)
{
	c->have = 0;
	c->sent = meter_ns();
	if (!s->kept)
		side_conn_open(s, c);
	wire_send(&s->wire, c->fd);
	s->busy++;
}

static void
side_answered(struct side *s, struct side_conn *c, uint64_t deadline)
{
	uint64_t now = meter_ns();

	samples_add(&s->latency, (double)(now - c->sent));
	s->ops++;
	s->busy--;
	if (!s->kept)
		(void)close(c->fd);
	if (now < deadline)
		side_ask(s, c);
}

static void
side_read(struct side *s, struct side_conn *c, uint64_t deadline)
{
	ssize_t n = read(c->fd, c->reply + c->have, sizeof(c->reply) - 1 - c->have);
	int whole;

	if (n < 0)
		meter_die("%s: %s", s->wire.path, strerror(errno));
	c->have += (size_t)n;
	whole = wire_whole(&s->wire, c->reply, c->have, n == 0);
	if (whole < 0 || c->have == sizeof(c->reply) - 1)
		meter_die("%s: not a success: %.*s", s->wire.path, (int)c->have, c->reply);
	if (whole)
		side_answered(s, c, deadline);
}

static void
side_talk(struct side *s, uint64_t deadline)
{
	struct epoll_event e[SIDE_EVENTS];
	unsigned k;
	int i, n;

	for (k = 0; k < s->n; k++)
		side_ask(s, &s->conns[k]);
	while (s->busy > 0) {
		n = epoll_wait(s->set, e, SIDE_EVENTS, -1);
		for (i = 0; i < n; i++)
			side_read(s, e[i].data.ptr, deadline);
	}
}

static void
side_sign(struct side *s, uint64_t deadline)
{
	unsigned char sig[crypto_sign_BYTES];
	uint64_t before = meter_ns(), now;

	do {
		(void)crypto_sign_detached(sig, NULL, (const unsigned char *)s->wire.request,
		    s->wire.request_len, side_key);
		now = meter_ns();
		samples_add(&s->latency, (double)(now - before));
		before = now;
		s->ops++;
	} while (now < deadline);
}

double
side_turn(struct side *s, uint64_t length_ns)
{
	uint64_t ops = s->ops, begun, took;
	double cpu = s->pid != 0 ? meter_cpu(s->pid) : 0;

	begun = meter_ns();
	if (s->conns != NULL)
		side_talk(s, begun + length_ns);
	else
		side_sign(s, begun + length_ns);
	took = meter_ns() - begun;
	s->ns += took;
	if (s->pid != 0)
		s->cpu += meter_cpu(s->pid) - cpu;
	return (double)(s->ops - ops) * 1e9 / (double)took;
}

void
side_reset(struct side *s)
{
	samples_clear(&s->latency);
	s->ops = s->ns = 0;
	s->cpu = 0;
}

static void
side_open_sign(struct side *s, char **words)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES];

	if (sodium_init() < 0 || crypto_sign_keypair(public, side_key) != 0)
		meter_die("libsodium");
	s->wire.request_len = meter_number(words[1]);
	if (s->wire.request_len > sizeof(s->wire.request))
		meter_die("sign: too many bytes");
	memset(s->wire.request, 'x', s->wire.request_len);
	s->pid = getpid();
}

static void
side_open_echo(struct side *s, char **words)
{
	s->wire.framing = WIRE_FIXED;
	s->wire.request_len = meter_number(words[1]);
	s->wire.reply_len = meter_number(words[2]);
	if (s->wire.request_len >= WIRE_MAX || s->wire.reply_len >= WIRE_MAX)
		meter_die("echo: too many bytes");
	memset(s->wire.request, 'q', s->wire.request_len);
	(void)snprintf(side_echo_path, sizeof(side_echo_path), "@tessera-bench-%ld", (long)getpid());
	s->wire.path = side_echo_path;
	s->kept = 1;
	s->pid = echo_start(side_echo_path, s->wire.request_len, s->wire.reply_len);
}

static void
side_open_service(struct side *s, char **words)
{
	static const struct {
		const char *name;
		enum wire_framing framing;
		int kept;
	} kinds[] = {
		{ "http", WIRE_HTTP, 1 }, { "dial", WIRE_HTTP, 0 },
		{ "ssh", WIRE_SSH, 1 }, { "end", WIRE_END, 0 }
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(words[0], kinds[i].name) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		meter_die("%s: no such kind of side", words[0]);
	s->wire.framing = kinds[i].framing;
	s->kept = kinds[i].kept;
	s->wire.path = words[1];
	wire_load(&s->wire, words[2]);
	s->pid = (pid_t)meter_number(words[3]);
}

void
side_open(struct side *s, char **words, unsigned conns)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	if (strcmp(words[0], "sign") == 0) {
		side_open_sign(s, words);
		return;
	}
	if (strcmp(words[0], "echo") == 0)
		side_open_echo(s, words);
	else
		side_open_service(s, words);
	s->n = conns;
	if ((s->conns = calloc(conns, sizeof(*s->conns))) == NULL ||
	    (s->set = epoll_create1(EPOLL_CLOEXEC)) == -1)
		meter_die("out of memory");
	for (i = 0; i < conns && s->kept; i++)
		side_conn_open(s, &s->conns[i]);
}
