/*
 * attempt.c - see attempt.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pam/attempt.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <security/pam_ext.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/lib/form.h"
#include "pam/call.h"
#include "pam/claims.h"
#include "pam/place.h"
#include "pam/talk.h"

#define ATTEMPT_ENTRY_MAX	4096	/* bytes of a line of passwd(5) */
#define ATTEMPT_TARGET_MAX	1024	/* bytes of a target with a user's name, with NUL */

void
attempt_log(const struct attempt *at, int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pam_vsyslog(at->pamh, priority, fmt, ap);
	va_end(ap);
}

void
attempt_debug(const struct attempt *at, const char *fmt, ...)
{
	va_list ap;

	if (!at->options.debug)
		return;
	va_start(ap, fmt);
	pam_vsyslog(at->pamh, LOG_DEBUG, fmt, ap);
	va_end(ap);
}

/* --- what PAM knows --- */

static int
attempt_item(const struct attempt *at, int which, const char **out)
{
	const void *item = NULL;

	if (pam_get_item(at->pamh, which, &item) != PAM_SUCCESS)
		return PAM_SERVICE_ERR;
	*out = item != NULL ? item : "";
	return PAM_SUCCESS;
}

static int
attempt_items(struct attempt *at)
{
	int r;

	/* what it asks for is "login: ": an application that has not asked yet */
	if ((r = pam_get_user(at->pamh, &at->user, NULL)) != PAM_SUCCESS)
		return r == PAM_CONV_AGAIN ? PAM_INCOMPLETE : r == PAM_ABORT ? r : PAM_CONV_ERR;
	if (at->user == NULL || at->user[0] == '\0' ||
	    strnlen(at->user, ATTEMPT_SUBJECT_MAX + 1) > ATTEMPT_SUBJECT_MAX)
		return PAM_USER_UNKNOWN;
	if ((r = attempt_item(at, PAM_SERVICE, &at->service)) != PAM_SUCCESS ||
	    (r = attempt_item(at, PAM_TTY, &at->tty)) != PAM_SUCCESS)
		return r;
	return attempt_item(at, PAM_RHOST, &at->rhost);
}

/* A socket that root has named is where nobody else could put one. */
static int
attempt_place(const struct attempt *at)
{
	int r = at->options.socket == NULL ? TSR_OK : place_check(at->options.socket);

	if (r == TSR_OK || r == TSR_NOT_FOUND)	/* which the client finds out, too */
		return PAM_SUCCESS;
	attempt_log(at, LOG_ERR, "socket=%s: %s", at->options.socket, r == TSR_SYSTEM ?
	    "its folders cannot be looked at" : "the folders above it are not root's alone");
	return r == TSR_SYSTEM ? PAM_AUTHINFO_UNAVAIL : PAM_SERVICE_ERR;
}

int
attempt_begin(struct attempt *at, pam_handle_t *pamh, int flags, const struct options *o)
{
	int r;

	*at = (struct attempt){ .pamh = pamh, .flags = flags, .options = *o, .pending = -1,
	    .helper = geteuid() == 0, .talk = PAM_SUCCESS };
	if ((r = attempt_items(at)) != PAM_SUCCESS)
		return r;
	(void)talk_name(at->service, at->shown);
	if ((r = attempt_place(at)) != PAM_SUCCESS)
		return r;
	if ((r = tsr_client_new(o->socket, TSR_SYSTEM_ONLY, &at->client)) != TSR_OK) {
		attempt_log(at, LOG_ERR, "no client of the agent: %s", tsr_strerror(r));
		return r == TSR_NOMEM ? PAM_BUF_ERR : r == TSR_INVALID ? PAM_SERVICE_ERR : PAM_SYSTEM_ERR;
	}
	attempt_extend(at, o->timeout_s);
	return PAM_SUCCESS;
}

void
attempt_end(struct attempt *at)
{
	tsr_client_free(&at->client);
	if (at->pending != -1)
		(void)close(at->pending);
	at->pending = -1;
}

void
attempt_extend(struct attempt *at, int seconds)
{
	at->until = http_client_now() + (uint64_t)seconds * 1000;
}

/* --- what went wrong --- */

static const struct {
	const char *name;
	int code;
} attempt_codes[] = {
	{ "invalid_request", PAM_SERVICE_ERR },	/* the audience, as a rule */
	{ "invalid_scope", PAM_SERVICE_ERR },
	{ "unsupported_grant_type", PAM_SERVICE_ERR },
	{ "pin_locked", PAM_MAXTRIES },
	{ "temporarily_unavailable", PAM_AUTHINFO_UNAVAIL },
	{ "server_error", PAM_AUTHINFO_UNAVAIL },
	{ "unreachable", PAM_AUTHINFO_UNAVAIL },
	{ "untrusted_socket", PAM_AUTHINFO_UNAVAIL },
	{ "malformed_answer", PAM_AUTHINFO_UNAVAIL },
	/* policy and proofs: what is not said here is one of them */
};

/* What the client keeps is logged, by the agent's name for it.  Never PAM_SUCCESS, never
 * PAM_IGNORE. */
