/*
 * verdict.c - see verdict.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/verdict.h"

#include "include/tessera.h"

void
verdict_judge(struct verdict *v, int evidence)
{
	if (evidence == TSR_OK)
		v->allow = 1;	/* the only line that can */
}

int
verdict_allows(const struct verdict *v)
{
	return v->allow == 1;
}
