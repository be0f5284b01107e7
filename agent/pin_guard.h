/*
 * pin_guard.h - who may spend a token's tries, and how many: nobody uses up
 * somebody else's.
 *
 * Kept in memory: what a card can tell is read from it again each time, and a
 * restart of the agent, which takes an administrator, forgets the rest.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PIN_GUARD_H
#define AGENT_PIN_GUARD_H

#include <stdint.h>

#include "base/secret.h"

#define PIN_GUARD_TOKENS_MAX	64	/* tokens that are remembered */
#define PIN_GUARD_REFUSED_MAX	4	/* PINs that a token refused */
#define PIN_GUARD_WAIT_MS	60000	/* after a PIN from elsewhere that was refused; then doubled */
#define PIN_GUARD_LONGEST_MS	3600000
#define PIN_GUARD_CALM_MS	86400000	/* without one: the next wait is the first again */

enum pin_place {
	PIN_ELSEWHERE,
	PIN_AT_SEAT		/* the person sits where the device is: seat.h */
};

/* Which secret of which token. */
struct pin_of {
	const char *serial, *label;
	int puk;		/* 1: the PUK, whose tries are its own */
	int unlimited;		/* 1: its module never locks a PIN (pin-tries = "unlimited") */
};

struct pin_guard;

int pin_guard_new(struct pin_guard **out);
void pin_guard_free(struct pin_guard **g);

/* How many tries a person has to confirm before the next: 0 where there are
 * more than PROTO_TRIES_FEW.  Unknown counts as PROTO_TRIES_FEW once a PIN was
 * refused. */
uint32_t pin_guard_confirm(const struct pin_guard *g, const struct pin_of *of, uint32_t tries);

/*
 * May a PIN from that place be tried, with tries left as the token tells them
 * and confirmed by the person?  now_ms is CLOCK_BOOTTIME.
 * TSR_PIN_LOCKED: there are none.  TSR_SLOW_DOWN: from elsewhere, and *wait_s
 * seconds are left (untouched otherwise).  TSR_PIN_SEAT: few, and from
 * elsewhere.  TSR_PIN_REQUIRED: few, and that number was not confirmed.
 */
int pin_guard_may(const struct pin_guard *g, const struct pin_of *of, enum pin_place place,
    uint32_t tries, uint32_t confirmed, uint64_t now_ms, uint32_t *wait_s);

/* 1 where a PIN was refused since the last right one: what the token can tell of
 * its tries is worth asking for. */
int pin_guard_wary(const struct pin_guard *g, const struct pin_of *of);

/* 1 where the token refused this very PIN before. */
int pin_guard_knows(const struct pin_guard *g, const struct pin_of *of, const struct secret *pin);

/* A try with pin (NULL: entered at the reader) begins, one at a time for a
 * token: else TSR_DEVICE_BUSY.  Its end is one of the three below. */
int pin_guard_begin(struct pin_guard *g, const struct pin_of *of, const struct secret *pin);

/* The PIN was refused; told is 0 where nobody knows what came of it. */
void pin_guard_refused(struct pin_guard *g, const struct pin_of *of, enum pin_place place,
    int told, uint64_t now_ms);
/* It was right: the token counts anew. */
void pin_guard_accepted(struct pin_guard *g, const struct pin_of *of);
/* The token was never asked. */
void pin_guard_unspent(struct pin_guard *g, const struct pin_of *of);

/* The token has a new PIN: those refused before may be right now. */
void pin_guard_changed(struct pin_guard *g, const struct pin_of *of);

/* The token was pulled: PIN and PUK are forgotten, but not how long those from
 * elsewhere wait. */
void pin_guard_pulled(struct pin_guard *g, const char *serial, const char *label);

/* 1 for a PIN that tokens have when they are new. */
int pin_guard_is_default(const struct secret *pin);

#endif
