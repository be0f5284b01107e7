/*
 * test_audit_chain.c - the chain of an audit log: its lines, heads and keys, and
 * thousands of single edits, each of which must be found.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/audit_rig.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_key.h"
#include "tessera.h"

static void
test_seeking_is_stepping(void **state)
{
	static const uint64_t seqs[] = { 1, 2, AUDIT_EPOCH, AUDIT_EPOCH + 1, 2 * AUDIT_EPOCH, 2 * AUDIT_EPOCH + 5 };
	uint8_t first[AUDIT_KEY] = { 3 }, mac[AUDIT_MAC] = { 0 };
	struct audit_chain walked, sought;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, AUDIT_LINE_MAX);
	assert_int_equal(audit_chain_at(&walked, first, 1, mac), TSR_OK);
	for (i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		while (walked.seq < seqs[i]) {
			buf_reset(&b);
			assert_int_equal(buf_put_cstr(&b, "{\"seq\":1"), TSR_OK);
			assert_int_equal(audit_chain_close(&walked, &b, 0), TSR_OK);
		}
		assert_int_equal(audit_chain_at(&sought, first, seqs[i], walked.mac), TSR_OK);
		assert_memory_equal(&walked, &sought, sizeof(walked));
	}
	assert_int_equal(audit_chain_at(&sought, first, 0, mac), TSR_INVALID);
	assert_int_equal(audit_chain_at(&sought, first, AUDIT_SEQ_MAX + 1, mac), TSR_INVALID);
	buf_free(&b);
}

/* What the writer keeps in memory makes no earlier key. */
static void
test_keys_of_before_are_gone(void **state)
{
	uint8_t first[AUDIT_KEY] = { 9 }, mac[AUDIT_MAC] = { 0 };
	struct audit_chain c, now;
	uint8_t seen[64][AUDIT_KEY];
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, AUDIT_LINE_MAX);
	assert_int_equal(audit_chain_at(&c, first, 1, mac), TSR_OK);
	for (i = 0; i < 64; i++) {
		memcpy(seen[i], c.line_key, AUDIT_KEY);
		buf_reset(&b);
		assert_int_equal(buf_put_cstr(&b, "{"), TSR_OK);
		assert_int_equal(audit_chain_close(&c, &b, 0), TSR_OK);
	}
	now = c;
	for (i = 0; i < 64; i++)
		assert_null(memmem(&now, sizeof(now), seen[i], AUDIT_KEY));
	assert_null(memmem(&now, sizeof(now), first, AUDIT_KEY));
	buf_free(&b);
}

