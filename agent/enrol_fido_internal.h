/*
 * enrol_fido_internal.h - between enrol_fido.c and enrol_webauthn.c: one enrolment.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_FIDO_INTERNAL_H
#define AGENT_ENROL_FIDO_INTERNAL_H

#include "agent/enrol_fido_make.h"
#include "agent/enrol_subject.h"
#include "agent/enrol_word.h"
#include "agent/login.h"

struct enrol_fido {
	struct agent *agent;
	const struct http_request *request;
	struct credential *credential;	/* being put together */
	struct fido_record record;
	int direct;			/* its make is asked for */
	enum acr vouched;		/* ACR_HARDWARE, ACR_HARDWARE_PIN, or 0 */
	int own, self;			/* by the subject; who proves himself first */
	struct enrol_word word;		/* an administrator's, where there is one */
	enum acr voucher_acr;		/* of the credential that vouched */
	char voucher[STORE_ID_LEN + 1];
	struct enrol_subject whom;
	struct login *login;
	struct enrol_fido_make *make;
};

void enrol_fido_free(struct enrol_fido *e);
/* It was judged and is whole: store it, answer, and free e. */
void enrol_fido_finish(struct enrol_fido *e);
/* Answer, and free e; text may be "". */
void enrol_fido_fail(struct enrol_fido *e, int code, const char *members, const char *text);

#endif
