/*
 * enrol_otp_read.h - what is asked for when a disconnected token is enrolled.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_OTP_READ_H
#define AGENT_ENROL_OTP_READ_H

#include "agent/enrol_code.h"
#include "agent/http.h"
#include "agent/otp.h"
#include "agent/otp_pending.h"

struct enrol_otp_wish {
	int drawn;				/* 1: the seed is ours, and is shown once */
	int confirm;				/* 1: a code of it is shown first */
	char enrol_code[ENROL_CODE_LEN + 9];	/* one's own: an administrator's, or "" */
	char otp[OTP_TEXT_MAX + 1];		/* or a code of another token, or "" */
};

/*
 * Read the body: own is the caller's name for one's own, NULL for an
 * administrator, who names the "subject".  p gets everything but the uid; the
 * seed is drawn where none is given.  On an error the request was answered.
 */
int enrol_otp_read(const struct http_request *r, const char *own, struct enrol_otp_wish *wish,
    struct otp_pending *p);

/* {"code", "next"}: next "" where it is absent.  On an error it was answered. */
int enrol_otp_read_codes(const struct http_request *r, char code[OTP_TEXT_MAX + 1],
    char next[OTP_TEXT_MAX + 1]);

#endif
