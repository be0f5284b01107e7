/*
 * ssh_binds.c - see ssh_binds.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_binds.h"

#include <string.h>

#include "include/tessera.h"
#include "token/ssh_cert.h"

/* As people know it: of the key itself where the host has a certificate. */
static int
ssh_bound_host(const uint8_t *p, size_t n, char out[SSH_FINGERPRINT_MAX])
{
	static struct ssh_cert_read cert;	/* large; one thread */
	const char *name;
	struct buf plain;
	int r;

	if (ssh_cert_read(p, n, &cert) != TSR_OK)
		return ssh_key_fingerprint(p, n, out);
	buf_init(&plain, SSH_KEY_MAX);
	name = ssh_key_name(cert.kind);
	if ((r = buf_put_string(&plain, name, strlen(name))) == TSR_OK &&
	    (r = buf_put(&plain, cert.fields, cert.fields_n)) == TSR_OK)
		r = ssh_key_fingerprint(plain.data, plain.len, out);
	buf_free(&plain);
	return r;
}

static int
ssh_bound_is(const struct ssh_bound *b, const uint8_t *session, size_t n)
{
	return b->session_n == n && memcmp(b->session, session, n) == 0;
}

static int
ssh_binds_put(struct ssh_binds *b, const struct ssh_bind *bind)
{
	struct ssh_bound *to;
	char host[SSH_FINGERPRINT_MAX];
	size_t i;
	int r;

	if ((r = ssh_bound_host(bind->host, bind->host_n, host)) != TSR_OK)
		return r;
	for (i = 0; i < b->n; i++) {
		/* Nobody comes behind who logs in here. */
		if (!b->bound[i].forwarding)
			return TSR_DENIED;
		if (ssh_bound_is(&b->bound[i], bind->session, bind->session_n))
			return TSR_DENIED;
	}
	if (b->n == SSH_BINDS_MAX || bind->session_n > SSH_SESSION_ID_MAX)
		return TSR_TOO_LARGE;
	to = &b->bound[b->n++];
	memcpy(to->session, bind->session, bind->session_n);
	to->session_n = bind->session_n;
	memcpy(to->host, host, sizeof(host));
	to->forwarding = bind->forwarding != 0;
	return TSR_OK;
}

int
ssh_binds_open(const struct ssh_binds *b)
{
	return !b->failed && b->n < SSH_BINDS_MAX && (b->n == 0 || b->bound[b->n - 1].forwarding);
}

int
ssh_binds_add(struct ssh_binds *b, int read, const struct ssh_bind *bind)
{
	if (read == TSR_OK)
		read = ssh_binds_put(b, bind);
	if (read != TSR_OK)
		b->failed = 1;
	return read;
}

static int
ssh_binds_forwarded(const struct ssh_binds *b)
{
	return b != NULL && b->n > 0 && b->bound[0].forwarding;
}

static int
ssh_binds_file(const struct ssh_binds *b, const struct ssh_signed *s, const struct config *c,
    const char **why)
{
	size_t i;

	*why = "ssh_forwarded";
	if (ssh_binds_forwarded(b))
		return TSR_DENIED;
	*why = "ssh_namespace";
	for (i = 0; i < c->ssh.namespaces.n; i++)
		if (strcmp(c->ssh.namespaces.v[i], s->name) == 0)
			return TSR_OK;
	return TSR_DENIED;
}

/* The last host is the one where somebody logs in, and what is signed says so. */
static int
ssh_binds_login(const struct ssh_bound *last, const struct ssh_signed *s, const char **why)
{
	char host[SSH_FINGERPRINT_MAX];

	*why = "ssh_other_session";
	if (last->forwarding || !ssh_bound_is(last, s->session, s->session_n))
		return TSR_DENIED;
	*why = "ssh_other_host";
	if (s->host != NULL && (ssh_bound_host(s->host, s->host_n, host) != TSR_OK ||
	    strcmp(host, last->host) != 0))
		return TSR_DENIED;
	return TSR_OK;
}

int
ssh_binds_judge(const struct ssh_binds *b, const struct ssh_signed *s, const struct config *c,
    const struct ssh_bound **last, const char **why)
{
	*last = NULL;
	*why = "ssh_bad_binding";
	if (b != NULL && b->failed)
		return TSR_DENIED;
	if (s->kind == SSH_SIGNED_FILE)
		return ssh_binds_file(b, s, c, why);
	if (b == NULL || b->n == 0) {
		*why = "ssh_unbound";
		return c->ssh.unbound ? TSR_OK : TSR_DENIED;
	}
	*why = "ssh_forwarded";
	if (ssh_binds_forwarded(b) && !c->ssh.forwarding)
		return TSR_DENIED;
	*last = &b->bound[b->n - 1];
	return ssh_binds_login(*last, s, why);
}
