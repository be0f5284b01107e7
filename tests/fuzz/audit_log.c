/*
 * audit_log.c - any bytes as an audit log under a known key.  What is found
 * good must be lines as the writer makes them, and must not be good any more
 * with a bit of it changed or its last line gone.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/audit_check.h"
#include "tessera.h"
#include "tests/fuzz/must.h"

static const uint8_t first[AUDIT_KEY];

static enum audit_fault
verify(const char *p, size_t n, const struct audit_head *head, struct audit_check *c)
{
	const char *end;
	size_t at = 0, len;

	audit_check_init(c, first, head);
	audit_check_file(c);
	while ((end = memchr(p + at, '\n', n - at)) != NULL) {
		len = (size_t)(end - (p + at));
		(void)audit_check_line(c, p + at, len);
		at += len + 1;
	}
	return audit_check_end(c);
}

/* A verdict has a name, and no key stays behind. */
static void
ended(struct audit_check *c, enum audit_fault f)
{
	must(strcmp(audit_fault_name(f), "unknown") != 0);
	audit_check_wipe(c);
}

static void
good(char *p, size_t n, const struct audit_check *was)
{
	struct audit_head head = { .seq = was->seq };
	struct audit_check c;
	char *last;
	size_t at;

	memcpy(head.mac, was->chain.mac, AUDIT_MAC);
	last = memrchr(p, '\n', n);
	must(last != NULL);
	n = (size_t)(last - p) + 1;
	must(verify(p, n, &head, &c) == AUDIT_GOOD);
	must(verify(p, n - 1, &head, &c) != AUDIT_GOOD);	/* the last line is none */
	at = (was->lines * 7919) % n;
	p[at] = (char)(p[at] ^ 1);
	must(verify(p, n, &head, &c) != AUDIT_GOOD);
	p[at] = (char)(p[at] ^ 1);
	head.seq++;
	must(verify(p, n, &head, &c) == AUDIT_CUT);
	head.seq--;
	head.mac[0] ^= 1;
	must(verify(p, n, &head, &c) == AUDIT_REPLACED);
	ended(&c, AUDIT_REPLACED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_check c;
	struct audit_head head;
	struct audit_line l;
	enum audit_fault f;
	char text[AUDIT_HEAD_TEXT], *p;

	if ((p = malloc(size == 0 ? 1 : size)) == NULL)
		return 0;
	if (size > 0)
		memcpy(p, data, size);
	if ((f = verify(p, size, NULL, &c)) == AUDIT_GOOD && c.lines > 0)
		good(p, size, &c);
	ended(&c, f);
	if (audit_head_read(p, size, &head) == TSR_OK) {
		audit_head_write(&head, text);
		must(strlen(text) == size && memcmp(text, p, size) == 0);
	}
	if (audit_line_read(p, size, &l) == TSR_OK)
		must(l.event >= p && l.event + l.event_len <= p + size && l.seq > 0);
	free(p);
	return 0;
}
