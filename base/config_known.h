/*
 * config_known.h - whether the users and groups of a configuration exist.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_CONFIG_KNOWN_H
#define BASE_CONFIG_KNOWN_H

#include "base/config.h"

/* Look every name up, waiting for the name service: for who checks a file and
 * does nothing else.
 * warn() gets a sentence for each that does not exist, which is no mistake: it
 * may be made later.  The number of sentences. */
unsigned config_known(const struct config *c, enum config_mode mode,
    void (*warn)(void *arg, const char *sentence), void *arg);

#endif
