/*
 * fault.c - error codes of the interface as ours.  See fault.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/fault.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/record.h"
#include "tessera.h"

static const struct {
	int code;
	const char *name;
} names[] = {
	/* the agent's; the first of a code is the name of that code */
	{ TSR_INVALID, "invalid_request" },
	{ TSR_BAD_GRANT, "invalid_grant" },
	{ TSR_BAD_SCOPE, "invalid_scope" },
	{ TSR_DENIED, "unauthorized_client" },
	{ TSR_UNSUPPORTED, "unsupported_grant_type" },
	{ TSR_LOGIN_REQUIRED, "login_required" },
	{ TSR_STEP_UP_REQUIRED, "step_up_required" },
	{ TSR_PIN_REQUIRED, "pin_required" },
	{ TSR_PIN_LOCKED, "pin_locked" },
	{ TSR_DEVICE_NOT_FOUND, "device_not_found" },
	{ TSR_DEVICE_REMOVED, "device_removed" },
	{ TSR_DEVICE_BUSY, "device_busy" },
	{ TSR_CANCELLED, "cancelled" },
	{ TSR_TIMEOUT, "timeout" },
	{ TSR_TIMEOUT, "touch_timeout" },
	{ TSR_SLOW_DOWN, "slow_down" },
	{ TSR_UNAVAILABLE, "temporarily_unavailable" },
	{ TSR_UNAVAILABLE, "server_error" },
	{ TSR_CONFLICT, "conflict" },
	{ TSR_NOT_FOUND, "not_found" },
	/* our own */
	{ TSR_UNREACHABLE, "unreachable" },
	{ TSR_UNTRUSTED, "untrusted_socket" },
};

#define NAMES	(sizeof(names) / sizeof(names[0]))

/* NAMES where there is none of that name. */
static size_t
fault_find(const char *name)
{
	size_t i;

	for (i = 0; i < NAMES && strcmp(names[i].name, name) != 0; i++)
		;
	return i;
}

int
fault_named(const char *name)
{
	size_t i = fault_find(name);

	return i < NAMES ? names[i].code : TSR_UNAVAILABLE;
}

void
fault_clear(struct fault *f)
{
	memset(f, 0, sizeof(*f));
	f->retry_after = -1;
	f->tries_left = -1;
}

int
fault_set(struct fault *f, int code, const char *name, const char *fmt, ...)
{
	va_list ap;

	fault_clear(f);
	f->code = code;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return code;
}

int
fault_code(struct fault *f, int code)
{
	switch (code) {
	case TSR_CLOSED:
		return fault_set(f, code, "unreachable",
		    "the agent closed the connection without an answer");
	case TSR_TIMEOUT:
		return fault_set(f, code, "timeout", "the agent did not answer in time");
	case TSR_INVALID:
	case TSR_TOO_LARGE:
		return fault_set(f, TSR_INVALID, "malformed_answer", "the agent's answer is malformed");
	case TSR_SYSTEM:
		return fault_set(f, code, "unreachable", "the connection to the agent failed (errno %d)",
		    errno);
	default:
		return fault_set(f, code, "failed", "%s", tsr_strerror(code));
	}
}

int
fault_dial(struct fault *f, int code, const char *path, const struct socket_fault *why)
{
	if (code == TSR_UNTRUSTED)
		return fault_set(f, code, "untrusted_socket",
		    why->peer ? "%s: uid %u listens there, who is not the agent" :
		    "%s: it belongs to uid %u, who is not the agent", path, why->uid);
	return fault_set(f, code, "unreachable", "%s: %s", path,
	    why->error == ENOENT || why->error == ENOTDIR ? "there is no socket; does tesserad run?" :
	    why->error == ECONNREFUSED ? "nobody listens; does tesserad run?" :
	    why->error == EACCES || why->error == EPERM ? "no permission to connect" :
	    "cannot connect");
}

static int
fault_number(const struct record *r, const char *name)
{
	int64_t v;

	return record_number(r, r->doc.node, name, &v) == TSR_OK && v >= 0 && v <= INT_MAX ?
	    (int)v : -1;
}

int
fault_answer(struct fault *f, const struct http_client *hc, const struct http_answer *a)
{
	char name[FAULT_NAME_MAX], text[FAULT_TEXT_MAX];
	struct record r;
	const char *body;
	size_t n;

	body = http_client_body(hc, &n);
	if (!a->json || a->status < 400 || record_read(&r, body, n) != TSR_OK)
		return fault_code(f, TSR_INVALID);
	if (record_text(&r, r.doc.node, "error", name, sizeof(name)) != TSR_OK || name[0] == '\0') {
		record_clear(&r);
		return fault_code(f, TSR_INVALID);
	}
	(void)record_text(&r, r.doc.node, "error_description", text, sizeof(text));
	(void)fault_set(f, fault_named(name), name, "%s",
	    text[0] != '\0' ? text : fault_find(name) < NAMES ? tsr_strerror(fault_named(name)) : name);
	f->retry_after = fault_number(&r, "retry_after");
	f->tries_left = fault_number(&r, "tries_left");
	record_clear(&r);
	return f->code;
}
