/*
 * test_audit.c - the audit log: chain, files, crashes, rotation, quotas, and
 * thousands of single edits, each of which must be found.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/audit.h"
#include "agent/audit_refused.h"
#include "agent/audit_text.h"
#include "base/audit_check.h"
#include "base/audit_key.h"
#include "tessera.h"

#define NOW	1800000000
#define FILE_MAX	(8u << 20)

static char dir[64];
static struct secret *store_key;

static int
make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-audit.XXXXXX");
	assert_non_null(mkdtemp(dir));
	store_key = secret_new(32);
	assert_non_null(store_key);
	memset(store_key->data, 7, 32);
	return 0;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)state;
	secret_free(&store_key);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static const char *
at(const char *name)
{
	static char path[4][128];
	static unsigned i;

	i = (i + 1) % 4;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

struct text {
	char *p;
	size_t n;
};

static struct text waiting;	/* for open_log */

static struct text
slurp(const char *name)
{
	struct text t = { NULL, 0 };
	FILE *f = fopen(at(name), "r");

	assert_non_null(t.p = calloc(1, FILE_MAX));
	if (f != NULL) {
		t.n = fread(t.p, 1, FILE_MAX, f);
		(void)fclose(f);
	}
	return t;
}

static void
spill(const char *name, const char *p, size_t n)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(at(name), 0600), 0);
}

static struct audit_file *
open_log(int fresh, uint64_t size, unsigned keep, int want_lost)
{
	struct audit_file_options o = { .dir = dir, .size = size, .keep = keep,
	    .waiting = waiting.p, .waiting_len = waiting.n };
	struct audit_file *f = NULL;
	char err[512];
	int lost = -1, r;

	r = audit_file_open(&o, store_key, fresh, NOW, &f, &lost, err, sizeof(err));
	if (r != TSR_OK)
		fail_msg("%d: %s", r, err);
	assert_int_equal(lost, want_lost);
	return f;
}

static void
put_lines(struct audit_file *f, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		assert_int_equal(audit_file_put(f, NOW + i, "mint", ",\"verdict\":\"ok\",\"by\":1000,"
		    "\"subject\":\"alice\""), TSR_OK);
		if (i % 7 == 0)
			assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
	}
	assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
}

static void
first_key(uint8_t first[AUDIT_KEY])
{
	struct text t = slurp("audit.key");
	struct secret *s = NULL;

	assert_int_equal(t.n, AUDIT_KEY_FILE);
	assert_int_equal(audit_key_open(store_key, (const uint8_t *)t.p, &s), TSR_OK);
	memcpy(first, s->data, AUDIT_KEY);
	secret_free(&s);
	free(t.p);
}

/* Lines of one file; returns 1 where it ends within a line. */
static int
feed(struct audit_check *c, const char *p, size_t n)
{
	const char *end;
	size_t from = 0, len;

	audit_check_file(c);
	while ((end = memchr(p + from, '\n', n - from)) != NULL) {
		len = (size_t)(end - (p + from));
		(void)audit_check_line(c, p + from, len);
		from += len + 1;
	}
	return from != n;
}

static enum audit_fault
verify_text(const struct text *t, const struct audit_head *head, const uint8_t first[AUDIT_KEY])
{
	struct audit_check c;

	audit_check_init(&c, first, head);
	(void)feed(&c, t->p, t->n);
	return audit_check_end(&c);
}

/* All files from the oldest on. */
static enum audit_fault
verify_all(unsigned oldest, uint64_t *seq)
{
	uint8_t first[AUDIT_KEY];
	struct audit_check c;
	enum audit_fault f;
	struct text t;
	char name[32];
	unsigned i;

	first_key(first);
	audit_check_init(&c, first, NULL);
	for (i = oldest; ; i--) {
		(void)snprintf(name, sizeof(name), i > 0 ? "audit.log.%u" : "audit.log", i);
		t = slurp(name);
		if (t.n > 0)
			(void)feed(&c, t.p, t.n);
		free(t.p);
		if (i == 0)
			break;
	}
	f = audit_check_end(&c);
	if (seq != NULL)
		*seq = c.seq;
	return f;
}

