/*
 * link.h - a circular list threaded through its members: taking one out needs
 * no list, so that what is freed leaves every list it is on.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_LINK_H
#define AGENT_LINK_H

#include <stddef.h>

struct link {
	struct link *prev, *next;
};

/* The struct of a type that holds the link as a member. */
#define LINK_OF(l, type, member)	((type *)(void *)((char *)(l) - offsetof(type, member)))

/* An empty list, or a member that is on none. */
static inline void
link_init(struct link *l)
{
	l->prev = l->next = l;
}

static inline int
link_empty(const struct link *l)
{
	return l->next == l;
}

static inline void
link_remove(struct link *l)
{
	/* The analyzer does not see that a member that was removed is not met again. */
	l->prev->next = l->next;	/* NOLINT(clang-analyzer-unix.Malloc) */
	l->next->prev = l->prev;	/* NOLINT(clang-analyzer-unix.Malloc) */
	link_init(l);
}

/* Put l (on no list) at the end. */
static inline void
link_append(struct link *list, struct link *l)
{
	l->prev = list->prev;
	l->next = list;
	list->prev->next = l;
	list->prev = l;
}

/* Move all of from to the empty list to. */
static inline void
link_take(struct link *to, struct link *from)
{
	link_init(to);
	if (link_empty(from))
		return;
	to->next = from->next;
	to->prev = from->prev;
	to->next->prev = to;
	to->prev->next = to;
	link_init(from);
}

#endif
