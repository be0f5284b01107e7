/*
 * softhsm.c - the production helper with real SoftHSM2 tokens.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tessera.h"
#include "tests/pkcs11/helper.h"

#define SOFTHSM	"/usr/lib/softhsm/libsofthsm2.so"
#define PIN	"123456"
#define READ_MAX	(1ul << 30)	/* bytes of one mapping that is searched */
#define KINDS	"p256 rsa2048 rsa3072 ed25519 p384"

static const char challenge[] = "tessera challenge v1 and the rest of it";

/* One folder with the tokens "card" and "other", and a helper for it. */
struct bench {
	char folder[256];
	char more[1024];
	char serial[128];
	struct helper h;
};

static struct bench *
bench_new(const char *kinds)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	helper_folder(b->folder);
	helper_softhsm(b->folder, "card", PIN, kinds, b->more);
	helper_softhsm(b->folder, "other", "abcdef", "p256", b->more);
	helper_config(b->folder, SOFTHSM, b->more);
	helper_open(&b->h, b->folder);
	helper_find_token(&b->h, "card", b->serial);
	return b;
}

static void
bench_free(struct bench *b)
{
	helper_stop(&b->h);
	helper_remove(b->folder);
	free(b);
}

static void
bench_keys(struct bench *b)
{
	struct proto_value v[] = { proto_text(b->serial), proto_text("card") };

	assert_int_equal(helper_ask(&b->h, PROTO_KEYS, 5000, v, 2), PROTO_DONE);
}

static int
bench_prove(struct bench *b, uint8_t id, uint32_t algorithm, const char *pin)
{
	struct proto_value v = proto_bytes(&id, 1);

	return helper_prove(&b->h, b->serial, "card", &v, algorithm, pin, challenge,
	    sizeof(challenge));
}

static uint32_t
bench_tries(const struct bench *b)
{
	return b->h.reply[b->h.n - 1].v[1].u32;
}

static const struct row {
	const char *name;		/* the label too */
	uint8_t id;
	uint32_t algorithms;
	uint32_t algorithm;
} keys[] = {
	{ "p256", 1, 1u << PROTO_ECDSA_P256_SHA256, PROTO_ECDSA_P256_SHA256 },
	{ "rsa2048", 2, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256, PROTO_RSA_PSS_SHA256 },
	{ "rsa2048", 2, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256, PROTO_RSA_PKCS1_SHA256 },
	{ "rsa3072", 3, 1u << PROTO_RSA_PSS_SHA256 | 1u << PROTO_RSA_PKCS1_SHA256, PROTO_RSA_PSS_SHA256 },
	{ "ed25519", 4, 1u << PROTO_ED25519, PROTO_ED25519 },
	{ "p384", 5, 1u << PROTO_ECDSA_P384_SHA256, PROTO_ECDSA_P384_SHA256 },
};

static void
test_tokens(void **state)
{
	struct bench *b = bench_new("p256");
	const struct helper_reply *r;
	size_t i;

	(void)state;
	i = helper_find_token(&b->h, "card", b->serial);
	r = &b->h.reply[i];
	assert_int_equal(b->h.n, 3);	/* the free slot is no token */
	assert_string_equal(helper_text(&r->v[1]), "card");
	assert_string_equal(helper_text(&r->v[2]), "SoftHSM project");
	assert_string_equal(helper_text(&r->v[3]), "SoftHSM v2");
	assert_int_equal(r->v[4].u32, PROTO_TOKEN_LOGIN_REQUIRED);
	bench_free(b);
}

/* All kinds are listed without a PIN, each signature is right, and nothing
 * stays open behind it. */
