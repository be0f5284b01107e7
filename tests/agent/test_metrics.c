/*
 * test_metrics.c - counters, histograms and the text of labels.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/metrics_text.h"
#include "base/buf.h"
#include "tessera.h"

static int
begin(void **state)
{
	(void)state;
	metrics_start(5000, 1700000000);
	return 0;
}

/* OpenMetrics 1.0.0, "Escaping": backslash, double quote, line feed. */
static void
test_label(void **state)
{
	static const struct row {
		const char *name, *value, *text;
	} rows[] = {
		{ "empty", "", "" },
		{ "plain", "vpn", "vpn" },
		{ "what an audience may be", "https://h/a?b={c}", "https://h/a?b={c}" },
		{ "UTF-8 stays", "gr\xc3\xbcn", "gr\xc3\xbcn" },
		{ "quote", "a\"b", "a\\\"b" },
		{ "backslash", "a\\b", "a\\\\b" },
		{ "backslash n is no newline", "a\\n", "a\\\\n" },
		{ "newline", "a\nb", "a\\nb" },
		{ "a forged sample", "x\"} 1\nfoo{a=\"b", "x\\\"} 1\\nfoo{a=\\\"b" },
		{ "not UTF-8", "a\xff", "a\\\\xff" },
		{ "carriage return", "a\rb", "a\\\\x0db" },
		{ "escape", "\x1b[31m", "\\\\x1b[31m" },
	};
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&b, 256);
		assert_int_equal(metrics_label(&b, rows[i].value), TSR_OK);
		if (b.len != strlen(rows[i].text) ||
		    (b.len > 0 && memcmp(b.data, rows[i].text, b.len) != 0))
			fail_msg("%s: \"%.*s\"", rows[i].name, (int)b.len, (const char *)b.data);
		buf_free(&b);
	}
	buf_init(&b, 3);
	assert_int_equal(metrics_label(&b, "abcd"), TSR_TOO_LARGE);
	buf_free(&b);
}

/* le: at most the bound; each text is the shortest of its number with a point. */
static void
test_histogram(void **state)
{
	struct metrics_histogram *h = &metrics.device;
	unsigned i;
	uint64_t us;

	(void)state;
	for (i = 0; i < METRICS_BUCKETS - 1; i++) {
		us = (uint64_t)(strtod(metrics_bound(i), NULL) * 1e6 + 0.5);
		assert_non_null(strchr(metrics_bound(i), '.'));
		metrics_observe(h, us);
		assert_int_equal(h->bucket[i], i == 0 ? 1 : 2);
		metrics_observe(h, us + 1);
		assert_int_equal(h->bucket[i + 1], 1);
	}
	assert_string_equal(metrics_bound(METRICS_BUCKETS - 1), "+Inf");
	metrics_start(0, 0);
	metrics_observe(h, 0);
	metrics_observe(h, UINT64_C(3600000000));
	assert_int_equal(h->bucket[0], 1);
	assert_int_equal(h->bucket[METRICS_BUCKETS - 1], 1);
	assert_int_equal(h->sum_us, UINT64_C(3600000000));
}

static void
test_requests(void **state)
{
	(void)state;
	metrics_request(METRICS_ROUTES, 200, 10, 0);
	metrics_request(METRICS_ROUTES, 204, 10, 1);
	metrics_request(METRICS_ROUTES, 503, 10, 0);
	metrics_request(METRICS_ROUTES, 0, 10, 1);
	metrics_request(METRICS_ROUTES, 999, 10, 0);
	metrics_request(METRICS_ENDPOINTS + 7, 404, 10, 0);
	assert_int_equal(metrics.requests[METRICS_ROUTES][2], 2);
	assert_int_equal(metrics.requests[METRICS_ROUTES][5], 1);
	assert_int_equal(metrics.requests[METRICS_ROUTES][0], 2);
	assert_int_equal(metrics.requests[METRICS_UNKNOWN][4], 1);
	assert_int_equal(metrics.at_once.sum_us, 40);
	assert_int_equal(metrics.waited.sum_us, 20);
}

static void
test_audiences(void **state)
{
	char name[METRICS_NAME_MAX + 1];
	unsigned i;

	(void)state;
	for (i = 0; i < METRICS_AUDIENCES + 10; i++) {
		(void)snprintf(name, sizeof(name), "a%u", i);
		metrics_audience(name);
		metrics_audience(name);		/* after a reload */
	}
	assert_int_equal(metrics.n_audiences, METRICS_AUDIENCES);
	metrics_token("a3", METRICS_SESSION);
	metrics_token("a3", METRICS_SESSION);
	metrics_token("a4", METRICS_DEVICE);
	metrics_token("a3", METRICS_SESSION);
	(void)snprintf(name, sizeof(name), "a%u", METRICS_AUDIENCES);
	metrics_token(name, METRICS_DEVICE);
	assert_int_equal(metrics.audience[3].minted[METRICS_SESSION], 3);
	assert_int_equal(metrics.audience[3].minted[METRICS_DEVICE], 0);
	assert_int_equal(metrics.audience[4].minted[METRICS_DEVICE], 1);
	assert_int_equal(metrics.other[METRICS_DEVICE], 1);
	metrics_start(0, 0);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	metrics_audience(name);			/* too long: with the others */
	metrics_token(name, METRICS_SESSION);
	assert_int_equal(metrics.n_audiences, 0);
	assert_int_equal(metrics.other[METRICS_SESSION], 1);
}

static void
test_proofs(void **state)
{
	int code;

	(void)state;
	for (code = -200; code <= 5; code++)
		metrics_proof(code);		/* whatever comes, it is counted somewhere */
	assert_int_equal(metrics.proofs[-TSR_OK], 1);
	assert_int_equal(metrics.proofs[-TSR_PIN_WRONG], 1);
	assert_true(metrics.proofs[-TSR_SYSTEM] > 150);
	assert_string_equal(metrics_proof_name(TSR_PIN_WRONG), "pin_wrong");
	assert_null(metrics_proof_name(-199));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_label, begin),
		cmocka_unit_test_setup(test_histogram, begin),
		cmocka_unit_test_setup(test_requests, begin),
		cmocka_unit_test_setup(test_audiences, begin),
		cmocka_unit_test_setup(test_proofs, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
