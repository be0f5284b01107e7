/*
 * audit_row.c - see audit_row.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/audit_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/audit_chain.h"
#include "base/escape.h"
#include "client/output.h"
#include "tessera.h"
#include "token/json.h"

#define ROW_DEPTH	4
#define VALUE_MAX	1024	/* bytes of a value as shown */
#define NAME_MAX_SHOWN	256	/* bytes of a member's name as shown */

static const char *const columns[] = {
	"seq", "time", "event", "verdict", "code", "by", "pid", "subject", "uid", "credential",
	"label", "audience", "scope", "client", "acr", "sid", "jti", "kid", "count", "detail"
};

json_t *
audit_row_read(const char *p, size_t n)
{
	struct audit_line l;
	json_t *o = NULL;

	if (audit_line_read(p, n, &l) != TSR_OK || json_read_object(p, n, ROW_DEPTH, &o) != TSR_OK)
		return NULL;
	return o;
}

int
audit_row_matches(const json_t *o, const struct audit_filter *f)
{
	int64_t t = (int64_t)json_integer_value(json_object_get(o, "time"));
	const char *subject = json_string_value(json_object_get(o, "subject"));

	return t >= f->since && t <= f->until &&
	    (f->user == NULL || (subject != NULL && strcmp(subject, f->user) == 0));
}

static int
is_shown_first(const char *name)
{
	return strcmp(name, "seq") == 0 || strcmp(name, "time") == 0 || strcmp(name, "event") == 0 ||
	    strcmp(name, "verdict") == 0 || strcmp(name, "mac") == 0;
}

void
audit_row_print(json_t *o)
{
	char when[64], event[VALUE_MAX], verdict[VALUE_MAX], value[VALUE_MAX], shown[NAME_MAX_SHOWN];
	const char *name;
	json_t *v;

	(void)printf("%s %s %s", output_time((int64_t)json_integer_value(json_object_get(o, "time")),
	    when, sizeof(when)), output_member(o, "event", event, sizeof(event)),
	    output_member(o, "verdict", verdict, sizeof(verdict)));
	json_object_foreach(o, name, v)
		if (!is_shown_first(name))
			(void)printf(" %s=%s", escape_text(shown, sizeof(shown), name, strlen(name)),
			    output_value(v, value, sizeof(value)));
	(void)putchar('\n');
}

void
audit_row_csv_head(void)
{
	size_t i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		(void)printf("%s%s", i > 0 ? "," : "", columns[i]);
	(void)fputs("\r\n", stdout);
}

static void
csv_text(const char *s)
{
	(void)putchar('"');
	if (strchr("=+-@", s[0]) != NULL && s[0] != '\0')
		(void)putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			(void)putchar('"');
		(void)putchar(*s);
	}
	(void)putchar('"');
}

void
audit_row_csv(const json_t *o)
{
	const json_t *v;
	size_t i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (i > 0)
			(void)putchar(',');
		v = json_object_get(o, columns[i]);
		if (json_is_integer(v))
			(void)printf("%lld", (long long)json_integer_value(v));
		else if (json_is_string(v))
			csv_text(json_string_value(v));
	}
	(void)fputs("\r\n", stdout);
}

int
audit_time_read(const char *text, int64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };
	const char *end;
	struct tm tm;
	char *rest;
	long long v;
	size_t i;

	if (text[0] >= '0' && text[0] <= '9' && strlen(text) < 18) {
		v = strtoll(text, &rest, 10);
		if (*rest == '\0') {
			*out = v;
			return TSR_OK;
		}
	}
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		if ((end = strptime(text, forms[i], &tm)) != NULL && *end == '\0') {
			*out = (int64_t)timegm(&tm);
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}
