/*
 * epochs.c - see epochs.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/epochs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"
#include "base/log.h"
#include "tessera.h"

#define EPOCHS_FRESH	"." EPOCHS_NAME ".new"
#define EPOCHS_SEQ_AT	offsetof(struct epochs_head, seq)
#define EPOCHS_REST_AT	offsetof(struct epochs_head, superseded)
#define EPOCHS_OVER_AT	EPOCHS_REST_AT
#define EPOCHS_LOOK_NS	20000000	/* two ticks of a verifier's coarse clock */
#define EPOCHS_INPLACE	8192	/* slots: a larger table is replaced, not rewritten under its lock */

struct epochs {
	int folder, fd;			/* fd -1: there is no file to write to */
	struct epochs_head head;	/* as the file has it, or should */
	struct epochs_slot *table;
	uint64_t next_due_ms;		/* no sid is due for dropping before */
	uint64_t nth;			/* of the key files told */
	int failing;
	int gathering;			/* nothing is written until that is over */
	struct timers *timers;
	struct timer beat;
};

/* --- the file --- */

static int
epochs_put(int fd, const void *p, size_t n, size_t at)
{
	const char *from = p;
	ssize_t done;

	while (n > 0) {
		done = pwrite(fd, from, n, (off_t)at);
		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return TSR_SYSTEM;
		from += done;
		at += (size_t)done;
		n -= (size_t)done;
	}
	return TSR_OK;
}

static int
epochs_put_seq(struct epochs *e)
{
	e->head.seq++;
	return epochs_put(e->fd, &e->head.seq, sizeof(e->head.seq), EPOCHS_SEQ_AT);
}

/* Is it still there, whole, and ours? */
static int
epochs_lost(const struct epochs *e)
{
	struct stat named, held;

	return e->fd == -1 || fstat(e->fd, &held) == -1 ||
	    fstatat(e->folder, EPOCHS_NAME, &named, AT_SYMLINK_NOFOLLOW) == -1 ||
	    named.st_dev != held.st_dev || named.st_ino != held.st_ino ||
	    held.st_size != (off_t)(EPOCHS_HEAD + e->head.slots * sizeof(*e->table));
}

/* The last word of the file that has the name: it may be mapped for long. */
static int
epochs_supersede(struct epochs *e)
{
	static const uint64_t over = 1;

	return e->fd == -1 ? TSR_OK : epochs_put(e->fd, &over, sizeof(over), EPOCHS_OVER_AT);
}

/* A whole new file takes the name.  Before that the old one says that it is over,
 * lest we die in between and leave it to be believed by who has it mapped. */
