/*
 * attempt.h - one call of pam_sm_authenticate: what PAM says of it, the client of
 * the agent, and until when that may take.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_ATTEMPT_H
#define PAM_ATTEMPT_H

#include <security/pam_modules.h>
#include <stdint.h>

#include "pam/options.h"
#include "tessera.h"

#define ATTEMPT_NAME_MAX	96	/* bytes of a name in a line for the person, with NUL */
#define ATTEMPT_SUBJECT_MAX	255	/* bytes of a user's name */

struct attempt {
	pam_handle_t *pamh;
	struct options options;
	int flags;			/* PAM_SILENT */
	int helper;			/* 1: root, who may speak for another */
	const char *user, *service, *tty, *rhost;	/* PAM's; the last three may be "" */
	char shown[ATTEMPT_NAME_MAX];	/* the service, escaped */
	struct tsr_client *client;
	uint64_t until;			/* http_client_now(): longer than this the agent may not take */
	int talk;			/* PAM_SUCCESS, or how the conversation ended */
	int pending;			/* the file of authpending_file, or -1 */
	int prompts;			/* questions put */
};

/* Read what PAM knows, and make the client.  PAM_SUCCESS, else what the module
 * returns.  Undone by attempt_end in any case. */
int attempt_begin(struct attempt *at, pam_handle_t *pamh, int flags, const struct options *o);
void attempt_end(struct attempt *at);

/* From now on the agent has its whole time again. */
void attempt_extend(struct attempt *at, int seconds);

/* A request for a token of the audience, for the user: what a login helper says
 * besides is in it.  PAM_SUCCESS, PAM_BUF_ERR, PAM_SERVICE_ERR; PAM_AUTH_ERR where
 * this process may not ask for that user. */
int attempt_request(struct attempt *at, struct tsr_request **out);

/* Ask for it and wait, no longer than the agent may take.  PAM_SUCCESS with a token
 * that is the user's; else the module's answer to a failure, which is logged: never
 * PAM_IGNORE. */
int attempt_token(struct attempt *at, const struct tsr_request *rq);

/*
 * Is the user one who never had a credential?  PAM_IGNORE or PAM_USER_UNKNOWN, by
 * nouserok, where the agent says so; otherwise code, and where it does not answer
 * gone.  No time is added to what the agent may take.
 */
int attempt_unknown(struct attempt *at, int code, int gone);

/* To the system's log; never what was typed. */
void attempt_log(const struct attempt *at, int priority, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void attempt_debug(const struct attempt *at, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The methods.  Each returns what the module does. */
int device_authenticate(struct attempt *at);
int otp_authenticate(struct attempt *at);
int bearer_authenticate(struct attempt *at);

#endif
