/*
 * test_store_signing.c - sealed values, and the signing keys that are kept
 * that way.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/seal.h"
#include "tessera.h"
#include "token/jwk.h"

#define TEXT	"thirty-two bytes of private key!"	/* easy to find in a file */
#define N	(sizeof(TEXT) - 1)

static void
sealed_value_opens_only_as_itself(void **state)
{
	uint8_t sealed[N + SEAL_OVERHEAD], again[N + SEAL_OVERHEAD];
	struct place *p = *state;
	struct secret *key = NULL, *other = NULL, *out = NULL;
	size_t i;

	assert_int_equal(seal_key(p->key, &key), TSR_OK);
	p->key->data[31] ^= 1;
	assert_int_equal(seal_key(p->key, &other), TSR_OK);
	p->key->size = 31;
	assert_int_equal(seal_key(p->key, &out), TSR_INVALID);
	assert_int_equal(seal_make(key, "signing", "k1", TEXT, N, sealed), TSR_OK);
	assert_int_equal(seal_make(key, "signing", "k1", TEXT, N, again), TSR_OK);
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	assert_int_equal(seal_open(key, "signing", "k1", sealed, sizeof(sealed), &out), TSR_OK);
	assert_int_equal(out->size, N);
	assert_memory_equal(out->data, TEXT, N);
	secret_free(&out);
	for (i = 0; i < sizeof(sealed) * 8; i++) {
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(seal_open(key, "signing", "k1", sealed, sizeof(sealed), &out), TSR_CORRUPT);
		sealed[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < sizeof(sealed); i++)
		assert_int_equal(seal_open(key, "signing", "k1", sealed, i, &out), TSR_CORRUPT);
	assert_int_equal(seal_open(other, "signing", "k1", sealed, sizeof(sealed), &out), TSR_CORRUPT);
	assert_int_equal(seal_open(key, "signing", "k2", sealed, sizeof(sealed), &out), TSR_CORRUPT);
	assert_int_equal(seal_open(key, "signin", "gk1", sealed, sizeof(sealed), &out), TSR_CORRUPT);
	assert_int_equal(seal_open(key, "meta", "k1", sealed, sizeof(sealed), &out), TSR_CORRUPT);
	assert_null(out);
	secret_free(&key);
	secret_free(&other);
}

static void
seal_has_limits(void **state)
{
	static uint8_t big[SEAL_MAX + 1], sealed[sizeof(big) + SEAL_OVERHEAD];
	struct place *p = *state;
	struct secret *key = NULL, *out = NULL;
	char name[SEAL_NAME_MAX + 2];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(seal_key(p->key, &key), TSR_OK);
	assert_int_equal(seal_make(key, "p", "i", big, SEAL_MAX, sealed), TSR_OK);
	assert_int_equal(seal_open(key, "p", "i", sealed, SEAL_MAX + SEAL_OVERHEAD, &out), TSR_OK);
	secret_free(&out);
	assert_int_equal(seal_make(key, "p", "i", big, 0, sealed), TSR_OK);
	assert_int_equal(seal_open(key, "p", "i", sealed, SEAL_OVERHEAD, &out), TSR_OK);
	assert_int_equal(out->size, 0);
	secret_free(&out);
	assert_int_equal(seal_make(key, "p", "i", big, SEAL_MAX + 1, sealed), TSR_TOO_LARGE);
	assert_int_equal(seal_make(key, name, "i", big, 1, sealed), TSR_TOO_LARGE);
	assert_int_equal(seal_make(key, "p", name, big, 1, sealed), TSR_TOO_LARGE);
	secret_free(&key);
}

static int
add(struct place *p, const char *kid, enum signing_state s, const char *private_key)
{
	struct signing_record rec = { .alg = JWK_EDDSA, .state = s, .created = 100 };
	int r;

	snprintf(rec.kid, sizeof(rec.kid), "%s", kid);
	if (s >= SIGNING_ACTIVE)
		rec.activated = 200;
	rec.private_key = secret_from(private_key, strlen(private_key));
	assert_non_null(rec.private_key);
	r = store_signing_add(p->st, &rec);
	signing_record_clear(&rec);
	assert_null(rec.private_key);
	return r;
}

struct seen {
	struct signing_record rec[4];	/* without the key */
	char private_key[4][64];
	size_t n;
};

static int
see(void *arg, const struct signing_record *r)
{
	struct seen *s = arg;

	assert_in_range(s->n, 0, 3);
	s->rec[s->n] = *r;
	s->rec[s->n].private_key = NULL;
	snprintf(s->private_key[s->n++], sizeof(s->private_key[0]), "%.*s",
	    (int)r->private_key->size, (const char *)r->private_key->data);
	return TSR_OK;
}

/* An active and a next key, committed; the store is closed. */
static void
two_keys(struct place *p)
{
	help_open(p);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(add(p, "kid-one", SIGNING_ACTIVE, TEXT), TSR_OK);
	assert_int_equal(add(p, "kid-two", SIGNING_NEXT, "another private key"), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	help_close(p);
}

static void
keys_come_back_in_order(void **state)
{
	struct place *p = *state;
	struct seen s = { .n = 0 };

	two_keys(p);
	help_open(p);
	assert_int_equal(store_signing_each(p->st, see, &s), TSR_OK);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.rec[0].kid, "kid-one");
	assert_int_equal(s.rec[0].alg, JWK_EDDSA);
	assert_int_equal(s.rec[0].state, SIGNING_ACTIVE);
	assert_int_equal(s.rec[0].created, 100);
	assert_int_equal(s.rec[0].activated, 200);
	assert_int_equal(s.rec[0].retired, 0);
	assert_string_equal(s.private_key[0], TEXT);
	assert_string_equal(s.rec[1].kid, "kid-two");
	assert_int_equal(s.rec[1].state, SIGNING_NEXT);
	assert_string_equal(s.private_key[1], "another private key");
}

static void
file_never_holds_a_private_key(void **state)
{
	static const char *const suffix[] = { "", "-wal" };
	struct place *p = *state;
	char path[128], *bytes;
	ssize_t n;
	size_t i;
	int fd;

	two_keys(p);
	help_open(p);	/* with a log of its own */
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(add(p, "kid-3", SIGNING_RETIRED, TEXT), TSR_OK);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_non_null(bytes = malloc(1 << 20));
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", p->db, suffix[i]);
		assert_true((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
		assert_true((n = read(fd, bytes, 1 << 20)) > 0);
		assert_non_null(memmem(bytes, (size_t)n, "kid-", 4));
		assert_null(memmem(bytes, (size_t)n, TEXT, N));
		assert_null(memmem(bytes, (size_t)n, p->key->data, p->key->size));
		close(fd);
	}
	free(bytes);
}

static void
altered_or_moved_keys_are_refused(void **state)
{
	static const char *const rows[] = {
		/* a sealed key in the row of another kid, and the other way round */
		("UPDATE signing SET sealed = (SELECT sealed FROM signing WHERE kid = 'kid-two')"
		" WHERE kid = 'kid-one'"),
		"UPDATE signing SET kid = 'kid-new' WHERE kid = 'kid-one'",
		/* a byte more, a byte less, one flipped at either end */
		"UPDATE signing SET sealed = CAST(sealed || x'00' AS BLOB)",
		"UPDATE signing SET sealed = substr(sealed, 1, length(sealed) - 1)",
		"UPDATE signing SET sealed = CAST(x'02' || substr(sealed, 2) AS BLOB)",
		("UPDATE signing SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) ||"
		" CASE substr(sealed, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB)"),
		"UPDATE signing SET sealed = zeroblob(73)",
		"UPDATE signing SET sealed = zeroblob(5000)",
		"UPDATE signing SET state = 3 WHERE state = 2; UPDATE signing SET state = 4 WHERE state = 3",
		"UPDATE signing SET state = 0 WHERE kid = 'kid-one'",
		"UPDATE signing SET alg = 0",
		"UPDATE signing SET alg = 4",
		"UPDATE signing SET created = -1",
		"UPDATE signing SET activated = -1",
		"UPDATE signing SET retired = -1",
		"UPDATE signing SET kid = '' WHERE kid = 'kid-one'",
		"UPDATE signing SET kid = 'more than fifteen' WHERE kid = 'kid-one'",
	};
	struct place *p = NULL;
	struct seen s = { .n = 0 };
	void *mine;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(help_setup(&mine), 0);
		p = mine;
		two_keys(p);
		help_sql(p->db, rows[i]);
		help_open(p);
		s.n = 0;
		if ((r = store_signing_each(p->st, see, &s)) != TSR_CORRUPT)
			fail_msg("%s: %d", rows[i], r);
		help_teardown(&mine);
	}
}

static void
states_go_forward_only(void **state)
{
	static const struct row {
		const char *name, *kid;
		enum signing_state to;
		int code;
	} rows[] = {
		{ "second active", "kid-two", SIGNING_ACTIVE, TSR_CONFLICT },
		{ "active again", "kid-one", SIGNING_ACTIVE, TSR_CONFLICT },
		{ "back to next", "kid-one", SIGNING_NEXT, TSR_CONFLICT },
		{ "unknown", "kid-four", SIGNING_RETIRED, TSR_NOT_FOUND },
		{ "beyond", "kid-one", (enum signing_state)4, TSR_INVALID },
		{ "retire", "kid-one", SIGNING_RETIRED, TSR_OK },
		{ "retire again", "kid-one", SIGNING_RETIRED, TSR_CONFLICT },
		{ "activate", "kid-two", SIGNING_ACTIVE, TSR_OK },
		{ "retired to active", "kid-one", SIGNING_ACTIVE, TSR_CONFLICT },
		{ "retired to next", "kid-one", SIGNING_NEXT, TSR_CONFLICT },
		{ "active to next", "kid-two", SIGNING_NEXT, TSR_CONFLICT },
	};
	struct place *p = *state;
	struct seen s = { .n = 0 };
	size_t i;
	int r;

	two_keys(p);
	help_open(p);
	assert_int_equal(store_begin(p->st), TSR_OK);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((r = store_signing_set_state(p->st, rows[i].kid, rows[i].to, 300)) != rows[i].code)
			fail_msg("%s: %d", rows[i].name, r);
	assert_int_equal(store_keep(p->st), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(store_signing_each(p->st, see, &s), TSR_OK);
	assert_int_equal(s.rec[0].state, SIGNING_RETIRED);
	assert_int_equal(s.rec[0].activated, 200);
	assert_int_equal(s.rec[0].retired, 300);
	assert_int_equal(s.rec[1].state, SIGNING_ACTIVE);
	assert_int_equal(s.rec[1].activated, 300);
	assert_int_equal(s.rec[1].retired, 0);
	assert_int_equal(store_begin(p->st), TSR_OK);
	assert_int_equal(store_signing_remove(p->st, "kid-one"), TSR_OK);
	assert_int_equal(store_signing_remove(p->st, "kid-one"), TSR_NOT_FOUND);
	assert_int_equal(add(p, "kid-two", SIGNING_RETIRED, TEXT), TSR_CONFLICT);
	assert_int_equal(add(p, "kid-3", SIGNING_ACTIVE, TEXT), TSR_CONFLICT);
	assert_int_equal(add(p, "", SIGNING_NEXT, TEXT), TSR_INVALID);
	assert_int_equal(add(p, "kid-3", (enum signing_state)0, TEXT), TSR_INVALID);
	assert_int_equal(add(p, "kid-3", SIGNING_NEXT, ""), TSR_INVALID);
	assert_int_equal(add(p, "kid-3", SIGNING_NEXT, TEXT), TSR_OK);
	assert_int_equal(add(p, "kid-4", SIGNING_NEXT, TEXT), TSR_CONFLICT);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(sealed_value_opens_only_as_itself), T(seal_has_limits), T(keys_come_back_in_order),
		T(file_never_holds_a_private_key), cmocka_unit_test(altered_or_moved_keys_are_refused),
		T(states_go_forward_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
