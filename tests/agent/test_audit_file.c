/*
 * test_audit_file.c - the files of an audit log: crashes, rotation, loss, and a
 * disk that is full.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/audit_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera.h"

static void
test_restart_continues(void **state)
{
	struct audit_file *f;
	uint64_t seq;
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		f = audit_rig_open(i == 0, 64u << 20, 4, 0);
		audit_rig_put_lines(f, 10);
		assert_int_equal(audit_file_write_head(f), TSR_OK);
		audit_file_close(&f);
	}
	assert_int_equal(audit_rig_verify_all(0, &seq), AUDIT_GOOD);
	assert_int_equal(seq, 51);
}

/* A crash leaves any part of the last write. */
static void
test_torn_lines(void **state)
{
	struct audit_rig_text whole, t;
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	size_t durable, cut;
	uint64_t seq;

	(void)state;
	audit_rig_put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	t = audit_rig_slurp("audit.log");
	durable = t.n;
	free(t.p);
	audit_rig_put_lines(f, 3);
	audit_file_close(&f);
	whole = audit_rig_slurp("audit.log");
	for (cut = durable; cut < whole.n; cut += 13) {
		audit_rig_spill("audit.log", whole.p, cut);
		f = audit_rig_open(0, 64u << 20, 4, 0);
		audit_rig_put_lines(f, 2);
		audit_file_close(&f);
		assert_int_equal(audit_rig_verify_all(0, &seq), AUDIT_GOOD);
		t = audit_rig_slurp("audit.log");
		assert_true((memmem(t.p, t.n, "\"event\":\"recovered\"", 19) != NULL) ==
		    (whole.p[cut - 1] != '\n'));
		free(t.p);
	}
	/* blocks that never reached the disk are zeros */
	memset(whole.p + durable + 20, 0, whole.n - durable - 20);
	audit_rig_spill("audit.log", whole.p, whole.n);
	f = audit_rig_open(0, 64u << 20, 4, 0);
	audit_rig_put_lines(f, 1);
	audit_file_close(&f);
	assert_int_equal(audit_rig_verify_all(0, NULL), AUDIT_GOOD);
	free(whole.p);
}

/* What no crash does goes on in a new file, and stays to be seen. */
static void
test_cut_and_altered_logs_are_lost(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	struct audit_rig_text good, t;
	uint64_t seq;

	(void)state;
	audit_rig_put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	audit_file_close(&f);
	good = audit_rig_slurp("audit.log");
	audit_rig_spill("audit.log", good.p, audit_rig_line_at(&good, 7));		/* behind the head */
	f = audit_rig_open(0, 64u << 20, 4, 1);
	assert_int_equal(audit_file_seq(f), 13);		/* the head's, and the new file's first */
	audit_rig_put_lines(f, 3);
	audit_file_close(&f);
	t = audit_rig_slurp("audit.log.1");
	assert_int_equal(t.n, audit_rig_line_at(&good, 7));		/* untouched */
	free(t.p);
	assert_int_equal(audit_rig_verify_all(1, &seq), AUDIT_LOST);
	assert_int_equal(unlink(audit_rig_at("audit.log.1")), 0);
	audit_rig_spill("audit.log", good.p, good.n);
	t = audit_rig_slurp("audit.log");
	t.p[audit_rig_line_at(&t, 8) + 60] ^= 1;
	audit_rig_spill("audit.log", t.p, t.n);
	f = audit_rig_open(0, 64u << 20, 4, 1);
	audit_rig_put_lines(f, 1);
	audit_file_close(&f);
	free(t.p);
	free(good.p);
}

static void
test_missing_files(void **state)
{
	struct audit_file_options o = { .dir = audit_rig_dir, .size = 1u << 20, .keep = 4 };
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	char err[512];
	int lost;

	(void)state;
	audit_rig_put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(unlink(audit_rig_at("audit.log")), 0);
	f = audit_rig_open(0, 64u << 20, 4, 1);
	audit_rig_put_lines(f, 1);
	audit_file_close(&f);
	assert_int_equal(audit_rig_verify_all(0, NULL), AUDIT_LOST);
	assert_int_equal(unlink(audit_rig_at("audit.key")), 0);
	assert_int_equal(audit_file_open(&o, audit_rig_key, 0, AUDIT_RIG_NOW, &f, &lost, err, sizeof(err)), TSR_CORRUPT);
	assert_int_equal(unlink(audit_rig_at("audit.log")), 0);
	f = audit_rig_open(0, 64u << 20, 4, 1);		/* a store without its log */
	audit_rig_put_lines(f, 1);
	audit_file_close(&f);
	audit_rig_key->data[0] ^= 1;
	assert_int_equal(audit_file_open(&o, audit_rig_key, 0, AUDIT_RIG_NOW, &f, &lost, err, sizeof(err)), TSR_CORRUPT);
	audit_rig_key->data[0] ^= 1;
	assert_int_equal(unlink(audit_rig_at("audit.log")), 0);
	assert_int_equal(symlink("/etc/passwd", audit_rig_at("audit.log")), 0);
	assert_int_equal(audit_file_open(&o, audit_rig_key, 0, AUDIT_RIG_NOW, &f, &lost, err, sizeof(err)), TSR_CONFIG);
	assert_int_equal(unlink(audit_rig_at("audit.log")), 0);
	assert_int_equal(mkfifo(audit_rig_at("audit.log"), 0600), 0);
	assert_int_equal(audit_file_open(&o, audit_rig_key, 0, AUDIT_RIG_NOW, &f, &lost, err, sizeof(err)), TSR_CONFIG);
}

