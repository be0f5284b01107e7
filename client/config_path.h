/*
 * config_path.h - which configuration is meant.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_CONFIG_PATH_H
#define CLIENT_CONFIG_PATH_H

#include <stddef.h>

#include "client/client.h"

/* given, where it is not NULL, else the agent's own default (with --user-mode
 * that of the user's agent). */
void config_path(const struct client *c, const char *given, char *out, size_t size);

#endif
