/*
 * grant_service.c - the client_credentials grant (RFC 6749 section 4.4): a token
 * for a service, whose credentials are the kernel's word about its uid and its
 * system unit.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <string.h>

#include "agent/grant_internal.h"
#include "agent/mint.h"
#include "agent/problem.h"
#include "base/hash.h"
#include "include/tessera.h"
#include "token/b64.h"

#define SIDS_MAX	256	/* of a service, while a token of the first one might live */
#define SID_BYTES	16	/* that become STORE_ID_LEN characters */

_Static_assert(B64_LEN(SID_BYTES) == STORE_ID_LEN, "SID_BYTES");

/* One sid a service and start of the agent, with no other meaning; the next one
 * where that was revoked. */
static int
service_sid(const struct agent *a, const char *client, char sid[STORE_ID_LEN + 1])
{
	unsigned n;
	const struct hash_part part[] = { { &n, sizeof(n) }, { client, strlen(client) } };
	uint8_t h[SID_BYTES];
	int r;

	for (n = 0; n < SIDS_MAX; n++) {
		if ((r = hash_parts(h, sizeof(h), a->service_key, sizeof(a->service_key), part, 2)) != TSR_OK)
			return r;
		sid[b64_encode(sid, h, sizeof(h))] = '\0';
		if (!epochs_sid_dead(a->epochs, sid))
			return TSR_OK;
	}
	return TSR_SLOW_DOWN;
}

void
grant_from_service(struct agent *a, const struct http_request *r, const struct form *f,
    const struct grant *g)
{
	char client[MINT_CLIENT_MAX], sid[STORE_ID_LEN + 1];
	struct mint_subject s;
	int code;

	if (g->wish.refresh) {		/* RFC 6749, 4.4.3 */
		problem_invalid(r->conn, "a service gets no refresh token: it asks again");
		return;
	}
	mint_client_id(g->audience, r->caller, client);
	if ((code = service_sid(a, client, sid)) != TSR_OK) {
		problem(r->conn, code, NULL);
		return;
	}
	memset(&s, 0, sizeof(s));
	s.subject = client;		/* which no user can be called */
	s.sid = sid;
	s.credential = "";
	s.uid = r->caller->uid;
	grant_mint(a, r, f, g, &s, METRICS_SERVICE);
}