static int
attempt_failed(struct attempt *at, int code)
{
	const char *name = tsr_error_name(at->client), *text = tsr_error_text(at->client);
	char line[TALK_LINE_MAX], shown[ATTEMPT_NAME_MAX];
	size_t i;

	if (code == TSR_UNREACHABLE && tsr_error_code(at->client) != TSR_UNREACHABLE) {
		attempt_log(at, LOG_ERR, "the agent did not answer within timeout=%d", at->options.timeout_s);
		return PAM_AUTHINFO_UNAVAIL;
	}
	if (code == TSR_NOMEM)
		return PAM_BUF_ERR;
	(void)escape_text(line, sizeof(line), text, strlen(text));
	if (strcmp(name, "unauthorized_client") == 0)	/* which line of the configuration is it? */
		attempt_log(at, LOG_NOTICE, "%s: %s (audience=%s)", talk_name(name, shown), line, at->options.audience);
	else
		attempt_log(at, LOG_NOTICE, "%s: %s", talk_name(name, shown), line);
	for (i = 0; i < sizeof(attempt_codes) / sizeof(attempt_codes[0]); i++)
		if (strcmp(attempt_codes[i].name, name) == 0)
			return attempt_codes[i].code;
	return code == TSR_UNAVAILABLE || code == TSR_CLOSED || code == TSR_SYSTEM || code == TSR_OK ?
	    PAM_AUTHINFO_UNAVAIL : PAM_AUTH_ERR;
}

/* --- asking the agent --- */

/* Who is not root may ask for himself: a screen locker. */
static int
attempt_is_own(const struct attempt *at)
{
	char room[ATTEMPT_ENTRY_MAX];
	struct passwd pw, *found = NULL;

	return getpwnam_r(at->user, &pw, room, sizeof(room), &found) == 0 && found != NULL &&
	    found->pw_uid == geteuid();
}

int
attempt_request(struct attempt *at, struct tsr_request **out)
{
	const struct {
		enum tsr_parameter which;
		const char *value;
	} said[] = {
		{ TSR_AUDIENCE, at->options.audience }, { TSR_TOKEN_FORMAT, "jwt" },
		/* from here on what only a login helper may say */
		{ TSR_SUBJECT, at->user }, { TSR_SERVICE, at->service }, { TSR_TTY, at->tty },
		{ TSR_RHOST, at->rhost },
	};
	struct tsr_request *rq = NULL;
	size_t i, n = at->helper ? sizeof(said) / sizeof(said[0]) : 2;
	int r;

	if (!at->helper && !attempt_is_own(at)) {
		attempt_log(at, LOG_NOTICE, "uid %u asks for another user: only root may", geteuid());
		return PAM_AUTH_ERR;
	}
	if ((r = tsr_request_new(&rq)) == TSR_OK)
		r = tsr_request_proof(rq, TSR_PROOF_FRESH);
	for (i = 0; i < n && r == TSR_OK; i++)
		/* none may be left out that is there: without its host a login looks local */
		if (said[i].value[0] != '\0')
			r = tsr_request_set(rq, said[i].which, said[i].value);
	if (r != TSR_OK) {
		tsr_request_free(&rq);
		attempt_log(at, LOG_ERR, "the request cannot be made: %s", tsr_strerror(r));
		return r == TSR_NOMEM ? PAM_BUF_ERR : PAM_SERVICE_ERR;
	}
	*out = rq;
	return PAM_SUCCESS;
}

static int
attempt_wait(struct attempt *at)
{
	struct pollfd p = { .fd = tsr_client_fd(at->client), .events = POLLIN };
	uint64_t now;
	int r;

	while ((r = tsr_client_step(at->client)) == TSR_AGAIN) {
		if (at->talk != PAM_SUCCESS) {
			tsr_client_cancel(at->client);
			return TSR_CANCELLED;
		}
		if ((now = http_client_now()) >= at->until) {
			tsr_client_cancel(at->client);
			return TSR_UNREACHABLE;
		}
		if (poll(&p, 1, (int)(at->until - now)) == -1 && errno != EINTR) {
			tsr_client_cancel(at->client);
			return TSR_SYSTEM;
		}
	}
	return r;
}

int
attempt_token(struct attempt *at, const struct tsr_request *rq)
{
	struct tsr_token *token = NULL;
	int r;

	attempt_extend(at, at->options.timeout_s);
	if ((r = tsr_client_start(at->client, TSR_TOKEN_GET, rq)) == TSR_OK)
		r = attempt_wait(at);
	if (r == TSR_OK)
		r = tsr_client_token(at->client, &token);
	if (at->talk != PAM_SUCCESS || r != TSR_OK || token == NULL) {
		tsr_token_free(&token);
		return at->talk != PAM_SUCCESS ? at->talk : attempt_failed(at, r);
	}
	r = claims_of_jwt(tsr_token_text(token), at->user, at->options.audience);
	tsr_token_free(&token);
	if (r == TSR_OK)
		return PAM_SUCCESS;
	attempt_log(at, LOG_ERR, "the agent's token is not for this user, or not for audience=%s",
	    at->options.audience);
	return PAM_AUTH_ERR;
}

/* --- who never had one --- */

int
attempt_unknown(struct attempt *at, int code, int gone)
{
	char target[ATTEMPT_TARGET_MAX], shown[ATTEMPT_NAME_MAX];
	struct record record = { .text = NULL };
	struct fault f;

	if (form_query(target, sizeof(target), "/enrolled", "subject", at->user) != TSR_OK)
		return code;
	if (call_agent(at, target, NULL, &record, &f) != TSR_OK) {
		attempt_log(at, LOG_NOTICE, "whether anything is enrolled: %s", talk_name(f.name, shown));
		code = f.code == TSR_DENIED || f.code == TSR_INVALID ? code : gone;
	} else if (doc_is(record_find(&record, record.doc.node, "enrolled"), DOC_FALSE)) {
		attempt_log(at, LOG_NOTICE, "nothing was ever enrolled for this user");
		code = at->options.nouserok ? PAM_IGNORE : PAM_USER_UNKNOWN;
	}
	record_clear(&record);
	return code;
}
