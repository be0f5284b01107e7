/*
 * fail.c - error codes of the interface and what a command ends with.  See
 * fail.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

static const struct {
	const char *code;
	enum fail_status status;
	const char *text;	/* where the agent gave no description */
} codes[] = {
	/* the agent's */
	{ "invalid_request", FAIL_FAILED, "the agent did not understand the request" },
	{ "invalid_grant", FAIL_AUTH, "the proof was not accepted" },
	{ "invalid_scope", FAIL_DENIED, "the audience has no such scope" },
	{ "unauthorized_client", FAIL_DENIED, "not allowed by policy, ask your administrator" },
	{ "unsupported_grant_type", FAIL_FAILED, "the agent does not know this grant, is it an older version?" },
	{ "login_required", FAIL_AUTH, "no session, run \"tessera login\"" },
	{ "step_up_required", FAIL_AUTH, "a stronger or fresher proof is needed" },
	{ "pin_required", FAIL_AUTH, "the token needs its PIN" },
	{ "pin_locked", FAIL_LOCKED, "the token is locked, unblock it with its PUK" },
	{ "device_not_found", FAIL_NOT_FOUND, "no such device is connected, plug it in" },
	{ "device_removed", FAIL_NOT_FOUND, "the device was removed, plug it in and try again" },
	{ "device_busy", FAIL_LOCKED, "the device is in use by another program, try again" },
	{ "cancelled", FAIL_CANCELLED, "cancelled" },
	{ "timeout", FAIL_CANCELLED, "nothing came in time, try again" },
	{ "touch_timeout", FAIL_CANCELLED, "nobody touched the key in time, try again" },
	{ "slow_down", FAIL_LOCKED, "too many requests, wait before the next" },
	{ "temporarily_unavailable", FAIL_FAILED, "the agent cannot do this at present, try again later" },
	{ "conflict", FAIL_CONFLICT, "in conflict with what exists already" },
	{ "not_found", FAIL_NOT_FOUND, "not found" },
	{ "server_error", FAIL_FAILED, "the agent failed, see its log" },
	/* our own */
	{ "usage", FAIL_USAGE, "" },
	{ "unreachable", FAIL_UNREACHABLE, "the agent cannot be reached" },
	{ "denied", FAIL_DENIED, "no permission" },
	{ "untrusted_socket", FAIL_UNREACHABLE, "the socket is not the agent's" },
	{ "malformed_answer", FAIL_FAILED, "the agent's answer is malformed" },
	{ "invalid_token", FAIL_AUTH, "the token is refused" },
	{ "stale", FAIL_AUTH, "nobody can say whether the token was revoked" },
	{ "invalid_config", FAIL_FAILED, "the configuration is wrong" },
	{ "failed", FAIL_FAILED, "" },
};

static size_t
fail_row(const char *code)
{
	size_t i, n = sizeof(codes) / sizeof(codes[0]);

	for (i = 0; i < n && strcmp(codes[i].code, code) != 0; i++)
		;
	return i < n ? i : n - 1;
}

int
fail_status(const char *code)
{
	return (int)codes[fail_row(code)].status;
}

int
fail_set(struct failure *f, const char *code, const char *fmt, ...)
{
	va_list ap;

	fail_clear(f);
	(void)snprintf(f->code, sizeof(f->code), "%s", code);
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return fail_status(code);
}

int
fail_answer(struct failure *f, int http_status, json_t *answer)
{
	const char *code = json_string_value(json_object_get(answer, "error"));
	const char *text = json_string_value(json_object_get(answer, "error_description"));

	if (code == NULL) {
		json_decref(answer);
		return fail_set(f, "malformed_answer",
		    "the agent answered with status %d and no error code", http_status);
	}
	if (text == NULL || *text == '\0')
		text = codes[fail_row(code)].text;
	(void)fail_set(f, code, "%s", *text != '\0' ? text : code);
	f->answer = answer;
	return fail_status(f->code);
}

const char *
fail_member(const struct failure *f, const char *name)
{
	return json_string_value(json_object_get(f->answer, name));
}

void
fail_clear(struct failure *f)
{
	json_decref(f->answer);
	memset(f, 0, sizeof(*f));
}

json_t *
fail_document(const struct failure *f)
{
	char code[FAIL_CODE_MAX], text[FAIL_TEXT_MAX];
	json_t *doc;

	doc = json_pack("{s:s, s:s}", "error", f->code, "error_description", f->text);
	if (doc == NULL)	/* not UTF-8, or cut within a character */
		doc = json_pack("{s:s, s:s}", "error", escape_text(code, sizeof(code), f->code, strlen(f->code)),
		    "error_description", escape_text(text, sizeof(text), f->text, strlen(f->text)));
	if (f->answer != NULL)
		(void)json_object_update_missing(doc, f->answer);
	return doc;
}
