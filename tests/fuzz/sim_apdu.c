/*
 * sim_apdu.c - fuzz: commands to the virtual PIV card.
 *
 * The input is a list of commands, each a length of two bytes and that many.
 * Whatever comes, the card answers with a status word, never with more than
 * was asked for, and never logs anybody in without the PIN.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "sim/card_internal.h"
#include "sim/card_make.h"
#include "sim/tlv.h"
#include "tessera.h"

#define COMMANDS_MAX	64	/* of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(int truth)
{
	if (!truth)
		abort();
}

/* Keys that cost nothing to make: P-256 in 9A and 9E, once. */
static void
keys(struct card *c)
{
	static EVP_PKEY *key;
	size_t i;

	if (key == NULL)
		expect(card_key_generate(ALG_P256, &key) == TSR_OK);
	for (i = 0; i < CARD_SLOTS; i += CARD_SLOTS - 1) {
		expect(EVP_PKEY_up_ref(key) == 1);
		c->slot[i].key = key;
		c->slot[i].alg = ALG_P256;
	}
}

static void
parsers(const uint8_t *p, size_t n)
{
	const uint8_t *v;
	struct reader r;
	struct apdu a;
	uint32_t tag;
	size_t len;

	if (apdu_parse(p, n, &a) == TSR_OK) {
		expect(a.lc <= n && a.le <= 65536);
		expect(a.lc == 0 || (a.data >= p && a.data + a.lc <= p + n));
	}
	reader_init(&r, p, n);
	while (tlv_next(&r, &tag, &v, &len) == TSR_OK)
		expect(v >= p && v + len <= p + n && tag <= 0xffffff);
}

static void
command(struct card *c, const uint8_t *p, size_t n)
{
	int was = c->pin_verified;
	struct apdu a;
	struct buf answer;

	buf_init(&answer, CARD_ANSWER_MAX);
	expect(card_transmit(c, p, n, &answer) == TSR_OK);
	expect(answer.len >= 2);
	if (apdu_parse(p, n, &a) == TSR_OK)
		expect(answer.len - 2 <= (a.le == 0 ? 256 : a.le));
	expect(c->pin.tries <= CARD_TRIES && c->puk.tries <= CARD_TRIES);
	expect(c->n_objects <= CARD_OBJECTS_MAX);
	if (!was && c->pin_verified)
		expect(c->pin.tries == CARD_TRIES);
	buf_free(&answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct card *c = NULL;
	struct reader r;
	uint16_t n;
	int i;

	parsers(data, size);
	expect(card_blank(&c) == TSR_OK);
	keys(c);
	expect(card_object_set(c, TAG_CHUID, "\x34\x02\x01\x02", 4) == TSR_OK);
	reader_init(&r, data, size);
	for (i = 0; i < COMMANDS_MAX && reader_u16(&r, &n) == TSR_OK; i++) {
		if (n > r.left)
			n = (uint16_t)r.left;
		command(c, r.p, n);
		r.p += n;
		r.left -= n;
	}
	card_free(&c);
	return 0;
}
