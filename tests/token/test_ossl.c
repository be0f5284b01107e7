/*
 * test_ossl.c - a configuration file named by the environment has no effect.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "tessera.h"
#include "token/jws.h"
#include "token/ossl.h"

/* Only the provider that has nothing: no digest can be fetched. */
static const char config[] =
    "openssl_conf = init\n[init]\nproviders = list\n[list]\nnull = none\n"
    "[none]\nactivate = 1\n";

static char dir[] = "/tmp/test_ossl.XXXXXX";
static char path[sizeof(dir) + 16];

static int
setup(void **state)
{
	FILE *f;

	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/openssl.cnf", dir);
	if ((f = fopen(path, "w")) == NULL)
		return -1;
	(void)fputs(config, f);
	(void)fclose(f);
	return setenv("OPENSSL_CONF", path, 1);
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static int
sha256_works(void)
{
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	int works = md != NULL;

	EVP_MD_free(md);
	return works;
}

/* What is tested next would happen without our context: a child shows it. */
static void
test_control(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0)
		_exit(sha256_works() ? 1 : 42);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void
test_no_effect(void **state)
{
	uint8_t sig[JWS_SIGNATURE_LEN];
	struct jws_key *k = NULL;

	(void)state;
	assert_int_equal(jws_key_generate(JWK_ES256, &k), TSR_OK);
	assert_int_equal(jws_key_sign(k, "x", 1, sig), TSR_OK);
	assert_int_equal(jws_verify(jws_key_public(k), "x", 1, sig, sizeof(sig)), TSR_OK);
	jws_key_free(&k);
	assert_ptr_equal(ossl_ctx(), ossl_ctx());
	/* nor on what else the process does with OpenSSL */
	assert_true(sha256_works());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_no_effect),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
