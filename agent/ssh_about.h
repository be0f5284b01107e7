/*
 * ssh_about.h - what an SSH signature is for, as people are shown it before they
 * prove anything, and as it is written down.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SSH_ABOUT_H
#define AGENT_SSH_ABOUT_H

#include "base/buf.h"
#include "token/ssh_key.h"
#include "token/ssh_signed.h"

#define SSH_ABOUT_MEMBERS	152	/* bytes of ssh_about_short(), with NUL: fits an audit record's members */

/* "" where it is not known. */
struct ssh_about {
	char host[SSH_FINGERPRINT_MAX];	/* of the key of the server */
	char user[SSH_USER_MAX];	/* there, UTF-8 */
	char name[SSH_NAMESPACE_MAX];	/* of a signed file, UTF-8 */
	int forwarded;			/* asked for by another host on the way to that one */
};

/* Append ,"destination":{"host_key":...,"user":...,"forwarded":...} or
 * ,"namespace":"...".  a may be NULL: nothing.  TSR_NOMEM, TSR_TOO_LARGE. */
int ssh_about_json(struct buf *b, const struct ssh_about *a);

/* The same for the audit log: flat, with names cut, and not whether it was forwarded. */
void ssh_about_short(const struct ssh_about *a, char out[SSH_ABOUT_MEMBERS]);

#endif
