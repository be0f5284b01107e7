/*
 * ssh_sign.h - message 13 of ssh.sock: a signature by the user's own key, for an SSH
 * login or a file, by a live session or a fresh proof.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_SIGN_H
#define AGENT_SSH_SIGN_H

#include "agent/agent.h"
#include "agent/ssh_conn.h"

/* Answers now or parks.  name: the caller's, "" where he has none. */
void ssh_sign_request(struct agent *a, const struct ssh_message *m, const char *name);

/* After the end of a batch that was committed: whoever waits for a proof and has a
 * session by now that is good enough needs no proof any more. */
void ssh_sign_settle(struct agent *a);

#endif