static void
test_prove(void **state)
{
	struct bench *b = bench_new(KINDS);
	struct proto_value spki;
	uint8_t copy[PROTO_SPKI_MAX];
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct row *row = &keys[i];

		bench_keys(b);
		assert_int_equal(b->h.n, 6);
		for (k = 0; k < 5; k++)
			if (b->h.reply[k].v[0].n == 1 && b->h.reply[k].v[0].p[0] == row->id)
				break;
		assert_true(k < 5);
		assert_string_equal(helper_text(&b->h.reply[k].v[1]), row->name);
		assert_int_equal(b->h.reply[k].v[2].u32, row->algorithms);
		assert_int_equal(b->h.reply[k].v[4].n, 0);
		assert_int_equal(b->h.reply[k].v[5].u32, 0);
		spki = b->h.reply[k].v[3];
		memcpy(copy, spki.p, spki.n);
		spki.p = copy;

		for (k = 0; k < 3; k++) {	/* cold, then warm */
			assert_int_equal(bench_prove(b, row->id, row->algorithm, PIN), TSR_OK);
			assert_true(helper_verify(&spki, row->algorithm, challenge,
			    sizeof(challenge), &b->h.reply[0].v[0]));
			assert_false(helper_verify(&spki, row->algorithm, challenge,
			    sizeof(challenge) - 1, &b->h.reply[0].v[0]));
			/* logged out: no PIN, no signature */
			assert_int_equal(bench_prove(b, row->id, row->algorithm, ""), TSR_PIN_REQUIRED);
		}
		assert_int_equal(bench_prove(b, row->id, row->algorithm, "654321"), TSR_PIN_WRONG);
	}
	bench_free(b);
}

static const struct refusal {
	const char *name;
	const char *label;	/* NULL: the token's */
	uint8_t id;
	uint32_t algorithm;
	const char *pin;
	int code;
	uint32_t tries;
	const char *detail;	/* in the error's text */
} refusals[] = {
	{ "wrong PIN", NULL, 1, PROTO_ECDSA_P256_SHA256, "111111", TSR_PIN_WRONG, PROTO_TRIES_UNKNOWN,
	    "CKR_PIN_INCORRECT" },
	{ "no PIN", NULL, 1, PROTO_ECDSA_P256_SHA256, "", TSR_PIN_REQUIRED, PROTO_TRIES_UNKNOWN,
	    "needs its PIN" },
	{ "PIN too short", NULL, 1, PROTO_ECDSA_P256_SHA256, "123", TSR_PIN_LENGTH, PROTO_TRIES_UNKNOWN,
	    "4 to 255" },
	{ "unknown token", "nobody", 1, PROTO_ECDSA_P256_SHA256, PIN, TSR_DEVICE_NOT_FOUND, PROTO_TRIES_UNKNOWN,
	    "nobody" },
	{ "unknown key", NULL, 9, PROTO_ECDSA_P256_SHA256, PIN, TSR_NOT_FOUND, PROTO_TRIES_UNKNOWN,
	    "no private key" },
	{ "algorithm of another key", NULL, 1, PROTO_RSA_PSS_SHA256, PIN, TSR_NOT_FOUND, PROTO_TRIES_UNKNOWN,
	    "no private key" },
	{ "algorithm that is none", NULL, 1, 0, PIN, TSR_KEY_UNUSABLE, PROTO_TRIES_UNKNOWN,
	    "no mechanism" },
};

static void
test_refusals(void **state)
{
	struct bench *b = bench_new("p256");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *row = &refusals[i];
		struct proto_value id = proto_bytes(&row->id, 1);
		int code;

		code = helper_prove(&b->h, b->serial, row->label != NULL ? row->label : "card", &id,
		    row->algorithm, row->pin, challenge, sizeof(challenge));
		if (code != row->code)
			fail_msg("%s: %d", row->name, code);
		assert_int_equal(bench_tries(b), row->tries);
		if (strstr(helper_text(&b->h.reply[0].v[2]), row->detail) == NULL)
			fail_msg("%s: %s", row->name, helper_text(&b->h.reply[0].v[2]));
		/* and the helper works on */
		assert_int_equal(bench_prove(b, 1, PROTO_ECDSA_P256_SHA256, PIN), TSR_OK);
	}
	bench_free(b);
}

