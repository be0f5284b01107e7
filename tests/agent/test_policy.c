/*
 * test_policy.c - who may have what: configurations as they are read from a
 * file, names resolved by the real worker (this program with --names).
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/policy.h"
#include "include/tessera.h"

static char self[256];
static struct loop *loop;
static struct names *names;

/* What policy_new told. */
static struct told {
	struct policy *ready;
	unsigned n_ready, n_unknown;
	char unknown[256];
} told;

static void
on_ready(void *arg, struct policy *p)
{
	assert_ptr_equal(arg, &told);
	told.ready = p;
	told.n_ready++;
}

static void
on_unknown(void *arg, const char *kind, const char *name)
{
	size_t n = strlen(told.unknown);

	assert_ptr_equal(arg, &told);
	told.n_unknown++;
	(void)snprintf(told.unknown + n, sizeof(told.unknown) - n, "%s %s,", kind, name);
}

/* The configuration of that text, read as the agent reads it. */
static struct config *
configuration(const char *text)
{
	char dir[] = "/var/lib/tessera-policy-XXXXXX", file[64], err[1024];
	struct config *c = NULL;
	FILE *f;

	assert_non_null(mkdtemp(dir));		/* a path that root alone may write */
	assert_int_equal(chmod(dir, 0755), 0);
	(void)snprintf(file, sizeof(file), "%s/tessera.conf", dir);
	assert_non_null(f = fopen(file, "w"));
	assert_true(fprintf(f, "issuer = \"https://test.example\"\n%s", text) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(file, 0644), 0);
	if (config_load(file, CONFIG_SYSTEM, &c, err, sizeof(err)) != TSR_OK)
		fail_msg("%s", err);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	return c;
}

static struct policy *
policy(const char *text)
{
	struct policy *p = NULL;
	int i;

	memset(&told, 0, sizeof(told));
	assert_int_equal(policy_new(configuration(text), names, on_ready, &told, on_unknown, &p), TSR_OK);
	for (i = 0; told.n_ready == 0 && i < 100; i++)
		assert_true(sd_event_run(loop_event(loop), 100000) >= 0);
	assert_int_equal(told.n_ready, 1);
	assert_ptr_equal(told.ready, p);
	return p;
}

static int
setup(void **state)
{
	(void)state;
	if (geteuid() != 0)	/* the configuration must be root's */
		return 0;
	return loop_new(&loop) != TSR_OK || names_new(loop, self, &names) != TSR_OK;
}

static int
teardown(void **state)
{
	(void)state;
	names_free(&names);
	loop_free(&loop);
	return 0;
}

static void
need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("SKIPPED: the configuration of a system must be root's\n");
	skip();
}

/* A caller that is this process, so that /proc has something to say of it. */
static struct caller
caller(uid_t uid, gid_t gid, gid_t other)
{
	struct caller c;

	memset(&c, 0, sizeof(c));
	c.uid = uid;
	c.gid = gid;
	c.groups[0] = other;
	c.n_groups = 1;
	c.pid = getpid();
	c.pidfd = -1;
	return c;
}

#define NOBODY	((gid_t)60001)	/* a number that no row names */

/* One audience's keys; who asks; what is said.  daemon is 1, bin 2, sys 3 in
 * every Debian, both users and groups. */
