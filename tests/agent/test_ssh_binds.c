/*
 * test_ssh_binds.c - on which connections to ssh.sock something is signed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/ssh_binds.h"
#include "include/tessera.h"

static char file[] = "file", git[] = "git";
static char *const spaces[] = { file, git };

/* A bind: session, host and whether it forwards, as in "a1" or "a1>"; "!" one that
 * failed. */
static int
bind_one(struct ssh_binds *b, const char *text)
{
	uint8_t session[32];
	struct ssh_bind bind = { .host = (const uint8_t *)text + 1, .host_n = 1,
	    .session = session, .session_n = sizeof(session), .forwarding = text[0] != '!' && text[2] == '>' };

	memset(session, text[0], sizeof(session));
	return ssh_binds_add(b, text[0] == '!' ? TSR_BAD_SIGNATURE : TSR_OK, &bind);
}

static const struct row {
	const char *name;
	const char *binds;		/* with blanks between */
	const char *sign;		/* "a": a login there, "a1": bound to the host, "=git": a file */
	int forwarding, unbound;	/* of the configuration */
	const char *why;		/* NULL: it may be signed */
} rows[] = {
	{ "not bound", "", "a", 0, 0, "ssh_unbound" },
	{ "not bound, host-bound", "", "a1", 0, 0, "ssh_unbound" },
	{ "not bound, allowed", "", "a", 0, 1, NULL },
	{ "bound", "a1", "a", 0, 0, NULL },
	{ "bound, host-bound", "a1", "a1", 0, 0, NULL },
	{ "another session", "a1", "b", 0, 0, "ssh_other_session" },
	{ "another session where the unbound may", "a1", "b", 0, 1, "ssh_other_session" },
	{ "another host", "a1", "a2", 0, 0, "ssh_other_host" },
	{ "forwarded", "a1> b2", "b2", 0, 0, "ssh_forwarded" },
	{ "forwarded, allowed", "a1> b2", "b2", 1, 0, NULL },
	{ "forwarded, the first session", "a1> b2", "a1", 1, 0, "ssh_other_session" },
	{ "forwarded by a host that does not bind", "a1>", "b", 1, 1, "ssh_other_session" },
	{ "the session that forwards itself", "a1>", "a1", 1, 1, "ssh_other_session" },
	{ "three hosts", "a1> b2> c3", "c3", 1, 0, NULL },
	{ "a false binding", "!", "a", 0, 1, "ssh_bad_binding" },
	{ "a false binding after a good one", "a1> !", "a1", 1, 0, "ssh_bad_binding" },
	{ "one more after a login", "a1 b2", "b2", 1, 0, "ssh_bad_binding" },
	{ "one session of two hosts", "a1> a2", "a2", 1, 0, "ssh_bad_binding" },
	{ "a file", "", "=git", 0, 0, NULL },
	{ "a file of another namespace", "", "=mail", 1, 1, "ssh_namespace" },
	{ "a file of a namespace that begins so", "", "=gi", 1, 1, "ssh_namespace" },
	{ "a file where somebody logs in", "a1", "=git", 0, 0, NULL },
	{ "a file for another host", "a1>", "=git", 1, 1, "ssh_forwarded" },
	{ "a file after a false binding", "!", "=git", 1, 1, "ssh_bad_binding" },
};

static int
judge_row(const struct row *row)
{
	struct config c = { .ssh = { .namespaces = { (char **)(uintptr_t)spaces, 2 },
	    .forwarding = row->forwarding, .unbound = row->unbound } };
	struct ssh_signed s = { .kind = SSH_SIGNED_LOGIN };
	struct ssh_binds b = { .n = 0 };
	const struct ssh_bound *last;
	uint8_t session[32];
	const char *p, *why;
	int r;

	for (p = row->binds; *p != '\0'; p += strcspn(p, " "), p += *p == ' ')
		(void)bind_one(&b, p);
	if (row->sign[0] == '=') {
		s.kind = SSH_SIGNED_FILE;
		(void)snprintf(s.name, sizeof(s.name), "%s", row->sign + 1);
	} else {
		memset(session, row->sign[0], sizeof(session));
		s.session = session;
		s.session_n = sizeof(session);
		if (row->sign[1] != '\0') {
			s.host = (const uint8_t *)row->sign + 1;
			s.host_n = 1;
		}
	}
	r = ssh_binds_judge(row->binds[0] != '\0' ? &b : NULL, &s, &c, &last, &why);
	if (row->why == NULL)
		return r == TSR_OK;
	return r == TSR_DENIED && strcmp(why, row->why) == 0;
}

static void
test_judged(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!judge_row(&rows[i]))
			fail_msg("%s", rows[i].name);
}

static void
test_many(void **state)
{
	struct ssh_binds b = { .n = 0 };
	char text[] = "A1>";
	int i;

	(void)state;
	for (i = 0; i < SSH_BINDS_MAX; i++, text[0]++)
		assert_int_equal(bind_one(&b, text), TSR_OK);
	assert_int_equal(b.failed, 0);
	assert_int_equal(bind_one(&b, text), TSR_TOO_LARGE);
	assert_int_equal(b.failed, 1);
}

/* What would be refused anyhow costs no look at a signature. */
static void
test_open(void **state)
{
	static const struct {
		const char *name, *bind;	/* the last one */
		size_t n;		/* how many there were */
		int open;
	} open_rows[] = {
		{ "none yet", "", 0, 1 },
		{ "one that forwards", "a1>", 1, 1 },
		{ "one where somebody logs in", "a1", 1, 0 },
		{ "a false one", "!", 1, 0 },
		{ "all there may be", "a1>", SSH_BINDS_MAX, 0 },
	};
	struct ssh_binds b;
	char text[4];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(open_rows) / sizeof(open_rows[0]); i++) {
		memset(&b, 0, sizeof(b));
		(void)snprintf(text, sizeof(text), "%s", open_rows[i].bind);
		for (j = 0; j < open_rows[i].n; j++, text[0]++)
			(void)bind_one(&b, text);
		if (ssh_binds_open(&b) != open_rows[i].open)
			fail_msg("%s", open_rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
