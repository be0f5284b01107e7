/*
 * audit_text.c - see audit_text.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/audit_text.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"

#define TEXT_MAX	160	/* bytes of a text as shown, with NUL */
#define SCOPE_MAX	320	/* of a scope */

/* Where the next member goes. */
struct text {
	char *p;
	size_t left;
};

static void
put(struct text *t, const char *s, size_t n)
{
	if (n >= t->left)
		return;
	memcpy(t->p, s, n);
	t->p += n;
	t->left -= n;
	*t->p = '\0';
}

static int
is_plain(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '"' || s[i] == '\\')
			return 0;
	return 1;
}

/* Nearly every text is plain; the others pass the one escaping function, whose
 * backslashes and quotes JSON wants escaped again. */
static void
put_value(struct text *t, const char *value, size_t max)
{
	char shown[SCOPE_MAX], json[2 * SCOPE_MAX];
	size_t i, n = strlen(value), o = 0;

	if (n < max && is_plain(value, n)) {
		put(t, value, n);
		return;
	}
	(void)escape_text(shown, max / 2, value, n);
	for (i = 0; shown[i] != '\0'; i++) {
		if (shown[i] == '"' || shown[i] == '\\')
			json[o++] = '\\';
		json[o++] = shown[i];
	}
	put(t, json, o);
}

static void
put_text(struct text *t, const char *name, const char *value, size_t max)
{
	if (value == NULL || value[0] == '\0')
		return;
	put(t, ",\"", 2);
	put(t, name, strlen(name));
	put(t, "\":\"", 3);
	put_value(t, value, max);
	put(t, "\"", 1);
}

static void
put_number(struct text *t, const char *name, long long v)
{
	char member[64];
	int n = snprintf(member, sizeof(member), ",\"%s\":%lld", name, v);

	put(t, member, (size_t)n);
}

void
audit_text_record(const struct audit_record *rec, char out[AUDIT_LINE_MAX])
{
	struct text t = { out, AUDIT_LINE_MAX };

	out[0] = '\0';
	put_text(&t, "verdict", rec->verdict != NULL ? rec->verdict : "ok", TEXT_MAX);
	if (rec->code != TSR_OK)
		put_number(&t, "code", rec->code);
	if (rec->has_by) {
		put_number(&t, "by", (long long)rec->by);
		put_number(&t, "pid", rec->pid);
	}
	put_text(&t, "subject", rec->subject, TEXT_MAX);
	if (rec->has_uid)
		put_number(&t, "uid", (long long)rec->uid);
	put_text(&t, "credential", rec->credential, TEXT_MAX / 2);
	put_text(&t, "label", rec->label, TEXT_MAX);
	put_text(&t, "audience", rec->audience, TEXT_MAX);
	put_text(&t, "scope", rec->scope, SCOPE_MAX);
	put_text(&t, "client", rec->client, TEXT_MAX);
	put_text(&t, "acr", rec->acr, TEXT_MAX / 2);
	put_text(&t, "sid", rec->sid, TEXT_MAX / 2);
	put_text(&t, "jti", rec->jti, TEXT_MAX / 2);
	put_text(&t, "kid", rec->kid, TEXT_MAX / 2);
	put_text(&t, "service", rec->service, TEXT_MAX / 4);
	put_text(&t, "tty", rec->tty, TEXT_MAX / 4);
	put_text(&t, "rhost", rec->rhost, TEXT_MAX / 2);
	put_text(&t, "detail", rec->detail, TEXT_MAX);
	if (rec->members != NULL && strlen(rec->members) < TEXT_MAX)
		put(&t, rec->members, strlen(rec->members));
}
