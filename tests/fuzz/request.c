/*
 * request.c - the whole way of a request: any bytes from clients and helpers, to
 * an agent with a real store, policy and handlers, while memory is out.
 *
 * Two bytes say which allocation fails (bits 0 to 11, 0: none) and how many
 * after it (bits 12 to 14: 2^n - 1, 7: all), counted from the agent's start
 * (bit 15) or from the first request.  The third: bit 0, root has a session; 1,
 * names are answered late; 2, helpers answer by themselves; 3, root has a FIDO2
 * key.  Then steps, each begun by 0xff and a character:
 *
 *	0 1 a	a client of root's sends the bytes, what stands for something (below)
 *		in them made the last of it; 2: one of uid 1's; 3: root's on the admin
 *		socket
 *	4	a helper's frame: its type, by a byte, and its body
 *	5	the helper's bytes
 *	6	time passes: 250 ms times a byte
 *	7	a client goes: its digit
 *	8	the names that wait are answered: '0' known, '1' unknown, '2' not at all
 *	9	a helper's answer, as it should be but for the signature
 *	f	a FIDO2 helper's frame: its type, by a byte, and its body
 *	g	a FIDO2 helper's good answer, in which the byte at the first byte's place
 *		is changed by the second one, and so on
 *
 * No token leaves but for the session, the service and an answer that was good, each answer is whole and not to be
 * stored, and when memory is back the agent is well.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/clock.h"
#include "base/frame.h"
#include "base/proto.h"
#include "include/tessera.h"
#include "tests/fuzz/agent_rig.h"
#include "tests/fuzz/fido_end.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"
#include "token/json.h"

#define CLIENTS		5
#define OUT_MAX		(1u << 20)	/* bytes of answers to one client */
#define HELPER_ENDS	4		/* at once; others hang up */
#define STEP		0xff
#define DESCRIPTORS_MAX	128	/* looked at */
#define SEND_MAX	(1u << 17)	/* bytes of one step */
#define EIGHT(c)	c c c c c c c c
#define SERVED		"run\""		/* the scope of a service, which needs no session */
#define CERTIFICATE	"{\"certificate\":\""
#define AUTO_MAX	16		/* answers of helpers by themselves after a step */

enum { SESSION = 1, NAMES_LATE = 2, HELPERS_ANSWER = 4, FIDO_KEY = 8 };

static const uint8_t *input;
static size_t input_n;
static unsigned seed;
static uint8_t flags;

static struct client {
	int fd;
	size_t n;
	char out[OUT_MAX];
} client[CLIENTS];

static struct helper_end {
	int fd;
	uint32_t id;
	uint16_t type;
	struct buf fido;		/* a good answer to the last request, of a FIDO2 helper's */
	int asserts;			/* that is an assertion */
} helper[HELPER_ENDS];
static int proved;			/* a good assertion was sent as it is */

/* --- clients --- */

/* Of this thread alone: it is who connects and writes. */
static void
become(uid_t uid)
{
	if (getuid() != uid || geteuid() != uid)
		(void)syscall(SYS_setresuid, uid, uid, 0);
}

static void
client_open(struct client *c)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s",
	    c == &client[3] ? agent_rig_admin : agent_rig_api);
	must((c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1);
	if (connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		(void)close(c->fd);
		c->fd = -1;
	}
}

static void
client_read(struct client *c)
{
	ssize_t n;

	while (c->fd != -1 && c->n < OUT_MAX &&
	    (n = recv(c->fd, c->out + c->n, OUT_MAX - c->n, MSG_DONTWAIT)) > 0)
		c->n += (size_t)n;
}

/* One answer at p: what it takes of n bytes. */
static size_t
answer_check(const char *p, size_t n)
{
	const char *end, *length;
	char head[2048];
	size_t body;
	int status = 0;
	json_t *o = NULL;

	must(n > 17 && memcmp(p, "HTTP/1.1 ", 9) == 0);
	must((end = memmem(p, n, "\r\n\r\n", 4)) != NULL && (size_t)(end - p) < sizeof(head) - 4);
	memcpy(head, p, (size_t)(end - p) + 4);
	head[end - p + 4] = '\0';
	must(sscanf(head + 9, "%3d ", &status) == 1 && status >= 200 && status < 600);
	must(strstr(head, "\r\nCache-Control: no-store\r\n") != NULL);
	if (strstr(head, "\r\nContent-Type: text/event-stream\r\n") != NULL)
		return n;
	must((length = strstr(head, "\r\nContent-Length: ")) != NULL);
	body = strtoul(length + 18, NULL, 10);
	end += 4;
	must(n - (size_t)(end - p) >= body);
	if (strstr(head, "\r\nContent-Type: application/json\r\n") != NULL && body > 0) {
		must(json_read_object(end, body, 16, &o) == TSR_OK);
		json_decref(o);
	}
	must(status < 400 || memmem(end, body, "\"error\"", 7) != NULL ||
	    memmem(end, body, "\"checks\"", 8) != NULL);
	return (size_t)(end - p) + body;
}

