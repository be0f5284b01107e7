/*
 * ssh_cert.c - fuzz target: certificates.  The first byte says what follows: a whole
 * one; a body, which is signed here, so that nothing hides behind a wrong signature; or
 * words that one is made of, which has to be read as it was made.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_cert.h"

#define WORDS		24

static struct jws_key *ca;
static struct buf ca_blob, key;

static void
rig(void)
{
	static const uint8_t seed[32] = { 7 };
	struct secret *s;

	if (ca != NULL)
		return;
	must(sodium_init() >= 0 && (s = secret_from(seed, sizeof(seed))) != NULL);
	must(jws_key_load(JWK_EDDSA, s, &ca) == TSR_OK);
	secret_free(&s);
	buf_init(&ca_blob, SSH_KEY_MAX);
	must(ssh_ed25519_blob(&ca_blob, jws_key_public(ca)->u.ed25519) == TSR_OK);
	key = rig_row(ROW_P256_KEY);
}

/* What is read lies within, and cut or changed it is no certificate. */
static void
read_one(uint8_t *p, size_t n)
{
	struct ssh_cert_read c;
	size_t i;

	if (ssh_cert_read(p, n, &c) != TSR_OK)
		return;
	must(c.type == 1 || c.type == 2);
	must(c.fields > p && c.fields + c.fields_n < p + n);
	must(c.ca > c.fields && c.ca + c.ca_n < p + n);
	must(c.n_principals <= SSH_CERT_PRINCIPALS_MAX && strlen(c.id) < SSH_CERT_ID_MAX);
	for (i = 0; i < c.n_principals; i++)
		must(strlen(c.principals[i]) < SSH_CERT_PRINCIPAL_LEN);
	must(ssh_cert_read(p, n - 1, &c) != TSR_OK);
	p[n / 2] ^= 1;
	must(ssh_cert_read(p, n, &c) != TSR_OK);
}

static void
sign_one(const uint8_t *data, size_t size)
{
	uint8_t raw[JWS_SIGNATURE_LEN];
	struct buf b, sig;

	buf_init(&b, RIG_MAX);
	buf_init(&sig, RIG_MAX);
	if (buf_put(&b, data, size) == TSR_OK &&
	    buf_put_string(&b, ca_blob.data, ca_blob.len) == TSR_OK &&
	    jws_key_sign(ca, b.data, b.len, raw) == TSR_OK &&
	    ssh_ed25519_signature(&sig, raw) == TSR_OK &&
	    buf_put_string(&b, sig.data, sig.len) == TSR_OK)
		read_one(b.data, b.len);
	buf_free(&sig);
	buf_free(&b);
}

/* Words apart by NUL: id, two options, their values, principals. */
static void
make_one(const uint8_t *data, size_t size)
{
	static const uint8_t nonce[SSH_CERT_NONCE];
	const char *words[WORDS] = { "", "", "", "", "" };
	struct ssh_cert_option o[2];
	struct ssh_cert c = { .serial = 1, .valid_after = 1, .valid_before = 2 + size };
	struct ssh_cert_read got;
	struct buf text, out;
	size_t n = 0, at, i;

	buf_init(&text, RIG_MAX);
	buf_init(&out, SSH_CERT_MAX);
	must(ssh_key_read(key.data, key.len, &c.key) == TSR_OK);
	if (buf_put(&text, data, size) != TSR_OK || buf_put_u8(&text, 0) != TSR_OK)
		goto out;
	for (at = 0; at < text.len && n < WORDS; at += strlen(words[n++]) + 1)
		words[n] = (const char *)text.data + at;
	o[0] = (struct ssh_cert_option){ words[1], words[2] };
	o[1] = (struct ssh_cert_option){ words[3], words[4] };
	c.id = words[0];
	c.critical = c.extensions = o;
	c.n_critical = 2;
	c.n_extensions = n % 3;
	c.principals = words + 5;
	c.n_principals = n > 5 ? n - 5 : 0;
	if (ssh_cert_make(&out, ca, &c, nonce) != TSR_OK) {
		must(out.len == 0);
		goto out;
	}
	must(ssh_cert_read(out.data, out.len, &got) == TSR_OK);
	must(strcmp(got.id, c.id) == 0 && got.type == 1 && got.serial == 1 && got.valid_before == 2 + size);
	must(got.n_principals == c.n_principals && got.n_principals > 0);
	for (i = 0; i < c.n_principals; i++)
		must(strcmp(got.principals[i], c.principals[i]) == 0 && strchr(got.principals[i], ',') == NULL);
	read_one(out.data, out.len);
 out:
	buf_free(&out);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	rig();
	if (size < 1)
		return 0;
	must((copy = malloc(size)) != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] == '2')
		make_one(copy, size - 1);
	else if (data[0] == '1')
		sign_one(copy, size - 1);
	else
		read_one(copy, size - 1);
	free(copy);
	return 0;
}
