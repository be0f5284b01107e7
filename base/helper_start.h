/*
 * helper_start.h - what the mains of the helpers begin with: their own path, their
 * configuration, and the agent's connection.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_HELPER_START_H
#define BASE_HELPER_START_H

#include <limits.h>

#include "base/config.h"

/* The number of a descriptor as an argument has it; -1 where it is none. */
int helper_start_fd(const char *text);

/* The others complain on the log and end the process where they fail: they are part
 * of a main. */

/* The path of this very program, which the worker is started from. */
void helper_start_program(char program[PATH_MAX]);

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