static const struct who_row {
	const char *name, *keys;
	uid_t uid;
	gid_t gid, other;
	int code;
	const char *unknown;
} who_rows[] = {
	{ "nobody is named", "", 1, 1, NOBODY, TSR_DENIED, "" },
	{ "nobody, not even root", "", 0, 0, NOBODY, TSR_DENIED, "" },
	{ "a user's name", "users = {\"daemon\"}", 1, 1, NOBODY, TSR_OK, "" },
	{ "another user", "users = {\"daemon\"}", 2, 2, NOBODY, TSR_DENIED, "" },
	{ "root is not every user", "users = {\"daemon\"}", 0, 0, NOBODY, TSR_DENIED, "" },
	{ "the second of two", "users = {\"bin\", \"daemon\"}", 1, 1, NOBODY, TSR_OK, "" },
	{ "a number", "users = {\"4711\"}", 4711, NOBODY, NOBODY, TSR_OK, "" },
	{ "another number", "users = {\"4711\"}", 471, NOBODY, NOBODY, TSR_DENIED, "" },
	{ "a user who is not there", "users = {\"no-such-user\"}", 1, 1, NOBODY, TSR_DENIED,
	    "user no-such-user," },
	{ "and matches not even the unmapped uid", "users = {\"no-such-user\"}", (uid_t)-1, (gid_t)-1,
	    (gid_t)-1, TSR_DENIED, "user no-such-user," },
	{ "beside one who is", "users = {\"no-such-user\", \"daemon\"}", 1, 1, NOBODY, TSR_OK,
	    "user no-such-user," },
	{ "a group by name: the first", "groups = {\"sys\"}", 4711, 3, NOBODY, TSR_OK, "" },
	{ "a group by name: a further one", "groups = {\"sys\"}", 4711, NOBODY, 3, TSR_OK, "" },
	{ "a group by number", "groups = {\"60002\"}", 4711, NOBODY, 60002, TSR_OK, "" },
	{ "another group", "groups = {\"sys\"}", 4711, NOBODY, 4, TSR_DENIED, "" },
	{ "a group is no user", "groups = {\"sys\"}", 3, NOBODY, NOBODY, TSR_DENIED, "" },
	{ "a user is no group", "users = {\"sys\"}", 4711, 3, 3, TSR_DENIED, "" },
	{ "a group that is not there", "groups = {\"no-such-group\"}", 4711, (gid_t)-1, (gid_t)-1,
	    TSR_DENIED, "group no-such-group," },
	{ "any user", "any-user = true", 4711, NOBODY, NOBODY, TSR_OK, "" },
	{ "no user but by name", "any-user = false", 4711, NOBODY, NOBODY, TSR_DENIED, "" },
	{ "a unit that we are not in", "units = {\"tessera-no-such.service\"}", 0, 0, NOBODY,
	    TSR_DENIED, "" },
};

static void
test_who(void **state)
{
	const struct config_audience *a;
	struct policy *p;
	struct caller c;
	char text[512];
	size_t i;
	int verify;

	(void)state;
	need_root();
	for (i = 0; i < 2 * sizeof(who_rows) / sizeof(who_rows[0]); i++) {
		const struct who_row *row = &who_rows[i / 2];

		verify = i % 2;
		(void)snprintf(text, sizeof(text), "admin-group = \"root\"\n"
		    "audience \"other\" { scopes = {\"a\"}  any-user = true  verifiers { any-user = true } }\n"
		    "audience \"vpn\" { scopes = {\"a\"}  %s %s %s }\n",
		    verify ? "verifiers {" : "", row->keys, verify ? "}" : "");
		p = policy(text);
		assert_string_equal(told.unknown, row->unknown);
		assert_non_null(a = policy_audience(p, "vpn"));
		c = caller(row->uid, row->gid, row->other);
		if ((verify ? policy_may_verify(p, a, &c) : policy_may_ask(p, a, &c)) != row->code)
			fail_msg("%s (%s)", row->name, verify ? "verifiers" : "callers");
		/* and what is said of one says nothing of the other */
		assert_int_equal(verify ? policy_may_ask(p, a, &c) : policy_may_verify(p, a, &c),
		    TSR_DENIED);
		assert_null(policy_audience(p, "vp"));
		assert_null(policy_audience(p, ""));
		policy_free(&p);
		assert_null(p);
	}
}

static void
test_admin(void **state)
{
	struct policy *p;
	struct caller c;

	(void)state;
	need_root();
	p = policy("admin-group = \"sys\"\n");
	c = caller(0, NOBODY, NOBODY);
	assert_int_equal(policy_is_admin(p, &c), 1);
	c = caller(4711, NOBODY, 3);
	assert_int_equal(policy_is_admin(p, &c), 1);
	c = caller(3, 4, NOBODY);
	assert_int_equal(policy_is_admin(p, &c), 0);
	policy_free(&p);
	p = policy("admin-group = \"no-such-group\"\n");
	assert_string_equal(told.unknown, "group no-such-group,");
	c = caller(4711, (gid_t)-1, (gid_t)-1);
	assert_int_equal(policy_is_admin(p, &c), 0);
	policy_free(&p);
}

