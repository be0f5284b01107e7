/*
 * pin_change.h - POST /devices/ID/pin {"operation"}: a new PIN for a token that
 * is plugged in, by somebody at the machine who knows the present one
 * ("change") or the PUK ("unblock").  Both are asked for by prompts and go by
 * the guard.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PIN_CHANGE_H
#define AGENT_PIN_CHANGE_H

#include "agent/agent.h"

void pin_change(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);

#endif
