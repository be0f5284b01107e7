/*
 * test_ssh_ca.c - the keys of the SSH CA, and the files that servers read.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ssh_ca.h"
#include "agent/store_check.h"
#include "tessera.h"

#define NOW	1000000

static struct ssh_ca *
begin(struct place *p)
{
	struct ssh_ca *c = NULL;

	help_open(p);
	assert_int_equal(ssh_ca_open(p->st, p->dir, "https://h/t", &c), TSR_OK);
	return c;
}

static void
commit(struct place *p, struct ssh_ca *c)
{
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(ssh_ca_publish(c, NOW), TSR_OK);
	assert_false(ssh_ca_due(c));
}

/* Size of a file; -1 where there is none. */
static long
size_of(struct place *p, const char *name)
{
	char path[128];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* How many lines the file of trusted keys has, each as it should be. */
static unsigned
trusted(struct place *p)
{
	char path[128], line[512];
	unsigned n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/" SSH_CA_FILE, p->dir);
	if ((f = fopen(path, "r")) == NULL)
		return 99;
	for (; fgets(line, sizeof(line), f) != NULL; n++) {
		assert_int_equal(strncmp(line, "ssh-ed25519 AAAA", 16), 0);
		assert_non_null(strstr(line, " https://h/t\n"));
	}
	(void)fclose(f);
	return n;
}

/* "321" is what the keys are, oldest first. */
static void
states(struct ssh_ca *c, const char *expect)
{
	struct ssh_ca_entry e;
	struct ssh_ca_state s;
	char text[SSH_CA_KEYS_MAX + 1] = "";
	size_t i;

	ssh_ca_state(c, &s);
	for (i = 0; i < s.keys; i++) {
		ssh_ca_entry(c, i, &e);
		text[i] = (char)('0' + (int)e.state);
	}
	assert_string_equal(text, expect);
}

static void
nothing_before_it_is_wanted(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	const char *id, *print;
	size_t n;

	commit(p, c);
	assert_null(ssh_ca_active(c, &id, &print));
	assert_int_equal(size_of(p, SSH_CA_FILE), -1);
	assert_int_equal(size_of(p, SSH_KRL_FILE), -1);
	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	assert_true(ssh_ca_due(c));
	/* until the commit there is none */
	assert_null(ssh_ca_active(c, &id, &print));
	assert_int_equal(ssh_ca_publish(c, NOW), TSR_OK);
	assert_int_equal(size_of(p, SSH_CA_FILE), -1);
	commit(p, c);
	assert_non_null(ssh_ca_active(c, &id, &print));
	assert_int_equal(strncmp(print, "SHA256:", 7), 0);
	assert_int_equal(trusted(p), 1);
	assert_true(size_of(p, SSH_KRL_FILE) > 0);
	(void)ssh_ca_krl(c, &n);
	assert_int_equal(n, size_of(p, SSH_KRL_FILE));
	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	assert_false(ssh_ca_due(c));
	states(c, "2");
	ssh_ca_free(&c);
	help_close(p);
	/* the same key after a restart */
	help_open(p);
	assert_int_equal(ssh_ca_open(p->st, p->dir, "https://h/t", &c), TSR_OK);
	assert_true(ssh_ca_due(c));
	commit(p, c);
	states(c, "2");
	ssh_ca_free(&c);
}

static void
keys_take_turns(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	struct ssh_ca_entry e;
	const char *id, *print;
	char old[STORE_ID_LEN + 1];

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	assert_int_equal(ssh_ca_prepare(c, NOW), TSR_AGAIN);
	commit(p, c);
	assert_int_equal(ssh_ca_rotate(c, 0, NOW), TSR_NOT_FOUND);
	assert_int_equal(ssh_ca_prepare(c, NOW), TSR_OK);
	commit(p, c);
	states(c, "21");
	assert_int_equal(trusted(p), 2);
	assert_non_null(ssh_ca_active(c, &id, &print));
	(void)snprintf(old, sizeof(old), "%s", id);
	assert_int_equal(ssh_ca_prepare(c, NOW), TSR_CONFLICT);
	assert_int_equal(ssh_ca_retire(c, old, NOW), TSR_CONFLICT);
	assert_int_equal(ssh_ca_rotate(c, 0, NOW + 5), TSR_OK);
	assert_null(ssh_ca_active(c, &id, &print));
	commit(p, c);
	states(c, "32");
	assert_int_equal(trusted(p), 2);
	assert_non_null(ssh_ca_active(c, &id, &print));
	assert_string_not_equal(id, old);
	ssh_ca_entry(c, 0, &e);
	assert_int_equal(e.retired, NOW + 5);
	assert_int_equal(ssh_ca_retire(c, "x", NOW), TSR_NOT_FOUND);
	assert_int_equal(ssh_ca_retire(c, old, NOW), TSR_OK);
	commit(p, c);
	states(c, "52");
	assert_int_equal(trusted(p), 1);
	ssh_ca_free(&c);
}

static void
at_once_revokes_what_was_trusted(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	long before;
	unsigned i;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	assert_int_equal(ssh_ca_prepare(c, NOW), TSR_OK);
	commit(p, c);
	before = size_of(p, SSH_KRL_FILE);
	assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_OK);
	commit(p, c);
	states(c, "442");
	assert_int_equal(trusted(p), 1);
	assert_true(size_of(p, SSH_KRL_FILE) > before + 64);
	/* it never fails for the number of them: the oldest is forgotten */
	for (i = 0; i < SSH_CA_REVOKED_MAX + 4; i++) {
		assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_OK);
		commit(p, c);
	}
	assert_int_equal(trusted(p), 1);
	{
		struct ssh_ca_state s;

		ssh_ca_state(c, &s);
		assert_int_equal(s.keys, SSH_CA_REVOKED_MAX + 1);
	}
	ssh_ca_free(&c);
}

