/*
 * near.c - which known word a mistyped one was meant to be.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/near.h"

#include <string.h>

#define NEAR_WORD_MAX	32	/* letters; a longer word is near nothing */

static size_t
near_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters to be put in, left out, changed, or swapped with their neighbour
 * (Damerau and Levenshtein's distance, row by row). */
static size_t
near_edits(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[3][NEAR_WORD_MAX + 1], *before = row[0], *last = row[1], *now = row[2], *spare;
	size_t i, j;

	for (j = 0; j <= nb; j++)
		last[j] = j;
	memcpy(before, last, sizeof(row[0]));
	for (i = 1; i <= na; i++) {
		now[0] = i;
		for (j = 1; j <= nb; j++) {
			now[j] = near_least(near_least(last[j], now[j - 1]) + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = near_least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

void
near_offer(struct near *n, const char *word)
{
	size_t typed = strlen(n->typed), len = strlen(word), edits;

	if (typed > NEAR_WORD_MAX || len > NEAR_WORD_MAX)
		return;
	edits = near_edits(n->typed, typed, word, len);
	if (edits > (len + 1) / 3 || (n->best != NULL && edits >= n->edits))
		return;
	n->best = word;
	n->edits = edits;
}
