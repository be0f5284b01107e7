/*
 * known.h - whether the users and groups of a configuration exist.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_KNOWN_H
#define AGENT_KNOWN_H

#include "base/config.h"

/* Look every name up, waiting for the name service: for --check-config alone.
 * warn() gets a sentence for each that does not exist, which is no mistake: it
 * may be made later.  The number of sentences. */
unsigned known_check(const struct config *c, enum config_mode mode,
    void (*warn)(void *arg, const char *sentence), void *arg);

#endif