static void
test_login_helper(void **state)
{
	struct policy *p;
	struct caller c;
	uid_t only = 77;

	(void)state;
	need_root();
	p = policy("admin-group = \"root\"\n"
	    "login-helper \"gdm\" { user = \"root\"  unit = \"tessera-no-such.service\" }\n"
	    "login-helper \"x\" { user = \"no-such-user\"  unit = \"tessera-no-such.service\" }\n");
	assert_string_equal(told.unknown, "user no-such-user,");
	c = caller(0, 0, NOBODY);	/* the uid alone is not enough */
	assert_int_equal(policy_login_helper(p, &c, &only), 0);
	c = caller((uid_t)-1, 0, NOBODY);
	assert_int_equal(policy_login_helper(p, &c, &only), 0);
	policy_free(&p);
}

static void
test_generation(void **state)
{
	struct policy *p, *q = NULL;
	uint64_t g;

	(void)state;
	need_root();
	p = policy("admin-group = \"root\"\n");
	g = policy_generation(p);
	policy_free(&p);
	p = policy("admin-group = \"root\"\n");
	assert_true(policy_generation(p) > g);
	policy_free(&p);
	/* Let go while its names are being looked up: ready() is never called. */
	memset(&told, 0, sizeof(told));
	assert_int_equal(policy_new(configuration("admin-group = \"root\"\n"
	    "audience \"a\" { scopes = {\"a\"}  users = {\"no-such-1\", \"no-such-2\"} }\n"),
	    names, on_ready, &told, on_unknown, &q), TSR_OK);
	assert_int_equal(told.n_ready, 0);
	policy_free(&q);
	p = policy("admin-group = \"root\"\naudience \"a\" { scopes = {\"a\"}  users = {\"no-such-1\"} }\n");
	assert_int_equal(told.n_ready, 1);
	assert_string_equal(told.unknown, "user no-such-1,");
	policy_free(&p);
}

/* The audience has these three, in this order. */
static const struct scope_row {
	const char *name, *asked, *granted;	/* granted NULL: TSR_BAD_SCOPE */
} scope_rows[] = {
	{ "nothing is said: all", NULL, "read write read-all" },
	{ "one", "write", "write" },
	{ "two, in the audience's order", "read-all read", "read read-all" },
	{ "all", "read write read-all", "read write read-all" },
	{ "twice the same", "write write", "write" },
	{ "a word that only begins one", "rea", NULL },
	{ "a word that one begins", "read-all-of-it", NULL },
	{ "an unknown one beside a known one", "read delete", NULL },
	{ "another case", "Read", NULL },
	{ "RFC 6749 3.3: empty", "", NULL },
	{ "RFC 6749 3.3: a blank", " ", NULL },
	{ "RFC 6749 3.3: a blank in front", " read", NULL },
	{ "RFC 6749 3.3: a blank behind", "read ", NULL },
	{ "RFC 6749 3.3: two blanks between", "read  write", NULL },
	{ "a tab between", "read\twrite", NULL },
};

static void
test_scope(void **state)
{
	static char a0[] = "read", a1[] = "write", a2[] = "read-all";
	static char *words[] = { a0, a1, a2 };
	struct config_audience a;
	struct buf b;
	size_t i;
	int r;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.scopes.v = words;
	a.scopes.n = 3;
	for (i = 0; i < sizeof(scope_rows) / sizeof(scope_rows[0]); i++) {
		buf_init(&b, 64);
		r = policy_scope(&a, scope_rows[i].asked, &b);
		if (r != (scope_rows[i].granted != NULL ? TSR_OK : TSR_BAD_SCOPE))
			fail_msg("%s: %d", scope_rows[i].name, r);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		assert_string_equal((const char *)b.data,
		    scope_rows[i].granted != NULL ? scope_rows[i].granted : "");
		buf_free(&b);
	}
	buf_init(&b, 12);		/* no room: never a part of it as if it were all */
	assert_int_equal(policy_scope(&a, NULL, &b), TSR_TOO_LARGE);
	buf_free(&b);
	a.scopes.n = 0;
	buf_init(&b, 64);
	assert_int_equal(policy_scope(&a, NULL, &b), TSR_BAD_SCOPE);
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_who, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_login_helper, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generation, setup, teardown),
		cmocka_unit_test(test_scope),
	};

	if (argc > 1 && strcmp(argv[1], "--names") == 0)
		return names_worker();
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