static void
there_is_room_for_a_new_one(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	char old[STORE_ID_LEN + 1];
	const char *id, *print;
	struct ssh_ca_state s;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	while (ssh_ca_prepare(c, NOW) == TSR_OK) {
		commit(p, c);
		assert_non_null(ssh_ca_active(c, &id, &print));
		(void)snprintf(old, sizeof(old), "%s", id);
		assert_int_equal(ssh_ca_rotate(c, 0, NOW), TSR_OK);
		commit(p, c);
		assert_int_equal(ssh_ca_retire(c, old, NOW), TSR_OK);
		commit(p, c);
	}
	ssh_ca_state(c, &s);
	assert_int_equal(s.keys, SSH_CA_KEYS_MAX);
	assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_OK);
	commit(p, c);
	assert_non_null(ssh_ca_active(c, &id, &print));
	ssh_ca_state(c, &s);
	assert_int_equal(s.keys, SSH_CA_KEYS_MAX);
	ssh_ca_free(&c);
}

static void
too_many_are_trusted(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	unsigned i;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	for (i = 1; i < SSH_CA_TRUSTED_MAX; i++) {
		assert_int_equal(ssh_ca_prepare(c, NOW), TSR_OK);
		commit(p, c);
		assert_int_equal(ssh_ca_rotate(c, 0, NOW), TSR_OK);
		commit(p, c);
	}
	assert_int_equal(trusted(p), SSH_CA_TRUSTED_MAX);
	assert_int_equal(ssh_ca_prepare(c, NOW), TSR_TOO_LARGE);
	assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_OK);
	commit(p, c);
	assert_int_equal(trusted(p), 1);
	ssh_ca_free(&c);
}

/* A change that does not become durable is none. */
static void
undone_change_is_none(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	const char *id, *print;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_OK);
	store_abandon(p->st);
	commit(p, c);
	states(c, "2");
	assert_non_null(ssh_ca_active(c, &id, &print));
	ssh_ca_free(&c);
}

static void
unwritten_files_are_told_of(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = NULL;
	struct ssh_ca_state s;
	char folder[128];

	help_open(p);
	(void)snprintf(folder, sizeof(folder), "%s/none", p->dir);
	assert_int_equal(ssh_ca_open(p->st, folder, "n", &c), TSR_OK);
	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	assert_int_equal(ssh_ca_publish(c, NOW), TSR_SYSTEM);
	ssh_ca_state(c, &s);
	assert_true(s.unpublished);
	assert_false(ssh_ca_due(c));		/* not with every batch */
	assert_int_equal(mkdir(folder, 0700), 0);
	ssh_ca_retry(c);
	assert_true(ssh_ca_due(c));
	assert_int_equal(ssh_ca_publish(c, NOW), TSR_OK);
	ssh_ca_state(c, &s);
	assert_false(s.unpublished);
	ssh_ca_free(&c);
	help_close(p);
	(void)snprintf(folder, sizeof(folder), "%s/none/" SSH_CA_FILE, p->dir);
	assert_int_equal(unlink(folder), 0);
	(void)snprintf(folder, sizeof(folder), "%s/none/" SSH_KRL_FILE, p->dir);
	assert_int_equal(unlink(folder), 0);
	(void)snprintf(folder, sizeof(folder), "%s/none", p->dir);
	assert_int_equal(rmdir(folder), 0);
}

static void
altered_key_signs_nothing(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	struct ssh_ca_state s;
	const char *id, *print;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	ssh_ca_free(&c);
	help_close(p);
	help_sql(p->db, "UPDATE ssh_ca SET created = 7");
	c = begin(p);
	assert_null(ssh_ca_active(c, &id, &print));
	assert_int_equal(ssh_ca_want(c, NOW), TSR_CORRUPT);	/* and no other takes its place */
	assert_int_equal(ssh_ca_rotate(c, 1, NOW), TSR_CORRUPT);
	assert_int_equal(ssh_ca_publish(c, NOW), TSR_CORRUPT);
	ssh_ca_state(c, &s);
	assert_true(s.stale);
	assert_int_equal(trusted(p), 1);		/* the files stay */
	ssh_ca_free(&c);
}

/* An older store may have forgotten certificates: while it is not believed, none is good. */
static void
doubted_store_trusts_none(void **state)
{
	struct place *p = *state;
	struct ssh_ca *c = begin(p);
	unsigned dropped;
	long before;

	assert_int_equal(ssh_ca_want(c, NOW), TSR_OK);
	commit(p, c);
	before = size_of(p, SSH_KRL_FILE);
	assert_int_equal(store_suspect(p->st, STORE_RESTORED, 0), TSR_OK);
	ssh_ca_retry(c);
	commit(p, c);
	assert_true(size_of(p, SSH_KRL_FILE) > before + 50);	/* the key itself */
	assert_int_equal(store_confirm(p->st, &dropped), TSR_OK);
	ssh_ca_retry(c);
	commit(p, c);
	assert_int_equal(size_of(p, SSH_KRL_FILE), before);
	ssh_ca_free(&c);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(nothing_before_it_is_wanted), T(keys_take_turns), T(at_once_revokes_what_was_trusted),
		T(there_is_room_for_a_new_one),
		T(too_many_are_trusted), T(undone_change_is_none), T(unwritten_files_are_told_of),
		T(altered_key_signs_nothing), T(doubted_store_trusts_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
