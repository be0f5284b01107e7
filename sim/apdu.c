/*
 * apdu.c - command APDUs.  See apdu.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/apdu.h"

#include <string.h>

#include "tessera.h"

#define HEAD	4u		/* CLA INS P1 P2 */

static size_t
apdu_two(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static int
apdu_short(const uint8_t *p, size_t n, struct apdu *a)
{
	size_t lc = p[HEAD];

	if (n == HEAD + 1) {
		a->le = lc == 0 ? 256 : lc;
		return TSR_OK;
	}
	if (n != HEAD + 1 + lc && n != HEAD + 1 + lc + 1)
		return TSR_INVALID;
	a->data = p + HEAD + 1;
	a->lc = lc;
	if (n == HEAD + 1 + lc + 1)
		a->le = p[n - 1] == 0 ? 256 : p[n - 1];
	return TSR_OK;
}

/* A zero where Lc is due, then lengths of two bytes. */
static int
apdu_extended(const uint8_t *p, size_t n, struct apdu *a)
{
	size_t lc;

	if (n < HEAD + 3)
		return TSR_INVALID;
	lc = apdu_two(p + HEAD + 1);
	if (n == HEAD + 3) {
		a->le = lc == 0 ? 65536 : lc;
		return TSR_OK;
	}
	if (lc == 0 || (n != HEAD + 3 + lc && n != HEAD + 3 + lc + 2))
		return TSR_INVALID;
	a->data = p + HEAD + 3;
	a->lc = lc;
	if (n == HEAD + 3 + lc + 2) {
		a->le = apdu_two(p + n - 2);
		if (a->le == 0)
			a->le = 65536;
	}
	return TSR_OK;
}

int
apdu_parse(const uint8_t *p, size_t n, struct apdu *out)
{
	struct apdu a;
	int r = TSR_OK;

	if (n < HEAD)
		return TSR_INVALID;
	memset(&a, 0, sizeof(a));
	a.cla = p[0];
	a.ins = p[1];
	a.p1 = p[2];
	a.p2 = p[3];
	if (n > HEAD)
		r = n == HEAD + 1 || p[HEAD] != 0 ? apdu_short(p, n, &a) : apdu_extended(p, n, &a);
	if (r == TSR_OK)
		*out = a;
	return r;
}
