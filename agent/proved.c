/*
 * proved.c - see proved.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/proved.h"

#include <stdio.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/kept.h"
#include "agent/otp.h"
#include "agent/presence_act.h"
#include "agent/ssh_user.h"
#include "include/tessera.h"

int
proved_record(struct agent *a, const struct caller *by, const struct login_said *said,
    const struct credential *c, const char *audience, int pin_default)
{
	struct store *st = a->store;
	int r;

	if ((r = store_begin(st)) != TSR_OK)
		return r;
	r = store_credential_used(st, c->id, clock_wall());
	if (r == TSR_OK && c->acr >= ACR_HARDWARE)	/* it speaks for its owner's codes, too */
		r = otp_forgive_all(st, c->subject, c->uid);
	if (r != TSR_OK) {
		store_undo(st);
		return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;
	}
	if ((r = audit_event_proof(a, by, said, c, audience, pin_default)) != TSR_OK) {
		store_undo(st);
		return r;
	}
	return store_keep(st);
}

int
proved_session(struct agent *a, const struct caller *by, const struct credential *c,
    const char *audience, int remote, const struct session **out)
{
	const struct config *cf = policy_config(a->policy);
	int r;

	if ((r = session_proved(a->sessions, c, audience != NULL && audience[0] != '\0' ? audience : NULL,
	    cf->session.lifetime, cf->session.per_user, out)) != TSR_OK)
		return r;
	if (!remote) {
		kept_session(a->kept, c, *out);
		presence_act_session(a->presence, c, *out);
	}
	if (by->uid == c->uid)
		ssh_user_session(a, by, c->subject);
	return TSR_OK;
}

void
proved_tell(struct agent *a, uid_t uid, const char *sid, const char *credential)
{
	char json[160];
	int n = snprintf(json, sizeof(json), "{\"sid\":\"%s\",\"credential\":\"%s\"}", sid, credential);

	events_hold(a->events, uid, "session-started", json, (size_t)n);
}