static int
epochs_renew(struct epochs *e)
{
	size_t slots = (size_t)e->head.slots;
	int fd, r = TSR_SYSTEM;

	if (unlinkat(e->folder, EPOCHS_FRESH, 0) == -1 && errno != ENOENT)
		goto out;
	fd = openat(e->folder, EPOCHS_FRESH, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		goto out;
	e->head.seq += 2 - (e->head.seq & 1);
	e->head.superseded = 0;
	if (epochs_put(fd, &e->head, sizeof(e->head), 0) != TSR_OK ||
	    epochs_put(fd, e->table, slots * sizeof(*e->table), EPOCHS_HEAD) != TSR_OK ||
	    fchmod(fd, 0644) == -1 || epochs_supersede(e) != TSR_OK ||
	    renameat(e->folder, EPOCHS_FRESH, e->folder, EPOCHS_NAME) == -1) {
		(void)close(fd);
		goto out;
	}
	if (e->fd != -1)
		(void)close(e->fd);
	e->fd = fd;
	r = TSR_OK;
 out:
	e->failing = r != TSR_OK;
	if (e->failing)		/* verifiers know less than we do: they shall know that */
		(void)epochs_supersede(e);
	return r;
}

/* n slots from the first on, and the head, under the sequence lock. */
static int
epochs_put_inside(struct epochs *e, const struct epochs_slot *first, size_t n)
{
	const char *head = (const char *)&e->head;
	int r;

	if (e->gathering)
		return TSR_OK;
	if (e->failing)
		return TSR_SYSTEM;
	if (epochs_lost(e)) {	/* what is left of it is not what it was */
		log_line(LOG_ERROR, "the public file \"" EPOCHS_NAME "\" was cut, replaced or taken away: "
		    "another one is written");
		return epochs_renew(e);
	}
	if ((r = epochs_put_seq(e)) == TSR_OK && (n == 0 ||
	    (r = epochs_put(e->fd, first, n * sizeof(*first),
	    EPOCHS_HEAD + (size_t)(first - e->table) * sizeof(*first))) == TSR_OK) &&
	    (r = epochs_put(e->fd, head + EPOCHS_REST_AT, EPOCHS_HEAD - EPOCHS_REST_AT,
	    EPOCHS_REST_AT)) == TSR_OK)
		r = epochs_put_seq(e);
	if (r != TSR_OK) {		/* seq may stay odd */
		e->failing = 1;
		(void)epochs_supersede(e);
	}
	return r;
}

/* --- the table --- */

static int
epochs_over(const struct epochs_slot *s, int64_t wall, uint64_t boot_ms)
{
	return s->due_ms <= boot_ms && s->expires <= wall;
}

static void
epochs_insert(struct epochs_slot *table, size_t slots, const struct epochs_slot *s, uint64_t *n,
    uint64_t *next_due)
{
	const struct epochs_sid sid = { { s->sid[0], s->sid[1] } };
	struct epochs_slot *to = epochs_find(table, slots, &sid);

	if (to == NULL)
		return;
	*n += (to->sid[0] | to->sid[1]) == 0;
	*to = *s;
	if (s->due_ms < *next_due)
		*next_due = s->due_ms;
}

/* The same sids in a table of that size, without those whose tokens are over. */
static int
epochs_rebuild(struct epochs *e, const struct epochs_slot *from, size_t n, size_t slots)
{
	struct epochs_slot *table;
	int64_t wall = clock_wall();
	uint64_t boot = clock_boot_ms(), dead = 0, next = UINT64_MAX;
	size_t i;

	if ((table = calloc(slots, sizeof(*table))) == NULL)
		return TSR_NOMEM;
	for (i = 0; i < n; i++)
		if ((from[i].sid[0] | from[i].sid[1]) != 0 && !epochs_over(&from[i], wall, boot))
			epochs_insert(table, slots, &from[i], &dead, &next);
	free(e->table);
	e->table = table;
	e->head.slots = slots;
	e->head.dead = dead;
	e->next_due_ms = next;
	return TSR_OK;
}

static void
epochs_drop(struct epochs *e)
{
	size_t slots = (size_t)e->head.slots;
	uint64_t had = e->head.dead;

	if (e->next_due_ms > clock_boot_ms() || epochs_rebuild(e, e->table, slots, slots) != TSR_OK ||
	    e->head.dead == had)
		return;
	if (slots <= EPOCHS_INPLACE)
		(void)epochs_put_inside(e, e->table, slots);
	else
		(void)epochs_renew(e);
}

/* A table that is full of the living dead is given up for a global epoch. */
static void
epochs_give_up(struct epochs *e)
{
	log_line(LOG_WARN, "no room for more than %llu dead sessions: every token is revoked in their "
	    "place", (unsigned long long)e->head.dead);
	if (e->head.epoch < clock_wall())
		e->head.epoch = clock_wall();
	memset(e->table, 0, (size_t)e->head.slots * sizeof(*e->table));
	e->head.dead = 0;
}

/* Room for one more, where there is memory for it. */
static int
epochs_grow(struct epochs *e)
{
	size_t slots = (size_t)e->head.slots, to = slots;
	int r;

	if ((e->head.dead + 1) * 2 <= slots)
		return TSR_OK;
	if (slots == EPOCHS_SLOTS_MAX)
		epochs_give_up(e);
	else if ((r = epochs_rebuild(e, e->table, slots, to * 2)) != TSR_OK)
		return r;
	return e->gathering ? TSR_OK : epochs_renew(e);
}

/* --- what is told --- */

void
epochs_gather(struct epochs *e)
{
	e->gathering = 1;
}

int
epochs_gathered(struct epochs *e)
{
	e->gathering = 0;
	return epochs_renew(e);
}

int
epochs_kill(struct epochs *e, const char *text)
{
	struct epochs_sid sid;
	struct epochs_slot *s;
	int r;

	if ((r = epochs_sid(text, &sid)) != TSR_OK)
		return r;
	(void)epochs_grow(e);	/* where it fails there is room for one more nearly always */
	if ((s = epochs_find(e->table, (size_t)e->head.slots, &sid)) == NULL) {
		epochs_give_up(e);
		return e->gathering ? TSR_OK : epochs_renew(e);
	}
	e->head.dead += (s->sid[0] | s->sid[1]) == 0;
	s->sid[0] = sid.v[0];
	s->sid[1] = sid.v[1];
	s->expires = clock_wall() + EPOCHS_LIFE_S;
	s->due_ms = clock_boot_ms() + (uint64_t)EPOCHS_LIFE_S * 1000;
	if (s->due_ms < e->next_due_ms)
		e->next_due_ms = s->due_ms;
	return epochs_put_inside(e, s, 1);
}

int
epochs_raise(struct epochs *e, int64_t epoch)
{
	if (epoch > e->head.epoch)
		e->head.epoch = epoch;
	return epochs_put_inside(e, e->table, 0);
}

int
epochs_keys(struct epochs *e, uint64_t nth)
{
	if (nth == e->nth)
		return TSR_OK;
	e->nth = nth;
	e->head.generation++;
	return epochs_put_inside(e, e->table, 0);
}

static void
epochs_beat(void *arg)
{
	struct epochs *e = arg;
	int was = e->failing;

	e->head.heartbeat_ms = clock_boot_ms();
	if (!e->failing) {
		epochs_drop(e);
		(void)epochs_put_inside(e, e->table, 0);
	} else if (epochs_renew(e) == TSR_OK)
		log_line(LOG_NOTICE, "the public file \"" EPOCHS_NAME "\" is written again");
	if (e->failing && !was)
		log_line(LOG_ERROR, "the public file \"" EPOCHS_NAME "\" cannot be written (%s): verifiers "
		    "refuse every token until it can", strerror(errno));
	(void)timer_arm(e->timers, &e->beat, clock_boot_ms() + EPOCHS_BEAT_MS, epochs_beat, e);
}

int
epochs_begin(struct epochs *e, struct timers *ts)
{
	e->timers = ts;
	return timer_arm(ts, &e->beat, clock_boot_ms(), epochs_beat, e);
}

/* --- what is asked --- */

int
epochs_sid_dead(const struct epochs *e, const char *text)
{
	const struct epochs_slot *s;
	struct epochs_sid sid;

	if (epochs_sid(text, &sid) != TSR_OK)
		return 0;
	s = epochs_find(e->table, (size_t)e->head.slots, &sid);
	return s != NULL && (s->sid[0] | s->sid[1]) != 0;
}

int
epochs_dead(const struct epochs *e, const struct jwt_claims *c)
{
	return c->iat <= e->head.epoch || epochs_sid_dead(e, c->sid);
}

int64_t
epochs_wait(const struct epochs *e, int64_t now)
{
	return now > e->head.epoch ? 0 : e->head.epoch - now + 1;
}

void
epochs_state(const struct epochs *e, struct epochs_state *out)
{
	out->epoch = e->head.epoch;
	out->dead = (size_t)e->head.dead;
	out->failing = e->failing;
}

/* --- at start --- */

/* The last agent's file, if it may be believed: whole, ours, plain. */
static int
epochs_read(struct epochs *e, struct epochs_slot **table)
{
	const size_t most = EPOCHS_HEAD + (size_t)EPOCHS_SLOTS_MAX * sizeof(struct epochs_slot);
	uint8_t head[EPOCHS_HEAD];
	struct stat st;
	size_t slots = 0, n;
	int r = TSR_CORRUPT;

	e->fd = openat(e->folder, EPOCHS_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (e->fd == -1)
		return TSR_NOT_FOUND;
	if (fstat(e->fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) != 0 || st.st_size < EPOCHS_HEAD || (size_t)st.st_size > most ||
	    pread(e->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    epochs_slots(head, (size_t)st.st_size, &slots) != TSR_OK)
		return r;
	n = slots * sizeof(**table);
	if ((*table = malloc(n)) == NULL)
		return TSR_NOMEM;
	if (pread(e->fd, *table, n, EPOCHS_HEAD) != (ssize_t)n)
		return r;
	memcpy(&e->head, head, sizeof(e->head));
	return TSR_OK;
}

/* 1 where all that the last agent knew is known. */
static int
epochs_adopt(struct epochs *e, const struct epochs_head *own, int *code)
{
	struct epochs_slot *table = NULL;
	uint64_t told;
	int r, whole = 0;

	*code = TSR_OK;
	if ((r = epochs_read(e, &table)) == TSR_OK && memcmp(e->head.boot, own->boot, sizeof(own->boot)) == 0) {
		told = e->head.dead;
		*code = epochs_rebuild(e, table, (size_t)e->head.slots, (size_t)e->head.slots);
		/* one that says it is over is whole: its successor never took the name */
		whole = *code == TSR_OK && (e->head.seq & 1) == 0 && e->head.dead <= told;
	} else {
		e->head = *own;
		*code = r == TSR_NOMEM ? r : epochs_rebuild(e, NULL, 0, EPOCHS_SLOTS_MIN);
	}
	free(table);
	return whole;
}

int
epochs_open(const struct epochs_start *s, struct epochs **out)
{
	struct epochs_head own = { .magic = EPOCHS_MAGIC, .slots = EPOCHS_SLOTS_MIN };
	static const struct timespec look = { 0, EPOCHS_LOOK_NS };
	struct epochs *e;
	int r, whole;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return TSR_NOMEM;
	e->fd = -1;
	clock_boot_id(own.boot);
	e->folder = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->folder == -1) {
		free(e);
		return TSR_SYSTEM;
	}
	whole = epochs_adopt(e, &own, &r);
	if (r != TSR_OK)
		goto out;
	if (s->stored > e->head.epoch)
		e->head.epoch = s->stored;
	if (!whole && s->issued && s->latest > e->head.epoch)
		e->head.epoch = s->latest;
	e->head.generation++;		/* the keys' file was written anew */
	e->head.heartbeat_ms = clock_boot_ms();
	/* also where it could be written on: what was dropped, and who else has it open */
	if ((r = epochs_renew(e)) != TSR_OK)
		goto out;
	/* a file that was taken away told nobody: until each has looked for it */
	if (!whole && s->issued)
		(void)nanosleep(&look, NULL);
	*out = e;
	e = NULL;
 out:
	epochs_free(&e);
	return r;
}

void
epochs_free(struct epochs **ep)
{
	struct epochs *e = *ep;

	if (e == NULL)
		return;
	if (e->timers != NULL)
		timer_disarm(e->timers, &e->beat);
	if (e->fd != -1)
		(void)close(e->fd);
	(void)close(e->folder);
	free(e->table);
	free(e);
	*ep = NULL;
}
