/*
 * assert.c - see assert.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/api.h"
#include "client/input.h"
#include "tessera.h"
#include "token/b64.h"

#define ASSERT_PROGRAM	"fido2-assert"
#define ASSERT_LIST	"fido2-token"
#define ASSERT_PACKAGE	"fido2-tools"
#define OUTPUT_BYTES	16384		/* of what those programs print */
#define DATA_BYTES	4096		/* of authenticator data or a signature */
#define ID_BYTES	512		/* of a credential's id */
#define DEVICES_MAX	16
#define DEVICE_LEN	128		/* bytes of a device's name, with NUL */

extern char **environ;

struct key {
	char device[DEVICE_LEN];
	const json_t *credential;
};

/* Run it with `in` on descriptor 3, where it has an input file; what it prints goes
 * to out.  Its exit status, or TSR_NOT_FOUND, TSR_SYSTEM. */
static int
assert_run(char *const argv[], const struct buf *in, int quiet, struct buf *out)
{
	posix_spawn_file_actions_t a;
	int give[2] = { -1, -1 }, take[2] = { -1, -1 }, status = 0, r = TSR_SYSTEM;
	pid_t pid;

	if (pipe2(give, O_CLOEXEC) == -1 || pipe2(take, O_CLOEXEC) == -1 ||
	    write(give[1], in->data, in->len) != (ssize_t)in->len ||	/* a pipe keeps that much */
	    posix_spawn_file_actions_init(&a) != 0)
		goto out;
	(void)close(give[1]);
	give[1] = -1;
	if (posix_spawn_file_actions_adddup2(&a, take[1], 1) == 0 &&
	    posix_spawn_file_actions_adddup2(&a, give[0], 3) == 0 &&
	    (!quiet || (posix_spawn_file_actions_addopen(&a, 0, "/dev/null", O_RDONLY, 0) == 0 &&
	    posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0) == 0)))
		r = posix_spawnp(&pid, argv[0], &a, NULL, argv, environ) == 0 ? TSR_OK : TSR_NOT_FOUND;
	(void)posix_spawn_file_actions_destroy(&a);
	if (r != TSR_OK)
		goto out;
	(void)close(take[1]);
	take[1] = -1;
	r = input_whole(take[0], out);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (r == TSR_OK)
		r = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
 out:
	for (size_t i = 0; i < 2; i++) {
		if (give[i] != -1)
			(void)close(give[i]);
		if (take[i] != -1)
			(void)close(take[i]);
	}
	return r;
}

