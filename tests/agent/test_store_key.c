/*
 * test_store_key.c - the file of the store key.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

static char path[128];
static struct place *place;

static int
set_up(void **state)
{
	if (help_setup(state) != 0)
		return -1;
	place = *state;
	snprintf(path, sizeof(path), "%s/state/store.key", place->dir);
	return 0;
}

static int
read_key(int create, struct secret **out)
{
	return store_key_read(path, create, out, place->err, sizeof(place->err));
}

static void
put(size_t n, int byte, mode_t mode)
{
	char bytes[64];
	int fd;

	memset(bytes, byte, sizeof(bytes));
	assert_true((fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
first_start_makes_one(void **state)
{
	struct secret *a = NULL, *b = NULL;
	struct stat sb;
	mode_t old = umask(0);

	(void)state;
	assert_int_equal(read_key(0, &a), TSR_CONFIG);
	assert_null(a);
	assert_int_equal(read_key(1, &a), TSR_OK);
	umask(old);
	assert_int_equal(a->size, STORE_KEY_BYTES);
	assert_int_equal(lstat(path, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	assert_int_equal(sb.st_nlink, 1);	/* nothing is left beside it */
	assert_int_equal(read_key(1, &b), TSR_OK);
	assert_memory_equal(a->data, b->data, STORE_KEY_BYTES);
	secret_free(&a);
	secret_free(&b);
}

/* Whoever comes second takes the key of the first. */
static void
two_that_start_at_once_agree(void **state)
{
	uint8_t got[8][STORE_KEY_BYTES];
	struct secret *k = NULL;
	int out[2], status, i;

	(void)state;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	for (i = 0; i < 8; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			if (read_key(1, &k) != TSR_OK)
				_exit(1);
			_exit(write(out[1], k->data, STORE_KEY_BYTES) == STORE_KEY_BYTES ? 0 : 2);
		}
	}
	for (i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(out[0], got[i], STORE_KEY_BYTES), STORE_KEY_BYTES);
		assert_memory_equal(got[i], got[0], STORE_KEY_BYTES);
	}
	close(out[0]);
	close(out[1]);
}

static void none(void) { put(0, 1, 0600); }
static void shorter(void) { put(31, 1, 0600); }
static void longer(void) { put(33, 1, 0600); }
static void zeros(void) { put(32, 0, 0600); }
static void world(void) { put(32, 1, 0604); }
static void group(void) { put(32, 1, 0640); }
static void writable(void) { put(32, 1, 0622); }
static void fifo(void) { assert_int_equal(mkfifo(path, 0600), 0); }
static void folder(void) { assert_int_equal(mkdir(path, 0700), 0); }
static void dangling(void) { assert_int_equal(symlink("nowhere", path), 0); }

static void
link_to(void)
{
	char other[160];

	put(32, 1, 0600);
	snprintf(other, sizeof(other), "%s.other", path);
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(symlink(other, path), 0);
}

static void
open_folder(void)
{
	char parent[80];

	snprintf(parent, sizeof(parent), "%s/state", place->dir);
	assert_int_equal(chmod(parent, 0777), 0);
}

static const struct row {
	const char *name;
	void (*prepare)(void);
	const char *says;
} refusals[] = {
	{ "empty", none, "has 0 bytes" },
	{ "31 bytes", shorter, "has 31 bytes" },
	{ "33 bytes", longer, "has 33 bytes" },
	{ "zeros", zeros, "random bytes" },
	{ "readable by all", world, "open to others" },
	{ "readable by the group", group, "open to others" },
	{ "writable by others", writable, "open to others" },
	{ "FIFO", fifo, "regular file" },
	{ "folder", folder, "regular file" },
	{ "symlink", link_to, "symbolic link" },
	{ "dangling symlink", dangling, "symbolic link" },
	{ "to be made in everybody's folder", open_folder, "chmod 0700" },
};

static void
refused(void **state)
{
	struct secret *k = NULL;
	char parent[80];
	void *mine;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		assert_int_equal(set_up(&mine), 0);
		snprintf(parent, sizeof(parent), "%s/state", place->dir);
		assert_int_equal(mkdir(parent, 0700), 0);
		refusals[i].prepare();
		r = read_key(1, &k);
		if (r != TSR_CONFIG || strstr(place->err, refusals[i].says) == NULL || k != NULL)
			fail_msg("%s: %d, %s", refusals[i].name, r, place->err);
		help_teardown(&mine);
	}
}

/* A credential of the service manager: root's, the mask of its ACL shows as the
 * group's right. */
static void
root_may_lend_the_key(void **state)
{
	struct secret *k = NULL;
	int r, r_world;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(place->dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/key", place->dir);
	put(32, 1, 0440);
	assert_int_equal(chown(path, 0, 2), 0);
	assert_int_equal(setegid(2), 0);
	assert_int_equal(seteuid(2), 0);
	r = read_key(0, &k);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_int_equal(r, TSR_OK);
	secret_free(&k);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(seteuid(2), 0);
	r_world = read_key(0, &k);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r_world, TSR_CONFIG);
	assert_non_null(strstr(place->err, "open to others"));
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(chown(path, 1, 1), 0);
	assert_int_equal(read_key(0, &k), TSR_CONFIG);	/* anybody else may not */
	assert_non_null(strstr(place->err, "belongs to uid 1"));
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, set_up, help_teardown)
	const struct CMUnitTest tests[] = {
		T(first_start_makes_one), T(two_that_start_at_once_agree),
		cmocka_unit_test(refused), T(root_may_lend_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
