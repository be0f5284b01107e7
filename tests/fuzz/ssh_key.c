/*
 * ssh_key.c - fuzz target: a public key's blob, or its line, that is accepted is
 * written as a line that is read to the same bytes, and no signature that nobody made
 * is good for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_cert.h"
#include "token/ssh_key.h"

static void
same_again(const uint8_t *data, size_t size, const char *comment)
{
	char again[SSH_KEY_COMMENT_MAX], print[SSH_FINGERPRINT_MAX];
	struct buf line, blob;

	buf_init(&line, RIG_MAX);
	buf_init(&blob, SSH_KEY_MAX);
	must(ssh_key_line(&line, data, size, comment) == TSR_OK);
	must(ssh_key_parse((const char *)line.data, line.len, &blob, again) == TSR_OK);
	must(blob.len == size && memcmp(blob.data, data, size) == 0 && strcmp(again, comment) == 0);
	must(ssh_key_fingerprint(data, size, print) == TSR_OK && strlen(print) == sizeof(print) - 2);
	buf_free(&line);
	buf_free(&blob);
}

static void
no_signature(const uint8_t *data, size_t size, const struct ssh_key *k)
{
	static const char *const names[] = { "rsa-sha2-256", "rsa-sha2-512", "ssh-rsa", NULL };
	static const uint8_t ones[64] = { [63] = 1 };
	struct buf sig, raw;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *name = names[i] == NULL ? ssh_key_name(k->kind) : names[i];

		buf_init(&raw, RIG_MAX);
		buf_init(&sig, RIG_MAX);
		must(buf_put_string(&raw, "\1", 1) == TSR_OK);
		must(buf_put_string(&raw, "\2", 1) == TSR_OK);
		must(buf_put_string(&sig, name, strlen(name)) == TSR_OK);
		if (k->kind == SSH_ED25519)
			must(buf_put_string(&sig, ones, sizeof(ones)) == TSR_OK);
		else
			must(buf_put_string(&sig, raw.data, raw.len) == TSR_OK);
		must(ssh_host_verify(data, size, "x", 1, sig.data, sig.len) != TSR_OK);
		buf_free(&sig);
		buf_free(&raw);
	}
}

/* Any bytes as a blob, and as a comment: what is written is one line. */
static void
any_line(const uint8_t *data, size_t size)
{
	char comment[SSH_KEY_COMMENT_MAX] = "";
	struct buf line;
	size_t i;

	buf_init(&line, RIG_MAX);
	memcpy(comment, data, size < sizeof(comment) ? size : sizeof(comment) - 1);
	if (ssh_key_line(&line, data, size, NULL) != TSR_OK)
		must(line.len == 0);
	if (ssh_key_line(&line, data, size, comment) == TSR_OK)
		for (i = 0; i < line.len; i++)
			must(line.data[i] >= ' ' && line.data[i] != 0x7f);
	buf_free(&line);
}

/* Any 32 bytes as an Ed25519 key, good or not; 64 as a signature of it. */
static void
ed25519(const uint8_t *data, size_t size)
{
	struct buf blob, sig;
	struct ssh_key k;

	if (size < 96)
		return;
	buf_init(&blob, SSH_KEY_MAX);
	buf_init(&sig, SSH_KEY_MAX);
	must(ssh_ed25519_blob(&blob, data) == TSR_OK && ssh_ed25519_signature(&sig, data + 32) == TSR_OK);
	if (ssh_key_read(blob.data, blob.len, &k) == TSR_OK)
		must(k.kind == SSH_ED25519 && k.fields_n == 36 && memcmp(k.fields + 4, data, 32) == 0);
	must(ssh_host_verify(blob.data, blob.len, "x", 1, sig.data, sig.len) != TSR_OK);
	buf_free(&sig);
	buf_free(&blob);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char comment[SSH_KEY_COMMENT_MAX];
	struct buf blob;
	struct ssh_key k;

	any_line(data, size);
	ed25519(data, size);
	if (ssh_key_read(data, size, &k) == TSR_OK) {
		must(k.blob == data && k.fields > data && k.fields + k.fields_n == data + size);
		same_again(data, size, "");
		no_signature(data, size, &k);
		must(ssh_key_read(data, size - 1, &k) != TSR_OK);
	}
	buf_init(&blob, SSH_KEY_MAX);
	if (ssh_key_parse((const char *)data, size, &blob, comment) == TSR_OK)
		same_again(blob.data, blob.len, comment);
	else
		must(blob.len == 0);
	buf_free(&blob);
	return 0;
}
