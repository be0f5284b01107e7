/*
 * card_fault.c - faults on demand.  See card_fault.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_fault.h"

#include <string.h>

#include <sodium.h>

#include "sim/card_trace.h"
#include "tessera.h"

#define LONGER	4096u	/* bytes that FAULT_LONG adds */
#define WORD	2u	/* bytes of a status word */
#define INS_SIGN	0x87	/* GENERAL AUTHENTICATE */
#define SIGN_TAIL	8u	/* bytes at the end of a signature, where all of them count */
#define ONE_IN		4u	/* answers that FAULT_RANDOM leaves alone, and one more */

static const char *const fault_names[] = {
	[FAULT_TRUNCATED] = "truncated", [FAULT_LONG] = "too-long", [FAULT_GARBAGE] = "garbage",
	[FAULT_LENGTH] = "tlv-length", [FAULT_EMPTY] = "empty",
	[FAULT_RANDOM] = "random",
};

int
fault_kind(const char *name, int *out)
{
	size_t i;

	for (i = 0; i < sizeof(fault_names) / sizeof(fault_names[0]); i++) {
		if (strcmp(fault_names[i], name) == 0) {
			*out = (int)i;
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}

int
fault_set(struct fault_rule *rules, int ins, int value, unsigned long times)
{
	struct fault_rule *at = NULL;
	size_t i;

	for (i = 0; i < FAULT_RULES; i++) {
		if (rules[i].left > 0 && rules[i].ins == ins) {
			at = &rules[i];
			break;
		}
		if (rules[i].left == 0 && at == NULL)
			at = &rules[i];
	}
	if (at == NULL)
		return TSR_TOO_LARGE;
	at->ins = ins;
	at->value = value;
	at->left = times;
	return TSR_OK;
}

int
fault_take(struct fault_rule *rules, uint8_t ins, int *value)
{
	size_t i;

	for (i = 0; i < FAULT_RULES; i++) {
		if (rules[i].left == 0 || (rules[i].ins != TRACE_ANY && rules[i].ins != ins))
			continue;
		rules[i].left--;
		*value = rules[i].value;
		return TSR_OK;
	}
	return TSR_NOT_FOUND;
}

/* Bytes between the data and the status word. */
static int
fault_longer(struct buf *answer)
{
	uint8_t word[WORD];
	int r;

	if (answer->len < WORD)
		return TSR_OK;
	if ((r = buf_reserve(answer, LONGER)) != TSR_OK)
		return r == TSR_TOO_LARGE ? TSR_OK : r;		/* long enough as it is */
	memcpy(word, answer->data + answer->len - WORD, WORD);
	memset(answer->data + answer->len - WORD, 0xa5, LONGER);
	memcpy(answer->data + answer->len - WORD + LONGER, word, WORD);
	buf_added(answer, LONGER);
	return TSR_OK;
}

/* A bit of the bytes from at on. */
static void
fault_flip(struct buf *answer, size_t at, size_t n)
{
	answer->data[at + randombytes_uniform((uint32_t)n)] ^= (uint8_t)(1u << randombytes_uniform(8));
}

/* Somewhere; the status word as often as all the rest. */
static int
fault_somewhere(struct buf *answer)
{
	size_t at = randombytes_uniform((uint32_t)answer->len);
	int r;

	switch (randombytes_uniform(5)) {
	case 0:
		fault_flip(answer, answer->len - WORD, WORD);
		return TSR_OK;
	case 1:
		answer->data[at] = (uint8_t)randombytes_uniform(256);
		return TSR_OK;
	case 2:
		buf_cut(answer, at < WORD ? WORD : at);	/* the reader stumbles over less */
		return TSR_OK;
	case 3:
		if ((r = buf_reserve(answer, answer->len - at)) != TSR_OK)
			return r == TSR_TOO_LARGE ? TSR_OK : r;
		return buf_put(answer, answer->data + at, answer->len - at);
	default:
		fault_flip(answer, 0, answer->len);
		return TSR_OK;
	}
}

static int
fault_random(struct faults *f, uint8_t ins, struct buf *answer)
{
	if (answer->len < WORD)
		return TSR_OK;
	if (ins == INS_SIGN && answer->len > SIGN_TAIL + WORD) {
		fault_flip(answer, answer->len - WORD - SIGN_TAIL, SIGN_TAIL);
		f->changed++;
		return TSR_OK;
	}
	if (randombytes_uniform(ONE_IN) != 0)
		return TSR_OK;
	f->changed++;
	return fault_somewhere(answer);
}

int
fault_apply(struct faults *f, enum fault_kind kind, uint8_t ins, struct buf *answer)
{
	if (kind == FAULT_RANDOM)
		return fault_random(f, ins, answer);
	f->changed++;
	switch (kind) {
	case FAULT_RANDOM:
		break;
	case FAULT_TRUNCATED:
		buf_cut(answer, answer->len > 1 ? answer->len / 2 : answer->len);
		break;
	case FAULT_LONG:
		return fault_longer(answer);
	case FAULT_GARBAGE:
		randombytes_buf(answer->data, answer->len);
		break;
	case FAULT_LENGTH:
		if (answer->len >= 2 * WORD)	/* an element, then the status word */
			answer->data[1] = (uint8_t)(answer->data[1] == 0x82 ? 0x84 : answer->data[1] + 1);
		break;
	case FAULT_EMPTY:
		if (answer->len > WORD)
			buf_consume(answer, answer->len - WORD);
		break;
	}
	return TSR_OK;
}
