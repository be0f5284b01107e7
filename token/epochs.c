/*
 * epochs.c - see epochs.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/epochs.h"

#include <string.h>

#include "tessera.h"
#include "token/b64.h"

_Static_assert(sizeof(struct epochs_head) == EPOCHS_HEAD, "EPOCHS_HEAD");
_Static_assert(sizeof(struct epochs_slot) == 32, "a slot lies in one cache line");

int
epochs_sid(const char *text, struct epochs_sid *out)
{
	struct epochs_sid sid = { { 0, 0 } };
	size_t n = 0;

	if (strnlen(text, EPOCHS_SID_LEN + 1) != EPOCHS_SID_LEN ||
	    b64_decode((uint8_t *)sid.v, sizeof(sid.v), text, EPOCHS_SID_LEN, &n) != TSR_OK ||
	    n != sizeof(sid.v) || (sid.v[0] | sid.v[1]) == 0)
		return TSR_INVALID;
	*out = sid;
	return TSR_OK;
}

int
epochs_slots(const uint8_t head[EPOCHS_HEAD], size_t n, size_t *out)
{
	struct epochs_head h;

	memcpy(&h, head, sizeof(h));
	if (h.magic != EPOCHS_MAGIC || h.slots < EPOCHS_SLOTS_MIN || h.slots > EPOCHS_SLOTS_MAX ||
	    (h.slots & (h.slots - 1)) != 0 ||
	    n != sizeof(h) + (size_t)h.slots * sizeof(struct epochs_slot))
		return TSR_CORRUPT;
	*out = (size_t)h.slots;
	return TSR_OK;
}

struct epochs_slot *
epochs_find(struct epochs_slot *table, size_t slots, const struct epochs_sid *sid)
{
	struct epochs_slot *s;
	size_t i, at = (size_t)sid->v[0] & (slots - 1);

	for (i = 0; i < slots; i++, at = (at + 1) & (slots - 1)) {
		s = &table[at];
		if ((s->sid[0] | s->sid[1]) == 0 ||
		    (s->sid[0] == sid->v[0] && s->sid[1] == sid->v[1]))
			return s;
	}
	return NULL;
}

/* The same while another process writes. */
static int
epochs_has(const struct epochs_slot *table, size_t slots, const struct epochs_sid *sid)
{
	size_t i, at = (size_t)sid->v[0] & (slots - 1);
	uint64_t a, b;

	for (i = 0; i < slots; i++, at = (at + 1) & (slots - 1)) {
		a = __atomic_load_n(&table[at].sid[0], __ATOMIC_RELAXED);
		b = __atomic_load_n(&table[at].sid[1], __ATOMIC_RELAXED);
		if (a == sid->v[0] && b == sid->v[1])
			return 1;
		if ((a | b) == 0)
			return 0;
	}
	return 0;
}

int
epochs_look(const void *file, size_t slots, const struct epochs_sid *sid, struct epochs_view *out)
{
	const struct epochs_head *h = file;
	const struct epochs_slot *table =
	    (const struct epochs_slot *)(const void *)((const char *)file + EPOCHS_HEAD);
	struct epochs_view v;

	v.seq = __atomic_load_n(&h->seq, __ATOMIC_ACQUIRE);
	if ((v.seq & 1) != 0)
		return TSR_AGAIN;
	v.superseded = __atomic_load_n(&h->superseded, __ATOMIC_RELAXED) != 0;
	v.epoch = __atomic_load_n(&h->epoch, __ATOMIC_RELAXED);
	v.heartbeat_ms = __atomic_load_n(&h->heartbeat_ms, __ATOMIC_RELAXED);
	v.generation = __atomic_load_n(&h->generation, __ATOMIC_RELAXED);
	v.dead = sid != NULL && __atomic_load_n(&h->dead, __ATOMIC_RELAXED) != 0 &&
	    epochs_has(table, slots, sid);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&h->seq, __ATOMIC_RELAXED) != v.seq)
		return TSR_AGAIN;
	*out = v;
	return TSR_OK;
}
