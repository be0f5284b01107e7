/*
 * ssh_bind.c - session-bind@openssh.com.  See ssh_bind.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_bind.h"

#include "base/buf.h"
#include "tessera.h"
#include "token/ssh_cert.h"
#include "token/ssh_key.h"
#include "token/ssh_signed.h"

#define SSH_BIND_SIG_MAX	2048	/* bytes of a signature's blob */

int
ssh_bind_read(const void *p, size_t n, struct ssh_bind *out)
{
	struct ssh_bind b = { 0 };
	const uint8_t *sig;
	uint8_t forwarding;
	struct reader r;
	size_t sig_n;
	int e;

	reader_init(&r, p, n);
	if ((e = reader_string(&r, SSH_CERT_MAX, &b.host, &b.host_n)) != TSR_OK ||
	    (e = reader_string(&r, SSH_SESSION_ID_MAX, &b.session, &b.session_n)) != TSR_OK ||
	    (e = reader_string(&r, SSH_BIND_SIG_MAX, &sig, &sig_n)) != TSR_OK ||
	    (e = reader_u8(&r, &forwarding)) != TSR_OK ||
	    (e = reader_end(&r)) != TSR_OK)
		return e;
	if (b.session_n < SSH_SESSION_ID_MIN || forwarding > 1)
		return TSR_INVALID;
	if ((e = ssh_host_verify(b.host, b.host_n, b.session, b.session_n, sig, sig_n)) != TSR_OK)
		return e;
	b.forwarding = forwarding;
	*out = b;
	return TSR_OK;
}
