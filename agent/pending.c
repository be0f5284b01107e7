/*
 * pending.c - see pending.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/pending.h"

#include "include/tessera.h"

int
pending_begin(struct link *list, struct pending *p, uid_t uid, uid_t from, uint32_t max)
{
	struct link *l;
	uint32_t n = 0;

	for (l = list->next; l != list; l = l->next)
		n += LINK_OF(l, struct pending, link)->uid == uid &&
		    LINK_OF(l, struct pending, link)->from == from;
	if (n >= max)
		return TSR_SLOW_DOWN;
	p->uid = uid;
	p->from = from;
	link_append(list, &p->link);
	return TSR_OK;
}

void
pending_end(struct pending *p)
{
	if (p->link.next != NULL)
		link_remove(&p->link);
}
