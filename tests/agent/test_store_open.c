/*
 * test_store_open.c - what store_open accepts, makes and refuses.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_check.h"
#include "agent/store_sqlite.h"
#include "tessera.h"

static mode_t
mode_of(const char *path)
{
	struct stat sb;

	assert_int_equal(lstat(path, &sb), 0);
	return sb.st_mode & 07777;
}

static char *
in_dir(const struct place *p, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return path;
}

static void
first_start_makes_private_files(void **state)
{
	struct place *p = *state;
	mode_t old = umask(0);

	snprintf(p->url, sizeof(p->url), "sqlite:%s/a/b/t.db", p->dir);
	assert_true(store_is_new(p->url));
	help_open(p);
	assert_false(store_is_new(p->url));
	umask(old);
	assert_int_equal(mode_of(in_dir(p, "a")), 0700);
	assert_int_equal(mode_of(in_dir(p, "a/b")), 0700);
	assert_int_equal(mode_of(in_dir(p, "a/b/t.db")), 0600);
	assert_int_equal(mode_of(in_dir(p, "a/b/t.db-wal")), 0600);
	assert_int_equal(access(in_dir(p, "a/b/t.db-shm"), F_OK), -1);
	help_close(p);
	assert_int_equal(help_number(in_dir(p, "a/b/t.db"), "PRAGMA user_version"), STORE_SCHEMA);
	assert_int_equal(help_number(in_dir(p, "a/b/t.db"), "PRAGMA application_id"),
	    STORE_APPLICATION_ID);
}

static int
to_text(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	snprintf(arg, 64, "%s", value[0] == NULL ? "" : value[0]);
	return 0;
}

static void
settings_hold(void **state)
{
	static const struct row {
		const char *name, *value;
	} rows[] = {
		{ "journal_mode", "wal" }, { "synchronous", "2" }, { "locking_mode", "exclusive" },
		{ "temp_store", "2" }, { "cache_size", "-256" }, { "mmap_size", "0" },
		{ "secure_delete", "1" }, { "trusted_schema", "0" }, { "foreign_keys", "1" },
		{ "cell_size_check", "1" },
	};
	struct place *p = *state;
	char sql[64], value[64];
	size_t i;
	int on = -1;

	help_open(p);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		value[0] = '\0';
		snprintf(sql, sizeof(sql), "PRAGMA %s", rows[i].name);
		assert_int_equal(sqlite3_exec(p->st->db, sql, to_text, value, NULL), SQLITE_OK);
		if (strcmp(value, rows[i].value) != 0)
			fail_msg("%s is %s", rows[i].name, value);
	}
	assert_int_equal(sqlite3_db_config(p->st->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on), SQLITE_OK);
	assert_int_equal(on, 1);
}

static void
opened_again_finds_what_was_committed(void **state)
{
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	help_open(p);
	help_add(p, 1, id);
	help_close(p);
	help_open(p);
	assert_true(help_has(p->st, 1));
}

/* A folder reached by a link is the folder itself. */
static void
folder_may_be_reached_by_a_link(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir(in_dir(p, "real"), 0700), 0);
	assert_int_equal(symlink("real", in_dir(p, "link")), 0);
	snprintf(p->url, sizeof(p->url), "sqlite:%s/link/t.db", p->dir);
	help_open(p);
	assert_int_equal(mode_of(in_dir(p, "real/t.db")), 0600);
}

/* Each makes something of the good, closed store at p->db. */
static void as_is(struct place *p) { (void)p; }
static void aside(struct place *p) { assert_int_equal(rename(p->db, in_dir(p, "aside")), 0); }
static void link_to(struct place *p) { aside(p); assert_int_equal(symlink("aside", p->db), 0); }
static void dangling(struct place *p) { aside(p); assert_int_equal(symlink("nowhere", p->db), 0); }
static void fifo(struct place *p) { aside(p); assert_int_equal(mkfifo(p->db, 0600), 0); }
static void folder(struct place *p) { aside(p); assert_int_equal(mkdir(p->db, 0700), 0); }
static void world(struct place *p) { assert_int_equal(chmod(p->db, 0602), 0); }
static void group(struct place *p) { assert_int_equal(chmod(p->db, 0660), 0); }
static void open_folder(struct place *p) { assert_int_equal(chmod(p->dir, 0777), 0); }
static void newer(struct place *p) { help_sql(p->db, "PRAGMA user_version = 10"); }
static void negative(struct place *p) { help_sql(p->db, "PRAGMA user_version = -1"); }
static void zero(struct place *p) { help_sql(p->db, "PRAGMA user_version = 0"); }
static void other_program(struct place *p) { help_sql(p->db, "PRAGMA application_id = 5"); }
static void other_key(struct place *p) { p->key->data[0] ^= 1; }
static void no_check(struct place *p) { help_sql(p->db, "DELETE FROM meta"); }