/* Is every token that it got a service's? */
static int
services_alone(const struct client *c)
{
	static const char token[] = "\"access_token\"", scope[] = "\"scope\":\"";
	const char *at = c->out, *end = c->out + c->n;

	while ((at = memmem(at, (size_t)(end - at), token, sizeof(token) - 1)) != NULL) {
		at = memmem(at, (size_t)(end - at), scope, sizeof(scope) - 1);
		if (at == NULL || (size_t)(end - at) < sizeof(scope) + sizeof(SERVED) ||
		    memcmp(at + sizeof(scope) - 1, SERVED, sizeof(SERVED) - 1) != 0)
			return 0;
	}
	return c != &client[2] || memmem(c->out, c->n, token, sizeof(token) - 1) == NULL;
}

static void
client_check(struct client *c)
{
	size_t at = 0;

	if (c->n == OUT_MAX)
		return;
	while (at < c->n)
		at += answer_check(c->out + at, c->n - at);
	if (((flags & SESSION) == 0 && !proved) || c == &client[2])
		must(services_alone(c));
	/* no session pays for one */
	if (!proved || c == &client[2])
		must(memmem(c->out, c->n, CERTIFICATE, sizeof(CERTIFICATE) - 1) == NULL);
}

static void
client_close(struct client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}

/* What the agent drew: where its answers show it, and what stands for the last. */
static const struct drawn {
	const char *mark, *place;
} drawn[] = {
	{ "event: pin-needed\ndata: {\"prompt\":\"", EIGHT("P") EIGHT("P") "PPPPPP" },
	{ "\"refresh_token\":\"tsr_rt_", EIGHT(EIGHT("R")) },
	{ "\"access_token\":\"tsr_at_", EIGHT("Q") EIGHT("Q") EIGHT("Q") EIGHT("Q") EIGHT("Q") "QQQ" }
};

static void
name_drawn(uint8_t *p, size_t n, const struct drawn *d)
{
	size_t mark = strlen(d->mark), len = strlen(d->place), i, from;
	const char *id, *last = NULL;
	uint8_t *at;

	for (i = 0; i < CLIENTS; i++)
		for (from = 0; from < client[i].n && (id = memmem(client[i].out + from,
		    client[i].n - from, d->mark, mark)) != NULL; last = id)
			from = (size_t)(id - client[i].out) + mark;
	if (last != NULL && (at = memmem(p, n, d->place, len)) != NULL &&
	    memchr(last + mark, '"', len + 1) != NULL)
		memcpy(at, last + mark, len);
}

static void
client_send(struct client *c, const uint8_t *data, size_t n)
{
	static uint8_t p[SEND_MAX];
	size_t i;

	n = n < SEND_MAX ? n : SEND_MAX;
	memcpy(p, data, n);
	for (i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++)
		name_drawn(p, n, &drawn[i]);
	become(c == &client[2] ? 1 : 0);
	if (c->fd == -1)
		client_open(c);
	if (c->fd != -1)
		(void)send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	become(0);
}

/* --- helpers --- */