/* The token's folder goes away between two proofs, and another token comes. */
static void
test_removed(void **state)
{
	struct bench *b = bench_new("p256");
	char tokens[300];
	int code;

	(void)state;
	assert_int_equal(bench_prove(b, 1, PROTO_ECDSA_P256_SHA256, PIN), TSR_OK);
	snprintf(tokens, sizeof(tokens), "%s/tokens", b->folder);
	helper_remove(tokens);
	code = bench_prove(b, 1, PROTO_ECDSA_P256_SHA256, PIN);
	if (code != TSR_DEVICE_REMOVED && code != TSR_DEVICE_NOT_FOUND)
		fail_msg("%d %s", code, code < 0 ? helper_text(&b->h.reply[0].v[2]) : "signed");
	bench_free(b);
}

/* CKA_ALWAYS_AUTHENTICATE: the PIN is given again for each signature. */
static void
test_always_authenticate(void **state)
{
	struct bench *b = bench_new("p256");
	const char *argv[] = { "env", NULL, "pkcs11-tool", "--module", SOFTHSM, "--token-label",
		"card", "--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:prime256v1",
		"--id", "77", "--always-auth", NULL };
	char conf[400];

	(void)state;
	snprintf(conf, sizeof(conf), "SOFTHSM2_CONF=%s/softhsm2.conf", b->folder);
	argv[1] = conf;
	helper_run(argv);
	assert_int_equal(bench_prove(b, 0x77, PROTO_ECDSA_P256_SHA256, PIN), TSR_OK);
	assert_int_equal(bench_prove(b, 0x77, PROTO_ECDSA_P256_SHA256, PIN), TSR_OK);
	assert_int_equal(bench_prove(b, 0x77, PROTO_ECDSA_P256_SHA256, "111111"), TSR_PIN_WRONG);
	assert_int_equal(bench_prove(b, 1, PROTO_ECDSA_P256_SHA256, PIN), TSR_OK);
	bench_free(b);
}

/* How often text occurs in a process's writable memory; -1 where it cannot be
 * looked at. */
static int
memory_count(pid_t pid, const char *text)
{
	char line[512], path[64], mode[8];
	unsigned long from, to;
	FILE *maps, *mem;
	uint8_t *block, *p;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	if ((maps = fopen(path, "r")) == NULL)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	if ((mem = fopen(path, "r")) == NULL) {
		fclose(maps);
		return -1;
	}
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || strncmp(mode, "rw", 2) != 0 ||
		    to - from > READ_MAX)	/* a sanitizer's shadow */
			continue;
		assert_non_null(block = malloc(to - from));
		if (fseek(mem, (long)from, SEEK_SET) == 0 &&
		    fread(block, 1, to - from, mem) == to - from)
			for (p = block; (p = memmem(p, to - from - (size_t)(p - block), text,
			    strlen(text))) != NULL; p++)
				count++;
		free(block);
	}
	fclose(mem);
	fclose(maps);
	return count;
}

static pid_t
child_of(pid_t pid)
{
	char path[64];
	FILE *f;
	int child = -1;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
	if ((f = fopen(path, "r")) != NULL) {
		if (fscanf(f, "%d", &child) != 1)
			child = -1;
		fclose(f);
	}
	return child;
}

/* After a proof the PIN, right or wrong, is in neither process; the token's
 * model, which is there, shows that the search finds. */
static void
test_pin_forgotten(void **state)
{
	static const char pin[] = "Rj-4471-qFz-8820";
	struct bench b;
	struct proto_value id = proto_bytes("\1", 1);
	pid_t worker;
	int keeper_has, worker_has;

	(void)state;
	memset(&b, 0, sizeof(b));
	helper_folder(b.folder);
	helper_softhsm(b.folder, "card", pin, "p256", b.more);
	helper_config(b.folder, SOFTHSM, b.more);
	helper_open(&b.h, b.folder);
	helper_find_token(&b.h, "card", b.serial);
	assert_true((worker = child_of(b.h.pid)) > 0);
	assert_int_equal(helper_prove(&b.h, b.serial, "card", &id, PROTO_ECDSA_P256_SHA256, pin,
	    challenge, sizeof(challenge)), TSR_OK);
	keeper_has = memory_count(b.h.pid, pin);
	worker_has = memory_count(worker, pin);
	assert_true(worker_has == -1 || memory_count(worker, "SoftHSM v2") > 0);
	assert_int_equal(helper_prove(&b.h, b.serial, "card", &id, PROTO_ECDSA_P256_SHA256,
	    "Rj-4471-qFz-8821", challenge, sizeof(challenge)), TSR_PIN_WRONG);
	if (worker_has != -1) {
		assert_int_equal(keeper_has, 0);
		assert_int_equal(worker_has, 0);
		assert_int_equal(memory_count(b.h.pid, "Rj-4471"), 0);
		assert_int_equal(memory_count(worker, "Rj-4471"), 0);
	}
	helper_stop(&b.h);
	helper_remove(b.folder);
	if (worker_has == -1)
		skip();		/* only root may look */
}

