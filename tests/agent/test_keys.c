/*
 * test_keys.c - the life of signing keys on an injected clock, and the files
 * and sets that show them.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/keys.h"
#include "agent/public_file.h"
#include "base/buf.h"
#include "tessera.h"
#include "token/b64.h"

#define ROTATE	((int64_t)1000)
#define OVERLAP	((int64_t)100)
#define START	((int64_t)1700000000)

static char file[128];
static struct place *place;
static struct keys *keys;

static int
set_up(void **state)
{
	if (help_setup(state) != 0)
		return -1;
	place = *state;
	help_open(place);
	snprintf(file, sizeof(file), "%s/jwks.json", place->dir);
	return 0;
}

static int
tear_down(void **state)
{
	keys_free(&keys);
	return help_teardown(state);
}

static int
try_start(enum jwk_alg alg, int64_t now)
{
	keys_free(&keys);
	return keys_open(place->st, alg, (uint32_t)ROTATE, (uint32_t)OVERLAP, file, now, &keys, place->err,
	    sizeof(place->err));
}

static void
start(enum jwk_alg alg, int64_t now)
{
	int r = try_start(alg, now);

	if (r != TSR_OK)
		fail_msg("keys_open: %d %s", r, place->err);
	assert_false(store_dirty(place->st));
}

/* As the agent does once a minute. */
static void
minute(int64_t now)
{
	assert_int_equal(keys_tick(keys, now), TSR_OK);
	assert_int_equal(store_commit(place->st), TSR_OK);
	assert_int_equal(keys_published(keys), TSR_OK);
}

static const char *
active(void)
{
	return jws_key_public(keys_active(keys))->kid;
}

/* The published set. */
static void
read_file(struct jwk_set *set, char *text, size_t size)
{
	ssize_t n;
	int fd;

	assert_true((fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) >= 0);
	n = read(fd, text, size - 1);
	close(fd);
	assert_true(n > 0 && text[n - 1] == '\n');
	text[n - 1] = '\0';
	assert_int_equal(jwk_set_parse(text, (size_t)n - 1, set), TSR_OK);
}

/* Set, JSON and file show the same n keys; the active one signs what they
 * verify. */
static void
assert_shown(size_t n)
{
	static const char text[] = "payload";
	const struct jwk *public;
	struct jwk_set set;
	struct buf jws;
	char published[4096];
	const char *json, *dot;
	uint8_t sig[64];
	size_t len, i, sig_len = 0;

	assert_int_equal(keys_set(keys)->n, n);
	json = keys_jwks(keys, &len);
	read_file(&set, published, sizeof(published));
	assert_int_equal(strlen(published), len);
	assert_memory_equal(published, json, len);
	assert_int_equal(set.n, n);
	for (i = 0; i < n; i++)
		assert_non_null(jwk_find(keys_set(keys), set.key[i].kid));
	assert_null(strstr(published, "\"d\""));
	assert_null(strstr(published, "\"p\""));
	assert_null(strstr(published, "\"k\""));
	assert_non_null(public = jwk_find(&set, active()));
	assert_int_equal(jws_key_public(keys_active(keys))->alg, public->alg);
	buf_init(&jws, 4096);
	assert_int_equal(jws_sign(&jws, keys_active(keys), "{}", 2, text, sizeof(text) - 1), TSR_OK);
	assert_int_equal(buf_put_u8(&jws, 0), TSR_OK);
	assert_non_null(dot = strrchr((const char *)jws.data, '.'));
	assert_int_equal(b64_decode(sig, sizeof(sig), dot + 1, strlen(dot + 1), &sig_len), TSR_OK);
	assert_int_equal(jws_verify(public, jws.data, (size_t)(dot - (const char *)jws.data), sig,
	    sig_len), TSR_OK);
	buf_free(&jws);
}

static void
first_start_makes_one(void **state)
{
	char kid[JWK_KID_MAX + 1];

	(void)state;
	start(JWK_EDDSA, START);
	assert_shown(1);
	snprintf(kid, sizeof(kid), "%s", active());
	start(JWK_EDDSA, START + 1);
	assert_shown(1);
	assert_string_equal(kid, active());
	keys_free(&keys);
	help_close(place);
	help_open(place);
	start(JWK_EDDSA, START + 2);
	assert_string_equal(kid, active());
}

static void
es256_signs_too(void **state)
{
	(void)state;
	start(JWK_ES256, START);
	assert_shown(1);
	assert_int_equal(keys_set(keys)->key[0].alg, JWK_ES256);
	assert_int_equal(try_start(JWK_RS256, START), TSR_BAD_ALGORITHM);
	start(JWK_ES256, START);	/* nothing was retired for it */
	assert_shown(1);
}

