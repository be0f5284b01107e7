/*
 * test_audit.c - what goes into the audit log when: batches, counted refusals
 * within their quotas, and the texts.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/audit_rig.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_refused.h"
#include "agent/audit_text.h"
#include "tessera.h"

/* --- batches --- */

struct told {
	char head[AUDIT_HEAD_TEXT];
	int failed, mended;
};

static void
tell_head(void *arg, const char *text)
{
	(void)snprintf(((struct told *)arg)->head, AUDIT_HEAD_TEXT, "%s", text);
}

static void
tell_failed(void *arg, int ok)
{
	struct told *t = arg;

	t->failed += !ok;
	t->mended += ok;
}

/* One batch; r: what the store says. */
static int
batch(struct audit *a, int store, size_t *n)
{
	const void *p;
	int r = audit_commit(a, &p, n);

	audit_committed(a, r != TSR_OK ? r : store);
	return r;
}

static void
test_batches(void **state)
{
	struct audit_record mint = { .event = "mint", .has_by = 1, .by = 1000, .subject = "alice" };
	struct told told = { "", 0, 0 };
	struct audit_client client = { tell_head, tell_failed, &told };
	struct timers *ts = NULL;
	struct audit *a = NULL;
	struct audit_rig_text t;
	size_t n;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(timers_new(&ts), TSR_OK);
	assert_int_equal(audit_new(audit_rig_open(1, 64u << 20, 4, 0), ts, &client, &a), TSR_OK);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);		/* the file's first line */
	assert_int_equal(audit_put(a, &mint, 0), TSR_OK);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(n, 0);				/* a mint waits for company */
	assert_int_equal(audit_put(a, &mint, 1), TSR_OK);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_true(n > 0);				/* the store keeps both */
	t = audit_rig_slurp("audit.log");
	assert_int_equal(audit_rig_line_at(&t, 1), t.n);
	free(t.p);
	timers_run(ts, UINT64_MAX / 4);			/* or for its time */
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(n, 0);
	t = audit_rig_slurp("audit.log");
	assert_int_equal(audit_rig_line_at(&t, 3), t.n);
	free(t.p);
	assert_int_equal(audit_put(a, &mint, 1), TSR_OK);
	assert_int_equal(batch(a, TSR_STORE, &n), TSR_OK);	/* the store fails */
	audit_rig_limit(1);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);		/* and then the log */
	assert_int_equal(audit_ready(a), TSR_STORE);
	assert_int_equal(audit_put(a, &mint, 0), TSR_STORE);	/* nothing is minted */
	assert_int_equal(told.failed, 1);
	audit_rig_limit(RLIM_INFINITY);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(told.mended, 1);
	assert_int_equal(audit_put(a, &mint, 0), TSR_OK);
	audit_free(&a);
	timers_free(&ts);
	t = audit_rig_slurp("audit.log");
	assert_non_null(memmem(t.p, t.n, "\"event\":\"undone\",\"from\":4,\"to\":4", 31));
	assert_non_null(memmem(t.p, t.n, "\"event\":\"resumed\",\"dropped\":1", 28));
	free(t.p);
	t = audit_rig_slurp("audit.head");
	assert_int_equal(t.n, strlen(told.head) + 1);
	assert_memory_equal(t.p, told.head, strlen(told.head));
	free(t.p);
	assert_int_equal(audit_rig_verify_all(0, NULL), AUDIT_GOOD);
}

/* --- refusals --- */

struct counted {
	unsigned lines, of_one;
	uint64_t n;
};

static void
count(void *arg, const struct audit_refusal *f)
{
	struct counted *c = arg;

	c->lines++;
	c->of_one += f->uid == 1000;
	c->n += f->n;
}

static void
test_refusals_are_counted(void **state)
{
	static char codes[64][8];
	struct audit_refused *r = NULL;
	struct counted c = { 0, 0, 0 };
	unsigned i;

	(void)state;
	assert_int_equal(audit_refused_new(&r), TSR_OK);
	for (i = 0; i < 1000000; i++)
		audit_refused_add(r, 1000, "login_required");
	(void)audit_refused_each(r, count, &c);
	assert_int_equal(c.lines, 1);
	assert_int_equal(c.n, 1000000);
	memset(&c, 0, sizeof(c));
	(void)audit_refused_each(r, count, &c);
	assert_int_equal(c.lines, 0);		/* the next minute begins at nothing */
	for (i = 0; i < 6400; i++) {		/* one uid takes no more than its share */
		(void)snprintf(codes[i % 64], sizeof(codes[0]), "c%u", i % 64);
		audit_refused_add(r, 1000, codes[i % 64]);
	}
	audit_refused_add(r, 1001, "login_required");
	(void)audit_refused_each(r, count, &c);
	assert_int_equal(c.of_one, AUDIT_REFUSED_PER_UID);
	assert_int_equal(c.lines, AUDIT_REFUSED_PER_UID + 1);
	assert_int_equal(c.n, 6401);
	memset(&c, 0, sizeof(c));
	for (i = 0; i < 10000; i++)		/* nor do many uids together */
		audit_refused_add(r, 2000 + i, "login_required");
	(void)audit_refused_each(r, count, &c);
	assert_true(c.lines <= AUDIT_REFUSED_LINES);
	assert_int_equal(c.n, 10000);
	for (i = 0; audit_refused_own_line(r, 1000); i++)
		;
	assert_int_equal(i, AUDIT_FAILED_PER_UID);
	assert_int_equal(audit_refused_own_line(r, 1001), 1);
	audit_refused_free(&r);
}

/* --- texts --- */

static void
test_texts(void **state)
{
	char out[AUDIT_LINE_MAX], long_text[5000];
	struct audit_record rec = { .event = "mint", .subject = "a\"b\\c\nd\xff", .has_by = 1, .by = 7,
	    .pid = 8, .verdict = "pin_required", .code = TSR_PIN_WRONG };
	size_t i;

	(void)state;
	audit_text_record(&rec, out);
	assert_string_equal(out, ",\"verdict\":\"pin_required\",\"code\":-44,\"by\":7,\"pid\":8,"
	    "\"subject\":\"a\\\"b\\\\x5cc\\\\x0ad\\\\xff\"");
	memset(long_text, '"', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	rec.subject = rec.credential = rec.label = rec.audience = rec.scope = rec.client = rec.acr =
	    rec.sid = rec.jti = rec.kid = rec.detail = rec.verdict = long_text;
	audit_text_record(&rec, out);
	assert_true(strlen(out) < AUDIT_LINE_MAX - 160);
	for (i = 0; out[i] != '\0'; i++)
		assert_true((unsigned char)out[i] >= 0x20);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, audit_rig_setup, audit_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_batches),
		TEST(test_refusals_are_counted),
		TEST(test_texts),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
