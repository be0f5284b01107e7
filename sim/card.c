/*
 * card.c - a virtual PIV card: the way of a command.  See card.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card.h"

#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "sim/card_internal.h"
#include "sim/file.h"
#include "tessera.h"

static const struct card_command {
	uint8_t ins;
	const char *name;
	unsigned (*run)(struct card *, const struct apdu *);
	int before_select;	/* answered while no application is selected */
} card_commands[] = {
	{ INS_SELECT, "select", card_select, 1 },
	{ INS_GET_DATA, "get-data", card_get_data, 0 },
	{ INS_PUT_DATA, "put-data", card_put_data, 0 },
	{ INS_VERIFY, "verify", card_verify, 0 },
	{ INS_CHANGE_REFERENCE, "change-reference-data", card_change_reference, 0 },
	{ INS_RESET_RETRY, "reset-retry-counter", card_reset_retry, 0 },
	{ INS_AUTHENTICATE, "general-authenticate", card_authenticate, 0 },
	{ INS_GENERATE, "generate", card_generate, 0 },
	{ INS_SERIAL, "serial", card_serial_number, 0 },
	{ INS_VERSION, "version", card_version, 0 },
	{ INS_SET_MANAGEMENT, "set-management-key", card_set_management, 0 },
	{ INS_GET_RESPONSE, "get-response", NULL, 1 },	/* not a command of its own */
};

/* Historical bytes of both. */
static const uint8_t card_name[] = { 'T', 'E', 'S', 'S', 'E', 'R', 'A' };

static const struct card_command *
card_command(uint8_t ins)
{
	size_t i;

	for (i = 0; i < sizeof(card_commands) / sizeof(card_commands[0]); i++)
		if (card_commands[i].ins == ins)
			return &card_commands[i];
	return NULL;
}

const char *
card_command_name(uint8_t ins)
{
	const struct card_command *cmd = card_command(ins);

	return cmd != NULL ? cmd->name : NULL;
}

