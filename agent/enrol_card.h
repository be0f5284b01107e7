/*
 * enrol_card.h - beside the key that is enrolled: one by which the same card can
 * prove without a PIN that it is there.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_CARD_H
#define AGENT_ENROL_CARD_H

#include "agent/device.h"
#include "agent/store.h"

/* Choose among the keys of the card that c is on, and note whose it is; out->spki_len
 * stays 0 where there is none. */
void enrol_card_choose(const struct device_keys *keys, const struct credential *c,
    struct card_key *out);

#endif