/* Every second counts: the row's state holds from `at` until the next row. */
static void
rotation_follows_the_clock(void **state)
{
	static const struct row {
		const char *name;
		int64_t at;
		size_t shown;
		unsigned signs;		/* the how-manieth key */
	} rows[] = {
		{ "made", 0, 1, 1 },
		{ "a second before the next is shown", ROTATE - OVERLAP - 1, 1, 1 },
		{ "next is shown", ROTATE - OVERLAP, 2, 1 },
		{ "a second before it signs", ROTATE - 1, 2, 1 },
		{ "it signs, the first is retired", ROTATE, 2, 2 },
		{ "the last second of the retired one", ROTATE + OVERLAP - 1, 2, 2 },
		{ "it is gone", ROTATE + OVERLAP, 1, 2 },
		{ "third is shown", 2 * ROTATE - OVERLAP, 2, 2 },
		{ "third signs", 2 * ROTATE, 2, 3 },
		{ "second is gone", 2 * ROTATE + OVERLAP, 1, 3 },
		{ "clock back to the beginning", 0, 1, 3 },
		{ "after three rotations asleep: next is shown first", 5 * ROTATE, 2, 3 },
		{ "and waits its overlap", 5 * ROTATE + OVERLAP - 1, 2, 3 },
		{ "then signs", 5 * ROTATE + OVERLAP, 2, 4 },
	};
	char kid[8][JWK_KID_MAX + 1];
	unsigned n = 0;
	size_t i;
	int again;

	(void)state;
	memset(kid, 0, sizeof(kid));
	start(JWK_EDDSA, START);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (again = 0; again < 2; again++)	/* the second changes nothing */
			minute(START + rows[i].at);
		if (strcmp(active(), kid[n]) != 0)
			snprintf(kid[++n], sizeof(kid[0]), "%s", active());
		if (keys_set(keys)->n != rows[i].shown || n != rows[i].signs)
			fail_msg("%s: %zu shown, key %u signs", rows[i].name, keys_set(keys)->n, n);
		assert_shown(rows[i].shown);
		start(JWK_EDDSA, START + rows[i].at);	/* a restart sees the same */
		assert_shown(rows[i].shown);
		assert_string_equal(active(), kid[n]);
	}
	assert_int_equal(keys_tick(keys, -1), TSR_INVALID);
}

static void
no_rotation_where_none_is_asked_for(void **state)
{
	char kid[JWK_KID_MAX + 1];

	(void)state;
	assert_int_equal(keys_open(place->st, JWK_EDDSA, 0, (uint32_t)OVERLAP, file, START, &keys, place->err,
	    sizeof(place->err)), TSR_OK);
	snprintf(kid, sizeof(kid), "%s", active());
	minute(START + INT32_MAX);
	assert_shown(1);
	assert_string_equal(kid, active());
}

/* Keys that live shorter than their tokens do not pile up beyond the set. */
static void
fast_rotation_is_bounded(void **state)
{
	int64_t t;

	(void)state;
	assert_int_equal(keys_open(place->st, JWK_EDDSA, 10, 10, file, START, &keys, place->err,
	    sizeof(place->err)), TSR_OK);
	for (t = 0; t < 100; t++)
		minute(START + t);
	keys_free(&keys);
	assert_int_equal(keys_open(place->st, JWK_EDDSA, 1, 100000, file, START + t, &keys, place->err,
	    sizeof(place->err)), TSR_OK);
	for (; t < 500; t++) {
		minute(START + t);
		assert_in_range(keys_set(keys)->n, 1, JWK_SET_MAX);
	}
}

static void
switch_of_algorithm_makes_a_new_key(void **state)
{
	char first[JWK_KID_MAX + 1], second[JWK_KID_MAX + 1];
	int64_t t = START + ROTATE - OVERLAP;
	unsigned i;
	int r;

	(void)state;
	start(JWK_EDDSA, START);
	snprintf(first, sizeof(first), "%s", active());
	minute(t);
	assert_shown(2);	/* with a next one, which never signed and goes */
	start(JWK_ES256, t);
	assert_shown(2);
	snprintf(second, sizeof(second), "%s", active());
	assert_non_null(jwk_find(keys_set(keys), first));
	assert_int_equal(jwk_find(keys_set(keys), first)->alg, JWK_EDDSA);
	assert_int_equal(jwk_find(keys_set(keys), second)->alg, JWK_ES256);
	minute(t + OVERLAP - 1);
	assert_shown(2);
	minute(t + OVERLAP);
	assert_shown(1);
	assert_string_equal(active(), second);
	/* To and fro: refused before tokens in use lose their key. */
	for (i = 0, r = TSR_OK; r == TSR_OK && i < 2 * JWK_SET_MAX; i++)
		r = try_start(i % 2 == 0 ? JWK_EDDSA : JWK_ES256, t + OVERLAP);
	assert_int_equal(r, TSR_TOO_LARGE);
	assert_int_equal(i, JWK_SET_MAX);
	assert_non_null(strstr(place->err, "signing.algorithm"));
	r = try_start(i % 2 == 0 ? JWK_EDDSA : JWK_ES256, t + OVERLAP);
	assert_int_equal(r, TSR_OK);	/* as it was before */
	assert_shown(JWK_SET_MAX);
}

