/*
 * helper_start.h - what the mains of the helpers begin with: their
 * configuration, and the agent's connection.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_HELPER_START_H
#define BASE_HELPER_START_H

#include "base/config.h"

/* Both complain on the log and end the process where they fail: they are part of
 * a main. */

/*
 * Read the configuration and set the log's level.  Its folders are not for a
 * helper: in user mode they hang on variables that it is not started with, so
 * something stands in for them meanwhile.
 */
struct config *helper_start_config(const char *file, int user_mode);

/* The agent's connection, given or found as peer.h says, from one who may; every
 * other descriptor beyond standard error is closed. */
int helper_start_agent(int given, int user_mode);

#endif