/* A line in the standard alphabet with padding, as those programs have it. */
static int
assert_put(struct buf *b, const uint8_t *p, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(ID_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	int r;

	if (n > ID_BYTES)
		return TSR_TOO_LARGE;
	sodium_bin2base64(text, sizeof(text), p, n, sodium_base64_VARIANT_ORIGINAL);
	r = buf_put_cstr(b, text);
	return r != TSR_OK ? r : buf_put_u8(b, '\n');
}

/* Hash, relying party, credential: a line each. */
static int
assert_input(const struct remote *r, const struct key *k, struct buf *in)
{
	const char *id = json_string_value(json_object_get(k->credential, "credential_id"));
	const char *rp = json_string_value(json_object_get(k->credential, "rp_id"));
	uint8_t hash[crypto_hash_sha256_BYTES], raw[ID_BYTES];
	size_t n = 0;
	int e;

	crypto_hash_sha256(hash, r->bytes, sizeof(r->bytes));
	if ((e = b64_decode(raw, sizeof(raw), id, strlen(id), &n)) != TSR_OK ||
	    (e = assert_put(in, hash, sizeof(hash))) != TSR_OK ||
	    (e = buf_put_cstr(in, rp)) != TSR_OK || (e = buf_put_u8(in, '\n')) != TSR_OK)
		return e;
	return assert_put(in, raw, n);
}

/* Ask one key; silently: whether it holds the credential. */
static int
assert_key(const struct remote *r, struct key *k, int silent, struct buf *out)
{
	static char program[] = ASSERT_PROGRAM, get[] = "-G", toggle[] = "-t", up[] = "up=false",
	    verify[] = "-v", file[] = "-i", in3[] = "/dev/fd/3";
	const char *uv = json_string_value(json_object_get(k->credential, "uv"));
	char *argv[9] = { program, get, file, in3 };
	struct buf in;
	size_t n = 4;
	int e;

	if (silent) {
		argv[n++] = toggle;
		argv[n++] = up;
	} else if (uv != NULL && strcmp(uv, "required") == 0)
		argv[n++] = verify;
	argv[n] = k->device;
	buf_init(&in, INPUT_JSON_MAX);
	if ((e = assert_input(r, k, &in)) == TSR_OK)
		e = assert_run(argv, &in, silent, out);
	buf_free(&in);
	return e;
}

/* --- what it printed --- */

/* Line number n (0 is the first), decoded. */
static int
assert_line(const struct buf *out, unsigned n, uint8_t *p, size_t size, size_t *len)
{
	const char *at = (const char *)out->data, *end = at + out->len, *stop;

	for (; n > 0; n--) {
		if ((at = memchr(at, '\n', (size_t)(end - at))) == NULL)
			return TSR_INVALID;
		at++;
	}
	if ((stop = memchr(at, '\n', (size_t)(end - at))) == NULL)
		stop = end;
	return sodium_base642bin(p, size, at, (size_t)(stop - at), NULL, len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0 && *len > 0 ? TSR_OK : TSR_INVALID;
}

/* Some versions give the data within a CBOR byte string (RFC 8949 section 3.1), which
 * is told by the relying party's hash, with which it begins. */
static size_t
assert_wrapped(const struct key *k, const uint8_t *p, size_t n)
{
	const char *rp = json_string_value(json_object_get(k->credential, "rp_id"));
	uint8_t hash[crypto_hash_sha256_BYTES];
	size_t skip;

	crypto_hash_sha256(hash, (const uint8_t *)rp, strlen(rp));
	for (skip = 0; skip <= 3; skip++)
		if (n >= skip + sizeof(hash) && memcmp(p + skip, hash, sizeof(hash)) == 0)
			return skip;
	return 0;	/* the agent says what is wrong with it */
}

static int
assert_set(json_t *o, const char *name, const uint8_t *p, size_t n)
{
	char text[B64_LEN(DATA_BYTES) + 1];

	text[b64_encode(text, p, n)] = '\0';
	return json_object_set_new(o, name, json_string(text)) == 0 ? TSR_OK : TSR_NOMEM;
}

static int
assert_response(const struct key *k, const struct buf *out, json_t **response)
{
	uint8_t data[DATA_BYTES], sig[DATA_BYTES];
	json_t *o = json_object(), *inner = json_object();
	size_t n, sig_len, skip;
	int e;

	if ((e = assert_line(out, 2, data, sizeof(data), &n)) == TSR_OK &&
	    (e = assert_line(out, 3, sig, sizeof(sig), &sig_len)) == TSR_OK) {
		skip = assert_wrapped(k, data, n);
		if ((e = assert_set(inner, "authenticatorData", data + skip, n - skip)) == TSR_OK)
			e = assert_set(inner, "signature", sig, sig_len);
	}
	if (e == TSR_OK && (json_object_set(o, "id", json_object_get(k->credential,
	    "credential_id")) != 0 || json_object_set(o, "response", inner) != 0))
		e = TSR_NOMEM;
	if (e == TSR_OK) {
		*response = o;
		o = NULL;
	}
	json_decref(inner);
	json_decref(o);
	return e;
}

/* --- which key --- */

/* The names before ": " in fido2-token -L. */
static size_t
assert_devices(const struct buf *list, char devices[DEVICES_MAX][DEVICE_LEN])
{
	const char *at = (const char *)list->data, *end = at + list->len, *stop, *colon;
	size_t n = 0;

	for (; at < end && n < DEVICES_MAX; at = stop + 1) {
		if ((stop = memchr(at, '\n', (size_t)(end - at))) == NULL)
			stop = end;
		colon = memmem(at, (size_t)(stop - at), ": ", 2);
		if (colon != NULL && (size_t)(colon - at) < DEVICE_LEN)
			(void)snprintf(devices[n++], DEVICE_LEN, "%.*s", (int)(colon - at), at);
	}
	return n;
}

static int
assert_missing(struct client *c)
{
	return fail_set(&c->failure, "not_found", "%s cannot be started: it is in the package %s",
	    ASSERT_PROGRAM, ASSERT_PACKAGE);
}

/* Does one of these credentials lie on that device?  The first that does. */
static int
assert_look(const struct remote *r, const char *only, struct key *k)
{
	const json_t *cred;
	struct buf out;
	size_t i;
	int e = TSR_NOT_FOUND;

	for (i = 0; i < json_array_size(r->credentials); i++) {
		cred = json_array_get(r->credentials, i);
		if (!remote_is_native(cred) || (only != NULL &&
		    strcmp(only, json_string_value(json_object_get(cred, "id")) != NULL ?
		    json_string_value(json_object_get(cred, "id")) : "") != 0))
			continue;
		k->credential = cred;
		buf_init(&out, OUTPUT_BYTES);
		e = assert_key(r, k, 1, &out);
		buf_free(&out);
		if (e == 0 || e == TSR_NOT_FOUND)
			return e;
		e = 1;
	}
	return e == TSR_NOT_FOUND ? 1 : e;
}

static int
assert_find(struct client *c, const struct remote *r, const char *only, const char *device,
    struct key *k)
{
	static char program[] = ASSERT_LIST, all[] = "-L";
	char *argv[] = { program, all, NULL };
	char devices[DEVICES_MAX][DEVICE_LEN];
	struct buf list, none;
	size_t i, n = 0;
	int e = 0;

	buf_init(&list, OUTPUT_BYTES);
	buf_init(&none, 1);
	if (device != NULL)
		(void)snprintf(devices[n++], DEVICE_LEN, "%s", device);
	else if ((e = assert_run(argv, &none, 1, &list)) == 0)
		n = assert_devices(&list, devices);
	buf_free(&list);
	if (e == TSR_NOT_FOUND)
		return assert_missing(c);
	for (i = 0; i < n; i++) {
		(void)snprintf(k->device, sizeof(k->device), "%s", devices[i]);
		if ((e = assert_look(r, only, k)) == 0)
			return FAIL_NONE;
		if (e == TSR_NOT_FOUND)
			return assert_missing(c);
	}
	return fail_set(&c->failure, "device_not_found", n == 0 ? "no FIDO2 key is plugged in here" :
	    "no key that is plugged in here holds a credential that was asked for");
}

int
assert_answer(struct client *c, const struct remote *r, const char *only, const char *device,
    json_t **response)
{
	struct key k = { .credential = NULL };
	struct buf out;
	size_t i;
	int e, status, any = 0;

	for (i = 0; i < json_array_size(r->credentials); i++)
		any |= remote_is_native(json_array_get(r->credentials, i));
	if (!any)
		return fail_set(&c->failure, "denied", "none of the credentials that are asked for is an "
		    "agent's: those of browsers answer there");
	if ((status = assert_find(c, r, only, device, &k)) != FAIL_NONE)
		return status;
	(void)fprintf(stderr, "Touch the key when it blinks.\n");
	buf_init(&out, OUTPUT_BYTES);
	if ((e = assert_key(r, &k, 0, &out)) == 0)
		e = assert_response(&k, &out, response);
	if (e > 0)	/* it has said why */
		status = fail_set(&c->failure, "cancelled", "the key did not answer");
	else if (e != TSR_OK)
		status = api_broken(c, e);
	buf_free(&out);
	return status;
}
