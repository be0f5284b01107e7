/*
 * lib_answer.c - fuzz target: libtessera's client before an agent that sends
 * anything at all, with allocations that fail by the input's first bytes.
 *
 * Byte 0 chooses the request, 1 and 2 the allocation that fails (0 none), and
 * the rest is what the agent sends on the request's connection.  Where it has
 * a byte 0xff, what is behind that goes on the stream of events.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sys/socket.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/conn.h"
#include "tessera.h"
#include "tests/fuzz/scarce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
prompter(void *arg, const struct tsr_event *e, char *pin, size_t size)
{
	char text[64];
	int64_t number;

	(void)arg;
	(void)tsr_event_text(e, "device.label", text, sizeof(text));
	(void)tsr_event_number(e, "tries_left", &number);
	(void)tsr_event_flag(e, "retry");
	if (size < 5)
		abort();
	memcpy(pin, "1234", 5);
	return tsr_event_name(e)[0] == 'p' ? TSR_OK : TSR_CANCELLED;
}

/* A connection whose other side has said all that it will. */
static int
connected(struct exchange *x, const uint8_t *p, size_t n)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	(void)!write(pair[1], p, n);
	(void)shutdown(pair[1], SHUT_WR);
	if ((r = http_client_new(pair[0], &x->hc)) == TSR_OK)
		x->pid = getpid();
	(void)close(pair[1]);
	return r;
}

static void
take(struct tsr_client *c)
{
	struct tsr_token *t = NULL;
	struct tsr_sessions *s = NULL;
	char text[64];
	unsigned ended;
	size_t i;

	if (tsr_client_token(c, &t) == TSR_OK &&
	    (tsr_token_text(t)[0] == '\0' || tsr_token_scope(t) == NULL))
		abort();
	if (tsr_client_sessions(c, &s) == TSR_OK)
		for (i = 0; i < tsr_session_count(s) && i < 64; i++)
			(void)tsr_session_text(s, i, "subject", text, sizeof(text));
	(void)tsr_client_ended(c, &ended);
	tsr_token_free(&t);
	tsr_sessions_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tsr_client *c = NULL;
	const uint8_t *more;
	size_t n;
	int r, passes;

	if (size < 3)
		return 0;
	scarce_begin((unsigned)data[1] | (unsigned)(data[2] & 3) << 8, 1);
	if (tsr_client_new("/nonexistent/tessera.sock", 0, &c) != TSR_OK)
		goto out;
	tsr_client_prompter(c, prompter, NULL);
	n = size - 3;
	more = memchr(data + 3, 0xff, n);
	if (more != NULL)
		n = (size_t)(more - (data + 3));
	/* these two begin anew where a proof is due: the kept connection serves */
	if (connected(&c->ask, data + 3, n) != TSR_OK)
		goto out;
	r = tsr_client_start(c, data[0] & 1 ? TSR_SESSION_LIST : data[0] & 2 ? TSR_SESSION_LOGOUT :
	    TSR_TOKEN_GET, NULL);
	if (r == TSR_OK && more != NULL) {
		c->hear.state = STREAM_ASKED;
		if (connected(&c->hear.x, more + 1, size - 3 - n - 1) == TSR_OK) {
			c->hear.x.method = "GET";
			c->state = CONN_LISTENING;
		}
	}
	for (passes = 0; r == TSR_OK && passes < 4; passes++)
		if ((r = tsr_client_step(c)) == TSR_AGAIN)
			r = TSR_OK;
		else
			break;
	if (r != TSR_OK && (tsr_error_code(c) != r || tsr_error_name(c)[0] == '\0'))
		abort();
	take(c);
 out:
	tsr_client_free(&c);
	(void)scarce_end();
	return 0;
}
