/*
 * caller_unit.c - see caller_unit.h.
 *
 * systemd names the directories of the v2 tree after the units: slices nest by
 * their names' dashes, a service is a directory in its slice.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/caller_unit.h"

#include <string.h>

#include "tessera.h"

#define SLICES_MAX	16	/* nested slices in a path */
#define UID_DIGITS	10

struct part {
	const char *p;
	size_t n;
};

static int
part_is(struct part t, const char *s)
{
	return t.n == strlen(s) && memcmp(t.p, s, t.n) == 0;
}

static int
part_ends(struct part t, const char *s)
{
	size_t n = strlen(s);

	return t.n > n && memcmp(t.p + t.n - n, s, n) == 0;
}

/* The path of the v2 hierarchy: the one line "0::/PATH". */
static int
unit_path(const char *text, size_t n, struct part *path)
{
	const char *end, *lf;
	int found = 0;

	for (end = text + n; text < end; text = lf + 1) {
		if ((lf = memchr(text, '\n', (size_t)(end - text))) == NULL)
			return TSR_NOT_FOUND;	/* cut off */
		if (lf - text < 4 || memcmp(text, "0::/", 4) != 0)
			continue;
		if (found++)
			return TSR_NOT_FOUND;
		path->p = text + 3;
		path->n = (size_t)(lf - path->p);
	}
	return found ? TSR_OK : TSR_NOT_FOUND;
}

/* Take the next component off path.  A path from outside our cgroup namespace
 * has "..", a removed cgroup a blank. */
static int
unit_next(struct part *path, struct part *t)
{
	static const char allowed[] =	/* systemd.unit(5) */
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@";
	const char *slash;
	size_t i;

	if (path->n < 2 || path->p[0] != '/')
		return TSR_NOT_FOUND;
	t->p = path->p + 1;
	slash = memchr(t->p, '/', path->n - 1);
	t->n = slash == NULL ? path->n - 1 : (size_t)(slash - t->p);
	path->p += t->n + 1;
	path->n -= t->n + 1;
	for (i = 0; i < t->n; i++)
		if (t->p[i] == '\0' || strchr(allowed, t->p[i]) == NULL)
			return TSR_NOT_FOUND;
	return t->n == 0 || t->p[0] == '.' ? TSR_NOT_FOUND : TSR_OK;
}

int
caller_unit_parse(const char *text, size_t n, char unit[CALLER_UNIT_MAX])
{
	struct part path, t, outer;
	int i;

	if (unit_path(text, n, &path) != TSR_OK || unit_next(&path, &t) != TSR_OK ||
	    !part_is(t, "system.slice"))
		return TSR_NOT_FOUND;
	outer.p = "system.slice";
	outer.n = strlen(outer.p);
	for (i = 0; i < SLICES_MAX; i++) {
		if (unit_next(&path, &t) != TSR_OK)
			return TSR_NOT_FOUND;
		if (!part_ends(t, ".slice"))
			break;
		/* "a-b.slice" lies in "a.slice", or systemd has not made it. */
		if (t.n <= outer.n || memcmp(t.p, outer.p, outer.n - 6) != 0 ||
		    t.p[outer.n - 6] != '-')
			return TSR_NOT_FOUND;
		outer = t;
	}
	if (path.n != 0 || !part_ends(t, ".service") || t.n >= CALLER_UNIT_MAX)
		return TSR_NOT_FOUND;
	memcpy(unit, t.p, t.n);
	unit[t.n] = '\0';
	return TSR_OK;
}

int
caller_user_slice_parse(const char *text, size_t n, uid_t *uid)
{
	struct part path, t;
	uint64_t v;
	size_t i, digits;

	if (unit_path(text, n, &path) != TSR_OK || unit_next(&path, &t) != TSR_OK ||
	    !part_is(t, "user.slice") || unit_next(&path, &t) != TSR_OK ||
	    !part_ends(t, ".slice") || t.n <= 11 || memcmp(t.p, "user-", 5) != 0)
		return TSR_NOT_FOUND;
	digits = t.n - 11;
	if (digits > UID_DIGITS || (t.p[5] == '0' && digits > 1))
		return TSR_NOT_FOUND;
	for (v = 0, i = 0; i < digits; i++) {
		if (t.p[5 + i] < '0' || t.p[5 + i] > '9')
			return TSR_NOT_FOUND;
		v = v * 10 + (uint64_t)(t.p[5 + i] - '0');
	}
	if (v >= UINT32_MAX)
		return TSR_NOT_FOUND;
	*uid = (uid_t)v;
	return TSR_OK;
}
