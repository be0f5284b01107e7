/*
 * ssh_ca_files.c - what servers read: the keys that are trusted, and what is revoked.
 * See ssh_ca.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_ca_internal.h"

#include <string.h>

#include "agent/public_file.h"
#include "agent/store_check.h"
#include "tessera.h"
#include "token/ssh_krl.h"

#define SSH_CA_LINES_MAX	(SSH_CA_TRUSTED_MAX * (SSH_KEY_LINE_MAX + 1))	/* bytes of the file */

int
ssh_ca_doubtful(const struct ssh_ca *c)
{
	return store_verdict(c->st) != STORE_GOOD;
}

static int
trusted_text(const struct ssh_ca *c, struct buf *out)
{
	const struct ssh_ca_key *e;
	size_t i;
	int r;

	for (i = 0; i < c->ring->n; i++) {
		e = &c->ring->entry[i];
		if (e->state <= SSH_CA_RETIRED &&
		    ((r = buf_put_cstr(out, (const char *)e->line.data)) != TSR_OK ||
		    (r = buf_put_u8(out, '\n')) != TSR_OK))
			return r;
	}
	return TSR_OK;
}

static int
write_trusted(struct ssh_ca *c)
{
	struct buf b;
	int r;

	buf_init(&b, SSH_CA_LINES_MAX);
	if ((r = trusted_text(c, &b)) == TSR_OK)
		r = public_file_write(c->trusted_file, b.len > 0 ? b.data : (const uint8_t *)"", b.len);
	buf_free(&b);
	return r;
}

static int
add_serial(void *arg, uint64_t serial)
{
	/* what stands in the list's memory is numbers of this machine */
	return buf_put(arg, &serial, sizeof(serial));
}

/* One key's part; serials holds the numbers until the list is made. */
static int
krl_part(const struct ssh_ca *c, const struct ssh_ca_key *e, struct buf *serials, struct ssh_krl_ca *part,
    size_t *n)
{
	int r;

	memset(part, 0, sizeof(*part));
	part->key = e->blob.data;
	part->key_n = e->blob.len;
	/* an older store does not know what was issued, or revoked, after it */
	part->all = e->state == SSH_CA_REVOKED || c->doubted;
	buf_init(serials, SSH_KRL_MAX);
	if (!part->all && (r = store_ssh_cert_serials(c->st, e->id, c->all, add_serial, serials)) != TSR_OK)
		return r;
	part->serials = (const uint64_t *)(const void *)serials->data;
	part->n = serials->len / sizeof(uint64_t);
	*n += part->all || part->n > 0;
	return TSR_OK;
}

static int
krl_make(const struct ssh_ca *c, uint64_t version, int64_t now, struct buf *out)
{
	struct ssh_krl_ca part[SSH_CA_KEYS_MAX];
	struct buf serials[SSH_CA_KEYS_MAX];
	size_t i, n = 0;
	int r = TSR_OK;

	memset(serials, 0, sizeof(serials));
	/* a part that says nothing is overwritten by the next one */
	for (i = 0; i < c->ring->n && r == TSR_OK; i++)
		r = krl_part(c, &c->ring->entry[i], &serials[i], &part[n], &n);
	if (r == TSR_OK)
		r = ssh_krl_write(out, part, n, version, now, c->name);
	for (i = 0; i < c->ring->n; i++)
		buf_free(&serials[i]);
	return r;
}

static int
write_krl(struct ssh_ca *c, int64_t now)
{
	uint64_t version = store_generation(c->st);
	struct buf b;
	int r;

	c->doubted = ssh_ca_doubtful(c);
	if (version <= c->version)
		version = c->version + 1;
	buf_init(&b, SSH_KRL_MAX);
	if ((r = krl_make(c, version, now, &b)) == TSR_OK) {
		buf_free(&c->krl);
		c->krl = b;
		c->version = version;
		buf_init(&b, 0);
		r = public_file_write(c->krl_file, c->krl.data, c->krl.len);
	}
	buf_free(&b);
	return r;
}

int
ssh_ca_due(const struct ssh_ca *c)
{
	return c->stale || c->trusted_due || c->krl_due;
}

void
ssh_ca_retry(struct ssh_ca *c)
{
	c->stale |= c->ring == NULL;
	c->trusted_due |= c->failed_trusted;
	c->krl_due |= c->failed_krl || c->doubted != ssh_ca_doubtful(c);
}

int
ssh_ca_publish(struct ssh_ca *c, int64_t now)
{
	int r = TSR_OK, code;

	if (store_dirty(c->st))
		return TSR_OK;
	if ((c->stale || c->ring == NULL) && (code = ssh_ca_load(c)) != TSR_OK)
		r = code;
	if (c->ring == NULL || (!c->wanted && c->ring->n == 0)) {
		c->trusted_due = c->krl_due = 0;
		return r;
	}
	if (c->trusted_due) {
		code = write_trusted(c);
		c->trusted_due = 0;
		c->failed_trusted = code != TSR_OK;
		r = r != TSR_OK ? r : code;
	}
	if (c->krl_due) {
		code = write_krl(c, now);
		c->krl_due = 0;
		c->failed_krl = code != TSR_OK;
		r = r != TSR_OK ? r : code;
	}
	return r;
}
