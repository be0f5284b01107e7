/*
 * epochs.c - fuzz target: the file of dead tokens.  The input is a head, a sid as
 * a token shows it (22 bytes), and slots with their places (2 bytes, then 32);
 * the rest of the table is empty.  What a verifier finds in it is what the writer
 * would find, and is there.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"
#include "tests/fuzz/must.h"
#include "token/epochs.h"

#define SLOTS	EPOCHS_SLOTS_MIN
#define FILE_LEN	(EPOCHS_HEAD + SLOTS * sizeof(struct epochs_slot))
#define ENTRY	(2 + sizeof(struct epochs_slot))

/* Is it anywhere in the table? */
static int
there(const struct epochs_slot *table, const struct epochs_sid *sid)
{
	size_t i;

	for (i = 0; i < SLOTS; i++)
		if (table[i].sid[0] == sid->v[0] && table[i].sid[1] == sid->v[1])
			return 1;
	return 0;
}

static void
judge(const struct epochs_head *h, struct epochs_slot *table, const struct epochs_sid *sid)
{
	struct epochs_view v;
	struct epochs_slot *s;
	int r = epochs_look(h, SLOTS, sid, &v);

	must((r == TSR_AGAIN) == ((h->seq & 1) != 0));
	if (r != TSR_OK)
		return;
	must(v.epoch == h->epoch && v.superseded == (h->superseded != 0) &&
	    v.heartbeat_ms == h->heartbeat_ms && v.generation == h->generation);
	if (sid == NULL) {
		must(!v.dead);
		return;
	}
	s = epochs_find(table, SLOTS, sid);
	must(v.dead == (h->dead != 0 && s != NULL && (s->sid[0] | s->sid[1]) != 0));
	must(!v.dead || there(table, sid));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct epochs_head head;
		uint8_t bytes[FILE_LEN];
	} file;
	struct epochs_slot *table = (struct epochs_slot *)(void *)(file.bytes + EPOCHS_HEAD);
	char text[EPOCHS_SID_LEN + 1];
	struct epochs_sid sid;
	size_t slots = 0;

	if (size < EPOCHS_HEAD + EPOCHS_SID_LEN)
		return 0;
	memset(&file, 0, sizeof(file));
	memcpy(file.bytes, data, EPOCHS_HEAD);
	memcpy(text, data + EPOCHS_HEAD, EPOCHS_SID_LEN);
	text[EPOCHS_SID_LEN] = '\0';
	data += EPOCHS_HEAD + EPOCHS_SID_LEN;
	size -= EPOCHS_HEAD + EPOCHS_SID_LEN;
	for (; size >= ENTRY; data += ENTRY, size -= ENTRY)
		memcpy(&table[(data[0] | data[1] << 8) % SLOTS], data + 2, sizeof(*table));
	if (epochs_slots(file.bytes, FILE_LEN, &slots) == TSR_OK)
		must(slots == SLOTS && file.head.slots == SLOTS && file.head.magic == EPOCHS_MAGIC);
	must(epochs_slots(file.bytes, FILE_LEN - 1, &slots) == TSR_CORRUPT);
	judge(&file.head, table, epochs_sid(text, &sid) == TSR_OK ? &sid : NULL);
	return 0;
}