static void
test_rotation(void **state)
{
	struct audit_file *f = audit_rig_open(1, 4096, 3, 0);
	uint64_t seq;

	(void)state;
	audit_rig_put_lines(f, 400);
	audit_file_close(&f);
	assert_int_equal(access(audit_rig_at("audit.log.3"), F_OK), 0);
	assert_int_equal(access(audit_rig_at("audit.log.4"), F_OK), -1);
	assert_int_equal(audit_rig_verify_all(3, &seq), AUDIT_GOOD);
	assert_true(seq > 400);
	/* killed between the renaming and the new file */
	assert_int_equal(unlink(audit_rig_at("audit.log.3")), 0);
	(void)unlink(audit_rig_at("audit.log"));
	f = audit_rig_open(0, 4096, 2, 0);
	audit_rig_put_lines(f, 200);
	audit_file_close(&f);
	assert_int_equal(access(audit_rig_at("audit.log.3"), F_OK), -1);	/* keep was lowered */
	assert_int_equal(audit_rig_verify_all(2, NULL), AUDIT_GOOD);
}

/* Lines that the store kept and the file has not. */
static void
test_waiting_lines(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	struct audit_rig_text kept = { NULL, 0 };
	uint64_t seq;
	unsigned i;

	(void)state;
	audit_rig_put_lines(f, 10);
	for (i = 0; i < 3; i++)
		assert_int_equal(audit_file_put(f, AUDIT_RIG_NOW, "proof", ""), TSR_OK);
	kept.n = audit_file_pending(f);
	assert_non_null(kept.p = malloc(kept.n));
	memcpy(kept.p, audit_file_pending_lines(f), kept.n);
	audit_file_close(&f);			/* killed */
	audit_rig_waiting = kept;
	for (i = 0; i < 3; i++) {		/* and again: none is written twice */
		f = audit_rig_open(0, 64u << 20, 4, 0);
		assert_int_equal(audit_file_seq(f), 15);
		assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
		audit_file_close(&f);
		assert_int_equal(audit_rig_verify_all(0, &seq), AUDIT_GOOD);
		assert_int_equal(seq, 14);
	}
	assert_int_equal(truncate(audit_rig_at("audit.log"), 400), 0);	/* far before what waited */
	f = audit_rig_open(0, 64u << 20, 4, 1);
	assert_int_equal(audit_file_seq(f), 16);
	assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
	audit_file_close(&f);
	audit_rig_waiting = (struct audit_rig_text){ NULL, 0 };
	free(kept.p);
	assert_int_equal(audit_rig_verify_all(0, NULL), AUDIT_LOST);
}

/* --- a disk that is full --- */

static void
test_full_disk(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	uint64_t seq;
	struct audit_rig_text t;
	size_t whole;
	unsigned i;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	audit_rig_put_lines(f, 10);
	t = audit_rig_slurp("audit.log");
	whole = t.n;
	free(t.p);
	audit_rig_limit(whole + 100);		/* not even one line */
	assert_int_equal(audit_file_put(f, AUDIT_RIG_NOW, "mint", ",\"verdict\":\"ok\",\"n\":\"0123456789\""), TSR_OK);
	assert_int_equal(audit_file_put(f, AUDIT_RIG_NOW, "mint", ",\"verdict\":\"ok\",\"n\":\"0123456789\""), TSR_OK);
	for (i = 0; i < 3; i++) {
		assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_STORE);
		t = audit_rig_slurp("audit.log");
		assert_int_equal(t.n, whole);		/* nothing torn is left */
		free(t.p);
	}
	audit_rig_limit(RLIM_INFINITY);
	assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(audit_rig_verify_all(0, &seq), AUDIT_GOOD);
	assert_int_equal(seq, 13);
}

static void
test_pending_is_bounded(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	unsigned n = 0;

	(void)state;
	while (audit_file_put(f, AUDIT_RIG_NOW, "mint", "") == TSR_OK)
		n++;
	assert_true(audit_file_pending(f) <= AUDIT_PENDING_MAX);
	assert_true(n > 1000);
	assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
	assert_int_equal(audit_file_put(f, AUDIT_RIG_NOW, "mint", ""), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(audit_rig_verify_all(0, NULL), AUDIT_GOOD);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, audit_rig_setup, audit_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_restart_continues),
		TEST(test_torn_lines),
		TEST(test_cut_and_altered_logs_are_lost),
		TEST(test_missing_files),
		TEST(test_rotation),
		TEST(test_waiting_lines),
		TEST(test_full_disk),
		TEST(test_pending_is_bounded),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
