/*
 * test_verifier.c - the public verifier: every refusal of the table, key files
 * that are replaced, and those that are not to be believed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jwt_rows.h"
#include "tessera.h"
#include "token_help.h"

#define COUNT(t)	(sizeof(t) / sizeof((t)[0]))
#define STRANGER	65533	/* a uid that is nobody's */

static char folder[PATH_MAX], file[PATH_MAX + 16];
static struct jws_key *ed, *es;

/* As the agent does it: another file takes the name. */
static void
put_file(const char *text, size_t n)
{
	char fresh[PATH_MAX + 32];
	FILE *f;

	(void)snprintf(fresh, sizeof(fresh), "%s.new", file);
	(void)unlink(fresh);
	assert_non_null(f = fopen(fresh, "w"));
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, 0644), 0);
	assert_int_equal(rename(fresh, file), 0);
}

static void
put_keys(const struct jwk_set *set)
{
	struct buf b;

	buf_init(&b, JWK_SET_BYTES_MAX);
	assert_int_equal(jwk_set_write(&b, set), TSR_OK);
	put_file((const char *)b.data, b.len);
	buf_free(&b);
}

static struct tsr_verifier *
verifier(void)
{
	struct tsr_verifier *v = NULL;

	assert_int_equal(tsr_verifier_new(file, HELP_ISS, HELP_AUD, &v), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_MAX_LIFETIME, 3600), TSR_OK);
	/* test_epochs.c has what was revoked */
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_ALLOW_STALE, 1), TSR_OK);
	return v;
}

static int
verify(struct tsr_verifier *v, const char *token)
{
	struct tsr_claims *c = NULL;
	int r = tsr_verify(v, token, &c);

	assert_true((r == TSR_OK) == (c != NULL));
	tsr_claims_free(&c);
	return r;
}

/* The verifier looks once a second: until it says so. */
static int
verify_soon(struct tsr_verifier *v, const char *token, int code)
{
	int tries, r = 0;

	for (tries = 0; tries < 200 && (r = verify(v, token)) != code; tries++)
		(void)poll(NULL, 0, 20);
	return r;
}

static void
good_token(struct buf *b, struct jws_key *k, const char *header)
{
	buf_init(b, 65536);
	help_sign(b, k, header, HELP_CLAIMS);
	assert_int_equal(buf_put_u8(b, 0), TSR_OK);
}

static void
test_refusals(void **state)
{
	struct tsr_verifier *v = verifier();
	struct buf b;
	size_t i;
	int r, failed = 0;

	(void)state;
	buf_init(&b, 65536);
	for (i = 0; i < COUNT(header_rows) + COUNT(claims_rows); i++) {
		int header = i < COUNT(header_rows);
		const struct jwt_header_row *h = &header_rows[header ? i : 0];
		const struct jwt_claims_row *c = &claims_rows[header ? 0 : i - COUNT(header_rows)];
		int due = header ? h->code : c->code;

		buf_reset(&b);
		help_sign(&b, ed, header ? h->header : HELP_HEAD_ED, header ? HELP_CLAIMS : c->claims);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		/* twice: what was seen before is judged as what was not */
		if ((r = verify(v, (const char *)b.data)) != due ||
		    (r = verify(v, (const char *)b.data)) != due) {
			print_error("%s: %s, due %s\n", header ? h->name : c->name, help_code(r),
			    help_code(due));
			failed++;
		}
	}
	buf_free(&b);
	tsr_verifier_free(&v);
	assert_int_equal(failed, 0);
}

static void
test_claims(void **state)
{
	struct tsr_verifier *v = verifier();
	struct tsr_claims *c = NULL;
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	help_sign(&b, ed, HELP_HEAD_ED, "{\"iss\":\"" HELP_ISS "\",\"sub\":\"alice\",\"aud\":[\"vpn\",\"x\"],"
	    "\"exp\":1800000300,\"iat\":1800000000,\"nbf\":1799999999,\"jti\":\"j1\","
	    "\"client_id\":\"uid:1000\",\"scope\":\"connect admin\",\"auth_time\":1799999000,"
	    "\"acr\":\"hardware\",\"amr\":[\"hwk\",\"pin\"],\"sid\":\"s1\",\"cnf\":{\"jkt\":\"t\"}}");
	assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
	assert_int_equal(tsr_verify(v, (const char *)b.data, &c), TSR_OK);
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_ISS), HELP_ISS);
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_SUB), "alice");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_AUD), "vpn");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_CLIENT_ID), "uid:1000");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_JTI), "j1");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_SID), "s1");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_ACR), "hardware");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_JKT), "t");
	assert_string_equal(tsr_claims_text(c, TSR_CLAIM_EXP), "");
	assert_int_equal(tsr_claims_time(c, TSR_CLAIM_EXP), 1800000300);
	assert_int_equal(tsr_claims_time(c, TSR_CLAIM_IAT), 1800000000);
	assert_int_equal(tsr_claims_time(c, TSR_CLAIM_NBF), 1799999999);
	assert_int_equal(tsr_claims_time(c, TSR_CLAIM_AUTH_TIME), 1799999000);
	assert_int_equal(tsr_claims_time(c, TSR_CLAIM_SUB), 0);
	assert_string_equal(tsr_claims_amr(c, 1), "pin");
	assert_null(tsr_claims_amr(c, 2));
	assert_true(tsr_claims_has_scope(c, "admin") && tsr_claims_has_scope(c, "connect"));
	assert_false(tsr_claims_has_scope(c, "adm") || tsr_claims_has_scope(c, "") ||
	    tsr_claims_has_scope(c, "connect admin") || tsr_claims_has_scope(c, "admins"));
	tsr_claims_free(&c);
	tsr_claims_free(&c);
	buf_free(&b);
	tsr_verifier_free(&v);
}

