/*
 * api.h - the smaller endpoints of the API socket.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_API_H
#define AGENT_API_H

#include "agent/agent.h"

void api_jwks(struct agent *a, const struct http_request *r, const struct asker *who);
void api_metadata(struct agent *a, const struct http_request *r, const struct asker *who);
void api_session_get(struct agent *a, const struct http_request *r, const struct asker *who);
void api_session_delete(struct agent *a, const struct http_request *r, const struct asker *who);
void api_devices(struct agent *a, const struct http_request *r, const struct asker *who);
void api_credentials(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /credentials/ID/disable: one's own, never the last active one. */
void api_credential_disable(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
void api_events(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /prompt/ID */
void api_prompt(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *id);
/* GET /verify?audience=NAME: 200 with Tessera-Subject, Tessera-Scope, Tessera-Client
 * and Tessera-Acr, 401 with WWW-Authenticate, 403 for who is no verifier. */
void api_verify(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /introspect (RFC 7662) */
void api_introspect(struct agent *a, const struct http_request *r, const struct asker *who);

#endif