int
card_blank(struct card **out)
{
	static const struct card_slot slots[CARD_SLOTS] = {
		{ 0x9a, 0x5fc105, 0, NULL }, { 0x9c, 0x5fc10a, 0, NULL },
		{ 0x9d, 0x5fc10b, 0, NULL }, { 0x9e, 0x5fc101, 0, NULL },
	};
	static const uint8_t management[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct card *c;
	size_t i;

	if (sodium_init() == -1 || (c = sodium_malloc(sizeof(*c))) == NULL)
		return TSR_NOMEM;
	memset(c, 0, sizeof(*c));
	c->dirfd = -1;
	memcpy(c->slot, slots, sizeof(slots));
	memcpy(c->pin.value, "123456\xff\xff", CARD_PIN_BYTES);
	memcpy(c->puk.value, "12345678", CARD_PIN_BYTES);
	c->pin.tries = c->pin.max = c->puk.tries = c->puk.max = CARD_TRIES;
	c->management_alg = 0x03;
	for (i = 0; i < 24; i++)
		c->management[i] = management[i % sizeof(management)];
	buf_init(&c->chained, CARD_COMMAND_MAX);
	buf_init(&c->out, CARD_OUTPUT_MAX);
	*out = c;
	return TSR_OK;
}

int
card_load(const char *folder, enum card_contact contact, struct card **out)
{
	struct card *c;
	int r;

	if ((r = card_blank(&c)) != TSR_OK)
		return r;
	c->contact = contact;
	if ((r = file_folder(folder, 0, &c->dirfd)) == TSR_OK &&
	    (r = card_store_load(c)) == TSR_OK)
		*out = c;
	else
		card_free(&c);
	return r;
}

void
card_free(struct card **c)
{
	size_t i;

	if (*c == NULL)
		return;
	for (i = 0; i < (*c)->n_objects; i++)
		buf_free(&(*c)->object[i].value);
	for (i = 0; i < CARD_SLOTS; i++)
		EVP_PKEY_free((*c)->slot[i].key);
	buf_free(&(*c)->chained);
	buf_free(&(*c)->out);
	if ((*c)->dirfd != -1)
		(void)close((*c)->dirfd);
	sodium_free(*c);
	*c = NULL;
}

void
card_reset(struct card *c)
{
	c->selected = c->pin_verified = c->pin_fresh = c->admin = 0;
	c->challenge_kind = CHALLENGE_NONE;
	c->chaining = 0;
	c->out_at = 0;
	buf_reset(&c->chained);
	buf_reset(&c->out);
}

size_t
card_atr(const struct card *c, uint8_t atr[CARD_ATR_MAX])
{
	/* T=1 with an IFSC of 254; and what PC/SC part 3, 3.1.3.2.3.1, makes of ISO 14443-4 */
	static const uint8_t contact[] = { 0x3b, 0x80 | sizeof(card_name), 0x81, 0x31, 0xfe, 0x45 };
	static const uint8_t contactless[] = { 0x3b, 0x80 | sizeof(card_name), 0x80, 0x01 };
	size_t i, n = c->contact == CARD_CONTACT ? sizeof(contact) : sizeof(contactless);

	memcpy(atr, c->contact == CARD_CONTACT ? contact : contactless, n);
	memcpy(atr + n, card_name, sizeof(card_name));
	n += sizeof(card_name);
	atr[n] = 0;
	for (i = 1; i < n; i++)
		atr[n] ^= atr[i];
	return n + 1;
}

int
card_needs_contact(const struct card *c)
{
	return c->contact == CARD_CONTACTLESS_STRICT;
}

static unsigned
card_dispatch(struct card *c, const struct apdu *a)
{
	const struct card_command *cmd = card_command(a->ins);
	unsigned sw;

	if (cmd == NULL)
		return SW_INS;
	if (!c->selected && !cmd->before_select)
		return SW_CONDITIONS;
	sw = cmd->run(c, a);
	if (sw != SW_OK)
		buf_reset(&c->out);
	return sw;
}

static int
card_same_chain(const struct card *c, const struct apdu *a)
{
	return c->chaining && a->ins == c->chain.ins && a->p1 == c->chain.p1 && a->p2 == c->chain.p2;
}

/* Command chaining (ISO/IEC 7816-4, 5.1.1.1): a chain that breaks is forgotten. */
static unsigned
card_chain(struct card *c, const struct apdu *a)
{
	struct apdu whole = *a;
	unsigned sw;

	if (!card_same_chain(c, a)) {
		c->chaining = 0;
		buf_reset(&c->chained);
		if ((a->cla & APDU_CHAIN) == 0)
			return card_dispatch(c, a);
		c->chain = *a;
		c->chaining = 1;
	}
	if (a->lc > 0 && buf_put(&c->chained, a->data, a->lc) != TSR_OK) {
		c->chaining = 0;
		buf_reset(&c->chained);
		return SW_LENGTH;
	}
	if ((a->cla & APDU_CHAIN) != 0)
		return SW_OK;
	whole.data = c->chained.data;
	whole.lc = c->chained.len;
	sw = card_dispatch(c, &whole);
	c->chaining = 0;
	buf_reset(&c->chained);
	return sw;
}

/* What was wanted of the output, and a word for what is left (5.1.1.2). */
static int
card_output(struct card *c, size_t le, struct buf *answer)
{
	size_t n = c->out.len - c->out_at, left;
	int r;

	if (le == 0)
		le = 256;		/* a short answer may come unasked */
	if (n > le)
		n = le;
	if (n > 0 && (r = buf_put(answer, c->out.data + c->out_at, n)) != TSR_OK)
		return r;
	c->out_at += n;
	left = c->out.len - c->out_at;
	return buf_put_u16(answer, left == 0 ? SW_OK :
	    (uint16_t)(SW_MORE | (left > 0xff ? 0 : left)));
}

int
card_transmit(struct card *c, const uint8_t *apdu, size_t n, struct buf *answer)
{
	struct apdu a;
	unsigned sw;

	if (apdu_parse(apdu, n, &a) != TSR_OK)
		return buf_put_u16(answer, SW_LENGTH);
	if ((a.cla & ~APDU_CHAIN) != 0)
		return buf_put_u16(answer, SW_CLA);
	if (a.ins == INS_GET_RESPONSE) {
		if (c->out_at == c->out.len)
			return buf_put_u16(answer, SW_CONDITIONS);
		return card_output(c, a.le, answer);
	}
	buf_reset(&c->out);
	c->out_at = 0;
	if ((sw = card_chain(c, &a)) != SW_OK)
		return buf_put_u16(answer, (uint16_t)sw);
	return card_output(c, a.le, answer);
}

void
card_tries(const struct card *c, struct card_tries *out)
{
	out->pin = c->pin.tries;
	out->pin_max = c->pin.max;
	out->puk = c->puk.tries;
	out->puk_max = c->puk.max;
}
