/*
 * pin_change.h - POST /devices/ID/pin {"operation"}: a new PIN for a token or a
 * FIDO2 key that is plugged in, by somebody at the machine who knows the present
 * one ("change") or a card's PUK ("unblock"), or for a key that has none yet
 * ("set").  All are asked for by prompts and go by the guard.  One that was refused
 * is not asked for again.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PIN_CHANGE_H
#define AGENT_PIN_CHANGE_H

#include "agent/agent.h"

void pin_change(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