/* --- the chain --- */

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
	assert_int_equal(audit_key_seal(store_key, first, sealed), TSR_OK);
	assert_int_equal(audit_key_open(store_key, sealed, &got), TSR_OK);
	assert_memory_equal(got->data, first->data, AUDIT_KEY);
	secret_free(&got);
	assert_null(memmem(sealed, sizeof(sealed), first->data, 16));
	for (i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(audit_key_open(store_key, sealed, &got), TSR_CORRUPT);
		sealed[i] ^= 1;
	}
	store_key->data[0] ^= 1;
	assert_int_equal(audit_key_open(store_key, sealed, &got), TSR_CORRUPT);
	secret_free(&first);
}

/* --- every edit is found --- */

/* Where line i begins; line n is the end. */
static size_t
line_at(const struct text *t, unsigned i)
{
	const char *p = t->p;

	while (i-- > 0)
		p = (const char *)memchr(p, '\n', t->n - (size_t)(p - t->p)) + 1;
	return (size_t)(p - t->p);
}

static void
cut_out(struct text *t, size_t from, size_t to)
{
	memmove(t->p + from, t->p + to, t->n - to);
	t->n -= to - from;
}

static void
put_in(struct text *t, size_t where, const char *p, size_t n)
{
	memmove(t->p + where + n, t->p + where, t->n - where);
	memcpy(t->p + where, p, n);
	t->n += n;
}

enum { EDIT_FLIP, EDIT_DELETE_BYTES, EDIT_INSERT_BYTES, EDIT_DELETE_LINE, EDIT_REPEAT_LINE,
    EDIT_SWAP_LINES, EDIT_CUT_TAIL, EDIT_OLDER, EDIT_RENUMBER, EDIT_KINDS };

#define LINES	200u		/* of the log that is edited */

static void
edit(struct text *t, unsigned kind)
{
	char line[AUDIT_LINE_MAX];
	uint32_t i = randombytes_uniform(LINES), j;
	size_t from = line_at(t, i), to = line_at(t, i + 1), where = randombytes_uniform((uint32_t)t->n), n;
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
		put_in(t, line_at(t, randombytes_uniform(LINES + 1)), line, to - from);
		break;
	case EDIT_SWAP_LINES:
		while ((j = randombytes_uniform(LINES)) == i)
			;
		if (j < i) {
			from = line_at(t, j);
			to = line_at(t, j + 1);
			j = i;
		}
		n = to - from;
		memcpy(line, t->p + from, n);
		put_in(t, line_at(t, j + 1), line, n);
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
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	uint8_t first[AUDIT_KEY];
	struct audit_head head;
	struct text good, bad;
	unsigned i;

	(void)state;
	put_lines(f, LINES - 1);
	audit_file_head(f, &head);
	assert_int_equal(head.seq, LINES);
	audit_file_close(&f);
	good = slurp("audit.log");
	first_key(first);
	assert_int_equal(verify_text(&good, &head, first), AUDIT_GOOD);
	assert_non_null(bad.p = malloc(FILE_MAX));
	for (i = 0; i < 10000; i++) {
		memcpy(bad.p, good.p, good.n);
		bad.n = good.n;
		edit(&bad, i % EDIT_KINDS);
		if (bad.n == good.n && memcmp(bad.p, good.p, good.n) == 0)
			continue;	/* a byte in front of its equal */
		if (verify_text(&bad, &head, first) == AUDIT_GOOD)
			fail_msg("edit %u of kind %u was not found", i, i % EDIT_KINDS);
	}
	free(good.p);
	free(bad.p);
}

