/*
 * nss.c - the production helper with modules that have nothing in common with
 * SoftHSM2: NSS's softokn, which takes its parameters at C_Initialize and has
 * labels on certificates only; and OpenSC's without any reader.
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

#include "tessera.h"
#include "tests/pkcs11/helper.h"

#define LABEL		"NSS Certificate DB"
#define PASSWORD	"correct horse"

static const char challenge[] = "tessera challenge v1 and the rest of it";

/* A database with a password, an EC and an RSA key with certificates. */
static void
make_database(const char *folder, const char *module)
{
	char db[300], password[300], noise[300], more[1200];
	const char *create[] = { "certutil", "-N", "-d", db, "-f", password, NULL };
	const char *ec[] = { "certutil", "-S", "-n", "ec", "-s", "CN=ec", "-x", "-t", "u,u,u",
		"-k", "ec", "-q", "nistp256", "-d", db, "-f", password, "-z", noise, "-m", "1", NULL };
	const char *rsa[] = { "certutil", "-S", "-n", "rsa", "-s", "CN=rsa", "-x", "-t", "u,u,u",
		"-k", "rsa", "-g", "2048", "-d", db, "-f", password, "-z", noise, "-m", "2", NULL };
	FILE *f;

	snprintf(db, sizeof(db), "sql:%s", folder);
	snprintf(password, sizeof(password), "%s/password", folder);
	snprintf(noise, sizeof(noise), "%s/noise", folder);
	assert_non_null(f = fopen(password, "w"));
	fprintf(f, "%s\n", PASSWORD);
	assert_int_equal(fclose(f), 0);
	assert_non_null(f = fopen(noise, "w"));
	fprintf(f, "certutil asks for noise, the system has enough of its own: %*d\n", 64, 0);
	assert_int_equal(fclose(f), 0);
	/* slow hashing of the password is not what is tested here */
	assert_int_equal(setenv("NSS_MAX_MP_PBE_ITERATION_COUNT", "1", 1), 0);
	helper_run(create);
	helper_run(ec);
	helper_run(rsa);
	snprintf(more, sizeof(more),
	    "\tinit-args = \"configDir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags=readOnly\"\n"
	    "\tread-paths = {\"%s\"}\n", folder, folder);
	helper_config(folder, module, more);
}

static void
prove_all(struct helper *h, const char *serial)
{
	static const struct {
		const char *label;
		uint32_t algorithm;
	} keys[] = {
		{ "ec", PROTO_ECDSA_P256_SHA256 },
		{ "rsa", PROTO_RSA_PSS_SHA256 },
		{ "rsa", PROTO_RSA_PKCS1_SHA256 },
	};
	struct proto_value v[] = { proto_text(serial), proto_text(LABEL) };
	uint8_t id[64], spki[PROTO_SPKI_MAX];
	struct proto_value the_id, the_spki;
	size_t i, k;

	for (i = 0; i < 3; i++) {
		assert_int_equal(helper_ask(h, PROTO_KEYS, 5000, v, 2), PROTO_DONE);
		assert_int_equal(h->n, 3);
		for (k = 0; k < 2; k++)
			if (strcmp(helper_text(&h->reply[k].v[1]), keys[i].label) == 0)
				break;
		assert_true(k < 2);
		assert_true(h->reply[k].v[2].u32 & 1u << keys[i].algorithm);
		assert_true(h->reply[k].v[4].n > 100);		/* the certificate */
		memcpy(id, h->reply[k].v[0].p, h->reply[k].v[0].n);
		the_id = proto_bytes(id, h->reply[k].v[0].n);
		memcpy(spki, h->reply[k].v[3].p, h->reply[k].v[3].n);
		the_spki = proto_bytes(spki, h->reply[k].v[3].n);
		for (k = 0; k < 2; k++) {
			assert_int_equal(helper_prove(h, serial, LABEL, &the_id, keys[i].algorithm,
			    PASSWORD, challenge, sizeof(challenge)), TSR_OK);
			assert_true(helper_verify(&the_spki, keys[i].algorithm, challenge,
			    sizeof(challenge), &h->reply[0].v[0]));
			assert_int_equal(helper_prove(h, serial, LABEL, &the_id, keys[i].algorithm, "",
			    challenge, sizeof(challenge)), TSR_PIN_REQUIRED);
		}
	}
	assert_int_equal(helper_prove(h, serial, LABEL, &the_id, PROTO_RSA_PSS_SHA256,
	    "battery staple", challenge, sizeof(challenge)), TSR_PIN_WRONG);
}

static void
test_softokn(void **state)
{
	char folder[256], serial[128];
	struct helper h;

	(void)state;
	helper_folder(folder);
	make_database(folder, SOFTOKN);
	helper_open(&h, folder);
	helper_find_token(&h, LABEL, serial);
	prove_all(&h, serial);
	helper_stop(&h);
	helper_remove(folder);
}

/* It loads where there is no pcscd, says so, and hangs nowhere. */
static void
test_opensc(void **state)
{
	struct proto_value v[] = { proto_text("x"), proto_text("y") };
	char folder[256];
	struct helper h;

	(void)state;
	helper_folder(folder);
	helper_config(folder, OPENSC,
	    "\tenvironment = {\"PCSCLITE_CSOCK_NAME=/nonexistent\"}\n");
	helper_open(&h, folder);
	assert_int_equal(helper_ask(&h, PROTO_TOKENS, 5000, NULL, 0), PROTO_ERROR);
	assert_int_equal(helper_code(&h), TSR_UNAVAILABLE);
	assert_int_equal(helper_ask(&h, PROTO_KEYS, 5000, v, 2), PROTO_ERROR);
	assert_int_equal(helper_code(&h), TSR_UNAVAILABLE);
	helper_stop(&h);
	helper_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_softokn),
		cmocka_unit_test(test_opensc),
	};

	return cmocka_run_group_tests_name("pkcs11_nss", tests, NULL, NULL);
}