static void
failed_commit_changes_nothing(void **state)
{
	int64_t t = START + ROTATE - OVERLAP;

	(void)state;
	start(JWK_EDDSA, START);
	assert_int_equal(keys_tick(keys, t), TSR_OK);
	assert_true(store_dirty(place->st));
	assert_int_equal(keys_set(keys)->n, 1);		/* not before the commit */
	assert_int_equal(keys_tick(keys, t), TSR_OK);	/* nor twice in a batch */
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_shown(1);
	keys_free(&keys);
	help_close(place);				/* undone */
	help_open(place);
	start(JWK_EDDSA, START);
	assert_shown(1);
	minute(t);
	assert_shown(2);
}

/* What was taken away behind the agent's back. */
static void
altered_keys_are_refused(void **state)
{
	static const char *const rows[] = {
		"UPDATE signing SET alg = 2",		/* the seed would do as a scalar */
		"UPDATE signing SET sealed = zeroblob(73)",
		"UPDATE signing SET kid = 'AAAAAAAA'",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(JWK_EDDSA, START);
		keys_free(&keys);
		help_close(place);
		help_sql(place->db, rows[i]);
		help_open(place);
		assert_int_equal(try_start(JWK_EDDSA, START), TSR_CORRUPT);
		assert_non_null(strstr(place->err, "backup"));
		help_close(place);
		help_sql(place->db, "DELETE FROM signing");
		help_open(place);
	}
}

static void
public_file_is_replaced_whole(void **state)
{
	struct stat before, after;
	struct jwk_set set;
	char text[4096], kid[JWK_KID_MAX + 1];
	mode_t old = umask(077);
	int fd;

	(void)state;
	start(JWK_EDDSA, START);
	assert_int_equal(lstat(file, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0644);
	assert_true((fd = open(file, O_RDONLY | O_CLOEXEC)) >= 0);
	minute(START + ROTATE - OVERLAP);
	umask(old);
	assert_int_equal(lstat(file, &after), 0);
	assert_int_equal(after.st_mode & 07777, 0644);
	assert_true(before.st_ino != after.st_ino);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_size, before.st_size);	/* whoever had it open reads the old one */
	close(fd);
	read_file(&set, text, sizeof(text));
	assert_int_equal(set.n, 2);
	/* What is in its place is replaced, not followed; what a killed agent left is no obstacle. */
	snprintf(kid, sizeof(kid), "%s", active());
	snprintf(text, sizeof(text), "%s/precious", place->dir);
	assert_int_equal(public_file_write(text, "x", 1), TSR_OK);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(symlink("precious", file), 0);
	snprintf(text, sizeof(text), "%s/.jwks.json.new", place->dir);
	assert_int_equal(symlink("precious", text), 0);
	start(JWK_EDDSA, START + ROTATE - OVERLAP);
	assert_shown(2);
	assert_string_equal(kid, active());
	assert_int_equal(access(text, F_OK), -1);
	snprintf(text, sizeof(text), "%s/precious", place->dir);
	assert_int_equal(stat(text, &after), 0);
	assert_int_equal(after.st_size, 1);
}

static void
unwritable_file_is_said_and_tried_again(void **state)
{
	char saved[128];

	(void)state;
	snprintf(saved, sizeof(saved), "%s", file);
	snprintf(file, sizeof(file), "%s/absent/jwks.json", place->dir);
	assert_int_equal(try_start(JWK_EDDSA, START), TSR_SYSTEM);
	assert_non_null(strstr(place->err, "absent/jwks.json: No such file"));
	snprintf(file, sizeof(file), "%s", saved);
	start(JWK_EDDSA, START);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mkdir(file, 0700), 0);		/* cannot be replaced */
	assert_int_equal(keys_tick(keys, START + ROTATE), TSR_OK);
	assert_int_equal(store_commit(place->st), TSR_OK);
	assert_int_equal(keys_published(keys), TSR_SYSTEM);
	assert_int_equal(keys_set(keys)->n, 2);
	assert_int_equal(rmdir(file), 0);
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_shown(2);
}

