/*
 * ssh_agent.c - any frames to ssh.sock of a whole agent: no signature leaves it but for
 * root, who has a session, by root's key, for a session that a host signed for on that
 * very connection, or a file of a namespace that is allowed.
 *
 * A byte (bit 0: root has a session), and then steps: a character, the connection's
 * number (the last is uid 1's, the others are root's), a length of two bytes and so many
 * bytes:
 *
 *	l	list
 *	b	a good binding: forwarding, a session of 32 bytes, changes
 *	s	a good login to be signed: how (enum), user's letter, a session, changes
 *	f	a good file to be signed: how, namespace's number, changes
 *	r	the bytes as they are; 32 times "K" in them is the agent's key
 *	p	so many lists times 8 (one byte), and seconds pass (one byte) before any
 *		answer is taken
 *	n	names wait from here on; m: they are answered, and wait no more: '0' they are
 *		known, '1' unknown, '2' not said
 *	w	root's terminal can be asked for a PIN
 *	z	a frame of so many KiB (one byte), all zero
 *	t	time passes: seconds (one byte)
 *	x	the connection ends
 *	e	root's session ends
 *	o	root has one again
 *
 * Changes are three bytes each: a place in the frame, and what is combined with it.
 * The agent lives for many inputs, in a thread of its own.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/ssh_conn.h"
#include "base/buf.h"
#include "include/tessera.h"
#include "tests/fuzz/agent_rig.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/ssh_watch.h"

#define CONNS		3
#define LIFE_INPUTS	500	/* inputs that one agent sees */
#define BIG_MAX		300	/* KiB of a frame of zeros */
#define PASS_MS		20000	/* between two inputs */

enum { SESSION = 1 };
enum { BY_CERT = 1, OF_CERT = 2, BOUND = 4, OTHER_NAME = 8, SHA256 = 16 };

static struct ssh_watch watch[CONNS];
static int fds[CONNS], prompter = -1;
static const uint8_t *input;
static size_t input_n;
static unsigned long frames;
static pthread_t thread;
static sem_t go, done;
static int living, ending;

/* --- connections --- */

static void
become(uid_t uid)
{
	if (getuid() != uid || geteuid() != uid)
		(void)syscall(SYS_setresuid, uid, uid, 0);
}

static void
conn_close(int i)
{
	if (fds[i] != -1)
		(void)close(fds[i]);
	fds[i] = -1;
	ssh_watch_end(&watch[i]);
}

