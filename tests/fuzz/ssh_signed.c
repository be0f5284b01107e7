/*
 * ssh_signed.c - fuzz target: what is read as a login is byte for byte the login that
 * can be written of what was read, for our key or its certificate alone; what is read
 * as a file's signature begins as one, in a namespace.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_signed.h"

static int
put_text(struct buf *b, const char *text)
{
	return buf_put_string(b, text, strlen(text));
}

static int
is_login(const uint8_t *data, size_t size, const struct ssh_signed *s, const char *type,
    const struct buf *key)
{
	struct buf b;
	int same;

	buf_init(&b, RIG_MAX);
	must(buf_put_string(&b, s->session, s->session_n) == TSR_OK && buf_put_u8(&b, 50) == TSR_OK &&
	    put_text(&b, s->user) == TSR_OK && put_text(&b, "ssh-connection") == TSR_OK &&
	    put_text(&b, s->host == NULL ? "publickey" : "publickey-hostbound-v00@openssh.com") == TSR_OK &&
	    buf_put_u8(&b, 1) == TSR_OK && put_text(&b, type) == TSR_OK &&
	    buf_put_string(&b, key->data, key->len) == TSR_OK);
	if (s->host != NULL)
		must(buf_put_string(&b, s->host, s->host_n) == TSR_OK);
	same = b.len == size && memcmp(b.data, data, size) == 0;
	buf_free(&b);
	return same;
}

static void
is_file(const uint8_t *data, size_t size, const struct ssh_signed *s)
{
	struct buf b;

	buf_init(&b, RIG_MAX);
	must(buf_put_cstr(&b, "SSHSIG") == TSR_OK && put_text(&b, s->name) == TSR_OK &&
	    put_text(&b, "") == TSR_OK);
	must(s->name[0] != '\0' && b.len + 4 + 6 + 4 + 32 <= size && memcmp(b.data, data, b.len) == 0);
	must(size - b.len == (data[b.len + 7] == '2' ? 46 : 78));
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf key = rig_row(ROW_ED25519_KEY), cert = rig_row(ROW_USER_CERT);
	uint8_t *copy = malloc(size + 1);
	struct ssh_signed s;

	must(copy != NULL);
	memcpy(copy, data, size);
	if (ssh_signed_read(copy, size, key.data, key.len, cert.data, cert.len, &s) == TSR_OK) {
		if (s.kind == SSH_SIGNED_FILE)
			is_file(copy, size, &s);
		else
			must(s.kind == SSH_SIGNED_LOGIN && (is_login(copy, size, &s, "ssh-ed25519", &key) ||
			    is_login(copy, size, &s, "ssh-ed25519-cert-v01@openssh.com", &cert)));
		must(ssh_signed_read(copy, size - 1, key.data, key.len, cert.data, cert.len, &s) != TSR_OK);
	}
	free(copy);
	buf_free(&key);
	buf_free(&cert);
	return 0;
}
