/*
 * helper_frame.c - a helper that was taken over: any bytes from it, at any time.
 * Every request ends, once; a proof ends well only with a signature in hand.
 *
 * The first byte says what is asked (bits 0 and 1), whether the module is said
 * to be loaded first (bit 2), and whether a request is given up (bit 3); the
 * second one after how many bytes there is a pause.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/device.h"
#include "base/escape.h"
#include "base/frame.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"

#define TURNS_MAX	64	/* of the loop, until everything has ended */

static struct loop *loop;
static struct helpers *pool;
static struct config config;
static struct config_module module;
static int listener = -1;
static char path[108];

static struct state {
	int pending, signatures;
	struct device_query *list, *keys;
	struct helper_call *proof;
} st;

static void
text(const char *s, size_t size)
{
	must(strnlen(s, size) < size && escape_is_text(s, strlen(s)));
}

static void
on_list(void *arg, const struct device_list *l)
{
	size_t i;

	(void)arg;
	st.list = NULL;
	st.pending--;
	must(l->n <= HELPER_REPLIES_MAX && l->n_failures <= 1);
	for (i = 0; i < l->n; i++) {
		text(l->device[i].serial, sizeof(l->device[i].serial));
		text(l->device[i].label, sizeof(l->device[i].label));
		text(l->device[i].manufacturer, sizeof(l->device[i].manufacturer));
		text(l->device[i].reader, sizeof(l->device[i].reader));
		text(l->device[i].model, sizeof(l->device[i].model));
		must(strlen(l->device[i].id) == DEVICE_ID_LEN);
	}
	for (i = 0; i < l->n_failures; i++)
		must(l->failure[i].code < 0 && l->failure[i].detail[0] != '\0');
}

static void
on_keys(void *arg, int code, const struct device_keys *k, const char *detail)
{
	size_t i;

	(void)arg;
	st.keys = NULL;
	st.pending--;
	must(code <= 0 && strlen(detail) < 600 && k->n <= DEVICE_KEYS_MAX);
	for (i = 0; i < k->n; i++) {
		text(k->key[i].label, sizeof(k->key[i].label));
		must(k->key[i].id_len <= sizeof(k->key[i].id) && k->key[i].spki_len <= PROTO_SPKI_MAX);
		must((k->key[i].certificate != NULL) == (k->key[i].certificate_len > 0));
	}
}

static void
on_signature(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)arg;
	must((type == PROTO_SIGNATURE && v[0].n <= PROTO_SIGNATURE_MAX) ||
	    (type == PROTO_PIN && v[2].u32 <= PROTO_PIN_MAX));
	st.signatures++;
}

static void
on_proof(void *arg, int code, uint32_t tries_left, const char *detail)
{
	(void)arg;
	(void)tries_left;
	st.proof = NULL;
	st.pending--;
	must(code <= 0 && strlen(detail) < 600);
	must(code == TSR_OK ? st.signatures == 1 : st.signatures == 0 || scarce_hit());
}

static void
setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(at);

	static char name[] = "module";

	must(sodium_init() >= 0 && loop_new(&loop) == TSR_OK);
	(void)snprintf(path, sizeof(path), "/tmp/tessera-fuzz-%d.sock", (int)getpid());
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 64) == 0);
	module.name = name;
	config.modules = &module;
	config.n_modules = 1;
}

static void
remove_socket(void)
{
	(void)unlink(path);
}

/* Ask what the byte says; a helper then connects. */
static void
ask(uint8_t what)
{
	static const struct device device = { .id = "0123456789abcdef", .module = "module",
	    .serial = "1", .label = "card" };
	struct helper_target t = { "module", "1", "card", 1000 };
	struct helper_client client = { on_signature, on_proof, NULL };
	struct proto_value v[7];

	if (what % 4 == 0 || what % 4 == 3)
		st.pending += device_list(pool, &config, NULL, on_list, NULL, &st.list) == TSR_OK;
	if (what % 4 == 1 || what % 4 == 3)
		st.pending += device_keys(pool, &device, on_keys, NULL, &st.keys) == TSR_OK;
	if (what % 4 == 2) {
		memset(v, 0, sizeof(v));
		v[3].u32 = PROTO_ED25519;
		st.pending += helper_request(pool, &t, (what & 16) != 0 ? PROTO_TRIES : PROTO_PROVE, v,
		    (what & 16) != 0 ? 2 : 7, 5000, &client, &st.proof) == TSR_OK;
	}
	must(st.pending > 0 || scarce_hit());
}

static void
turn(int most)
{
	int i;

	for (i = 0; i < most; i++)
		must(sd_event_run(loop_event(loop), 0) >= 0);
}

/* What the helper says, with a pause; then it goes. */
static void
say(int fd, uint8_t what, size_t pause, const uint8_t *p, size_t n)
{
	static const uint8_t loaded[FRAME_HEAD] = { 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, PROTO_DONE, 0, 0 };

	if ((what & 4) != 0) {
		(void)send(fd, loaded, sizeof(loaded), MSG_NOSIGNAL | MSG_DONTWAIT);
		turn(2);
	}
	if (pause < n) {
		(void)send(fd, p, pause, MSG_NOSIGNAL | MSG_DONTWAIT);
		turn(2);
		p += pause;
		n -= pause;
	}
	(void)send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	turn(2);
	if ((what & 8) != 0 && st.proof != NULL) {
		helper_cancel(&st.proof);
		st.pending--;
	} else if ((what & 8) != 0 && st.keys != NULL) {
		device_query_cancel(&st.keys);
		st.pending--;
	}
	(void)close(fd);
}

static void
run(const uint8_t *data, size_t size)
{
	struct helpers_options o = { NULL, "/nonexistent", 0, path, 0 };
	int fd, i;

	if (size < 2)
		return;
	memset(&st, 0, sizeof(st));
	if (helpers_new(loop, &o, &pool) != TSR_OK) {
		must(scarce_hit());
		return;
	}
	ask(data[0]);
	if ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) == -1)
		must(scarce_hit());
	else
		say(fd, data[0], data[1], data + 2, size - 2);
	/* Whatever else the agent starts ends at once. */
	for (i = 0; st.pending > 0 && i < TURNS_MAX; i++) {
		while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
			(void)close(fd);
		turn(1);
	}
	must(st.pending == 0);
	helpers_free(&pool);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (loop == NULL) {
		setup();
		(void)atexit(remove_socket);
	}
	scarce_run(run, data, size);
	return 0;
}
