/*
 * watch_reader.c - see watch_reader.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/watch_reader.h"

#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/proto.h"
#include "pkcs11/token.h"

#define NAME_MAX_SHOWN	513	/* bytes of an escaped name, with NUL */
#define COUNT_SHIFT	16	/* pcsclite keeps the number of events above the state */

int
watch_reader_contactless(const char *name, const unsigned char *atr, size_t n)
{
	static const char *const words[] = { "contactless", "PICC", "NFC" };
	size_t i;

	/* 3B 8n 80 01: T=0 and T=1, no interface bytes, n historical ones */
	if (n >= 4 && atr[0] == 0x3b && (atr[1] & 0xf0) == 0x80 && atr[2] == 0x80 && atr[3] == 0x01)
		return 1;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]) != NULL)
			return 1;
	return 0;
}

uint32_t
watch_reader_state(const SCARD_READERSTATE *s)
{
	static const struct {
		DWORD theirs;
		uint32_t ours;
	} map[] = {
		{ SCARD_STATE_PRESENT, PROTO_READER_PRESENT },
		{ SCARD_STATE_EXCLUSIVE, PROTO_READER_EXCLUSIVE },
		{ SCARD_STATE_INUSE, PROTO_READER_IN_USE },
		{ SCARD_STATE_MUTE, PROTO_READER_MUTE },
		{ SCARD_STATE_UNAVAILABLE, PROTO_READER_UNAVAILABLE },
	};
	uint32_t state = 0;
	size_t i;

	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if ((s->dwEventState & map[i].theirs) != 0)
			state |= map[i].ours;
	if ((state & PROTO_READER_PRESENT) != 0 && s->cbAtr <= sizeof(s->rgbAtr) &&
	    watch_reader_contactless(s->szReader, s->rgbAtr, s->cbAtr))
		state |= PROTO_READER_CONTACTLESS;
	return state;
}

int
watch_reader_put(struct buf *out, uint32_t id, const SCARD_READERSTATE *s, int gone)
{
	char name[NAME_MAX_SHOWN], slot[TOKEN_READER_MAX];
	struct proto_value v[5];
	int present;

	memset(v, 0, sizeof(v));
	escape_text(name, sizeof(name), s->szReader, strlen(s->szReader));
	token_reader_name(slot, s->szReader, strlen(s->szReader));
	v[0] = proto_text(name);
	v[1] = proto_text(slot);
	v[2].u32 = gone ? PROTO_READER_GONE : watch_reader_state(s);
	v[3].u32 = (uint32_t)(s->dwEventState >> COUNT_SHIFT) & 0xffff;
	present = (v[2].u32 & PROTO_READER_PRESENT) != 0;
	if (present && s->cbAtr <= PROTO_ATR_MAX)
		v[4] = proto_bytes(s->rgbAtr, s->cbAtr);
	return proto_encode(out, PROTO_READER, id, 0, v, 5);
}