static void
test_faults_have_names(void **state)
{
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	uint8_t first[AUDIT_KEY], other[AUDIT_KEY];
	struct audit_head head, far;
	struct text t, good;
	size_t where;

	(void)state;
	put_lines(f, 20);
	audit_file_head(f, &head);
	audit_file_close(&f);
	first_key(first);
	memset(other, 1, sizeof(other));
	good = slurp("audit.log");
	t = slurp("audit.log");
	assert_int_equal(verify_text(&t, &head, other), AUDIT_WRONG_KEY);
	t.p[t.n - 60] ^= 1;
	assert_int_equal(verify_text(&t, &head, first), AUDIT_ALTERED);
	memcpy(t.p, good.p, t.n = good.n);
	t.p[40] ^= 1;				/* the very first line: not the key's fault */
	assert_true(verify_text(&t, &head, first) != AUDIT_WRONG_KEY);
	memcpy(t.p, good.p, t.n = good.n);
	cut_out(&t, line_at(&t, 5), line_at(&t, 7));
	assert_int_equal(verify_text(&t, &head, first), AUDIT_GAP);
	memcpy(t.p, good.p, t.n = good.n);
	put_in(&t, line_at(&t, 9), good.p + line_at(&good, 4), line_at(&good, 5) - line_at(&good, 4));
	assert_int_equal(verify_text(&t, &head, first), AUDIT_ORDER);
	memcpy(t.p, good.p, t.n = good.n);
	cut_out(&t, 0, line_at(&t, 1));
	assert_int_equal(verify_text(&t, &head, first), AUDIT_BEGINNING);
	memcpy(t.p, good.p, t.n = good.n);
	far = head;
	far.seq++;
	assert_int_equal(verify_text(&t, &far, first), AUDIT_CUT);
	far = head;
	far.mac[0] ^= 1;
	assert_int_equal(verify_text(&t, &far, first), AUDIT_REPLACED);
	where = line_at(&t, 6);
	t.p[where] = 'x';
	assert_int_equal(verify_text(&t, &head, first), AUDIT_SYNTAX);
	free(t.p);
	free(good.p);
}

/* --- files --- */

static void
test_restart_continues(void **state)
{
	struct audit_file *f;
	uint64_t seq;
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		f = open_log(i == 0, 64u << 20, 4, 0);
		put_lines(f, 10);
		assert_int_equal(audit_file_write_head(f), TSR_OK);
		audit_file_close(&f);
	}
	assert_int_equal(verify_all(0, &seq), AUDIT_GOOD);
	assert_int_equal(seq, 51);
}

/* A crash leaves any part of the last write. */
static void
test_torn_lines(void **state)
{
	struct text whole, t;
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	size_t durable, cut;
	uint64_t seq;

	(void)state;
	put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	t = slurp("audit.log");
	durable = t.n;
	free(t.p);
	put_lines(f, 3);
	audit_file_close(&f);
	whole = slurp("audit.log");
	for (cut = durable; cut < whole.n; cut += 13) {
		spill("audit.log", whole.p, cut);
		f = open_log(0, 64u << 20, 4, 0);
		put_lines(f, 2);
		audit_file_close(&f);
		assert_int_equal(verify_all(0, &seq), AUDIT_GOOD);
		t = slurp("audit.log");
		assert_true((memmem(t.p, t.n, "\"event\":\"recovered\"", 19) != NULL) ==
		    (whole.p[cut - 1] != '\n'));
		free(t.p);
	}
	/* blocks that never reached the disk are zeros */
	memset(whole.p + durable + 20, 0, whole.n - durable - 20);
	spill("audit.log", whole.p, whole.n);
	f = open_log(0, 64u << 20, 4, 0);
	put_lines(f, 1);
	audit_file_close(&f);
	assert_int_equal(verify_all(0, NULL), AUDIT_GOOD);
	free(whole.p);
}

/* What no crash does goes on in a new file, and stays to be seen. */
static void
test_cut_and_altered_logs_are_lost(void **state)
{
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	struct text good, t;
	uint64_t seq;

	(void)state;
	put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	audit_file_close(&f);
	good = slurp("audit.log");
	spill("audit.log", good.p, line_at(&good, 7));		/* behind the head */
	f = open_log(0, 64u << 20, 4, 1);
	assert_int_equal(audit_file_seq(f), 13);		/* the head's, and the new file's first */
	put_lines(f, 3);
	audit_file_close(&f);
	t = slurp("audit.log.1");
	assert_int_equal(t.n, line_at(&good, 7));		/* untouched */
	free(t.p);
	assert_int_equal(verify_all(1, &seq), AUDIT_LOST);
	assert_int_equal(unlink(at("audit.log.1")), 0);
	spill("audit.log", good.p, good.n);
	t = slurp("audit.log");
	t.p[line_at(&t, 8) + 60] ^= 1;
	spill("audit.log", t.p, t.n);
	f = open_log(0, 64u << 20, 4, 1);
	put_lines(f, 1);
	audit_file_close(&f);
	free(t.p);
	free(good.p);
}

