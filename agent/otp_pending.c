/*
 * otp_pending.c - see otp_pending.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/otp_pending.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/otp.h"
#include "oath/totp.h"
#include "include/tessera.h"

struct place {
	struct otp_pending *pending;	/* NULL: free */
	uint64_t ends_ms;
	unsigned wrong;
};

struct otp_pendings {
	struct place place[OTP_PENDING_MAX];
};

int
otp_pendings_new(struct otp_pendings **out)
{
	return (*out = calloc(1, sizeof(**out))) == NULL ? TSR_NOMEM : TSR_OK;
}

static void
place_clear(struct place *pl)
{
	if (pl->pending != NULL) {
		otp_record_clear(&pl->pending->record);
		sodium_memzero(pl->pending, sizeof(*pl->pending));
		free(pl->pending);
	}
	memset(pl, 0, sizeof(*pl));
}

void
otp_pendings_free(struct otp_pendings **ps)
{
	size_t i;

	if (*ps == NULL)
		return;
	for (i = 0; i < OTP_PENDING_MAX; i++)
		place_clear(&(*ps)->place[i]);
	free(*ps);
	*ps = NULL;
}

static void
pendings_expire(struct otp_pendings *ps)
{
	uint64_t now = clock_boot_ms();
	size_t i;

	for (i = 0; i < OTP_PENDING_MAX; i++)
		if (ps->place[i].pending != NULL && ps->place[i].ends_ms <= now)
			place_clear(&ps->place[i]);
}

int
otp_pending_add(struct otp_pendings *ps, struct otp_pending *p)
{
	struct place *unused = NULL;
	unsigned mine = 0;
	size_t i;

	pendings_expire(ps);
	for (i = 0; i < OTP_PENDING_MAX; i++) {
		if (ps->place[i].pending == NULL)
			unused = &ps->place[i];
		else
			mine += ps->place[i].pending->by == p->by;
	}
	if (unused == NULL || mine >= OTP_PENDING_USER)
		return TSR_SLOW_DOWN;
	if ((unused->pending = malloc(sizeof(*p))) == NULL)
		return TSR_NOMEM;
	*unused->pending = *p;
	p->record.seed = NULL;
	unused->ends_ms = clock_boot_ms() + (uint64_t)OTP_PENDING_S * 1000;
	return TSR_OK;
}

static struct place *
pendings_place(struct otp_pendings *ps, const struct otp_pending *p)
{
	size_t i;

	for (i = 0; i < OTP_PENDING_MAX; i++)
		if (ps->place[i].pending == p)
			return &ps->place[i];
	return NULL;
}

struct otp_pending *
otp_pending_find(struct otp_pendings *ps, const char *id, uid_t by, int admin)
{
	struct otp_pending *p;
	size_t i;

	pendings_expire(ps);
	for (i = 0; i < OTP_PENDING_MAX; i++)
		if ((p = ps->place[i].pending) != NULL && p->by == by && p->admin == admin &&
		    strcmp(p->credential.id, id) == 0)
			return p;
	return NULL;
}

/* Around now for TOTP; from the first counter on for HOTP. */
static int
pending_window(const struct otp_record *r, struct hotp_window *w, uint64_t *step)
{
	struct totp clock = { r->period, r->start };
	int code;

	*step = 0;
	if (r->kind == OTP_HOTP) {
		w->first = w->least = (uint64_t)(r->watermark + 1);
		w->count = OTP_WINDOW;
		return TSR_OK;
	}
	if ((code = totp_step(&clock, clock_wall(), step)) != TSR_OK)
		return code;
	return totp_window(*step, 0, OTP_WINDOW / 2 - 1, OTP_WINDOW / 2, r->watermark, w);
}

static int
pending_look(const struct otp_pending *p, const char *code, const char *next, uint64_t *at,
    uint64_t *step)
{
	const struct otp_record *r = &p->record;
	struct hotp h = { r->hash, r->digits, r->seed->data, r->seed->size };
	struct hotp_window w;
	uint32_t c, n = 0;

	if (hotp_parse(code, strlen(code), r->digits, &c) != TSR_OK ||
	    (next != NULL && hotp_parse(next, strlen(next), r->digits, &n) != TSR_OK) ||
	    (r->kind == OTP_HOTP && next == NULL) ||
	    pending_window(r, &w, step) != TSR_OK)
		return TSR_NOT_FOUND;
	return next != NULL ? hotp_find_pair(&h, &w, c, n, at) : hotp_find(&h, &w, c, at);
}

int
otp_pending_confirm(struct otp_pendings *ps, struct otp_pending *p, const char *code,
    const char *next, int *gone)
{
	struct place *pl = pendings_place(ps, p);
	uint64_t at = 0, step = 0;
	int r;

	*gone = 0;
	if ((r = pending_look(p, code, next, &at, &step)) == TSR_OK) {
		p->record.watermark = (int64_t)at;
		p->record.drift = p->record.kind == OTP_TOTP ? (int64_t)(at - step) : 0;
		p->record.trust = OTP_USED;
		return TSR_OK;
	}
	if (r != TSR_NOT_FOUND)
		return r;
	if (++pl->wrong >= OTP_PENDING_TRIES) {
		place_clear(pl);
		*gone = 1;
	}
	return TSR_BAD_GRANT;
}

void
otp_pending_end(struct otp_pendings *ps, struct otp_pending *p)
{
	struct place *pl = pendings_place(ps, p);

	if (pl != NULL)
		place_clear(pl);
}
