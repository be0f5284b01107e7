/*
 * problem.c - see problem.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "include/tessera.h"
#include "token/json.h"

#define PROBLEM_TEXT_MAX	512	/* bytes of a description, with NUL */
#define PROBLEM_BODY_MAX	4096	/* bytes of an answer */

static const struct row {
	int code;
	int status;
	const char *name;
} rows[] = {
	{ TSR_INVALID, 400, "invalid_request" },
	{ TSR_TOO_LARGE, 400, "invalid_request" },
	{ TSR_BAD_SCOPE, 400, "invalid_scope" },
	{ TSR_BAD_GRANT, 400, "invalid_grant" },
	{ TSR_BAD_SIGNATURE, 400, "invalid_grant" },
	{ TSR_UNSUPPORTED, 400, "unsupported_grant_type" },
	{ TSR_LOGIN_REQUIRED, 401, "login_required" },
	{ TSR_STEP_UP_REQUIRED, 401, "step_up_required" },
	{ TSR_PIN_REQUIRED, 401, "pin_required" },
	{ TSR_PIN_WRONG, 401, "pin_required" },
	{ TSR_PIN_LENGTH, 401, "pin_required" },
	{ TSR_NO_PROMPTER, 401, "pin_required" },
	{ TSR_PIN_SEAT, 401, "pin_required" },
	{ TSR_PIN_UNSET, 401, "pin_required" },
	{ TSR_PIN_LOCKED, 401, "pin_locked" },
	{ TSR_DEVICE_REPLUG, 401, "pin_locked" },
	{ TSR_DENIED, 403, "unauthorized_client" },
	{ TSR_NOT_FOUND, 404, "not_found" },
	{ TSR_DEVICE_NOT_FOUND, 404, "device_not_found" },
	{ TSR_TIMEOUT, 408, "timeout" },
	{ TSR_TOUCH_TIMEOUT, 408, "touch_timeout" },
	{ TSR_CANCELLED, 409, "cancelled" },
	{ TSR_CONFLICT, 409, "conflict" },
	{ TSR_DEVICE_REMOVED, 409, "device_removed" },
	{ TSR_DEVICE_BUSY, 409, "device_busy" },
	{ TSR_KEY_UNUSABLE, 409, "conflict" },
	{ TSR_SLOW_DOWN, 429, "slow_down" },
	{ TSR_UNAVAILABLE, 503, "temporarily_unavailable" },
	{ TSR_CLOCK, 503, "temporarily_unavailable" },
	{ TSR_UNCONFIRMED, 503, "temporarily_unavailable" },
	{ TSR_STORE, 503, "temporarily_unavailable" },
	{ TSR_HELPER, 503, "temporarily_unavailable" },
	{ TSR_BREAKER, 503, "temporarily_unavailable" },
	{ TSR_DEVICE_FAILED, 503, "temporarily_unavailable" },
	{ TSR_MODULE, 503, "temporarily_unavailable" },
	{ TSR_NOMEM, 503, "temporarily_unavailable" }
};

static const struct row *
problem_row(int code)
{
	static const struct row other = { 0, 500, "server_error" };
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return &rows[i];
	return &other;
}

const char *
problem_name(int code)
{
	return problem_row(code)->name;
}

static void __attribute__((format(printf, 4, 0)))
problem_answer(struct http_conn *c, int code, const char *members, const char *fmt, va_list ap)
{
	const struct row *row = problem_row(code);
	char text[PROBLEM_TEXT_MAX];
	struct buf b;

	buf_init(&b, PROBLEM_BODY_MAX);
	http_refused(c, row->name);
	if (fmt == NULL)
		(void)snprintf(text, sizeof(text), "%s", tsr_strerror(code));
	else
		(void)vsnprintf(text, sizeof(text), fmt, ap);
	if (buf_printf(&b, "{\"error\":\"%s\",\"error_description\":", row->name) == TSR_OK &&
	    json_put_string(&b, text) == TSR_OK && buf_printf(&b, "%s}", members) == TSR_OK)
		http_answer(c, row->status, NULL, b.data, b.len, 0);
	else	/* a description that is not UTF-8, or no memory: the name alone */
		http_error(c, row->status, row->name, "%s", tsr_strerror(code));
	buf_free(&b);
}

void
problem(struct http_conn *c, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_answer(c, code, "", fmt, ap);
	va_end(ap);
}

void
problem_with(struct http_conn *c, int code, const char *members, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_answer(c, code, members, fmt, ap);
	va_end(ap);
}