static void
test_missing_files(void **state)
{
	struct audit_file_options o = { .dir = dir, .size = 1u << 20, .keep = 4 };
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	char err[512];
	int lost;

	(void)state;
	put_lines(f, 10);
	assert_int_equal(audit_file_write_head(f), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(unlink(at("audit.log")), 0);
	f = open_log(0, 64u << 20, 4, 1);
	put_lines(f, 1);
	audit_file_close(&f);
	assert_int_equal(verify_all(0, NULL), AUDIT_LOST);
	assert_int_equal(unlink(at("audit.key")), 0);
	assert_int_equal(audit_file_open(&o, store_key, 0, NOW, &f, &lost, err, sizeof(err)), TSR_CORRUPT);
	assert_int_equal(unlink(at("audit.log")), 0);
	f = open_log(0, 64u << 20, 4, 1);		/* a store without its log */
	put_lines(f, 1);
	audit_file_close(&f);
	store_key->data[0] ^= 1;
	assert_int_equal(audit_file_open(&o, store_key, 0, NOW, &f, &lost, err, sizeof(err)), TSR_CORRUPT);
	store_key->data[0] ^= 1;
	assert_int_equal(unlink(at("audit.log")), 0);
	assert_int_equal(symlink("/etc/passwd", at("audit.log")), 0);
	assert_int_equal(audit_file_open(&o, store_key, 0, NOW, &f, &lost, err, sizeof(err)), TSR_CONFIG);
	assert_int_equal(unlink(at("audit.log")), 0);
	assert_int_equal(mkfifo(at("audit.log"), 0600), 0);
	assert_int_equal(audit_file_open(&o, store_key, 0, NOW, &f, &lost, err, sizeof(err)), TSR_CONFIG);
}

static void
test_rotation(void **state)
{
	struct audit_file *f = open_log(1, 4096, 3, 0);
	uint64_t seq;

	(void)state;
	put_lines(f, 400);
	audit_file_close(&f);
	assert_int_equal(access(at("audit.log.3"), F_OK), 0);
	assert_int_equal(access(at("audit.log.4"), F_OK), -1);
	assert_int_equal(verify_all(3, &seq), AUDIT_GOOD);
	assert_true(seq > 400);
	/* killed between the renaming and the new file */
	assert_int_equal(unlink(at("audit.log.3")), 0);
	(void)unlink(at("audit.log"));
	f = open_log(0, 4096, 2, 0);
	put_lines(f, 200);
	audit_file_close(&f);
	assert_int_equal(access(at("audit.log.3"), F_OK), -1);	/* keep was lowered */
	assert_int_equal(verify_all(2, NULL), AUDIT_GOOD);
}

/* Lines that the store kept and the file has not. */
static void
test_waiting_lines(void **state)
{
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	struct text kept = { NULL, 0 };
	uint64_t seq;
	unsigned i;

	(void)state;
	put_lines(f, 10);
	for (i = 0; i < 3; i++)
		assert_int_equal(audit_file_put(f, NOW, "proof", ""), TSR_OK);
	kept.n = audit_file_pending(f);
	assert_non_null(kept.p = malloc(kept.n));
	memcpy(kept.p, audit_file_pending_lines(f), kept.n);
	audit_file_close(&f);			/* killed */
	waiting = kept;
	for (i = 0; i < 3; i++) {		/* and again: none is written twice */
		f = open_log(0, 64u << 20, 4, 0);
		assert_int_equal(audit_file_seq(f), 15);
		assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
		audit_file_close(&f);
		assert_int_equal(verify_all(0, &seq), AUDIT_GOOD);
		assert_int_equal(seq, 14);
	}
	assert_int_equal(truncate(at("audit.log"), 400), 0);	/* far before what waited */
	f = open_log(0, 64u << 20, 4, 1);
	assert_int_equal(audit_file_seq(f), 16);
	assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
	audit_file_close(&f);
	waiting = (struct text){ NULL, 0 };
	free(kept.p);
	assert_int_equal(verify_all(0, NULL), AUDIT_LOST);
}

/* --- a disk that is full --- */

static void
limit(rlim_t bytes)
{
	struct rlimit l = { bytes, RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void
test_full_disk(void **state)
{
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	uint64_t seq;
	struct text t;
	size_t whole;
	unsigned i;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	put_lines(f, 10);
	t = slurp("audit.log");
	whole = t.n;
	free(t.p);
	limit(whole + 100);		/* not even one line */
	assert_int_equal(audit_file_put(f, NOW, "mint", ",\"verdict\":\"ok\",\"n\":\"0123456789\""), TSR_OK);
	assert_int_equal(audit_file_put(f, NOW, "mint", ",\"verdict\":\"ok\",\"n\":\"0123456789\""), TSR_OK);
	for (i = 0; i < 3; i++) {
		assert_int_equal(audit_file_sync(f, NOW), TSR_STORE);
		t = slurp("audit.log");
		assert_int_equal(t.n, whole);		/* nothing torn is left */
		free(t.p);
	}
	limit(RLIM_INFINITY);
	assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(verify_all(0, &seq), AUDIT_GOOD);
	assert_int_equal(seq, 13);
}

static void
test_pending_is_bounded(void **state)
{
	struct audit_file *f = open_log(1, 64u << 20, 4, 0);
	unsigned n = 0;

	(void)state;
	while (audit_file_put(f, NOW, "mint", "") == TSR_OK)
		n++;
	assert_true(audit_file_pending(f) <= AUDIT_PENDING_MAX);
	assert_true(n > 1000);
	assert_int_equal(audit_file_sync(f, NOW), TSR_OK);
	assert_int_equal(audit_file_put(f, NOW, "mint", ""), TSR_OK);
	audit_file_close(&f);
	assert_int_equal(verify_all(0, NULL), AUDIT_GOOD);
}

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
	struct text t;
	size_t n;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(timers_new(&ts), TSR_OK);
	assert_int_equal(audit_new(open_log(1, 64u << 20, 4, 0), ts, &client, &a), TSR_OK);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);		/* the file's first line */
	assert_int_equal(audit_put(a, &mint, 0), TSR_OK);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(n, 0);				/* a mint waits for company */
	assert_int_equal(audit_put(a, &mint, 1), TSR_OK);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_true(n > 0);				/* the store keeps both */
	t = slurp("audit.log");
	assert_int_equal(line_at(&t, 1), t.n);
	free(t.p);
	timers_run(ts, UINT64_MAX / 4);			/* or for its time */
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(n, 0);
	t = slurp("audit.log");
	assert_int_equal(line_at(&t, 3), t.n);
	free(t.p);
	assert_int_equal(audit_put(a, &mint, 1), TSR_OK);
	assert_int_equal(batch(a, TSR_STORE, &n), TSR_OK);	/* the store fails */
	limit(1);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);		/* and then the log */
	assert_int_equal(audit_ready(a), TSR_STORE);
	assert_int_equal(audit_put(a, &mint, 0), TSR_STORE);	/* nothing is minted */
	assert_int_equal(told.failed, 1);
	limit(RLIM_INFINITY);
	timers_run(ts, UINT64_MAX / 4);
	assert_int_equal(batch(a, TSR_OK, &n), TSR_OK);
	assert_int_equal(told.mended, 1);
	assert_int_equal(audit_put(a, &mint, 0), TSR_OK);
	audit_free(&a);
	timers_free(&ts);
	t = slurp("audit.log");
	assert_non_null(memmem(t.p, t.n, "\"event\":\"undone\",\"from\":4,\"to\":4", 31));
	assert_non_null(memmem(t.p, t.n, "\"event\":\"resumed\",\"dropped\":1", 28));
	free(t.p);
	t = slurp("audit.head");
	assert_int_equal(t.n, strlen(told.head) + 1);
	assert_memory_equal(t.p, told.head, strlen(told.head));
	free(t.p);
	assert_int_equal(verify_all(0, NULL), AUDIT_GOOD);
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
#define TEST(t)	cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(test_seeking_is_stepping),
		TEST(test_keys_of_before_are_gone),
		TEST(test_lines),
		TEST(test_heads),
		TEST(test_key_file),
		TEST(test_ten_thousand_edits),
		TEST(test_faults_have_names),
		TEST(test_restart_continues),
		TEST(test_torn_lines),
		TEST(test_cut_and_altered_logs_are_lost),
		TEST(test_missing_files),
		TEST(test_rotation),
		TEST(test_waiting_lines),
		TEST(test_full_disk),
		TEST(test_pending_is_bounded),
		TEST(test_batches),
		TEST(test_refusals_are_counted),
		TEST(test_texts),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