static const struct row {
	const char *name, *line;
	int good;
} rows[] = {
#define MAC	",\"mac\":\"00112233445566778899aabbccddeeff\"}"
	{ "least", "{\"seq\":1,\"time\":0,\"event\":\"a\"" MAC, 1 },
	{ "members", "{\"seq\":12,\"time\":1800000000,\"event\":\"key-rotated\",\"x\":1" MAC, 1 },
	{ "number zero", "{\"seq\":0,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "leading zero", "{\"seq\":01,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "sign", "{\"seq\":+1,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "too many digits", "{\"seq\":1234567890123456789,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "beyond the last number", "{\"seq\":68719476737,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "blank", "{ \"seq\":1,\"time\":0,\"event\":\"a\"" MAC, 0 },
	{ "other order", "{\"time\":0,\"seq\":1,\"event\":\"a\"" MAC, 0 },
	{ "no event", "{\"seq\":1,\"time\":0" MAC, 0 },
	{ "empty event", "{\"seq\":1,\"time\":0,\"event\":\"\"" MAC, 0 },
	{ "event in capitals", "{\"seq\":1,\"time\":0,\"event\":\"A\"" MAC, 0 },
	{ "event without end", "{\"seq\":1,\"time\":0,\"event\":\"a" MAC, 0 },
	{ "MAC in capitals", "{\"seq\":1,\"time\":0,\"event\":\"a\",\"mac\":\"00112233445566778899AABBCCDDEEFF\"}", 0 },
	{ "MAC too short", "{\"seq\":1,\"time\":0,\"event\":\"a\",\"mac\":\"00112233445566778899aabbccddee\"}", 0 },
	{ "MAC not last", "{\"seq\":1,\"time\":0,\"event\":\"a\"" MAC " ", 0 },
	{ "control character", "{\"seq\":1,\"time\":0,\"event\":\"a\",\"x\":\"\t\"" MAC, 0 },
	{ "DEL", "{\"seq\":1,\"time\":0,\"event\":\"a\",\"x\":\"\x7f\"" MAC, 0 },
	{ "nothing", "", 0 },
};

static void
test_lines(void **state)
{
	struct audit_line l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((audit_line_read(rows[i].line, strlen(rows[i].line), &l) == TSR_OK) != rows[i].good)
			fail_msg("%s", rows[i].name);
}

static void
test_heads(void **state)
{
	static const char *const bad[] = { "", "1", "1:", ":00112233445566778899aabbccddeeff",
	    "1:00112233445566778899aabbccddeef", "1:00112233445566778899aabbccddeeff ",
	    "01:00112233445566778899aabbccddeeff", "1;00112233445566778899aabbccddeeff" };
	struct audit_head h, again;
	char text[AUDIT_HEAD_TEXT];
	size_t i;

	(void)state;
	h.seq = 68719476736;
	randombytes_buf(h.mac, sizeof(h.mac));
	audit_head_write(&h, text);
	assert_int_equal(audit_head_read(text, strlen(text), &again), TSR_OK);
	assert_int_equal(again.seq, h.seq);
	assert_memory_equal(again.mac, h.mac, AUDIT_MAC);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(audit_head_read(bad[i], strlen(bad[i]), &again), TSR_INVALID);
}

static void
test_key_file(void **state)
{
	uint8_t sealed[AUDIT_KEY_FILE];
	struct secret *first = secret_new(AUDIT_KEY), *got = NULL;
	size_t i;

	(void)state;
	randombytes_buf(first->data, first->size);
	assert_int_equal(audit_key_seal(audit_rig_key, first, sealed), TSR_OK);
	assert_int_equal(audit_key_open(audit_rig_key, sealed, &got), TSR_OK);
	assert_memory_equal(got->data, first->data, AUDIT_KEY);
	secret_free(&got);
	assert_null(memmem(sealed, sizeof(sealed), first->data, 16));
	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(audit_key_open(audit_rig_key, sealed, &got), TSR_CORRUPT);
		sealed[i] ^= 1;
	}
	audit_rig_key->data[0] ^= 1;
	assert_int_equal(audit_key_open(audit_rig_key, sealed, &got), TSR_CORRUPT);
	secret_free(&first);
}

/* --- every edit is found --- */

static void
cut_out(struct audit_rig_text *t, size_t from, size_t to)
{
	memmove(t->p + from, t->p + to, t->n - to);
	t->n -= to - from;
}

static void
put_in(struct audit_rig_text *t, size_t where, const char *p, size_t n)
{
	memmove(t->p + where + n, t->p + where, t->n - where);
	memcpy(t->p + where, p, n);
	t->n += n;
}

enum { EDIT_FLIP, EDIT_DELETE_BYTES, EDIT_INSERT_BYTES, EDIT_DELETE_LINE, EDIT_REPEAT_LINE,
    EDIT_SWAP_LINES, EDIT_CUT_TAIL, EDIT_OLDER, EDIT_RENUMBER, EDIT_KINDS };

#define LINES	200u		/* of the log that is edited */

static void
edit(struct audit_rig_text *t, unsigned kind)
{
	char line[AUDIT_LINE_MAX];
	uint32_t i = randombytes_uniform(LINES), j;
	size_t from = audit_rig_line_at(t, i), to = audit_rig_line_at(t, i + 1), where = randombytes_uniform((uint32_t)t->n), n;
	uint8_t byte;

	switch (kind) {
	case EDIT_FLIP:
		t->p[where] = (char)(t->p[where] ^ (1 << randombytes_uniform(8)));
		break;
	case EDIT_DELETE_BYTES:
		n = 1 + randombytes_uniform(40);
		cut_out(t, where, where + n < t->n ? where + n : t->n);
		break;
	case EDIT_INSERT_BYTES:
		byte = (uint8_t)randombytes_uniform(256);
		put_in(t, where, (const char *)&byte, 1);
		break;
	case EDIT_DELETE_LINE:
		cut_out(t, from, to);
		break;
	case EDIT_REPEAT_LINE:
		memcpy(line, t->p + from, to - from);
		put_in(t, audit_rig_line_at(t, randombytes_uniform(LINES + 1)), line, to - from);
		break;
	case EDIT_SWAP_LINES:
		while ((j = randombytes_uniform(LINES)) == i)
			;
		if (j < i) {
			from = audit_rig_line_at(t, j);
			to = audit_rig_line_at(t, j + 1);
			j = i;
		}
		n = to - from;
		memcpy(line, t->p + from, n);
		put_in(t, audit_rig_line_at(t, j + 1), line, n);
		cut_out(t, from, to);
		break;
	case EDIT_CUT_TAIL:
		t->n = where;
		break;
	case EDIT_OLDER:
		t->n = from;		/* as it was when it had i lines */
		break;
	default:			/* the number alone, all else as it was */
		t->p[from + 7] = (char)(t->p[from + 7] == '9' ? '1' : t->p[from + 7] + 1);
		break;
	}
}

static void
test_ten_thousand_edits(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	uint8_t first[AUDIT_KEY];
	struct audit_head head;
	struct audit_rig_text good, bad;
	unsigned i;

	(void)state;
	audit_rig_put_lines(f, LINES - 1);
	audit_file_head(f, &head);
	assert_int_equal(head.seq, LINES);
	audit_file_close(&f);
	good = audit_rig_slurp("audit.log");
	audit_rig_first_key(first);
	assert_int_equal(audit_rig_verify_text(&good, &head, first), AUDIT_GOOD);
	assert_non_null(bad.p = malloc(AUDIT_RIG_FILE_MAX));
	for (i = 0; i < 10000; i++) {
		memcpy(bad.p, good.p, good.n);
		bad.n = good.n;
		edit(&bad, i % EDIT_KINDS);
		if (bad.n == good.n && memcmp(bad.p, good.p, good.n) == 0)
			continue;	/* a byte in front of its equal */
		if (audit_rig_verify_text(&bad, &head, first) == AUDIT_GOOD)
			fail_msg("edit %u of kind %u was not found", i, i % EDIT_KINDS);
	}
	free(good.p);
	free(bad.p);
}

static void
test_faults_have_names(void **state)
{
	struct audit_file *f = audit_rig_open(1, 64u << 20, 4, 0);
	uint8_t first[AUDIT_KEY], other[AUDIT_KEY];
	struct audit_head head, far;
	struct audit_rig_text t, good;
	size_t where;

	(void)state;
	audit_rig_put_lines(f, 20);
	audit_file_head(f, &head);
	audit_file_close(&f);
	audit_rig_first_key(first);
	memset(other, 1, sizeof(other));
	good = audit_rig_slurp("audit.log");
	t = audit_rig_slurp("audit.log");
	assert_int_equal(audit_rig_verify_text(&t, &head, other), AUDIT_WRONG_KEY);
	t.p[t.n - 60] ^= 1;
	assert_int_equal(audit_rig_verify_text(&t, &head, first), AUDIT_ALTERED);
	memcpy(t.p, good.p, t.n = good.n);
	t.p[40] ^= 1;				/* the very first line: not the key's fault */
	assert_true(audit_rig_verify_text(&t, &head, first) != AUDIT_WRONG_KEY);
	memcpy(t.p, good.p, t.n = good.n);
	cut_out(&t, audit_rig_line_at(&t, 5), audit_rig_line_at(&t, 7));
	assert_int_equal(audit_rig_verify_text(&t, &head, first), AUDIT_GAP);
	memcpy(t.p, good.p, t.n = good.n);
	put_in(&t, audit_rig_line_at(&t, 9), good.p + audit_rig_line_at(&good, 4), audit_rig_line_at(&good, 5) - audit_rig_line_at(&good, 4));
	assert_int_equal(audit_rig_verify_text(&t, &head, first), AUDIT_ORDER);
	memcpy(t.p, good.p, t.n = good.n);
	cut_out(&t, 0, audit_rig_line_at(&t, 1));
	assert_int_equal(audit_rig_verify_text(&t, &head, first), AUDIT_BEGINNING);
	memcpy(t.p, good.p, t.n = good.n);
	far = head;
	far.seq++;
	assert_int_equal(audit_rig_verify_text(&t, &far, first), AUDIT_CUT);
	far = head;
	far.mac[0] ^= 1;
	assert_int_equal(audit_rig_verify_text(&t, &far, first), AUDIT_REPLACED);
	where = audit_rig_line_at(&t, 6);
	t.p[where] = 'x';
	assert_int_equal(audit_rig_verify_text(&t, &head, first), AUDIT_SYNTAX);
	free(t.p);
	free(good.p);
}

int
main(void)
{
#define TEST(t)	cmocka_unit_test_setup_teardown(t, audit_rig_setup, audit_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_seeking_is_stepping),
		TEST(test_keys_of_before_are_gone),
		TEST(test_lines),
		TEST(test_heads),
		TEST(test_key_file),
		TEST(test_ten_thousand_edits),
		TEST(test_faults_have_names),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
