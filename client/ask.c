/*
 * ask.c - the question for a PIN in words.  See ask.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "client/known_host.h"
#include "tessera.h"

#define ASK_PART_MAX	96	/* bytes of one name in a line, with NUL */
#define ASK_FEW_TRIES	2	/* tries left from which on a person is warned */

int
ask_is_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n < ASK_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* A string member, escaped, "" where it is absent or something else. */
static const char *
ask_member(const json_t *o, const char *name, char *out, size_t size)
{
	const json_t *v = json_object_get(o, name);

	out[0] = '\0';
	if (json_is_string(v))
		(void)escape_text(out, size, json_string_value(v), json_string_length(v));
	return out;
}

static void
ask_device(const json_t *o, struct ask *a)
{
	char label[ASK_PART_MAX], serial[ASK_PART_MAX];

	(void)ask_member(o, "label", label, sizeof(label));
	(void)ask_member(o, "serial", serial, sizeof(serial));
	(void)snprintf(a->device, sizeof(a->device), "%s%s%s%s%s",
	    label[0] != '\0' ? "\"" : "the device", label, label[0] != '\0' ? "\"" : "",
	    serial[0] != '\0' ? ", serial " : "", serial);
}

static void
ask_requester(const json_t *o, long self, struct ask *a)
{
	char program[ASK_PART_MAX], unit[ASK_PART_MAX];
	long long pid = (long long)json_integer_value(json_object_get(o, "pid"));
	long long uid = (long long)json_integer_value(json_object_get(o, "uid"));

	if (pid == self) {
		(void)snprintf(a->who, sizeof(a->who), "this command");
		return;
	}
	(void)ask_member(o, "program", program, sizeof(program));
	(void)ask_member(o, "unit", unit, sizeof(unit));
	(void)snprintf(a->who, sizeof(a->who), "process %lld of uid %lld%s%s%s%s%s", pid, uid,
	    unit[0] != '\0' ? ", " : "", unit, program[0] != '\0' ? ", which calls itself \"" : "",
	    program, program[0] != '\0' ? "\"" : "");
}

/* Where to, or for which files. */
static void
ask_about(const json_t *e, struct ask *a)
{
	const json_t *to = json_object_get(e, "destination");
	char name[ASK_PART_MAX], host[ASK_PART_MAX], known[ASK_PART_MAX] = "";

	if (*ask_member(e, "namespace", name, sizeof(name)) != '\0')
		(void)snprintf(a->about, sizeof(a->about), "an SSH signature of a file, namespace \"%s\"",
		    name);
	if (!json_is_object(to))
		return;
	(void)ask_member(to, "user", name, sizeof(name));
	(void)ask_member(to, "host_key", host, sizeof(host));
	if (host[0] != '\0')
		known_host(host, known, sizeof(known));
	(void)snprintf(a->about, sizeof(a->about), "an SSH login as \"%s\" at %s%s%s%s%s%s", name,
	    known[0] != '\0' ? "\"" : "", known, known[0] != '\0' ? "\", " : "",
	    host[0] != '\0' ? "the host with the key " : "a host that is not told", host,
	    json_is_true(json_object_get(to, "forwarded")) ? ", from another host" : "");
}

/* 0 where it is absent, null or no small number. */
static int
ask_number(const json_t *e, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(e, name));

	return n > 0 && n <= 1000 ? (int)n : 0;
}

static void
ask_name(const json_t *e, struct ask *a)
{
	const char *ask = json_string_value(json_object_get(e, "ask"));
	const char *name = "PIN";

	if (ask != NULL && strcmp(ask, "puk") == 0)
		name = "PUK";
	else if (ask != NULL && strcmp(ask, "new-pin") == 0)
		name = "New PIN";
	else if (ask != NULL && strcmp(ask, "new-pin-again") == 0)
		name = "New PIN again";
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
}

