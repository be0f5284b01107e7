/*
 * audit_refused.c - see audit_refused.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_refused.h"

#include <stdlib.h>
#include <string.h>

#include "tessera.h"

/* A uid with lines of its own in this minute. */
struct quota {
	uid_t uid;
	unsigned n;
};

struct audit_refused {
	struct audit_refusal count[AUDIT_REFUSED_LINES];
	size_t n, last;			/* last: the one found most recently */
	struct quota quota[AUDIT_REFUSED_LINES];
	size_t n_quota;
};

int
audit_refused_new(struct audit_refused **out)
{
	struct audit_refused *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return TSR_NOMEM;
	*out = r;
	return TSR_OK;
}

void
audit_refused_free(struct audit_refused **r)
{
	free(*r);
	*r = NULL;
}

static int
is(const struct audit_refusal *f, uid_t uid, const char *code)
{
	return f->uid == uid && (f->code == code ||
	    (f->code != NULL && code != NULL && strcmp(f->code, code) == 0));
}

/* The count of (uid, code), NULL where there is none; *of_uid is then how many
 * others the uid has. */
static struct audit_refusal *
find(struct audit_refused *r, uid_t uid, const char *code, unsigned *of_uid)
{
	size_t i;

	*of_uid = 0;
	if (r->last < r->n && is(&r->count[r->last], uid, code))
		return &r->count[r->last];
	for (i = 0; i < r->n; i++) {
		if (is(&r->count[i], uid, code)) {
			r->last = i;
			return &r->count[i];
		}
		*of_uid += r->count[i].uid == uid;
	}
	return NULL;
}

static void
add(struct audit_refused *r, uid_t uid, const char *code)
{
	struct audit_refusal *f = &r->count[r->n];

	f->uid = uid;
	f->code = code;
	f->n = 1;
	r->last = r->n++;
}

void
audit_refused_add(struct audit_refused *r, uid_t uid, const char *code)
{
	struct audit_refusal *f;
	unsigned mine;

	if ((f = find(r, uid, code, &mine)) == NULL && mine + 1 >= AUDIT_REFUSED_PER_UID) {
		code = NULL;		/* his share is used up: the rest of his */
		f = find(r, uid, code, &mine);
	}
	/* One place is kept for the rest of all. */
	if (f == NULL && r->n + 1 >= AUDIT_REFUSED_LINES) {
		uid = (uid_t)-1;
		code = NULL;
		f = find(r, uid, code, &mine);
	}
	if (f == NULL)
		add(r, uid, code);
	else
		f->n++;
}

int
audit_refused_own_line(struct audit_refused *r, uid_t uid)
{
	size_t i;

	for (i = 0; i < r->n_quota && r->quota[i].uid != uid; i++)
		;
	if (i == r->n_quota) {
		if (i == AUDIT_REFUSED_LINES)
			return 0;
		r->quota[i].uid = uid;
		r->quota[i].n = 0;
		r->n_quota++;
	}
	if (r->quota[i].n >= AUDIT_FAILED_PER_UID)
		return 0;
	r->quota[i].n++;
	return 1;
}

unsigned
audit_refused_each(struct audit_refused *r, void (*each)(void *arg, const struct audit_refusal *f),
    void *arg)
{
	unsigned n = (unsigned)(r->n + r->n_quota);
	size_t i;

	for (i = 0; i < r->n; i++)
		each(arg, &r->count[i]);
	r->n = r->last = r->n_quota = 0;
	return n;
}