/* A token that was seen is refused when its time is over, or its key gone. */
static void
test_seen(void **state)
{
	struct tsr_verifier *v = verifier();
	struct jwk_set set, both;
	struct buf b, other;

	(void)state;
	good_token(&b, ed, HELP_HEAD_ED);
	good_token(&other, es, HELP_HEAD_ES);
	assert_int_equal(verify(v, (char *)b.data), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW + 299), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW + 300), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_EXPIRED);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW - 6), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_NOT_YET_VALID);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, HELP_NOW), TSR_OK);
	b.data[b.len - 3] ^= 1;
	assert_int_not_equal(verify(v, (char *)b.data), TSR_OK);
	b.data[b.len - 3] ^= 1;
	assert_int_equal(verify(v, (char *)other.data), TSR_OK);

	help_set(&both);
	set = both;
	set.n = 1;
	set.key[0] = *jws_key_public(es);
	put_keys(&set);
	assert_int_equal(verify_soon(v, (char *)b.data, TSR_UNKNOWN_KEY), TSR_UNKNOWN_KEY);
	assert_int_equal(verify(v, (char *)other.data), TSR_OK);

	/* another key that took the kid */
	set.key[0] = *jws_key_public(ed);
	memcpy(set.key[0].kid, HELP_KID_ES, sizeof(HELP_KID_ES));
	put_keys(&set);
	assert_int_equal(verify_soon(v, (char *)other.data, TSR_BAD_ALGORITHM), TSR_BAD_ALGORITHM);
	put_keys(&both);
	assert_int_equal(verify_soon(v, (char *)b.data, TSR_OK), TSR_OK);
	assert_int_equal(verify(v, (char *)other.data), TSR_OK);
	buf_free(&b);
	buf_free(&other);
	tsr_verifier_free(&v);
}

static void
make_link(void)
{
	char real[PATH_MAX + 32];

	(void)snprintf(real, sizeof(real), "%s.real", file);
	assert_int_equal(rename(file, real), 0);
	assert_int_equal(symlink(real, file), 0);
}

static void
make_fifo(void)
{
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkfifo(file, 0644), 0);
}

static void
make_folder(void)
{
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0755), 0);
}

static void
make_socket(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(unlink(file), 0);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", file);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)close(fd);
}

static void
make_writable(void)
{
	assert_int_equal(chmod(file, 0666), 0);
}

static void
make_foreign(void)
{
	assert_int_equal(chown(file, STRANGER, STRANGER), 0);
}

static void
make_foreign_folder(void)
{
	assert_int_equal(chown(folder, STRANGER, STRANGER), 0);
}

static void
make_open_folder(void)
{
	assert_int_equal(chmod(folder, 0777), 0);
}

static void
make_nothing(void)
{
	assert_int_equal(unlink(file), 0);
}

static void
make_empty(void)
{
	put_file("", 0);
}

static void
make_garbage(void)
{
	put_file("{\"keys\":7}", 10);
}

static void
make_large(void)
{
	char *text = malloc(1000000);

	assert_non_null(text);
	memset(text, ' ', 1000000);
	put_file(text, 1000000);
	free(text);
}

static const struct file_row {
	const char *name;
	void (*make)(void);
	int code;
	int root;	/* only root can make it */
} files[] = {
	{ "a link", make_link, TSR_UNTRUSTED, 0 },
	{ "a FIFO", make_fifo, TSR_UNTRUSTED, 0 },
	{ "a folder", make_folder, TSR_UNTRUSTED, 0 },
	{ "a socket", make_socket, TSR_UNTRUSTED, 0 },
	{ "writable by all", make_writable, TSR_UNTRUSTED, 0 },
	{ "a stranger's", make_foreign, TSR_UNTRUSTED, 1 },
	{ "in a stranger's folder", make_foreign_folder, TSR_UNTRUSTED, 1 },
	{ "in a folder writable by all", make_open_folder, TSR_UNTRUSTED, 0 },
	{ "gone", make_nothing, TSR_NOT_FOUND, 0 },
	{ "empty", make_empty, TSR_CORRUPT, 0 },
	{ "no key set", make_garbage, TSR_CORRUPT, 0 },
	{ "of a megabyte", make_large, TSR_CORRUPT, 0 },
};