static int
connected(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	must((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) != -1);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
conn_open(int i)
{
	fds[i] = connected(agent_rig_ssh);
	ssh_watch_begin(&watch[i], i == CONNS - 1 ? 1 : 0);
}

static void
prompter_close(void)
{
	if (prompter != -1)
		(void)close(prompter);
	prompter = -1;
}

static void
prompter_open(void)
{
	static const char ask[] = "GET /events?prompter=all HTTP/1.1\r\nHost: localhost\r\n\r\n";

	prompter_close();
	prompter = connected(agent_rig_api);
	if (prompter != -1)
		(void)send(prompter, ask, strlen(ask), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
conn_send(struct agent *a, int i, const uint8_t *p, size_t n)
{
	ssize_t sent;

	become(i == CONNS - 1 ? 1 : 0);
	if (fds[i] == -1)
		conn_open(i);
	while (n > 0 && fds[i] != -1) {
		sent = send(fds[i], p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent <= 0)
			break;
		frames += ssh_watch_sent(&watch[i], p, (size_t)sent);
		p += sent;
		n -= (size_t)sent;
		become(0);
		agent_rig_turn(a);
		become(i == CONNS - 1 ? 1 : 0);
	}
	become(0);
}

/* What it answered. */
static void
conns_read(void)
{
	static uint8_t in[65536];
	ssize_t n;
	int i;

	for (i = 0; i < CONNS; i++) {
		while (fds[i] != -1 && (n = recv(fds[i], in, sizeof(in), MSG_DONTWAIT)) != -1) {
			ssh_watch_got(&watch[i], in, (size_t)n);
			if (n == 0)
				conn_close(i);
		}
		if (fds[i] != -1 && errno != EAGAIN)
			conn_close(i);
	}
}

/* --- steps --- */

/* A frame of type with a body, changed, to the connection. */
static void
send_frame(struct agent *a, int i, uint8_t type, const struct buf *body, const uint8_t *change, size_t n)
{
	struct buf b;
	size_t at;

	buf_init(&b, SSH_MESSAGE_MAX);
	must(buf_put_u32(&b, (uint32_t)body->len + 1) == TSR_OK && buf_put_u8(&b, type) == TSR_OK &&
	    buf_put(&b, body->data, body->len) == TSR_OK);
	for (; n >= 3; n -= 3, change += 3) {
		at = (size_t)change[0] << 8 | change[1];
		b.data[at % b.len] ^= change[2];
	}
	conn_send(a, i, b.data, b.len);
	buf_free(&b);
}

static void
step_bind(struct agent *a, int i, const uint8_t *p, size_t n)
{
	struct buf body;

	if (n < 1 + SSH_WATCH_SESSION)
		return;
	buf_init(&body, SSH_MESSAGE_MAX);
	ssh_watch_bind(&body, p + 1, p[0] & 1);
	send_frame(a, i, 27, &body, p + 1 + SSH_WATCH_SESSION, n - 1 - SSH_WATCH_SESSION);
	buf_free(&body);
}

/* A request to sign what data is. */
static void
send_sign(struct agent *a, int i, int how, const struct buf *data, const uint8_t *change, size_t n)
{
	struct buf body;

	buf_init(&body, SSH_MESSAGE_MAX);
	ssh_watch_put_key(&body, how & BY_CERT);
	must(buf_put_string(&body, data->data, data->len) == TSR_OK && buf_put_u32(&body, 0) == TSR_OK);
	send_frame(a, i, 13, &body, change, n);
	buf_free(&body);
}

static void
step_login(struct agent *a, int i, const uint8_t *p, size_t n)
{
	char user[2] = { 0 };
	struct buf data;

	if (n < 2 + SSH_WATCH_SESSION)
		return;
	memcpy(user, p + 1, 1);
	buf_init(&data, SSH_MESSAGE_MAX);
	ssh_watch_login(&data, p + 2, SSH_WATCH_SESSION, user, p[0] & OF_CERT, p[0] & BOUND,
	    p[0] & OTHER_NAME);
	send_sign(a, i, p[0], &data, p + 2 + SSH_WATCH_SESSION, n - 2 - SSH_WATCH_SESSION);
	buf_free(&data);
}

static void
step_file(struct agent *a, int i, const uint8_t *p, size_t n)
{
	static const char *const names[] = { "file", "git", "other", "" };
	struct buf data;

	if (n < 2)
		return;
	buf_init(&data, SSH_MESSAGE_MAX);
	ssh_watch_file(&data, names[p[1] % 4], p[0] & SHA256);
	send_sign(a, i, p[0], &data, p + 2, n - 2);
	buf_free(&data);
}

static void
step_raw(struct agent *a, int i, const uint8_t *p, size_t n)
{
	static const char mark[] = "KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK";
	static uint8_t copy[65536];
	uint8_t *at;

	memcpy(copy, p, n);
	while (ssh_watch_key() != NULL && (at = memmem(copy, n, mark, 32)) != NULL)
		memcpy(at, ssh_watch_key(), 32);
	conn_send(a, i, copy, n);
}

static void
step_zeros(struct agent *a, int i, size_t kib)
{
	static const uint8_t zeros[1024];
	const uint32_t n = (uint32_t)(kib < BIG_MAX ? kib : BIG_MAX) * 1024;
	const uint8_t head[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };
	size_t k;

	conn_send(a, i, head, sizeof(head));
	for (k = 0; k < n / 1024; k++)
		conn_send(a, i, zeros, sizeof(zeros));
}

static void
step_many(struct agent *a, int i, const uint8_t *p, size_t n)
{
	static const uint8_t list[] = { 0, 0, 0, 1, 11 };
	static uint8_t many[255 * 8 * sizeof(list)];
	size_t k;

	for (k = 0; n > 0 && k < p[0] * 8u; k++)
		memcpy(many + k * sizeof(list), list, sizeof(list));
	conn_send(a, i, many, k * sizeof(list));
	if (n > 1 && p[1] > 0)
		agent_rig_pass(a, p[1] * 1000u);
}

static void
names_answer(uint8_t how)
{
	agent_rig_names_wait(0);
	agent_rig_names_answer(how == '1' ? TSR_NOT_FOUND : how == '2' ? TSR_TIMEOUT : TSR_OK);
}

static void
root_session(struct agent *a, int there)
{
	const struct session *s;

	if (there) {
		must(session_proved(a->sessions, &agent_rig_credential, "demo", 3600, 8, &s) == TSR_OK);
		session_settle(a->sessions, 1);
	} else {
		(void)session_end_user(a->sessions, 0);
	}
	ssh_watch_session(there);
	agent_rig_pass(a, 0);
}

static void
step(struct agent *a, uint8_t what, int i, const uint8_t *p, size_t n)
{
	static const struct buf none;

	switch (what) {
	case 'l':
		send_frame(a, i, 11, &none, p, n);
		break;
	case 'b':
		step_bind(a, i, p, n);
		break;
	case 's':
		step_login(a, i, p, n);
		break;
	case 'f':
		step_file(a, i, p, n);
		break;
	case 'r':
		step_raw(a, i, p, n);
		break;
	case 'w':
		prompter_open();
		break;
	case 'p':
		step_many(a, i, p, n);
		break;
	case 'n':
		agent_rig_names_wait(1);
		break;
	case 'm':
		names_answer(n > 0 ? p[0] : '0');
		break;
	case 'z':
		step_zeros(a, i, n > 0 ? p[0] + 1u : 1);
		break;
	case 't':
		agent_rig_pass(a, n > 0 ? p[0] * 1000u : 1000);
		break;
	case 'x':
		conn_close(i);
		break;
	case 'e':
		root_session(a, 0);
		break;
	case 'o':
		root_session(a, 1);
		break;
	default:
		return;
	}
	agent_rig_turn(a);
	conns_read();
}

static void
drive(struct agent *a, const uint8_t *p, size_t n)
{
	size_t len;
	int i;

	for (i = 0; i < CONNS; i++)
		fds[i] = -1;
	if (n > 0 && (p[0] & SESSION) != 0)
		root_session(a, 1);
	for (p++; n >= 5; p += 4 + len, n -= 4 + len) {
		len = (size_t)p[2] << 8 | p[3];
		if (len > n - 5)
			len = n - 5;
		step(a, p[0], p[1] % CONNS, p + 4, len);
	}
	for (i = 0; i < CONNS; i++)
		conn_close(i);
	prompter_close();
	names_answer('0');
	root_session(a, 0);
	agent_rig_pass(a, PASS_MS);
}

/* --- the agent's life --- */

/* Nothing is wrong: then it does sign, or nothing above were worth a thing. */
static void
signs(struct agent *a)
{
	static const uint8_t zeros[SSH_WATCH_SESSION];
	const unsigned long before = ssh_watch_signatures();
	struct buf good;

	buf_init(&good, 1024);
	must(buf_put_u8(&good, SESSION) == TSR_OK && buf_put(&good, "l\0\0\0b\0\0\x21\0", 9) == TSR_OK &&
	    buf_put(&good, zeros, sizeof(zeros)) == TSR_OK && buf_put(&good, "s\0\0\x22\0r", 6) == TSR_OK &&
	    buf_put(&good, zeros, sizeof(zeros)) == TSR_OK &&
	    buf_put(&good, "f\0\0\2\0\0f\0\0\2\1\1", 12) == TSR_OK);
	drive(a, good.data, good.len);
	must(ssh_watch_signatures() == before + 3);
	buf_free(&good);
}

static void
live(struct agent *a)
{
	signs(a);
	for (;;) {
		must(sem_post(&done) == 0);
		while (sem_wait(&go) != 0)
			;
		if (ending)
			break;
		drive(a, input, input_n);
	}
	/* it goes while somebody is connected, in the middle of a message or idle */
	conn_send(a, 0, (const uint8_t *)"\0\0", 2);
	conn_send(a, 1, (const uint8_t *)"\0\0\0\1\13", 5);
	agent_rig_turn(a);
	ssh_server_drain(a->ssh);
	agent_rig_turn(a);
}

static void *
run(void *arg)
{
	(void)arg;
	must(agent_rig_life(NULL, live));
	conn_close(0);
	conn_close(1);
	return NULL;
}

static void
end(void)
{
	if (!living)
		return;
	ending = 1;
	must(sem_post(&go) == 0 && pthread_join(thread, NULL) == 0);
	living = ending = 0;
}

static void
tell(void)
{
	end();
	(void)fprintf(stderr, "%lu frames, %lu signatures\n", frames, ssh_watch_signatures());
}

static void
wait_done(void)
{
	while (sem_wait(&done) != 0)
		must(errno == EINTR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int started;

	if (!started) {
		must(sem_init(&go, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
		agent_rig_start();
		(void)atexit(tell);
	}
	started = 1;
	if (size < 1)
		return 0;
	if (living == LIFE_INPUTS)
		end();
	if (!living) {
		ssh_watch_reset();
		must(pthread_create(&thread, NULL, run, NULL) == 0);
		wait_done();
	}
	living++;
	input = data;
	input_n = size;
	must(sem_post(&go) == 0);
	wait_done();
	return 0;
}
