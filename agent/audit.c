/*
 * audit.c - see audit.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/audit_refused.h"
#include "agent/audit_text.h"
#include "agent/clock.h"
#include "tessera.h"

struct audit {
	struct audit_file *file;
	struct timers *timers;
	struct audit_client client;
	struct audit_refused *refused;
	struct timer flush, head, minute;
	uint64_t batch;			/* number of the open batch's first line */
	uint64_t told;			/* last head given to head() */
	uint64_t dropped;		/* lines lost while broken */
	uint64_t undone_from, undone_to;	/* lines that are still to be taken back, or 0 */
	int durable;			/* the batch waits for its lines */
	int due;			/* the first pending line has waited enough */
	int broken;			/* the last write failed */
};

static void audit_on_flush(void *arg);

/* --- lines --- */

static void
audit_arm_flush(struct audit *a, uint64_t in_ms)
{
	if (a->flush.pos == 0 && timer_arm(a->timers, &a->flush, clock_boot_ms() + in_ms,
	    audit_on_flush, a) != TSR_OK)
		a->due = 1;		/* no timer: the next batch writes */
}

/* Before any other line: what was written of a batch that came to nothing. */
static int
audit_take_back(struct audit *a)
{
	char members[96];
	int r;

	if (a->undone_to == 0)
		return TSR_OK;
	(void)snprintf(members, sizeof(members), ",\"from\":%" PRIu64 ",\"to\":%" PRIu64,
	    a->undone_from, a->undone_to);
	if ((r = audit_file_put(a->file, clock_wall(), "undone", members)) != TSR_OK)
		return r;
	a->undone_from = a->undone_to = 0;
	audit_arm_flush(a, AUDIT_DELAY_MS);
	return TSR_OK;
}

static int
audit_line(struct audit *a, const char *event, const char *members)
{
	int r;

	if ((r = audit_take_back(a)) == TSR_OK)
		r = audit_file_put(a->file, clock_wall(), event, members);
	if (r == TSR_OK)
		audit_arm_flush(a, AUDIT_DELAY_MS);
	return r;
}

int
audit_ready(const struct audit *a)
{
	if (a == NULL)
		return TSR_OK;
	/* room for the lines of a whole batch */
	return a->broken || audit_file_pending(a->file) > AUDIT_PENDING_MAX / 2 + AUDIT_FLUSH / 2 ?
	    TSR_STORE : TSR_OK;
}

int
audit_put(struct audit *a, const struct audit_record *rec, int durable)
{
	char members[AUDIT_LINE_MAX];
	int r;

	if (a == NULL)
		return TSR_OK;
	if ((r = audit_ready(a)) == TSR_OK) {
		audit_text_record(rec, members);
		r = audit_line(a, rec->event, members);
	}
	if (r != TSR_OK) {
		a->dropped++;
		return TSR_STORE;
	}
	if (durable)
		a->durable = 1;
	return TSR_OK;
}

/* --- refusals --- */

static void
audit_refused_line(void *arg, const struct audit_refusal *f)
{
	char members[256];
	struct audit *a = arg;
	int n;

	n = snprintf(members, sizeof(members), ",\"verdict\":\"%s\"",
	    f->code != NULL ? f->code : "various");
	if (f->uid != (uid_t)-1)
		n += snprintf(members + n, sizeof(members) - (size_t)n, ",\"by\":%u", f->uid);
	(void)snprintf(members + n, sizeof(members) - (size_t)n, ",\"count\":%" PRIu64, f->n);
	if (a->broken || audit_line(a, "refused", members) != TSR_OK)
		a->dropped++;
}

static void
audit_on_minute(void *arg)
{
	struct audit *a = arg;

	(void)audit_refused_each(a->refused, audit_refused_line, a);
}

static void
audit_arm_minute(struct audit *a)
{
	if (a->minute.pos == 0)
		(void)timer_arm(a->timers, &a->minute, clock_boot_ms() + AUDIT_MINUTE_MS,
		    audit_on_minute, a);
}

void
audit_refused(struct audit *a, uid_t uid, const char *code)
{
	if (a == NULL)
		return;
	audit_refused_add(a->refused, uid, code);
	audit_arm_minute(a);
}

void
audit_failed(struct audit *a, const struct audit_record *rec)
{
	if (a == NULL)
		return;
	audit_arm_minute(a);
	if (audit_refused_own_line(a->refused, rec->by))
		(void)audit_put(a, rec, 0);
	else
		audit_refused_add(a->refused, rec->by, rec->verdict);
}

/* --- the head --- */