static void
altered_check(struct place *p)
{
	help_sql(p->db, "UPDATE meta SET value = zeroblob(55)");
}

static void
trigger(struct place *p)
{
	help_sql(p->db, "CREATE TRIGGER t AFTER DELETE ON credential BEGIN DELETE FROM signing; END");
}

static void
foreign_tables(struct place *p)
{
	aside(p);
	help_sql(p->db, "CREATE TABLE music (title TEXT)");
	assert_int_equal(chmod(p->db, 0600), 0);
}

static void
overwrite(struct place *p, off_t at, const char *text)
{
	int fd = open(p->db, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static void no_database(struct place *p) { overwrite(p, 0, "This is a letter."); }
static void damaged(struct place *p) { overwrite(p, 100, "rubbish rubbish rubbish"); }
static void cut(struct place *p) { assert_int_equal(truncate(p->db, 4096), 0); }

static void
foreign_file(struct place *p)
{
	assert_int_equal(chown(p->db, 1, (gid_t)-1), 0);
}

static void
foreign_folder(struct place *p)
{
	assert_int_equal(chown(p->dir, 1, (gid_t)-1), 0);
}

static void
link_as_log(struct place *p)
{
	assert_int_equal(symlink("aside", in_dir(p, "t.db-wal")), 0);
}

static void
fifo_as_journal(struct place *p)
{
	assert_int_equal(mkfifo(in_dir(p, "t.db-journal"), 0600), 0);
}

static const struct row {
	const char *name;
	void (*prepare)(struct place *p);
	const char *url;	/* NULL: that of p */
	int code;
	const char *says;
} refusals[] = {
	{ "symlink", link_to, NULL, TSR_CONFIG, "symbolic link" },
	{ "dangling symlink", dangling, NULL, TSR_CONFIG, "symbolic link" },
	{ "FIFO", fifo, NULL, TSR_CONFIG, "FIFO" },
	{ "folder", folder, NULL, TSR_CONFIG, "a folder" },
	{ "world-writable", world, NULL, TSR_CONFIG, "chmod 0600" },
	{ "group-writable", group, NULL, TSR_CONFIG, "chmod 0600" },
	{ "folder that others write in", open_folder, NULL, TSR_CONFIG, "chmod 0700" },
	{ "symlink as log", link_as_log, NULL, TSR_CONFIG, "t.db-wal" },
	{ "FIFO as journal", fifo_as_journal, NULL, TSR_CONFIG, "t.db-journal" },
	{ "newer schema", newer, NULL, TSR_STORE_NEWER, "version 10, this program understands 9" },
	{ "negative schema", negative, NULL, TSR_CORRUPT, "backup" },
	{ "tables without a schema", zero, NULL, TSR_CORRUPT, "backup" },
	{ "other application id", other_program, NULL, TSR_CONFIG, "another program" },
	{ "other program's tables", foreign_tables, NULL, TSR_CONFIG, "another program" },
	{ "trigger", trigger, NULL, TSR_CORRUPT, "backup" },
	{ "no database", no_database, NULL, TSR_CORRUPT, "damaged" },
	{ "damaged first page", damaged, NULL, TSR_CORRUPT, "damaged" },
	{ "cut to one page", cut, NULL, TSR_CORRUPT, "damaged" },
	{ "wrong key", other_key, NULL, TSR_CORRUPT, "does not open with this store key" },
	{ "no check value", no_check, NULL, TSR_CORRUPT, "store key" },
	{ "altered check value", altered_check, NULL, TSR_CORRUPT, "store key" },
	{ "no scheme", as_is, "/var/lib/tessera/t.db", TSR_CONFIG, "sqlite:/absolute/path" },
	{ "other scheme", as_is, "postgresql://hub/t", TSR_CONFIG, "sqlite:/absolute/path" },
	{ "relative path", as_is, "sqlite:t.db", TSR_CONFIG, "sqlite:/absolute/path" },
	{ "no path", as_is, "sqlite:", TSR_CONFIG, "sqlite:/absolute/path" },
	{ "folder as path", as_is, "sqlite:/tmp/", TSR_CONFIG, "sqlite:/absolute/path" },
	{ "folder of everybody", as_is, "sqlite:/tmp/t.db", TSR_CONFIG, "/tmp" },
	{ "file as folder", as_is, "sqlite:/etc/passwd/t.db", TSR_CONFIG, "/etc/passwd" },
};

static const struct row of_others[] = {
	{ "file of another user", foreign_file, NULL, TSR_CONFIG, "belongs to uid 1" },
	{ "folder of another user", foreign_folder, NULL, TSR_CONFIG, "belongs to uid 1" },
};

static void
refuse(const struct row *rows, size_t n)
{
	const struct row *row;
	struct place *p;
	void *mine;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		row = &rows[i];
		assert_int_equal(help_setup(&mine), 0);
		p = mine;
		help_open(p);
		help_close(p);
		row->prepare(p);
		assert_false(row->url == NULL && store_is_new(p->url));
		r = store_open(row->url != NULL ? row->url : p->url, p->key, &p->st, p->err,
		    sizeof(p->err));
		if (r != row->code || strstr(p->err, row->says) == NULL || p->st != NULL)
			fail_msg("%s: %d, %s", row->name, r, p->err);
		help_teardown(&mine);
	}
}

static void
refused(void **state)
{
	(void)state;
	refuse(refusals, sizeof(refusals) / sizeof(refusals[0]));
}

static void
files_of_others_are_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();		/* only root can give a file away */
	refuse(of_others, sizeof(of_others) / sizeof(of_others[0]));
}

