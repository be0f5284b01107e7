/*
 * helper.c - the production helper under test.  See helper.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/pkcs11/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/frame.h"
#include "base/spawn.h"
#include "tessera.h"

#define WAIT_MS		30000	/* for an answer: far beyond every deadline asked for */
#define END_MS		2000	/* for all processes to be gone */
#define ANSWER_MAX	(2u << 20)

static const char *
helper_bin(void)
{
	const char *dir = getenv("TESSERA_BIN");

	assert_non_null(dir);
	return dir;
}

uint64_t
helper_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
helper_folder(char out[256])
{
	const char *base = getuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");

	/* A configuration in /tmp is refused: others can write there. */
	if (base == NULL)
		base = getenv("HOME");
	assert_non_null(base);
	snprintf(out, 256, "%s/tessera-p11-XXXXXX", base);
	assert_non_null(mkdtemp(out));
}

void
helper_run(const char *const argv[])
{
	pid_t pid;
	int status;

	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("%s ... %s failed with status %d", argv[0], argv[1], status);
}

void
helper_remove(const char *folder)
{
	const char *argv[] = { "rm", "-rf", folder, NULL };

	helper_run(argv);
}

void
helper_config(const char *folder, const char *module, const char *more)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/tessera.conf", folder);
	assert_non_null(f = fopen(path, "w"));
	fprintf(f, "issuer = \"https://test.example/tessera\"\nlibexec-dir = \"%s\"\n"
	    "pkcs11-module \"m\" {\n\tpath = \"%s\"\n%s}\n", helper_bin(), module, more);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	assert_int_equal(fclose(f), 0);
}

