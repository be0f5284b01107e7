/*
 * key_control.c - what "tessera-sim ctl key" can ask of a running key.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sim/key_cred.h"
#include "sim/key_serve.h"
#include "tessera.h"

static const char *const events[KEY_EVENTS] = {
	[KEY_INIT] = "init",
	[KEY_MAKE_CREDENTIAL] = "makeCredential",
	[KEY_GET_ASSERTION] = "getAssertion",
	[KEY_GET_INFO] = "getInfo",
	[KEY_CLIENT_PIN] = "clientPIN",
	[KEY_RESET] = "reset",
	[KEY_GET_NEXT_ASSERTION] = "getNextAssertion",
	[KEY_CREDENTIAL_MANAGEMENT] = "credentialManagement",
	[KEY_SELECTION] = "selection",
	[KEY_OTHER] = "other",
	[KEY_TOUCH_WANTED] = "touch",
	[KEY_CANCEL] = "cancel",
	[KEY_REPLY] = "reply",
	[KEY_CONNECTED] = "connected",
};

const char *
key_event_name(enum key_event e)
{
	return events[e];
}

static int
key_control_touch(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	(void)n;
	(void)word;
	(void)ticket;
	if (s->listener == -1) {
		(void)buf_put_cstr(answer, "the key is not plugged in");
		return TSR_CONFLICT;
	}
	key_serve_touch(s);
	return TSR_OK;
}

static int
key_control_unplug(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	(void)n;
	(void)word;
	(void)ticket;
	(void)answer;
	key_serve_unplug(s);
	return TSR_OK;
}

static int
key_control_plug(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	int r;

	(void)n;
	(void)word;
	(void)ticket;
	if ((r = key_serve_plug(s)) == TSR_SYSTEM)
		(void)buf_printf(answer, "%s: %s", s->path, strerror(errno));
	return r;
}

/* All are checked by setting them one by one: those before a wrong one count. */
static int
key_control_set(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	char *value;
	int i, r;

	(void)ticket;
	for (i = 1; i < n; i++) {
		if ((value = strchr(word[i], '=')) == NULL) {
			(void)buf_put_cstr(answer, "a setting is NAME=VALUE");
			return TSR_INVALID;
		}
		*value++ = '\0';
		if ((r = key_set(&s->key, word[i], value)) != TSR_OK) {
			(void)buf_printf(answer, "%s=%s: %s; the settings: %s", word[i], value,
			    r == TSR_NOT_FOUND ? "there is no such setting" :
			    r == TSR_INVALID ? "not a value that it takes" : tsr_strerror(r),
			    key_set_help());
			return r;
		}
	}
	return TSR_OK;
}

/* Its number; KEY_EVENTS with a complaint where there is none of that name. */
static size_t
key_control_event(const char *name, struct buf *answer)
{
	size_t e;

	for (e = 0; e < KEY_EVENTS; e++)
		if (strcasecmp(name, events[e]) == 0)
			return e;
	(void)buf_put_cstr(answer, "there is no such event; the events:");
	for (e = 0; e < KEY_EVENTS; e++)
		(void)buf_printf(answer, " %s", events[e]);
	return KEY_EVENTS;
}

static int
key_control_count(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	size_t e;

	(void)n;
	(void)ticket;
	if ((e = key_control_event(word[1], answer)) == KEY_EVENTS)
		return TSR_INVALID;
	return buf_printf(answer, "%llu", (unsigned long long)s->count[e]);
}

/* wait-for EVENT: the next one; EVENT COUNT: until there have been so many
 * since the start.  "touch" is answered at once while one is waited for. */
static int
key_control_wait(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	uint64_t count = 0;
	size_t i, e;
	const char *p;

	if ((e = key_control_event(word[1], answer)) == KEY_EVENTS)
		return TSR_INVALID;
	for (p = n > 2 ? word[2] : ""; *p >= '0' && *p <= '9' && count < UINT32_MAX; p++)
		count = count * 10 + (uint64_t)(*p - '0');
	if (*p != '\0') {
		(void)buf_put_cstr(answer, "a count is a number");
		return TSR_INVALID;
	}
	if (n > 2 ? s->count[e] >= count : e == KEY_TOUCH_WANTED && s->waiting)
		return TSR_OK;
	for (i = 0; i < KEY_WAITS_MAX; i++) {
		if (s->wait[i].ticket == 0) {
			s->wait[i].ticket = ticket;
			s->wait[i].event = (enum key_event)e;
			s->wait[i].count = n > 2 ? count : s->count[e] + 1;
			return CONTROL_LATER;
		}
	}
	(void)buf_put_cstr(answer, "too many wait already");
	return TSR_TOO_LARGE;
}

static int
key_control_log(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	size_t i;
	int r = TSR_OK;

	(void)n;
	(void)word;
	(void)ticket;
	i = s->logged > KEY_LOG_LINES ? s->logged - KEY_LOG_LINES : 0;
	for (; i < s->logged && r == TSR_OK; i++)
		r = buf_printf(answer, "%s%s", answer->len > 0 ? "; " : "",
		    s->log[i % KEY_LOG_LINES]);
	return r;
}

static int
key_control_status(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	size_t i, hosts;

	(void)n;
	(void)word;
	(void)ticket;
	for (hosts = 0, i = 0; i < KEY_HOSTS_MAX; i++)
		hosts += s->host[i] != -1;
	return buf_printf(answer, "plugged=%s hosts=%zu waiting=%s armed=%s fault=%s pin=%s "
	    "pin-tries=%u uv-tries=%u counter=%u resident=%zu", s->listener != -1 ? "yes" : "no",
	    hosts, s->waiting ? key_event_name(s->command) : "no", s->armed ? "yes" : "no",
	    key_fault_name(s->key.fault.kind), s->key.store.s.pin_set ? "set" : "none",
	    s->key.store.s.pin_tries, s->key.store.s.uv_tries, s->key.store.s.counter,
	    key_cred_residents(&s->key));
}

static int
key_control_quit(struct key_serve *s, int n, char **word, uint64_t ticket, struct buf *answer)
{
	(void)n;
	(void)word;
	(void)ticket;
	(void)answer;
	s->quit = true;
	return TSR_OK;
}

static const struct {
	const char *name;
	int least, most;		/* words with the name */
	int (*run)(struct key_serve *, int, char **, uint64_t, struct buf *);
} commands[] = {
	{ "touch", 1, 1, key_control_touch },
	{ "unplug", 1, 1, key_control_unplug },
	{ "plug", 1, 1, key_control_plug },
	{ "set", 2, CONTROL_WORDS_MAX, key_control_set },
	{ "wait-for", 2, 3, key_control_wait },
	{ "count", 2, 2, key_control_count },
	{ "log", 1, 1, key_control_log },
	{ "status", 1, 1, key_control_status },
	{ "quit", 1, 1, key_control_quit },
};

int
key_control(void *arg, int n, char **word, uint64_t ticket, struct buf *answer)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, word[0]) == 0 && n >= commands[i].least &&
		    n <= commands[i].most)
			return commands[i].run(arg, n, word, ticket, answer);
	(void)buf_put_cstr(answer, "the commands: touch, unplug, plug, set NAME=VALUE..., "
	    "wait-for EVENT [COUNT], count EVENT, log, status, quit");
	return TSR_INVALID;
}