/* A refused file is as it was. */
static void
newer_schema_is_left_alone(void **state)
{
	struct place *p = *state;

	help_open(p);
	help_close(p);
	help_sql(p->db, "PRAGMA user_version = 10; CREATE TABLE future (x INTEGER)");
	assert_int_equal(store_open(p->url, p->key, &p->st, p->err, sizeof(p->err)), TSR_STORE_NEWER);
	assert_int_equal(help_number(p->db, "PRAGMA user_version"), 10);
	assert_int_equal(help_number(p->db, "SELECT count(*) FROM future"), 0);
}

static void
second_agent_is_refused(void **state)
{
	struct place *p = *state;
	struct store *second = NULL;
	char id[STORE_ID_LEN + 1];
	int status, r;
	pid_t pid;

	help_open(p);
	r = store_open(p->url, p->key, &second, p->err, sizeof(p->err));
	assert_int_equal(r, TSR_STORE);
	assert_non_null(strstr(p->err, "in use by another process"));
	assert_true((pid = fork()) >= 0);
	if (pid == 0) {
		second = NULL;
		r = store_open(p->url, p->key, &second, p->err, sizeof(p->err));
		_exit(r == TSR_STORE && strstr(p->err, "running already") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	help_add(p, 1, id);	/* the first goes on */
	assert_true(help_has(p->st, 1));
	help_close(p);
	help_open(p);
}

/* A store of an older version, brought on by steps that a later program has. */
static void
older_versions_are_brought_on(void **state)
{
	const char *steps[STORE_SCHEMA + 2];
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	memcpy(steps, store_schema_steps, sizeof(store_schema_steps));
	steps[STORE_SCHEMA] =
	    "CREATE TABLE two (x INTEGER NOT NULL) STRICT; INSERT INTO two VALUES (2);";
	steps[STORE_SCHEMA + 1] = "ALTER TABLE two ADD COLUMN y INTEGER NOT NULL DEFAULT 3;";
	help_open(p);
	help_add(p, 1, id);
	assert_int_equal(store_schema_migrate(p->st, steps, STORE_SCHEMA + 1, p->err,
	    sizeof(p->err)), TSR_OK);
	assert_int_equal(store_schema_migrate(p->st, steps, STORE_SCHEMA + 2, p->err,
	    sizeof(p->err)), TSR_OK);
	assert_int_equal(store_schema_migrate(p->st, steps, STORE_SCHEMA + 2, p->err,
	    sizeof(p->err)), TSR_OK);
	assert_true(help_has(p->st, 1));
	assert_int_equal(store_schema_check_key(p->st, p->err, sizeof(p->err)), TSR_OK);
	help_close(p);
	assert_int_equal(help_number(p->db, "PRAGMA user_version"), STORE_SCHEMA + 2);
	assert_int_equal(help_number(p->db, "SELECT x + y FROM two"), 5);
	assert_int_equal(store_open(p->url, p->key, &p->st, p->err, sizeof(p->err)), TSR_STORE_NEWER);
}

static void
failed_step_leaves_the_old_version(void **state)
{
	const char *steps[STORE_SCHEMA + 2];
	char says[64];
	struct place *p = *state;
	char id[STORE_ID_LEN + 1];

	memcpy(steps, store_schema_steps, sizeof(store_schema_steps));
	steps[STORE_SCHEMA] = "CREATE TABLE two (x INTEGER NOT NULL) STRICT;";
	steps[STORE_SCHEMA + 1] = "CREATE TABLE three (x INTEGER) STRICT; DROP TABLE credential;"
	    " INSERT INTO nowhere VALUES (1);";
	help_open(p);
	help_add(p, 1, id);
	assert_int_equal(store_schema_migrate(p->st, steps, STORE_SCHEMA + 2, p->err,
	    sizeof(p->err)), TSR_STORE);
	(void)snprintf(says, sizeof(says), "from schema version %d to %d", STORE_SCHEMA,
	    STORE_SCHEMA + 2);
	assert_non_null(strstr(p->err, says));
	help_close(p);
	help_open(p);
	assert_true(help_has(p->st, 1));
	help_close(p);
	assert_int_equal(help_number(p->db, "PRAGMA user_version"), STORE_SCHEMA);
	assert_int_equal(help_number(p->db,
	    "SELECT count(*) FROM sqlite_schema WHERE name IN ('two', 'three')"), 0);
}

/* A store that the first version wrote, with a signing key and three credentials. */
static void
version_1_is_brought_on(void **state)
{
	struct place *p = *state;
	struct store_found f;
	char path[512];
	size_t i;
	int r;

	snprintf(path, sizeof(path), "install -m 0600 %s/tests/agent/fixture/store-v1.db %s",
	    TESSERA_SOURCE, p->db);
	assert_int_equal(system(path), 0);	/* NOLINT(cert-env33-c) */
	for (i = 0; i < p->key->size; i++)
		p->key->data[i] = (uint8_t)(i + 1);
	help_open(p);
	assert_true(help_has(p->st, 1) && help_has(p->st, 2) && help_has(p->st, 3));
	assert_int_equal(store_generation(p->st), 1);
	assert_int_equal(store_check_begin(p->st), TSR_OK);
	while ((r = store_check_step(p->st, &f)) == TSR_AGAIN)
		;
	assert_int_equal(r, TSR_OK);
	assert_true(f.whole);
	assert_int_equal(f.rows, 5);	/* and the check value */
	help_close(p);
	assert_int_equal(help_number(p->db, "PRAGMA user_version"), STORE_SCHEMA);
	help_open(p);
	assert_int_equal(store_verdict(p->st), STORE_GOOD);
}

/* What a kill between making and filling the file leaves. */
static void
empty_file_is_version_zero(void **state)
{
	struct place *p = *state;
	int fd;

	assert_true((fd = open(p->db, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);
	close(fd);
	help_open(p);
	help_close(p);
	assert_int_equal(help_number(p->db, "PRAGMA user_version"), STORE_SCHEMA);
}

int
main(void)
{
#define T(f)	cmocka_unit_test_setup_teardown(f, help_setup, help_teardown)
	const struct CMUnitTest tests[] = {
		T(first_start_makes_private_files), T(settings_hold),
		T(opened_again_finds_what_was_committed), T(folder_may_be_reached_by_a_link),
		cmocka_unit_test(refused), cmocka_unit_test(files_of_others_are_refused),
		T(newer_schema_is_left_alone), T(second_agent_is_refused),
		T(older_versions_are_brought_on), T(version_1_is_brought_on), T(failed_step_leaves_the_old_version),
		T(empty_file_is_version_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