void
helper_softhsm(const char *folder, const char *label, const char *pin,
    const char *kinds, char more[1024])
{
	const char *argv[16] = { "/usr/bin/python3", SOFTHSM_PY, folder, label, pin };
	char list[256], *save = NULL, *word;
	size_t n = 5;

	snprintf(list, sizeof(list), "%s", kinds);
	for (word = strtok_r(list, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	helper_run(argv);
	snprintf(more, 1024, "\tenvironment = {\"SOFTHSM2_CONF=%s/softhsm2.conf\"}\n"
	    "\tread-paths = {\"%s\"}\n\twrite-paths = {\"%s/tokens\"}\n", folder, folder, folder);
}

void
helper_start(struct helper *h, const char *folder)
{
	char program[512], conf[512];
	char *argv[] = { program, (char[]){ "--config" }, conf, (char[]){ "--user" }, NULL };

	memset(h, 0, sizeof(*h));
	buf_init(&h->in, ANSWER_MAX);
	snprintf(program, sizeof(program), "%s/tessera-pkcs11", helper_bin());
	snprintf(conf, sizeof(conf), "%s/tessera.conf", folder);
	/* What it leaves behind becomes our child and is seen. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(spawn_helper(program, argv, NULL, &h->pid, &h->pidfd, &h->fd), TSR_OK);
}

void
helper_open(struct helper *h, const char *folder)
{
	struct proto_value v = proto_text("m");

	helper_start(h, folder);
	if (helper_ask(h, PROTO_OPEN, 10000, &v, 1) != PROTO_DONE)
		fail_msg("open failed: %d %s", helper_code(h),
		    helper_code(h) != 0 ? helper_text(&h->reply[h->n - 1].v[2]) : "closed");
}

void
helper_stop(struct helper *h)
{
	uint64_t end = helper_now() + END_MS;
	struct timespec tick = { 0, 2000000 };
	pid_t pid;

	close(h->fd);
	if (h->pidfd != -1)
		close(h->pidfd);
	buf_free(&h->in);
	while ((pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid == 0)
			nanosleep(&tick, NULL);
		if (helper_now() > end)
			fail_msg("a process stayed behind");
	}
	assert_int_equal(errno, ECHILD);
}

static void
helper_write(struct helper *h, const uint8_t *p, size_t n)
{
	struct pollfd pfd = { .fd = h->fd, .events = POLLOUT };
	ssize_t w;

	while (n > 0) {
		if ((w = send(h->fd, p, n, MSG_NOSIGNAL)) >= 0) {
			p += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN) {
			assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		} else {
			h->closed = 1;
			return;
		}
	}
}

int
helper_wait(const struct helper *h)
{
	struct pollfd pfd = { .fd = h->fd, .events = POLLIN };

	if (poll(&pfd, 1, WAIT_MS) != 1)
		fail_msg("nothing in %d ms", WAIT_MS);
	return 1;
}

/* Read until the frame that starts at at is whole; its size, 0 at the end. */
static size_t
helper_frame(struct helper *h, size_t at, struct frame *f)
{
	size_t used = 0, need = 0;
	ssize_t n;
	int r;

	while ((r = frame_decode(h->in.data + at, h->in.len - at, f, &used, &need)) == TSR_AGAIN) {
		assert_int_equal(buf_reserve(&h->in, 65536), TSR_OK);
		(void)helper_wait(h);
		n = recv(h->fd, h->in.data + h->in.len, 65536, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return 0;
		assert_true(n > 0);
		buf_added(&h->in, (size_t)n);
	}
	assert_int_equal(r, TSR_OK);
	return used;
}

static int
helper_is_last(uint16_t type)
{
	return type != PROTO_TOKEN && type != PROTO_KEY;
}

int
helper_ask(struct helper *h, uint16_t type, uint32_t deadline_ms,
    const struct proto_value *v, size_t n)
{
	struct frame f;
	struct buf out;
	size_t at = 0, used, count, i;

	buf_init(&out, 1 << 17);
	assert_int_equal(proto_encode(&out, type, ++h->id, deadline_ms, v, n), TSR_OK);
	h->n = 0;
	h->closed = 0;
	buf_reset(&h->in);
	assert_int_equal(buf_reserve(&h->in, ANSWER_MAX / 2), TSR_OK);
	helper_write(h, out.data, out.len);
	buf_free(&out);
	do {
		if ((used = helper_frame(h, at, &f)) == 0) {
			h->closed = 1;
			return 0;
		}
		at += used;
		assert_int_equal(f.id, h->id);
		assert_true(h->n < HELPER_REPLIES_MAX);
		h->reply[h->n].type = f.type;
		assert_int_equal(proto_decode(&f, PROTO_FROM_HELPER, h->reply[h->n].v, &count), TSR_OK);
		h->n++;
	} while (!helper_is_last(f.type));
	assert_int_equal(at, h->in.len);
	/* The buffer may have moved while it grew: decode again. */
	for (at = 0, i = 0; i < h->n; i++) {
		at += (used = helper_frame(h, at, &f));
		(void)proto_decode(&f, PROTO_FROM_HELPER, h->reply[i].v, &count);
	}
	return f.type;
}

int
helper_code(const struct helper *h)
{
	if (h->n == 0 || h->reply[h->n - 1].type != PROTO_ERROR)
		return 0;
	return -(int)h->reply[h->n - 1].v[0].u32;
}

const char *
helper_text(const struct proto_value *v)
{
	static char text[1024];

	assert_true(v->n < sizeof(text));
	memcpy(text, v->p, v->n);
	text[v->n] = '\0';
	return text;
}

size_t
helper_find_token(struct helper *h, const char *label, char serial[128])
{
	size_t i;

	assert_int_equal(helper_ask(h, PROTO_TOKENS, 5000, NULL, 0), PROTO_DONE);
	for (i = 0; i + 1 < h->n; i++) {
		if (strcmp(helper_text(&h->reply[i].v[1]), label) == 0) {
			assert_true(h->reply[i].v[0].n < 128);
			memcpy(serial, h->reply[i].v[0].p, h->reply[i].v[0].n);
			serial[h->reply[i].v[0].n] = '\0';
			return i;
		}
	}
	fail_msg("no token %s", label);
	return 0;
}

int
helper_prove(struct helper *h, const char *serial, const char *label,
    const struct proto_value *id, uint32_t algorithm, const char *pin,
    const void *challenge, size_t n)
{
	struct proto_value v[] = {
		proto_text(serial), proto_text(label), *id, proto_u32(algorithm),
		proto_text(pin), proto_bytes(challenge, n), proto_u32(0),
	};

	switch (helper_ask(h, PROTO_PROVE, 10000, v, 7)) {
	case PROTO_SIGNATURE:
		return TSR_OK;
	case PROTO_ERROR:
		return helper_code(h);
	default:
		return TSR_CLOSED;
	}
}

/* OpenSSL wants r and s as DER. */
static unsigned char *
helper_ecdsa_der(const struct proto_value *sig, size_t *n)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	size_t half = sig->n / 2;
	unsigned char *der = NULL;
	int len;

	ECDSA_SIG_set0(s, BN_bin2bn(sig->p, (int)half, NULL),
	    BN_bin2bn(sig->p + half, (int)half, NULL));
	len = i2d_ECDSA_SIG(s, &der);
	assert_true(len > 0);
	ECDSA_SIG_free(s);
	*n = (size_t)len;
	return der;
}

int
helper_verify(const struct proto_value *spki, uint32_t algorithm,
    const void *data, size_t n, const struct proto_value *sig)
{
	const unsigned char *p = spki->p, *bytes = sig->p;
	unsigned char *der = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki->n);
	size_t len = sig->n;
	int ok;

	assert_non_null(key);
	if (algorithm == PROTO_ECDSA_P256_SHA256 || algorithm == PROTO_ECDSA_P384_SHA256)
		bytes = der = helper_ecdsa_der(sig, &len);
	assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx,
	    algorithm == PROTO_ED25519 ? NULL : EVP_sha256(), NULL, key), 1);
	if (algorithm == PROTO_RSA_PSS_SHA256) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32);
	}
	ok = EVP_DigestVerify(ctx, bytes, len, data, n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok;
}
