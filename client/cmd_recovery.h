/*
 * cmd_recovery.h - recovery codes, for the commands that print them besides.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_CMD_RECOVERY_H
#define CLIENT_CMD_RECOVERY_H

#include <jansson.h>

#include "client/command.h"

/* Ten new codes of the user; *answer is a new reference.  FAIL_*. */
int recovery_fetch(struct client *c, const char *user, json_t **answer);

/* One a line, and what they are for. */
void recovery_print(const json_t *answer);

#endif
