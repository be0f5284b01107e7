/*
 * enrol_store.c - see enrol_store.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_store.h"

#include <stdio.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "include/tessera.h"

static int
end_authority(struct agent *a, const struct enrol_end *e)
{
	int r;

	if ((r = enrol_word_spend(a, e->credential, e->word, e->by)) != TSR_OK)
		return r;
	if (e->voucher[0] != '\0')
		r = store_credential_used(a->store, e->voucher, clock_wall());
	return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;
}

static void
end_tell(struct agent *a, const struct credential *c)
{
	char json[96];
	int n = snprintf(json, sizeof(json), "{\"id\":\"%s\",\"kind\":\"%s\"}", c->id, c->kind);

	events_hold(a->events, c->uid, "credential-enrolled", json, (size_t)n);
}

int
enrol_store(struct agent *a, struct http_conn *conn, const struct enrol_end *e)
{
	struct store *st = a->store;
	int r;

	if ((r = audit_ready(a->audit)) != TSR_OK || (r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = end_authority(a, e)) != TSR_OK ||
	    (r = store_credential_add(st, e->credential)) != TSR_OK ||
	    (e->add != NULL && (r = e->add(st, e->record)) != TSR_OK) ||
	    /* not before: a code that paid for nothing is as good as it was */
	    (r = enrol_word_audit(a, conn, e->credential, e->word)) != TSR_OK ||
	    (r = audit_event_enrol(a, conn, TSR_OK, e->credential, e->pin_default)) != TSR_OK) {
		store_undo(st);
		enrol_word_undone(a, e->credential, e->word, e->by);
		return r;
	}
	if ((r = store_keep(st)) == TSR_OK)
		end_tell(a, e->credential);
	return r;
}

const char *
enrol_store_text(int code)
{
	switch (code) {
	case TSR_CONFLICT:
		return "this key is enrolled already";
	case TSR_BAD_GRANT:
		return "the enrolment code was used or is over";
	case TSR_DENIED:
		return "the credential that vouched is not active any more";
	case TSR_TOO_LARGE:
		return "the user has too many credentials: remove one first";
	default:
		return "";
	}
}
