/*
 * test_threads.c - objects of libtessera in threads, one each: what the library
 * has of the process's own is made once, and none waits for or sees another.
 * Says most where it is built with -fsanitize=thread.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"
#include "token_help.h"

#define THREADS	4
#define ROUNDS	20

static char folder[PATH_MAX], keys[PATH_MAX + 16], good[2][1024], bad[1024];
static pthread_barrier_t together;

/* Keys and tokens, made in another process: the library's first use in this one
 * is the threads'. */
static void
write_all(int fd)
{
	struct jws_key *ed = help_key_ed(), *es = help_key_es();
	struct jwk_set set;
	struct buf b, set_text;
	FILE *f;

	help_set(&set);
	buf_init(&set_text, JWK_SET_BYTES_MAX);
	buf_init(&b, sizeof(good[0]));
	if (jwk_set_write(&set_text, &set) != TSR_OK || (f = fopen(keys, "w")) == NULL ||
	    fwrite(set_text.data, 1, set_text.len, f) != set_text.len || fclose(f) != 0 ||
	    chmod(keys, 0644) != 0)
		_exit(1);
	help_sign(&b, ed, HELP_HEAD_ED, HELP_CLAIMS);
	(void)snprintf(good[0], sizeof(good[0]), "%.*s", (int)b.len, (char *)b.data);
	buf_reset(&b);
	help_sign(&b, es, HELP_HEAD_ES, HELP_CLAIMS);
	(void)snprintf(good[1], sizeof(good[1]), "%.*s", (int)b.len, (char *)b.data);
	jws_key_free(&ed);
	jws_key_free(&es);
	buf_free(&b);
	buf_free(&set_text);
	_exit(write(fd, good, sizeof(good)) == (ssize_t)sizeof(good) ? 0 : 2);
}

static int
make(void **state)
{
	int fd[2], status = -1;
	pid_t pid;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/tessera-threads-XXXXXX");
	if (mkdtemp(folder) == NULL || pipe(fd) != 0)
		return -1;
	(void)snprintf(keys, sizeof(keys), "%s/jwks.json", folder);
	if ((pid = fork()) == 0)
		write_all(fd[1]);
	if (read(fd[0], good, sizeof(good)) != (ssize_t)sizeof(good) ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		return -1;
	(void)close(fd[0]);
	(void)close(fd[1]);
	memcpy(bad, good[0], sizeof(bad));
	bad[strlen(bad) - 3] ^= 1;
	return 0;
}

static int
clear(void **state)
{
	(void)state;
	(void)unlink(keys);
	return rmdir(folder);
}

/* How often a verifier of its own was wrong. */
static void *
verifies(void *arg)
{
	struct tsr_verifier *v = NULL;
	struct tsr_claims *c = NULL;
	uintptr_t wrong = 0;
	int i;

	(void)arg;
	(void)pthread_barrier_wait(&together);
	for (i = 0; i < ROUNDS; i++) {
		wrong += tsr_verifier_new(keys, HELP_ISS, HELP_AUD, &v) != TSR_OK ||
		    tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()) != TSR_OK ||
		    tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW) != TSR_OK ||
		    tsr_verifier_set(v, TSR_OPT_ALLOW_STALE, 1) != TSR_OK ||
		    tsr_verifier_set(v, TSR_OPT_MAX_LIFETIME, 3600) != TSR_OK;
		wrong += tsr_verify(v, good[i % 2], &c) != TSR_OK || c == NULL ||
		    strcmp(tsr_claims_text(c, TSR_CLAIM_SUB), "alice") != 0;
		tsr_claims_free(&c);
		wrong += tsr_verify(v, bad, &c) == TSR_OK || c != NULL;
		wrong += strcmp(tsr_strerror(TSR_EXPIRED), tsr_strerror(TSR_OK)) == 0;
		tsr_verifier_free(&v);
	}
	return (void *)wrong;
}

/* A client of its own, of an agent that is not there. */
static void *
asks(void *arg)
{
	struct tsr_client *c = NULL;
	struct tsr_request *rq = NULL;
	struct tsr_token *t = NULL;
	uintptr_t wrong = 0;
	int i;

	(void)arg;
	(void)pthread_barrier_wait(&together);
	for (i = 0; i < ROUNDS; i++) {
		wrong += tsr_client_new("/nonexistent/tessera.sock", 0, &c) != TSR_OK ||
		    tsr_request_new(&rq) != TSR_OK ||
		    tsr_request_set(rq, TSR_AUDIENCE, "demo") != TSR_OK;
		wrong += tsr_token_get(c, rq, 1000, &t) == TSR_OK || t != NULL ||
		    tsr_error_code(c) == TSR_OK || tsr_error_name(c)[0] == '\0';
		tsr_request_free(&rq);
		tsr_client_free(&c);
	}
	return (void *)wrong;
}

static void
test_threads(void **state)
{
	pthread_t thread[2 * THREADS];
	void *wrong;
	size_t i;

	(void)state;
	assert_int_equal(pthread_barrier_init(&together, NULL, 2 * THREADS), 0);
	for (i = 0; i < 2 * THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, i % 2 == 0 ? verifies : asks, NULL), 0);
	for (i = 0; i < 2 * THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], &wrong), 0);
		assert_null(wrong);
	}
	(void)pthread_barrier_destroy(&together);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, make, clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
