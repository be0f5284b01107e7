/*
 * events.h - the stream of events, for a command that shows some of them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_EVENTS_H
#define CLIENT_EVENTS_H

#include <jansson.h>

#include "client/client.h"

/* Show an event, or leave it out.  name is NULL once, when events can be missed
 * no more. */
typedef void (*events_show)(const struct client *c, const char *name, json_t *data);

/* Until a signal ends it, or the agent does.  FAIL_*. */
int events_watch(struct client *c, events_show show);

#endif
