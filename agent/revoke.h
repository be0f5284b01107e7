/*
 * revoke.h - ending tokens before their time: POST /revoke (RFC 7009), one
 * session, everything of a subject or a credential, everything.
 *
 * A JWT dies with its sid, and so does its session: nothing smaller can be told
 * to a verifier that asks nobody.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_REVOKE_H
#define AGENT_REVOKE_H

#include "agent/agent.h"

/* POST /revoke: a token of the caller's own, or about him.  One that is no good
 * (any more) is answered like one that was revoked. */
void revoke_token(struct agent *a, const struct http_request *r, const struct asker *who);

/* DELETE /session/SID: one's own. */
void revoke_own(struct agent *a, const struct http_request *r, const struct asker *who, const char *sid);

/* GET /admin/sessions[?subject=NAME] */
void revoke_sessions(struct agent *a, const struct http_request *r, const struct asker *who);
/* POST /admin/sessions/SID/revoke {} */
void revoke_session(struct agent *a, const struct http_request *r, const struct asker *who,
    const char *sid);
/* POST /admin/revoke: {"subject"}, {"credential"} or {"all": true}.  The last
 * needs no store that can be written. */
void revoke_admin(struct agent *a, const struct http_request *r, const struct asker *who);

/* What the public file knows and the store does not yet, in a request of the
 * batch: call now and then. */
void revoke_note(struct agent *a);

#endif