static void
audit_tell_head(struct audit *a)
{
	char text[AUDIT_HEAD_TEXT];
	struct audit_head h;

	audit_file_head(a->file, &h);
	if (h.seq == 0 || h.seq == a->told)
		return;
	a->told = h.seq;
	audit_head_write(&h, text);
	a->client.head(a->client.arg, text);
	(void)audit_file_write_head(a->file);	/* again with the next head; the journal has this one */
}

static void
audit_on_head(void *arg)
{
	audit_tell_head(arg);
}

/* --- batches --- */

static void
audit_on_flush(void *arg)
{
	struct audit *a = arg;

	a->due = 1;		/* the batch that this timer belongs to ends with audit_commit */
}

/* The first sync that succeeds after some that did not. */
static void
audit_mended(struct audit *a)
{
	char members[64];

	a->broken = 0;
	a->client.failed(a->client.arg, 1);
	(void)snprintf(members, sizeof(members), ",\"dropped\":%" PRIu64, a->dropped);
	a->dropped = 0;
	(void)audit_line(a, "resumed", members);
}

static void
audit_fault(struct audit *a)
{
	if (!a->broken)
		a->client.failed(a->client.arg, 0);
	a->broken = 1;
	timer_disarm(a->timers, &a->flush);
	audit_arm_flush(a, AUDIT_RETRY_MS);
}

/* All that is pending, to the file. */
static int
audit_write(struct audit *a)
{
	a->due = 0;
	if (audit_file_sync(a->file, clock_wall()) != TSR_OK) {
		audit_fault(a);
		return TSR_STORE;
	}
	timer_disarm(a->timers, &a->flush);
	if (a->broken)
		audit_mended(a);
	if (audit_file_pending(a->file) > 0)	/* a new file's first line, or "resumed" */
		audit_arm_flush(a, AUDIT_DELAY_MS);
	if (a->head.pos == 0)
		(void)timer_arm(a->timers, &a->head, clock_boot_ms() + AUDIT_HEAD_MS, audit_on_head, a);
	return TSR_OK;
}

int
audit_commit(struct audit *a, const void **p, size_t *n)
{
	size_t pending;

	*p = NULL;
	*n = 0;
	if (a == NULL || (pending = audit_file_pending(a->file)) == 0)
		return TSR_OK;
	if (a->due || pending >= AUDIT_FLUSH || (a->durable && pending > AUDIT_KEPT))
		(void)audit_write(a);
	if (!a->durable)
		return TSR_OK;
	if (a->broken)
		return TSR_STORE;
	pending = audit_file_pending(a->file);
	if (audit_file_seq(a->file) > a->batch && pending > 0) {
		*p = audit_file_pending_lines(a->file);
		*n = pending;
	}
	return TSR_OK;
}

/* Answers that waited for these lines were not given. */
void
audit_committed(struct audit *a, int r)
{
	uint64_t next;

	if (a == NULL)
		return;
	next = audit_file_seq(a->file);
	if (r != TSR_OK && a->durable && next > a->batch) {
		if (a->undone_to == 0)
			a->undone_from = a->batch;
		a->undone_to = next - 1;
		(void)audit_take_back(a);	/* else before the next line */
	}
	a->durable = 0;
	a->batch = audit_file_seq(a->file);
}

/* --- */

void
audit_limits(struct audit *a, uint64_t size, unsigned keep)
{
	audit_file_limits(a->file, size, keep);
}

int
audit_new(struct audit_file *file, struct timers *timers, const struct audit_client *client,
    struct audit **out)
{
	struct audit *a;

	if ((a = calloc(1, sizeof(*a))) == NULL || audit_refused_new(&a->refused) != TSR_OK) {
		free(a);
		audit_file_close(&file);
		return TSR_NOMEM;
	}
	a->file = file;
	a->timers = timers;
	a->client = *client;
	a->batch = audit_file_seq(file);
	if (audit_file_pending(file) > 0)
		audit_arm_flush(a, 0);
	*out = a;
	return TSR_OK;
}

void
audit_free(struct audit **ap)
{
	struct audit *a = *ap;
	int r;

	if (a == NULL)
		return;
	audit_on_minute(a);
	(void)audit_take_back(a);
	r = audit_file_sync(a->file, clock_wall());
	if (r == TSR_OK)
		r = audit_file_sync(a->file, clock_wall());	/* a new file's first line */
	if (r == TSR_OK)
		audit_tell_head(a);
	timer_disarm(a->timers, &a->flush);
	timer_disarm(a->timers, &a->head);
	timer_disarm(a->timers, &a->minute);
	audit_file_close(&a->file);
	audit_refused_free(&a->refused);
	free(a);
	*ap = NULL;
}
