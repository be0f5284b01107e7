/*
 * test_names.c - names by a real worker (this program with --names) from
 * /etc/passwd and /etc/group, and what happens when it dies or hangs.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/clock.h"
#include "agent/names.h"
#include "agent/names_cache.h"
#include "base/proto.h"
#include "tessera.h"

#define GIVE_UP_MS	20000

static char self[4096];

struct answer {
	int called, code;
	uid_t uid;
	gid_t gid;
	char name[NAMES_NAME_MAX];
};

static struct loop *loop;
static struct names *names;

static void
on_answer(void *arg, int code, uid_t uid, gid_t gid, const char *name)
{
	struct answer *a = arg;

	a->called++;
	a->code = code;
	a->uid = uid;
	a->gid = gid;
	(void)snprintf(a->name, sizeof(a->name), "%s", name == NULL ? "" : name);
}

static void
wait_for(const struct answer *a)
{
	uint64_t end = clock_boot_ms() + GIVE_UP_MS;

	while (!a->called) {
		if (clock_boot_ms() > end)
			fail_msg("no answer");
		assert_true(sd_event_run(loop_event(loop), 100000) >= 0);
	}
	assert_int_equal(a->called, 1);
}

/* The worker: our only child. */
static pid_t
worker_pid(void)
{
	char path[64];
	FILE *f;
	int pid = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	assert_non_null(f = fopen(path, "r"));
	if (fscanf(f, "%d", &pid) != 1)
		pid = -1;
	(void)fclose(f);
	return pid;
}

static int
setup(void **state)
{
	(void)state;
	assert_int_equal(loop_new(&loop), TSR_OK);
	assert_int_equal(names_new(loop, self, &names), TSR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	names_free(&names);
	assert_null(names);
	assert_int_equal(worker_pid(), -1);	/* ended and waited for */
	loop_free(&loop);
	return 0;
}

static const struct row {
	const char *what;
	int kind;			/* PROTO_* */
	uid_t uid;
	const char *name;
	int code;
	uid_t want_uid;
	gid_t want_gid;
	const char *want_name;
} rows[] = {
	{ "root by number", PROTO_NAME_OF, 0, NULL, TSR_OK, 0, 0, "root" },
	{ "daemon by number", PROTO_NAME_OF, 1, NULL, TSR_OK, 1, 1, "daemon" },
	{ "root by name", PROTO_UID_OF, 0, "root", TSR_OK, 0, 0, "root" },
	{ "daemon by name", PROTO_UID_OF, 0, "daemon", TSR_OK, 1, 1, "daemon" },
	{ "the group games", PROTO_GID_OF, 0, "games", TSR_OK, (uid_t)-1, 60, "games" },
	{ "a number without a name", PROTO_NAME_OF, 4000000001u, NULL, TSR_NOT_FOUND, (uid_t)-1, (gid_t)-1, "" },
	{ "a name without a number", PROTO_UID_OF, 0, "nobody-has-this-name", TSR_NOT_FOUND,
	    (uid_t)-1, (gid_t)-1, "" },
	{ "a group that is none", PROTO_GID_OF, 0, "nobody-has-this-group", TSR_NOT_FOUND,
	    (uid_t)-1, (gid_t)-1, "" },
	{ "an empty name", PROTO_UID_OF, 0, "", TSR_NOT_FOUND, (uid_t)-1, (gid_t)-1, "" },
	{ "a name with a line end", PROTO_UID_OF, 0, "root\n", TSR_NOT_FOUND, (uid_t)-1, (gid_t)-1, "" },
	{ "a name that is no text", PROTO_UID_OF, 0, "\xff", TSR_NOT_FOUND, (uid_t)-1, (gid_t)-1, "" },
	{ "a name of 64 bytes", PROTO_UID_OF, 0,
	    "1234567890123456789012345678901234567890123456789012345678901234", TSR_NOT_FOUND,
	    (uid_t)-1, (gid_t)-1, "" },
};

static void
ask(const struct row *r, struct answer *a, unsigned *ticket)
{
	memset(a, 0, sizeof(*a));
	*ticket = 12345;
	if (r->kind == PROTO_NAME_OF)
		assert_int_equal(names_name_of(names, r->uid, on_answer, a, ticket), TSR_OK);
	else if (r->kind == PROTO_UID_OF)
		assert_int_equal(names_uid_of(names, r->name, on_answer, a, ticket), TSR_OK);
	else
		assert_int_equal(names_gid_of(names, r->name, on_answer, a, ticket), TSR_OK);
	assert_true((*ticket == 0) == (a->called == 1));
}

static void
check(const struct row *r, const struct answer *a)
{
	if (a->code != r->code || a->uid != r->want_uid || a->gid != r->want_gid ||
	    strcmp(a->name, r->want_name) != 0)
		fail_msg("%s: %d %u %u %s", r->what, a->code, a->uid, a->gid, a->name);
}

static void
test_rows(void **state)
{
	struct answer a;
	unsigned ticket;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&rows[i], &a, &ticket);
		wait_for(&a);
		check(&rows[i], &a);
	}
	/* Now each is known: answered from inside the call. */
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(&rows[i], &a, &ticket);
		assert_int_equal(a.called, 1);
		check(&rows[i], &a);
	}
}