static void
restore(void)
{
	struct jwk_set set;

	assert_true(geteuid() != 0 || chown(folder, 0, 0) == 0);
	assert_int_equal(chmod(folder, 0755), 0);
	if (unlink(file) != 0)
		(void)rmdir(file);
	help_set(&set);
	put_keys(&set);
}

static void
test_files(void **state)
{
	struct tsr_verifier *v, *late;
	struct buf b;
	size_t i;

	(void)state;
	good_token(&b, ed, HELP_HEAD_ED);
	for (i = 0; i < COUNT(files); i++) {
		if (files[i].root && geteuid() != 0)
			continue;
		v = verifier();
		late = verifier();
		assert_int_equal(verify(v, (char *)b.data), TSR_OK);
		files[i].make();
		print_message("%s\n", files[i].name);
		/* from the start, and taking the place of a good one */
		assert_int_equal(verify(late, (char *)b.data), files[i].code);
		/* a folder's own owner is looked at where the file is read again */
		if (files[i].make != make_foreign_folder && files[i].make != make_open_folder)
			assert_int_equal(verify_soon(v, (char *)b.data, files[i].code), files[i].code);
		restore();
		assert_int_equal(verify_soon(late, (char *)b.data, TSR_OK), TSR_OK);
		assert_int_equal(verify_soon(v, (char *)b.data, TSR_OK), TSR_OK);
		tsr_verifier_free(&v);
		tsr_verifier_free(&late);
	}
	buf_free(&b);
}

/* A link in the path is as bad as one at its end. */
static void
test_path(void **state)
{
	struct tsr_verifier *v = NULL;
	char by[PATH_MAX + 16], through[2 * PATH_MAX];
	struct buf b;

	(void)state;
	good_token(&b, ed, HELP_HEAD_ED);
	(void)snprintf(by, sizeof(by), "%s.link", folder);
	assert_int_equal(symlink(folder, by), 0);
	(void)snprintf(through, sizeof(through), "%s/jwks.json", by);
	assert_int_equal(tsr_verifier_new(through, HELP_ISS, HELP_AUD, &v), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_UNTRUSTED);
	tsr_verifier_free(&v);
	(void)snprintf(through, sizeof(through), "%s/../%s/jwks.json", folder, strrchr(folder, '/') + 1);
	assert_int_equal(tsr_verifier_new(through, HELP_ISS, HELP_AUD, &v), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_INVALID);
	tsr_verifier_free(&v);
	assert_int_equal(unlink(by), 0);
	buf_free(&b);
	assert_int_equal(tsr_verifier_new("jwks.json", HELP_ISS, HELP_AUD, &v), TSR_INVALID);
	assert_int_equal(tsr_verifier_new(NULL, "", HELP_AUD, &v), TSR_INVALID);
	assert_int_equal(tsr_verifier_new(NULL, HELP_ISS, NULL, &v), TSR_INVALID);
	assert_null(v);
}

static void
test_options(void **state)
{
	static const struct {
		enum tsr_option which;
		int64_t value;
		int code;
	} rows[] = {
		{ TSR_OPT_LEEWAY, 0, TSR_OK }, { TSR_OPT_LEEWAY, 301, TSR_INVALID },
		{ TSR_OPT_LEEWAY, -1, TSR_INVALID }, { TSR_OPT_MAX_LIFETIME, 0, TSR_INVALID },
		{ TSR_OPT_OWNER, -1, TSR_INVALID }, { TSR_OPT_OWNER, INT64_C(4294967296), TSR_INVALID },
		{ TSR_OPT_CACHE, 4097, TSR_INVALID }, { TSR_OPT_CACHE, 0, TSR_OK },
		{ TSR_OPT_NOW, -1, TSR_INVALID }, { (enum tsr_option)99, 0, TSR_INVALID },
	};
	struct tsr_verifier *v = verifier();
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++)
		assert_int_equal(tsr_verifier_set(v, rows[i].which, rows[i].value), rows[i].code);
	good_token(&b, ed, HELP_HEAD_ED);	/* without a cache, too */
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_OK);
	assert_int_equal(verify(v, (char *)b.data), TSR_OK);
	buf_free(&b);
	tsr_verifier_free(&v);
	tsr_verifier_free(&v);
}

static int
setup(void **state)
{
	struct jwk_set set;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/tessera-verifier.XXXXXX");
	if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0)
		return -1;
	(void)snprintf(file, sizeof(file), "%s/jwks.json", folder);
	ed = help_key_ed();
	es = help_key_es();
	help_set(&set);
	put_keys(&set);
	return 0;
}

static int
teardown(void **state)
{
	char real[PATH_MAX + 32];

	(void)state;
	(void)snprintf(real, sizeof(real), "%s.real", file);
	(void)unlink(real);
	(void)unlink(file);
	(void)rmdir(folder);
	jws_key_free(&ed);
	jws_key_free(&es);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_claims),
		cmocka_unit_test(test_seen), cmocka_unit_test(test_files),
		cmocka_unit_test(test_path), cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
