/*
 * proof.h - a request that waits for a person: this process is its prompter
 * while it is parked.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_PROOF_H
#define CLIENT_PROOF_H

#include "client/api.h"

#define PROOF_WAIT_MS	300000	/* a person's time; the agent's own deadlines are shorter */

/*
 * Send rq with this process connected to GET /events?prompter=self first, and
 * answer its pin-needed events.  Where there is nobody to ask here, the
 * request is sent all the same: another prompter of this user may answer, or
 * the device needs no PIN.  *answer as in api_call.  SIGINT cancels the prompt
 * and the request: code cancelled.  FAIL_*.
 */
int proof_call(struct client *c, enum reach_socket which, const struct http_request *rq,
    json_t **answer);

/* An access token, by the proof that rq wants, as tsr_token_get does it: the
 * whole answer of POST /token. */
struct tsr_request;
int proof_token(struct client *c, const struct tsr_request *rq, json_t **answer);

/*
 * A request to the administration socket.  Where the agent wants an
 * administrator's fresh proof (step_up_required for "tessera-admin"), get a
 * token for that by the device grant and repeat.  parks: the request itself
 * waits for a person.
 */
int proof_admin_call(struct client *c, struct http_request *rq, int parks, json_t **answer);

#endif
