/*
 * clientdata.h - the client data that a browser has a key sign (WebAuthn level 3
 * section 5.8.1): read strictly, held against what was asked.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_CLIENTDATA_H
#define AGENT_CLIENTDATA_H

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

#define CLIENTDATA_MAX		4096	/* bytes of the JSON text */

#define CLIENTDATA_GET		"webauthn.get"
#define CLIENTDATA_CREATE	"webauthn.create"

enum clientdata_fault {
	CLIENTDATA_GOOD = 0,
	CLIENTDATA_MALFORMED,
	CLIENTDATA_TYPE,		/* not of this ceremony */
	CLIENTDATA_CHALLENGE,		/* of another request */
	CLIENTDATA_ORIGIN,		/* of a page that is not ours */
	CLIENTDATA_CROSS		/* asked for within a page of another origin */
};
const char *clientdata_fault_text(enum clientdata_fault f);

struct clientdata_policy {
	const char *type;		/* CLIENTDATA_GET, CLIENTDATA_CREATE */
	const uint8_t *challenge;
	size_t challenge_len;		/* at most CLIENTDATA_CHALLENGE_MAX */
	const struct strings *origins;
};
#define CLIENTDATA_CHALLENGE_MAX	128	/* bytes */

/*
 * WebAuthn level 3 section 7.2 steps 10 to 14 (7.1 steps 7 to 11): the text is one
 * JSON object in which no name stands twice; members that are not known are let
 * pass, as 5.8.1 demands; "crossOrigin" is absent or false and "topOrigin" absent.
 * TSR_OK, or TSR_DENIED with *fault.
 */
int clientdata_check(const struct clientdata_policy *p, const char *json, size_t n,
    enum clientdata_fault *fault);

#endif