int
ask_parse(const json_t *e, long self, struct ask *out)
{
	const json_t *tries = json_object_get(e, "tries_left"), *left;
	const char *pin = json_string_value(json_object_get(e, "pin"));
	const char *id = json_string_value(json_object_get(e, "prompt"));
	char audience[ASK_PART_MAX], scope[ASK_PART_MAX];
	struct ask a;

	memset(&a, 0, sizeof(a));
	if (id == NULL || !ask_is_id(id))
		return TSR_INVALID;
	memcpy(a.id, id, strlen(id) + 1);
	(void)ask_member(e, "purpose", a.what, sizeof(a.what));
	ask_device(json_object_get(e, "device"), &a);
	(void)ask_member(json_object_get(e, "credential"), "label", a.credential, sizeof(a.credential));
	(void)ask_member(e, "audience", audience, sizeof(audience));
	(void)ask_member(e, "scope", scope, sizeof(scope));
	if (audience[0] != '\0')
		(void)snprintf(a.whom, sizeof(a.whom), "\"%s\"%s%s", audience,
		    scope[0] != '\0' ? ", scope " : "", scope);
	ask_about(e, &a);
	ask_requester(json_object_get(e, "requester"), self, &a);
	a.retry = json_is_true(json_object_get(e, "retry"));
	a.tries_left = -1;
	if (json_is_integer(tries)) {
		if (json_integer_value(tries) < 0 || json_integer_value(tries) > 1000)
			return TSR_INVALID;
		a.tries_left = (int)json_integer_value(tries);
	}
	a.confirm = ask_number(e, "confirm");
	a.least = ask_number(e, "least");
	a.most = ask_number(e, "most");
	a.pad = json_is_true(json_object_get(e, "pin_pad"));
	ask_name(e, &a);
	a.low = pin != NULL && strcmp(pin, "low") == 0;
	left = json_object_get(e, "seconds_left");
	if (json_is_number(left) && json_number_value(left) > 0 && json_number_value(left) < 86400)
		a.seconds_left = (int)json_number_value(left);
	*out = a;
	return TSR_OK;
}

/* "The new PIN has 6 to 8 characters", or the tries that are left. */
static void
ask_rule(const struct ask *a, char *out, size_t size)
{
	out[0] = '\0';
	if (strncmp(a->name, "New", 3) == 0 && a->most > 0)
		(void)snprintf(out, size, "\n  it has %d to %d characters", a->least, a->most);
	else if (strncmp(a->name, "New", 3) != 0 && !a->retry && a->tries_left > ASK_FEW_TRIES)
		(void)snprintf(out, size, "\n  %d tries left", a->tries_left);
}

char *
ask_text(const struct ask *a, char *out, size_t size)
{
	const char *what = strncmp(a->what, "enrol", 5) == 0 ? "Enrolment" :
	    strcmp(a->what, "pin-unblock") == 0 ? "Unblocking the PIN" :
	    strcmp(a->what, "pin-set") == 0 ? "Setting the PIN" :
	    strncmp(a->what, "pin-", 4) == 0 ? "Changing the PIN" : "A proof";
	char rule[ASK_PART_MAX];

	ask_rule(a, rule, sizeof(rule));
	(void)snprintf(out, size, "%s needs the %s%s of %s%s%s%s%s%s%s%s%s\n  asked by %s%s", what,
	    strncmp(a->name, "New", 3) == 0 ? "new PIN" : strcmp(a->what, "pin-change") == 0 ? "present PIN" :
	    a->name,
	    strcmp(a->name, "New PIN again") == 0 ? " again" : "", a->device,
	    a->credential[0] != '\0' ? ", credential \"" : "", a->credential,
	    a->credential[0] != '\0' ? "\"" : "",
	    a->about[0] != '\0' ? "\n  for " : "", a->about,
	    a->whom[0] != '\0' ? "\n  for the audience " : "", a->whom, rule, a->who,
	    a->pad ? "\nEnter it at the reader." : "");
	return out;
}

char *
ask_complaint(const struct ask *a, char *out, size_t size)
{
	char tries[64] = "";

	if (a->tries_left >= 0)
		(void)snprintf(tries, sizeof(tries), "%d %s left", a->tries_left,
		    a->tries_left == 1 ? "try" : "tries");
	out[0] = '\0';
	if (a->retry)
		(void)snprintf(out, size, "wrong %s%s%s", a->name, tries[0] != '\0' || a->low ? ", " : "",
		    tries[0] == '\0' && a->low ? "few tries may be left" : tries);
	else if (a->tries_left >= 0 && a->tries_left <= ASK_FEW_TRIES)
		(void)snprintf(out, size, "%s before the token locks itself", tries);
	else if (a->low)
		(void)snprintf(out, size, "a wrong PIN was entered before, few tries may be left");
	return out;
}
