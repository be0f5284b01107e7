/*
 * remote.h - a challenge that an agent on another host gave, before a key here
 * answers it: what it says, and whether the bytes to be signed say the same.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_REMOTE_H
#define CLIENT_REMOTE_H

#include <jansson.h>

#include "client/client.h"
#include "token/challenge.h"

#define REMOTE_RP_PREFIX	"tessera:"	/* of every relying party whose challenges are answered here */

struct remote {
	struct challenge_memory memory;
	struct challenge_context context;	/* into memory */
	uint8_t bytes[CHALLENGE_LEN];		/* made here, of what was shown */
	const char *id;				/* into the document */
	const json_t *credentials;		/* likewise */
};

/*
 * Read the document of POST /challenge: the context is taken apart and hashed here,
 * and has to be a remote proof's of this issuer.  out points into doc.  FAIL_*.
 */
int remote_read(struct client *c, const json_t *doc, const char *issuer, struct remote *out);

/* Tell a person, on standard error, what is asked. */
void remote_show(const struct remote *r);

/* Only a native credential of some agent: 0 where a relying party of the web, or
 * whatever else, shall be signed for. */
int remote_is_native(const json_t *credential);

#endif
