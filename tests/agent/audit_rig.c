/*
 * audit_rig.c - see audit_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/audit_rig.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/audit_key.h"
#include "tessera.h"

char audit_rig_dir[64];
struct secret *audit_rig_key;
struct audit_rig_text audit_rig_waiting;

int
audit_rig_setup(void **state)
{
	(void)state;
	(void)snprintf(audit_rig_dir, sizeof(audit_rig_dir), "/tmp/test-audit.XXXXXX");
	assert_non_null(mkdtemp(audit_rig_dir));
	audit_rig_key = secret_new(32);
	assert_non_null(audit_rig_key);
	memset(audit_rig_key->data, 7, 32);
	return 0;
}

int
audit_rig_teardown(void **state)
{
	char command[128];

	(void)state;
	secret_free(&audit_rig_key);
	(void)snprintf(command, sizeof(command), "rm -rf %s", audit_rig_dir);
	return system(command) == 0 ? 0 : -1;
}

const char *
audit_rig_at(const char *name)
{
	static char path[4][128];
	static unsigned i;

	i = (i + 1) % 4;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", audit_rig_dir, name);
	return path[i];
}


struct audit_rig_text
audit_rig_slurp(const char *name)
{
	struct audit_rig_text t = { NULL, 0 };
	FILE *f = fopen(audit_rig_at(name), "r");

	assert_non_null(t.p = calloc(1, AUDIT_RIG_FILE_MAX));
	if (f != NULL) {
		t.n = fread(t.p, 1, AUDIT_RIG_FILE_MAX, f);
		(void)fclose(f);
	}
	return t;
}

void
audit_rig_spill(const char *name, const char *p, size_t n)
{
	FILE *f = fopen(audit_rig_at(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(audit_rig_at(name), 0600), 0);
}

struct audit_file *
audit_rig_open(int fresh, uint64_t size, unsigned keep, int want_lost)
{
	struct audit_file_options o = { .dir = audit_rig_dir, .size = size, .keep = keep,
	    .waiting = audit_rig_waiting.p, .waiting_len = audit_rig_waiting.n };
	struct audit_file *f = NULL;
	char err[512];
	int lost = -1, r;

	r = audit_file_open(&o, audit_rig_key, fresh, AUDIT_RIG_NOW, &f, &lost, err, sizeof(err));
	if (r != TSR_OK)
		fail_msg("%d: %s", r, err);
	assert_int_equal(lost, want_lost);
	return f;
}

void
audit_rig_put_lines(struct audit_file *f, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		assert_int_equal(audit_file_put(f, AUDIT_RIG_NOW + i, "mint", ",\"verdict\":\"ok\",\"by\":1000,"
		    "\"subject\":\"alice\""), TSR_OK);
		if (i % 7 == 0)
			assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
	}
	assert_int_equal(audit_file_sync(f, AUDIT_RIG_NOW), TSR_OK);
}

void
audit_rig_first_key(uint8_t first[AUDIT_KEY])
{
	struct audit_rig_text t = audit_rig_slurp("audit.key");
	struct secret *s = NULL;

	assert_int_equal(t.n, AUDIT_KEY_FILE);
	assert_int_equal(audit_key_open(audit_rig_key, (const uint8_t *)t.p, &s), TSR_OK);
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

enum audit_fault
audit_rig_verify_text(const struct audit_rig_text *t, const struct audit_head *head, const uint8_t first[AUDIT_KEY])
{
	struct audit_check c;

	audit_check_init(&c, first, head);
	(void)feed(&c, t->p, t->n);
	return audit_check_end(&c);
}

enum audit_fault
audit_rig_verify_all(unsigned oldest, uint64_t *seq)
{
	uint8_t first[AUDIT_KEY];
	struct audit_check c;
	enum audit_fault f;
	struct audit_rig_text t;
	char name[32];
	unsigned i;

	audit_rig_first_key(first);
	audit_check_init(&c, first, NULL);
	for (i = oldest; ; i--) {
		(void)snprintf(name, sizeof(name), i > 0 ? "audit.log.%u" : "audit.log", i);
		t = audit_rig_slurp(name);
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

size_t
audit_rig_line_at(const struct audit_rig_text *t, unsigned i)
{
	const char *p = t->p;

	while (i-- > 0)
		p = (const char *)memchr(p, '\n', t->n - (size_t)(p - t->p)) + 1;
	return (size_t)(p - t->p);
}

void
audit_rig_limit(rlim_t bytes)
{
	struct rlimit l = { bytes, RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}
