/*
 * verdict.h - the verdict of a proof: DENY, until the one line in verdict.c says
 * otherwise.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_VERDICT_H
#define AGENT_VERDICT_H

/* Zeroed it denies. */
struct verdict {
	int allow;
};

/* What the check of the evidence itself (a signature, an assertion, a code that
 * could be spent) came to: TSR_OK allows, everything else leaves it as it is. */
void verdict_judge(struct verdict *v, int evidence);
/* 1 where it allows. */
int verdict_allows(const struct verdict *v);

#endif