static void
helper_send(struct helper_end *h, uint16_t type, const struct proto_value *v, size_t n)
{
	struct buf b;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if (proto_encode(&b, type, h->id, 0, v, n) == TSR_OK)
		(void)send(h->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_free(&b);
}

/* The good answer, with changes. */
static void
fido_send(struct helper_end *h, const uint8_t *change, size_t n)
{
	size_t i;

	for (i = 0; i + 1 < n; i += 2)
		if (h->fido.len > 0)
			h->fido.data[change[i] % h->fido.len] ^= change[i + 1];
	if (h->fido.len > 0)
		(void)send(h->fd, h->fido.data, h->fido.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* changes may undo one another: then it was good all the same */
	proved |= h->asserts;
	buf_reset(&h->fido);
	h->type = 0;
}

static void
fido_frame(struct helper_end *h, const uint8_t *p, size_t n)
{
	struct frame f = { .id = h->id, .type = p[0], .body = p + 1, .body_len = (uint32_t)(n - 1) };
	struct buf b;

	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if (frame_encode(&b, &f) == TSR_OK)
		(void)send(h->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_free(&b);
}

/* What a good helper would say to its last request; it has no key. */
static void
helper_answer(struct helper_end *h)
{
	static const uint8_t none[64] = { 1 };
	static const uint8_t other_id = 2;
	const struct credential *c = &agent_rig_credential;
	struct proto_value token[6] = {
		{ .p = (const uint8_t *)c->token_serial, .n = strlen(c->token_serial) },
		{ .p = (const uint8_t *)c->token_label, .n = strlen(c->token_label) },
		{ .p = (const uint8_t *)"maker", .n = 5 }, { .p = (const uint8_t *)"model", .n = 5 },
		{ .u32 = 0 }, { .p = NULL, .n = 0 }
	}, key[6] = {
		{ .p = c->key_id, .n = c->key_id_len }, { .p = (const uint8_t *)"key", .n = 3 },
		{ .u32 = 1u << PROTO_ED25519 }, { .p = c->spki, .n = c->spki_len },
		{ .p = NULL, .n = 0 }, { .u32 = 0 }
	}, other[6], signature = { .p = none, .n = sizeof(none) };

	if (h->fido.len > 0) {
		fido_send(h, NULL, 0);
		return;
	}
	if (h->type == PROTO_TOKENS)
		helper_send(h, PROTO_TOKEN, token, 6);
	if (h->type == PROTO_KEYS) {
		helper_send(h, PROTO_KEY, key, 6);
		memcpy(other, key, sizeof(key));
		other[0].p = &other_id;
		other[3].p = agent_rig_other;
		helper_send(h, PROTO_KEY, other, 6);
	}
	if (h->type == PROTO_PROVE)
		helper_send(h, PROTO_SIGNATURE, &signature, 1);
	helper_send(h, PROTO_DONE, NULL, 0);
	h->type = 0;
}

static void
helper_begin(struct helper_end *h, int fd)
{
	buf_free(&h->fido);
	*h = (struct helper_end){ .fd = fd };
	buf_init(&h->fido, FRAME_HEAD + FRAME_BODY_MAX);
}

/* Those that the agent called, and what it asked of them; 1 where one was asked. */
static int
helpers_look(void)
{
	static uint8_t in[FRAME_HEAD + FRAME_BODY_MAX];
	struct frame f;
	size_t used, need, at;
	ssize_t n;
	int fd, i, asked = 0;

	while ((fd = accept4(agent_rig_helpers, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
		for (i = 0; i < HELPER_ENDS && helper[i].fd != -1; i++)
			;
		if (i == HELPER_ENDS)
			(void)close(fd);
		else
			helper_begin(&helper[i], fd);
	}
	for (i = 0; i < HELPER_ENDS; i++) {
		if (helper[i].fd == -1)
			continue;
		n = recv(helper[i].fd, in, sizeof(in), MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno != EAGAIN)) {
			(void)close(helper[i].fd);
			helper[i].fd = -1;
		}
		for (at = 0; n > 0 && frame_decode(in + at, (size_t)n - at, &f, &used, &need) == TSR_OK;
		    at += used) {
			helper[i].id = f.id;
			helper[i].type = f.type;
			if (f.type >= PROTO_FIDO_LIST && f.type <= PROTO_FIDO_PIN)
				helper[i].asserts = fido_end_answer(&f, &helper[i].fido);
			asked = 1;
		}
	}
	return asked;
}

/* The one that was asked, else any. */
static struct helper_end *
helper_asked(void)
{
	struct helper_end *any = NULL;
	int i;

	for (i = 0; i < HELPER_ENDS; i++)
		if (helper[i].fd != -1 && (any == NULL || helper[i].type != 0))
			any = &helper[i];
	return any;
}

static void
helper_frame(const uint8_t *p, size_t n)
{
	static const uint16_t types[] = { PROTO_DONE, PROTO_ERROR, PROTO_TOKEN, PROTO_KEY, PROTO_SIGNATURE };
	struct helper_end *h = helper_asked();
	struct frame f = { .id = 0 };
	struct buf b;

	if (h == NULL || n == 0)
		return;
	f.id = h->id;
	f.type = types[p[0] % 5];
	f.body = p + 1;
	f.body_len = (uint32_t)(n - 1);
	buf_init(&b, FRAME_HEAD + FRAME_BODY_MAX);
	if (frame_encode(&b, &f) == TSR_OK)
		(void)send(h->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_free(&b);
}

/* --- the script --- */

static void
settle(struct agent *a)
{
	int i, k;

	for (i = 0; i < AUTO_MAX; i++) {
		agent_rig_turn(a);
		agent_rig_pass(a, 0);		/* what is due at once */
		if (!helpers_look() || (flags & HELPERS_ANSWER) == 0)
			break;
		for (k = 0; k < HELPER_ENDS; k++)
			if (helper[k].fd != -1 && helper[k].type != 0)
				helper_answer(&helper[k]);
	}
	for (i = 0; i < CLIENTS; i++)
		client_read(&client[i]);
}

static void
step(struct agent *a, uint8_t what, const uint8_t *p, size_t n)
{
	struct helper_end *h;

	switch (what) {
	case '0': case '1': case '2': case '3':
		client_send(&client[what - '0'], p, n);
		break;
	case 'a':
		client_send(&client[4], p, n);
		break;
	case '4':
		helper_frame(p, n);
		break;
	case '5':
		if ((h = helper_asked()) != NULL)
			(void)send(h->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case '6':
		agent_rig_pass(a, n > 0 ? p[0] * 250u : 250);
		break;
	case '7':
		client_close(&client[n > 0 ? p[0] % CLIENTS : 0]);
		break;
	case '8':
		agent_rig_names_answer(n > 0 && p[0] == '1' ? TSR_NOT_FOUND :
		    n > 0 && p[0] == '2' ? TSR_TIMEOUT : TSR_OK);
		break;
	case '9':
		if ((h = helper_asked()) != NULL)
			helper_answer(h);
		break;
	case 'f':
		if ((h = helper_asked()) != NULL && n > 0)
			fido_frame(h, p, n);
		break;
	case 'g':
		if ((h = helper_asked()) != NULL)
			fido_send(h, p, n);
		break;
	default:
		return;
	}
	settle(a);
}

static void
prove(struct agent *a)
{
	const struct session *s;

	must(session_proved(a->sessions, &agent_rig_credential, "demo", 3600, 8, &s) == TSR_OK);
	session_settle(a->sessions, 1);
}

/* Memory is back: is all well in a while? */
static void
recovers(struct agent *a)
{
	static const char ask[] = "GET /credentials HTTP/1.1\r\nHost: localhost\r\n\r\n";
	int i;

	for (i = 0; i < CLIENTS; i++)
		client_close(&client[i]);
	flags = (uint8_t)(flags & ~SESSION);
	proved = 0;
	agent_rig_names_answer(TSR_OK);
	for (i = 0; i < 8; i++) {	/* half a minute; a failed write is tried again meanwhile */
		agent_rig_pass(a, 4000);
		settle(a);
	}
	client[0].n = 0;
	client_send(&client[0], (const uint8_t *)ask, strlen(ask));
	settle(a);
	agent_rig_names_answer(TSR_OK);
	settle(a);
	client_check(&client[0]);
	must(client[0].n > 12 && memcmp(client[0].out, "HTTP/1.1 200", 12) == 0);
	must(audit_ready(a->audit) == TSR_OK);
}

static void
begin(void)
{
	if ((seed & 0x8000) != 0)
		scarce_begin(seed & 0xfff, (seed >> 12 & 7) == 7 ? 0x7fffffff : 1u << (seed >> 12 & 7));
}

static void
drive(struct agent *a)
{
	const uint8_t *p = input, *end = input + input_n, *next;
	int i;

	if (a->policy == NULL) {	/* there was no memory for it: it may be asked all the same */
		must(scarce_hit());
	} else if ((flags & SESSION) != 0) {
		(void)scarce_end();
		prove(a);
	}
	if ((flags & FIDO_KEY) != 0 && a->policy != NULL && !scarce_hit()) {
		(void)scarce_end();
		fido_end_enrol(a->store);
	}
	if ((flags & NAMES_LATE) != 0)
		agent_rig_names_wait(1);
	if ((seed & 0x8000) == 0)
		scarce_begin(seed & 0xfff, (seed >> 12 & 7) == 7 ? 0x7fffffff : 1u << (seed >> 12 & 7));
	while (p < end) {
		if ((next = memchr(p, STEP, (size_t)(end - p))) == NULL)
			next = end;
		if (next > p)
			step(a, p[0], p + 1, (size_t)(next - p) - 1);
		p = next + 1;
	}
	(void)scarce_end();
	for (i = 0; i < CLIENTS; i++)
		client_check(&client[i]);
	if (a->policy != NULL)
		recovers(a);
}

static int
descriptors(void)
{
	int fd, n = 0;

	for (fd = 0; fd < DESCRIPTORS_MAX; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int started;
	int i, fds;

	if (!started)
		agent_rig_start();
	started = 1;
	if (size < 3)
		return 0;
	seed = (unsigned)data[0] | (unsigned)data[1] << 8;
	flags = data[2];
	input = data + 3;
	input_n = size - 3;
	for (i = 0; i < CLIENTS; i++) {
		client[i].fd = -1;
		client[i].n = 0;
	}
	proved = 0;
	for (i = 0; i < HELPER_ENDS; i++)
		helper_begin(&helper[i], -1);
	fds = descriptors();
	must(agent_rig_life(begin, drive) || scarce_hit());
	(void)scarce_end();
	for (i = 0; i < CLIENTS; i++)
		client_close(&client[i]);
	for (i = 0; i < HELPER_ENDS; i++)
		if (helper[i].fd != -1)
			(void)close(helper[i].fd);
	while ((i = accept4(agent_rig_helpers, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(i);
	must(descriptors() == fds);
	return 0;
}
