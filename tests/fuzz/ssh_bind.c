/*
 * ssh_bind.c - fuzz target: a binding that is accepted is of one of the hosts that
 * signed those committed, and neither another session nor less of it is.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_bind.h"

static void
signed_by(const struct ssh_bind *b)
{
	static const char *const hosts[] = { ROW_ED25519_KEY, ROW_P256_KEY, ROW_P384_KEY, ROW_P521_KEY,
		ROW_RSA2048_KEY, ROW_RSA3072_KEY };
	struct buf host;
	size_t i;
	int found = 0;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		host = rig_row(hosts[i]);
		found |= host.len == b->host_n && memcmp(host.data, b->host, host.len) == 0;
		buf_free(&host);
	}
	/* a certificate is as good as its key, whatever else is in it */
	must(found || (b->host_n > 40 && memcmp(b->host + 4, "ecdsa-sha2-nistp256-cert-v01", 28) == 0));
	must(b->session_n == 32);
	for (i = 0; i < 32; i++)
		must(b->session[i] == i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct ssh_bind b;

	must(copy != NULL);
	memcpy(copy, data, size);
	if (ssh_bind_read(copy, size, &b) == TSR_OK) {
		must(b.forwarding == 0 || b.forwarding == 1);
		signed_by(&b);
		must(ssh_bind_read(copy, size - 1, &b) != TSR_OK);
		copy[b.session - copy] ^= 1;
		must(ssh_bind_read(copy, size, &b) != TSR_OK);
	}
	free(copy);
	return 0;
}
