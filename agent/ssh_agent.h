/*
 * ssh_agent.h - what ssh.sock answers: RFC 9987's messages 11 (list), 13 (sign) and 27
 * (its extensions "query" and session-bind@openssh.com).  Everything else fails.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_AGENT_H
#define AGENT_SSH_AGENT_H

#include "agent/ssh_conn.h"

/* arg is the struct agent.  Answers or parks. */
void ssh_agent_message(void *arg, const struct ssh_message *m);

#endif