/* A certificate for a key, signed by some other key, into FOLDER/cert.der. */
static void
write_certificate(const struct bench *b, EVP_PKEY *key, char path[300])
{
	EVP_PKEY *issuer = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	FILE *f;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, issuer, EVP_sha256()) > 0);
	snprintf(path, 300, "%s/cert.der", b->folder);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(i2d_X509_fp(f, x), 1);
	assert_int_equal(fclose(f), 0);
	X509_free(x);
	EVP_PKEY_free(issuer);
}

static void
import_certificate(struct bench *b, EVP_PKEY *key, const char *id)
{
	char conf[400], path[300];
	const char *argv[] = { "env", conf, "pkcs11-tool", "--module", SOFTHSM, "--token-label",
		"card", "--login", "--pin", PIN, "--write-object", path, "--type", "cert",
		"--id", id, "--label", "certified", NULL };

	snprintf(conf, sizeof(conf), "SOFTHSM2_CONF=%s/softhsm2.conf", b->folder);
	write_certificate(b, key, path);
	helper_run(argv);
}

static const struct helper_reply *
key_of(struct bench *b, uint8_t id)
{
	size_t i;

	for (i = 0; i + 1 < b->h.n; i++)
		if (b->h.reply[i].v[0].n == 1 && b->h.reply[i].v[0].p[0] == id)
			return &b->h.reply[i];
	fail_msg("no key %d", id);
	return NULL;
}

/* A certificate is shown with its own key, not with another of the same id;
 * one without a key object stands for its key. */
static void
test_certificates(void **state)
{
	struct bench *b = bench_new("p256 p256");
	EVP_PKEY *own, *other = EVP_EC_gen("P-384"), *found;
	const unsigned char *p;
	X509 *x;

	(void)state;
	bench_keys(b);
	assert_int_equal(b->h.n, 3);
	p = key_of(b, 1)->v[3].p;
	assert_non_null(own = d2i_PUBKEY(NULL, &p, (long)key_of(b, 1)->v[3].n));
	import_certificate(b, own, "01");
	import_certificate(b, other, "02");
	import_certificate(b, other, "03");

	bench_keys(b);
	assert_int_equal(b->h.n, 4);
	p = key_of(b, 1)->v[4].p;
	assert_non_null(x = d2i_X509(NULL, &p, (long)key_of(b, 1)->v[4].n));
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(x), own), 1);
	X509_free(x);
	assert_string_equal(helper_text(&key_of(b, 1)->v[1]), "p256");
	assert_int_equal(key_of(b, 2)->v[4].n, 0);
	assert_int_equal(key_of(b, 3)->v[2].u32, 1u << PROTO_ECDSA_P384_SHA256);
	assert_string_equal(helper_text(&key_of(b, 3)->v[1]), "certified");
	p = key_of(b, 3)->v[3].p;
	assert_non_null(found = d2i_PUBKEY(NULL, &p, (long)key_of(b, 3)->v[3].n));
	assert_int_equal(EVP_PKEY_eq(found, other), 1);
	assert_true(key_of(b, 3)->v[4].n > 0);

	EVP_PKEY_free(found);
	EVP_PKEY_free(own);
	EVP_PKEY_free(other);
	bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_prove),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_always_authenticate),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_pin_forgotten),
	};

	return cmocka_run_group_tests_name("pkcs11_softhsm", tests, NULL, NULL);
}
