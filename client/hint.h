/*
 * hint.h - what a refusal was about, and what to do then.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_HINT_H
#define CLIENT_HINT_H

#include "client/client.h"

/* Add to the recorded failure what the agent, which answers programs, does not
 * say: the value that was typed, or the next command. */
void hint_add(struct client *c);

/* Add the value that was refused to a sentence that does not have it. */
void hint_value(struct client *c, const char *value);

#endif
