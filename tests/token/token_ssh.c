/*
 * token_ssh.c - our half of test_ssh_foreign.py.
 *
 * cert AFTER BEFORE PRINCIPAL...: for each public key of standard input, a line, our
 * CA's line and that of a certificate.
 * krl all|some SERIAL...: the list that revokes those of the CA whose line is read.
 * join FILE...: the lists in one.
 * read, bind, signed: for each line, of base64 apart by blanks, what is in it, or the
 * error code.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "token/ssh_bind.h"
#include "token/ssh_cert.h"
#include "token/ssh_krl.h"
#include "token/ssh_signed.h"

#define LINE_BYTES	32768
#define RAW_MAX		16384

static char line[LINE_BYTES];

/* The next word of the line, decoded; 0 bytes for "-". */
static size_t
word(char **save, uint8_t raw[RAW_MAX])
{
	const char *w = strtok_r(*save == NULL ? line : NULL, " \n", save);
	size_t n = 0;

	if (w != NULL && strcmp(w, "-") != 0 &&
	    sodium_base642bin(raw, RAW_MAX, w, strlen(w), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		exit(2);
	return n;
}

static int
print_line(const void *blob, size_t n, const char *comment)
{
	struct buf b;
	int r;

	buf_init(&b, LINE_BYTES);
	r = ssh_key_line(&b, blob, n, comment);
	if (r == TSR_OK)
		printf("%.*s\n", (int)b.len, (const char *)b.data);
	buf_free(&b);
	return r;
}

static int
make_cert(struct jws_key *ca, struct ssh_cert *c)
{
	static const struct ssh_cert_option critical[] = {
		{ "source-address", "10.0.0.0/8,::1/128" }, { "force-command", "id -u" }
	};
	static const struct ssh_cert_option extensions[] = {
		{ "permit-user-rc", "" }, { "permit-pty", "" }, { "permit-port-forwarding", "" }
	};
	struct buf key, ca_blob, cert;
	uint8_t nonce[SSH_CERT_NONCE];
	char comment[SSH_KEY_COMMENT_MAX];
	int r;

	buf_init(&key, SSH_KEY_MAX);
	buf_init(&ca_blob, SSH_KEY_MAX);
	buf_init(&cert, SSH_CERT_MAX);
	randombytes_buf(nonce, sizeof(nonce));
	c->serial = 0xfedcba9876543210;
	c->id = "alice@desk7 fedcba9876543210";
	c->critical = critical;
	c->n_critical = 2;
	c->extensions = extensions;
	c->n_extensions = 3;
	if ((r = ssh_key_parse(line, strlen(line), &key, comment)) == TSR_OK &&
	    (r = ssh_key_read(key.data, key.len, &c->key)) == TSR_OK &&
	    (r = ssh_cert_make(&cert, ca, c, nonce)) == TSR_OK &&
	    (r = ssh_ed25519_blob(&ca_blob, jws_key_public(ca)->u.ed25519)) == TSR_OK &&
	    (r = print_line(ca_blob.data, ca_blob.len, "ca")) == TSR_OK)
		r = print_line(cert.data, cert.len, comment);
	buf_free(&cert);
	buf_free(&ca_blob);
	buf_free(&key);
	return r;
}

static int
certs(int argc, char **argv)
{
	struct ssh_cert c = { 0 };
	struct jws_key *ca;
	int r = TSR_OK;

	if (argc < 2 || jws_key_generate(JWK_EDDSA, &ca) != TSR_OK)
		return 2;
	c.valid_after = strtoull(argv[0], NULL, 10);
	c.valid_before = strtoull(argv[1], NULL, 10);
	c.principals = (const char *const *)(argv + 2);
	c.n_principals = (size_t)argc - 2;
	while (r == TSR_OK && fgets(line, sizeof(line), stdin) != NULL)
		r = make_cert(ca, &c);
	jws_key_free(&ca);
	return r != TSR_OK;
}

static int
krl(int argc, char **argv)
{
	char comment[SSH_KEY_COMMENT_MAX];
	uint64_t serials[64];
	struct ssh_krl_ca ca = { .serials = serials };
	struct buf key, out;
	int i, r;

	buf_init(&key, SSH_KEY_MAX);
	buf_init(&out, SSH_KRL_MAX);
	if (argc < 1 || argc > 64 || fgets(line, sizeof(line), stdin) == NULL ||
	    ssh_key_parse(line, strlen(line), &key, comment) != TSR_OK)
		return 2;
	for (i = 1; i < argc; i++)
		serials[ca.n++] = strtoull(argv[i], NULL, 10);
	ca.all = strcmp(argv[0], "all") == 0;
	ca.key = key.data;
	ca.key_n = key.len;
	if ((r = ssh_krl_write(&out, &ca, 1, 3, 1800000000, "tessera")) == TSR_OK)
		(void)fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	buf_free(&key);
	return r != TSR_OK;
}

static int
join(int argc, char **argv)
{
	static uint8_t raw[RAW_MAX];
	struct buf out;
	int i, r = TSR_OK;
	size_t n;
	FILE *f;

	buf_init(&out, SSH_KRL_MAX);
	for (i = 0; i < argc && r == TSR_OK; i++) {
		if ((f = fopen(argv[i], "rb")) == NULL)
			return 2;
		n = fread(raw, 1, sizeof(raw), f);
		(void)fclose(f);
		r = ssh_krl_join(&out, raw, n);
	}
	if (r == TSR_OK)
		(void)fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	return r != TSR_OK;
}

static void
read_cert(void)
{
	static uint8_t raw[RAW_MAX];
	struct ssh_cert_read c;
	char *save = NULL;
	size_t i, n = word(&save, raw);
	int r = ssh_cert_read(raw, n, &c);

	if (r != TSR_OK) {
		printf("%d\n", r);
		return;
	}
	printf("%u %llu %s", c.type, (unsigned long long)c.serial, c.id);
	for (i = 0; i < c.n_principals; i++)
		printf(" %s", c.principals[i]);
	printf("\n");
}

static void
read_bind(void)
{
	static uint8_t raw[RAW_MAX];
	struct ssh_bind b;
	char *save = NULL;
	size_t n = word(&save, raw);
	int r = ssh_bind_read(raw, n, &b);

	if (r == TSR_OK)
		printf("ok %d\n", b.forwarding);
	else
		printf("%d\n", r);
}

static void
read_signed(void)
{
	static uint8_t key[RAW_MAX], cert[RAW_MAX], data[RAW_MAX];
	struct ssh_signed s;
	char *save = NULL;
	size_t key_n = word(&save, key), cert_n = word(&save, cert), n = word(&save, data);
	int r = ssh_signed_read(data, n, key, key_n, cert, cert_n, &s);

	if (r != TSR_OK)
		printf("%d\n", r);
	else if (s.kind == SSH_SIGNED_FILE)
		printf("file %s\n", s.name);
	else
		printf("login %s %zu\n", s.user, s.host_n);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} readers[] = {
		{ "read", read_cert }, { "bind", read_bind }, { "signed", read_signed }
	};
	size_t i;

	if (argc < 2 || sodium_init() < 0)
		return 2;
	if (strcmp(argv[1], "cert") == 0)
		return certs(argc - 2, argv + 2);
	if (strcmp(argv[1], "krl") == 0)
		return krl(argc - 2, argv + 2);
	if (strcmp(argv[1], "join") == 0)
		return join(argc - 2, argv + 2);
	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		while (strcmp(argv[1], readers[i].name) == 0 && fgets(line, sizeof(line), stdin) != NULL)
			readers[i].fn();
	return 0;
}