static void
test_many_at_once(void **state)
{
	static struct answer a[200];
	unsigned ticket[200];
	size_t i;

	(void)state;
	for (i = 0; i < 200; i++) {
		memset(&a[i], 0, sizeof(a[i]));
		assert_int_equal(names_name_of(names, 3000000000u + (uid_t)i, on_answer, &a[i], &ticket[i]), TSR_OK);
	}
	names_cancel(names, ticket[100]);
	names_cancel(names, 0);
	names_cancel(names, 4000000000u);
	for (i = 0; i < 200; i++)
		if (i != 100)
			wait_for(&a[i]);
	assert_int_equal(a[100].called, 0);
	assert_int_equal(a[199].code, TSR_NOT_FOUND);
}

static void
test_too_many(void **state)
{
	static struct answer a;
	pid_t pid = worker_pid();
	unsigned ticket;
	int i;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (i = 0; i < NAMES_PENDING_MAX; i++)
		assert_int_equal(names_name_of(names, 3000000000u + (uid_t)i, on_answer, &a, &ticket), TSR_OK);
	assert_int_equal(names_name_of(names, 1, on_answer, &a, &ticket), TSR_TOO_LARGE);
	assert_int_equal(a.called, 0);
	/* teardown forgets them all, without a call */
}

static void
test_worker_killed(void **state)
{
	struct answer a, b;
	pid_t pid = worker_pid();
	unsigned ticket;

	(void)state;
	/* With a question under way: it is asked again. */
	assert_int_equal(kill(pid, SIGSTOP), 0);
	ask(&rows[1], &a, &ticket);
	assert_int_equal(a.called, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_for(&a);
	check(&rows[1], &a);
	assert_int_not_equal(worker_pid(), pid);

	/* With none under way. */
	pid = worker_pid();
	assert_int_equal(kill(pid, SIGKILL), 0);
	ask(&rows[0], &b, &ticket);
	wait_for(&b);
	check(&rows[0], &b);
}

/* A question that kills the worker each time does not do so for ever. */
static void
test_worker_killed_twice(void **state)
{
	struct answer a;
	pid_t pid = worker_pid(), last = -1;
	unsigned ticket;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	ask(&rows[1], &a, &ticket);
	while (!a.called) {
		if (pid != -1 && pid != last) {
			(void)kill(pid, SIGKILL);
			last = pid;
		}
		assert_true(sd_event_run(loop_event(loop), 1000) >= 0);
		pid = worker_pid();
		if (pid != -1 && pid != last)
			(void)kill(pid, SIGSTOP);
	}
	/* The second worker may have been quicker than we. */
	assert_true(a.code == TSR_UNAVAILABLE || a.code == TSR_OK);
	ask(&rows[0], &a, &ticket);
	wait_for(&a);
	check(&rows[0], &a);
}

static void
test_cache(void **state)
{
	struct names_cache *c = NULL;
	struct names_key k;
	struct names_answer a;
	const struct names_answer *got;
	uid_t uid;

	(void)state;
	assert_int_equal(names_cache_new(&c), TSR_OK);
	memset(&k, 0, sizeof(k));
	memset(&a, 0, sizeof(a));
	k.kind = PROTO_NAME_OF;
	for (uid = 0; uid < NAMES_CACHE_MAX + 10; uid++) {
		k.uid = a.uid = uid;
		names_cache_put(c, &k, &a, 1000);
	}
	k.uid = 9;			/* made room */
	assert_null(names_cache_get(c, &k, 1000));
	k.uid = 10;
	assert_non_null(got = names_cache_get(c, &k, 1000));
	assert_int_equal(got->uid, 10);
	k.kind = PROTO_UID_OF;		/* another question */
	assert_null(names_cache_get(c, &k, 1000));
	k.kind = PROTO_NAME_OF;
	assert_non_null(names_cache_get(c, &k, 1000 + NAMES_TTL_MS - 1));
	assert_null(names_cache_get(c, &k, 1000 + NAMES_TTL_MS));
	a.code = TSR_NOT_FOUND;
	names_cache_put(c, &k, &a, 1000);
	assert_non_null(names_cache_get(c, &k, 1000 + NAMES_UNKNOWN_TTL_MS - 1));
	assert_null(names_cache_get(c, &k, 1000 + NAMES_UNKNOWN_TTL_MS));
	a.code = TSR_OK;		/* the later answer holds */
	a.uid = 1;
	names_cache_put(c, &k, &a, 1000);
	a.uid = 2;
	names_cache_put(c, &k, &a, 1000);
	assert_int_equal(names_cache_get(c, &k, 1000)->uid, 2);
	names_cache_free(&c);
}

static void
test_no_program(void **state)
{
	struct loop *l = NULL;
	struct names *n = NULL;

	(void)state;
	assert_int_equal(loop_new(&l), TSR_OK);
	assert_int_equal(names_new(l, "/nonexistent/tesserad", &n), TSR_SYSTEM);
	assert_null(n);
	loop_free(&l);
}

#define WORKER_TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WORKER_TEST(test_rows),
		WORKER_TEST(test_many_at_once),
		WORKER_TEST(test_too_many),
		WORKER_TEST(test_worker_killed),
		WORKER_TEST(test_worker_killed_twice),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_no_program),
	};

	if (argc > 1 && strcmp(argv[1], "--names") == 0)
		return names_worker();
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
