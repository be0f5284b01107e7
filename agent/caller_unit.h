/*
 * caller_unit.h - inside of caller.h: what the text of /proc/PID/cgroup says.
 * Pure.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CALLER_UNIT_H
#define AGENT_CALLER_UNIT_H

#include "agent/caller.h"

/* The unit by caller_unit's rules / the uid of user-UID.slice.  TSR_NOT_FOUND. */
int caller_unit_parse(const char *text, size_t n, char unit[CALLER_UNIT_MAX]);
int caller_user_slice_parse(const char *text, size_t n, uid_t *uid);

#endif
