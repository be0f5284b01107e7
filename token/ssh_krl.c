/*
 * ssh_krl.c - key revocation lists.  See ssh_krl.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_krl.h"

#include <string.h>

#include "tessera.h"
#include "token/ssh_fields.h"
#include "token/ssh_key.h"

/* PROTOCOL.krl sections 1 to 3 */
#define KRL_MAGIC		0x5353484b524c0a00ULL
#define KRL_FORMAT		1
#define KRL_CERTIFICATES	1
#define KRL_EXPLICIT_KEY	2
#define KRL_SERIAL_LIST		0x20
#define KRL_COMMENT_MAX		255	/* bytes */

/* sshd lets nobody in while it cannot read its list: what is no key must not get
 * into one. */
static int
ssh_krl_check(const struct ssh_krl_ca *ca)
{
	struct ssh_key key;
	size_t i;
	int r;

	if ((r = ssh_key_read(ca->key, ca->key_n, &key)) != TSR_OK)
		return r == TSR_NOMEM || r == TSR_CRYPTO ? r : TSR_INVALID;
	if (ca->n > SSH_KRL_MAX / 8)
		return TSR_TOO_LARGE;
	for (i = 0; i < ca->n; i++)
		if (ca->serials[i] <= (i == 0 ? 0 : ca->serials[i - 1]))
			return TSR_INVALID;
	return TSR_OK;
}

static int
ssh_krl_head(struct buf *out, uint64_t version, int64_t now, const char *comment)
{
	int r;

	if ((r = buf_put_u64(out, KRL_MAGIC)) != TSR_OK ||
	    (r = buf_put_u32(out, KRL_FORMAT)) != TSR_OK ||
	    (r = buf_put_u64(out, version)) != TSR_OK ||
	    (r = buf_put_u64(out, (uint64_t)now)) != TSR_OK ||
	    (r = buf_put_u64(out, 0)) != TSR_OK ||		/* flags */
	    (r = buf_put_string(out, NULL, 0)) != TSR_OK)	/* reserved */
		return r;
	return buf_put_string(out, comment, strlen(comment));
}

/* The serials of one CA; the lengths of what is within come first. */
static int
ssh_krl_serials(struct buf *out, const struct ssh_krl_ca *ca)
{
	size_t list = 8 * ca->n, i;
	int r;

	if ((r = buf_put_u8(out, KRL_CERTIFICATES)) != TSR_OK ||
	    (r = buf_put_u32(out, (uint32_t)(4 + ca->key_n + 4 + 1 + 4 + list))) != TSR_OK ||
	    (r = buf_put_string(out, ca->key, ca->key_n)) != TSR_OK ||
	    (r = buf_put_string(out, NULL, 0)) != TSR_OK ||	/* reserved */
	    (r = buf_put_u8(out, KRL_SERIAL_LIST)) != TSR_OK ||
	    (r = buf_put_u32(out, (uint32_t)list)) != TSR_OK ||
	    (r = buf_reserve(out, list)) != TSR_OK)
		return r;
	for (i = 0; i < ca->n && r == TSR_OK; i++)
		r = buf_put_u64(out, ca->serials[i]);
	return r;
}

/* A CA's key that is revoked takes with it what it signed. */
static int
ssh_krl_key(struct buf *out, const struct ssh_krl_ca *ca)
{
	int r;

	if ((r = buf_put_u8(out, KRL_EXPLICIT_KEY)) != TSR_OK ||
	    (r = buf_put_u32(out, (uint32_t)(4 + ca->key_n))) != TSR_OK)
		return r;
	return buf_put_string(out, ca->key, ca->key_n);
}

int
ssh_krl_write(struct buf *out, const struct ssh_krl_ca *ca, size_t n_ca,
    uint64_t version, int64_t now, const char *comment)
{
	size_t was = out->len, n = strlen(comment), i;
	int r;

	if (now < 0 || n > KRL_COMMENT_MAX || !ssh_text_ok(comment, n))
		return TSR_INVALID;
	r = ssh_krl_head(out, version, now, comment);
	for (i = 0; i < n_ca && r == TSR_OK; i++) {
		if ((r = ssh_krl_check(&ca[i])) == TSR_OK && ca[i].n > 0)
			r = ssh_krl_serials(out, &ca[i]);
		if (r == TSR_OK && ca[i].all)
			r = ssh_krl_key(out, &ca[i]);
		if (r == TSR_OK && out->len - was > SSH_KRL_MAX)
			r = TSR_TOO_LARGE;
	}
	if (r != TSR_OK)
		buf_cut(out, was);
	return r;
}
