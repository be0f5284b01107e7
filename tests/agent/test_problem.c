/*
 * test_problem.c - every code that the agent has is an error on the wire, told
 * by one whole JSON object.
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "agent/http_conn.h"
#include "agent/problem.h"
#include "include/tessera.h"

#define CODE_LOWEST	-255	/* codes are sent as one byte in the helper protocol */

static struct loop *loop;
static struct http_server server;

/* What a parked request is answered with: its status, and the JSON in *o. */
static int
told(int code, const char *members, const char *text, json_t **o)
{
	struct http_conn c;
	const char *body;
	int status;

	memset(&c, 0, sizeof(c));
	c.server = &server;
	c.state = CONN_PARKED;
	link_init(&c.to_flush);
	buf_init(&c.out, HTTP_ANSWER_MAX);
	if (text == NULL)
		problem_with(&c, code, members, NULL);
	else
		problem_with(&c, code, members, "%s", text);
	assert_int_equal(c.state, CONN_ANSWERED);
	assert_int_equal(c.wrote, 0);
	assert_int_equal(buf_put_u8(&c.out, 0), TSR_OK);
	assert_int_equal(sscanf((const char *)c.out.data, "HTTP/1.1 %d ", &status), 1);
	assert_non_null(body = strstr((const char *)c.out.data, "\r\n\r\n"));
	*o = json_loads(body + 4, 0, NULL);
	if (*o == NULL)
		fail_msg("%d: %s", code, body + 4);
	link_remove(&c.to_flush);
	buf_free(&c.out);
	return status;
}

static void
test_all_codes(void **state)
{
	const char *name;
	int code, status;
	json_t *o;

	(void)state;
	for (code = 0; code >= CODE_LOWEST; code--) {
		status = told(code, "", NULL, &o);
		if (status < 400 || status > 599)
			fail_msg("code %d is status %d", code, status);
		name = json_string_value(json_object_get(o, "error"));
		assert_non_null(name);
		assert_string_equal(name, problem_name(code));
		assert_true(strlen(json_string_value(json_object_get(o, "error_description"))) > 0);
		json_decref(o);
	}
}

/* What clients decide by. */
static const struct row {
	int code, status;
	const char *name;
} rows[] = {
	{ TSR_INVALID, 400, "invalid_request" },		/* RFC 6749 section 5.2 */
	{ TSR_BAD_SCOPE, 400, "invalid_scope" },
	{ TSR_BAD_GRANT, 400, "invalid_grant" },
	{ TSR_BAD_SIGNATURE, 400, "invalid_grant" },
	{ TSR_UNSUPPORTED, 400, "unsupported_grant_type" },
	{ TSR_DENIED, 403, "unauthorized_client" },
	{ TSR_LOGIN_REQUIRED, 401, "login_required" },
	{ TSR_STEP_UP_REQUIRED, 401, "step_up_required" },
	{ TSR_PIN_WRONG, 401, "pin_required" },
	{ TSR_NO_PROMPTER, 401, "pin_required" },
	{ TSR_PIN_SEAT, 401, "pin_required" },
	{ TSR_PIN_LOCKED, 401, "pin_locked" },
	{ TSR_DEVICE_NOT_FOUND, 404, "device_not_found" },
	{ TSR_DEVICE_REMOVED, 409, "device_removed" },
	{ TSR_TIMEOUT, 408, "timeout" },
	{ TSR_CANCELLED, 409, "cancelled" },
	{ TSR_SLOW_DOWN, 429, "slow_down" },
	{ TSR_STORE, 503, "temporarily_unavailable" },
	{ TSR_HELPER, 503, "temporarily_unavailable" },
	{ TSR_CORRUPT, 500, "server_error" },
	{ TSR_CRYPTO, 500, "server_error" },
};

static void
test_rows(void **state)
{
	json_t *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(told(rows[i].code, "", "a text", &o), rows[i].status);
		assert_string_equal(json_string_value(json_object_get(o, "error")), rows[i].name);
		assert_string_equal(json_string_value(json_object_get(o, "error_description")), "a text");
		json_decref(o);
	}
}

/* Whatever is in a description, the answer is JSON. */
static void
test_descriptions(void **state)
{
	static const char *const texts[] = {
		"\"quoted\" \\ and \x01\x1f\x7f", "\xff not UTF-8", "", "\xe2\x80\xae turned"
	};
	char longest[4096];
	json_t *o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(told(TSR_PIN_WRONG, ",\"tries_left\":2", texts[i], &o), 401);
		assert_string_equal(json_string_value(json_object_get(o, "error")), "pin_required");
		json_decref(o);
	}
	assert_int_equal(told(TSR_PIN_WRONG, ",\"tries_left\":2", "x", &o), 401);
	assert_int_equal(json_integer_value(json_object_get(o, "tries_left")), 2);
	json_decref(o);
	memset(longest, 1, sizeof(longest) - 1);	/* each becomes six characters */
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(told(TSR_HELPER, "", longest, &o), 503);
	json_decref(o);
	memset(longest, '\xc3', sizeof(longest) - 1);
	assert_int_equal(told(TSR_HELPER, "", longest, &o), 503);
	json_decref(o);
}

static int
setup(void **state)
{
	(void)state;
	link_init(&server.answered);
	if (loop_new(&loop) != TSR_OK)
		return 1;
	server.loop = loop;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_free(&loop);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_codes),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
