/*
 * enrol_voucher.c - see enrol_voucher.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_voucher.h"

#include "include/tessera.h"

void
enrol_voucher_prove(struct agent *a, const struct http_request *r, const struct credential *c,
    enum acr acr, login_done done, void *arg, struct login **login)
{
	struct login_ask ask = {
		.subject = c->subject, .uid = c->uid, .requester = r->caller, .acr = acr,
		.audience = ENROL_VOUCHER_AUDIENCE, .scope = "", .client_id = ""
	};
	char detail[256], members[96];
	int code;

	if ((code = login_start(a, &ask, done, arg, detail, login)) == TSR_OK)
		return;
	login_failure(code, PROTO_TRIES_UNKNOWN, members);
	if (code == TSR_DEVICE_NOT_FOUND)
		done(arg, TSR_STEP_UP_REQUIRED, NULL, members, "the first credential is enrolled by an "
		    "administrator, or with a code that he gives: \"tessera enroll code\"");
	else
		done(arg, code, NULL, members, detail);
}