/* In a child whose files may not grow: the old file stays whole. */
static void
full_disk_leaves_the_old_file(void **state)
{
	struct rlimit full = { 4, 4 };
	struct stat sb;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(public_file_write(file, "old\n", 4), TSR_OK);
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &full) != 0)
			_exit(1);
		_exit(public_file_write(file, "much longer\n", 12) == TSR_SYSTEM ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(stat(file, &sb), 0);
	assert_int_equal(sb.st_size, 4);
	assert_int_equal(sb.st_mode & 07777, 0644);
	snprintf(file, sizeof(file), "%s/.jwks.json.new", place->dir);
	assert_int_equal(access(file, F_OK), -1);
}

/* By hand: shown at once, signing when it was shown for the overlap; a second
 * one is not begun beside it, and the schedule goes on from there. */
static void
rotation_by_hand(void **state)
{
	char first[JWK_KID_MAX + 1], second[JWK_KID_MAX + 1];
	struct keys_entry e;
	struct keys_state now;
	int64_t signs = 0;

	(void)state;
	start(JWK_EDDSA, START);
	snprintf(first, sizeof(first), "%s", active());
	assert_int_equal(keys_rotate(keys, 0, START + 10, &signs), TSR_OK);
	assert_int_equal(signs, START + 10 + OVERLAP);
	assert_true(keys_changed(keys));
	assert_int_equal(keys_rotate(keys, 0, START + 10, &signs), TSR_AGAIN);
	assert_int_equal(store_commit(place->st), TSR_OK);
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_false(keys_changed(keys));
	assert_shown(2);
	assert_int_equal(keys_rotate(keys, 0, START + 20, &signs), TSR_CONFLICT);
	assert_int_equal(signs, START + 10 + OVERLAP);
	keys_state(keys, &now);
	assert_int_equal(now.rotates, START + 10 + OVERLAP);
	keys_entry(keys, 1, &e);
	assert_int_equal(e.state, SIGNING_NEXT);
	assert_int_equal(e.changes, START + 10 + OVERLAP);
	minute(START + 10 + OVERLAP - 1);
	assert_string_equal(active(), first);
	minute(START + 10 + OVERLAP);
	snprintf(second, sizeof(second), "%s", active());
	assert_string_not_equal(second, first);
	assert_shown(2);
	keys_entry(keys, 0, &e);
	assert_int_equal(e.state, SIGNING_RETIRED);
	assert_int_equal(e.changes, START + 10 + OVERLAP + OVERLAP);
	minute(START + 10 + 2 * OVERLAP);
	assert_shown(1);
	keys_entry(keys, 0, &e);
	assert_int_equal(e.changes, START + 10 + OVERLAP + ROTATE);
}

/* At once: none of the old keys is shown any more, next and retired ones neither;
 * and a commit that fails leaves all as it was. */
static void
all_replaced(void **state)
{
	char old[3][JWK_KID_MAX + 1];
	int64_t signs = 0;
	size_t i;

	(void)state;
	start(JWK_EDDSA, START);
	minute(START + ROTATE - OVERLAP);
	minute(START + ROTATE);
	assert_int_equal(keys_rotate(keys, 0, START + ROTATE, &signs), TSR_OK);
	assert_int_equal(store_commit(place->st), TSR_OK);
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_shown(3);
	for (i = 0; i < 3; i++)
		snprintf(old[i], sizeof(old[i]), "%s", keys_set(keys)->key[i].kid);
	assert_int_equal(keys_rotate(keys, 1, START + ROTATE + 1, &signs), TSR_OK);
	assert_int_equal(signs, START + ROTATE + 1);
	store_abandon(place->st);
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_shown(3);
	assert_int_equal(keys_rotate(keys, 1, START + ROTATE + 1, &signs), TSR_OK);
	assert_int_equal(store_commit(place->st), TSR_OK);
	assert_int_equal(keys_published(keys), TSR_OK);
	assert_shown(1);
	for (i = 0; i < 3; i++)
		assert_null(jwk_find(keys_set(keys), old[i]));
	start(JWK_EDDSA, START + ROTATE + 2);	/* and so it stays */
	assert_shown(1);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(first_start_makes_one), T(es256_signs_too), T(rotation_follows_the_clock),
		T(no_rotation_where_none_is_asked_for), T(rotation_by_hand), T(all_replaced), T(fast_rotation_is_bounded),
		T(switch_of_algorithm_makes_a_new_key), T(failed_commit_changes_nothing),
		T(altered_keys_are_refused), T(public_file_is_replaced_whole),
		T(unwritable_file_is_said_and_tried_again), T(full_disk_leaves_the_old_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
