/*
 * cmd_events.c - events: what happens to the caller, one line each; with
 * --prompt also the answers to PIN prompts.  device watch: those of devices.
 *
 * SPDX-License-Identifier: ISC
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/answerer.h"
#include "client/command.h"
#include "client/events.h"
#include "client/output.h"
#include "client/signals.h"
#include "tessera.h"

#define EVENTS_NAME_MAX		128	/* bytes of a shown name, with NUL */
#define EVENTS_DEPTH_MAX	3	/* members of members that a line shows */

/* name=value pairs, members of members as a.b=value. */
static void
events_pairs(json_t *data, const char *prefix, int depth)
{
	char text[OUTPUT_TEXT_MAX], path[EVENTS_NAME_MAX];
	const char *key;
	json_t *v;
	size_t at;

	json_object_foreach(data, key, v) {
		at = (size_t)snprintf(path, sizeof(path), "%.64s%s", prefix, *prefix != '\0' ? "." : "");
		(void)escape_text(path + at, sizeof(path) - at, key, strlen(key));
		if (json_is_object(v) && depth < EVENTS_DEPTH_MAX)
			events_pairs(v, path, depth + 1);
		else if (!json_is_null(v))
			(void)printf(" %s=%s%s%s", path, json_is_string(v) ? "\"" : "",
			    output_value(v, text, sizeof(text)), json_is_string(v) ? "\"" : "");
	}
}

static void
events_json(time_t now, const char *name, json_t *data)
{
	json_t *line = json_pack("{s:I, s:s, s:O}", "time", (json_int_t)now, "event", name, "data", data);

	if (line != NULL)
		output_json(line);
	json_decref(line);
}

static void
events_print(const struct client *c, const char *name, json_t *data)
{
	char when[32], shown[SSE_NAME_MAX * 4];
	time_t now = time(NULL);

	if (name == NULL)
		return;
	if (c->opt[OPT_JSON] != NULL)
		events_json(now, name, data);
	else {
		(void)printf("%s %s", output_time(now, when, sizeof(when)),
		    escape_text(shown, sizeof(shown), name, strlen(name)));
		events_pairs(data, "", 0);
		(void)putchar('\n');
	}
	(void)fflush(stdout);
}

/* (serial 1, module opensc, reader X) 0123456789abcdef */
static void
events_token(const json_t *data)
{
	char serial[OUTPUT_TEXT_MAX], module[OUTPUT_TEXT_MAX], reader[OUTPUT_TEXT_MAX];

	(void)printf("(serial %s, module %s, reader %s)",
	    output_member(data, "serial", serial, sizeof(serial)),
	    output_member(data, "module", module, sizeof(module)),
	    output_member(data, "reader", reader, sizeof(reader)));
}

/* (FIDO2 key X of Y) hidraw3-417 */
static void
events_key(const json_t *data)
{
	char model[OUTPUT_TEXT_MAX], maker[OUTPUT_TEXT_MAX];

	(void)printf("(FIDO2 key %s of %s)", output_member(data, "model", model, sizeof(model)),
	    output_member(data, "manufacturer", maker, sizeof(maker)));
}

/* 12:00:00 added  "card" and the rest of it */
static void
events_device(const struct client *c, const char *name, json_t *data)
{
	int came = name != NULL && strcmp(name, "device-added") == 0;
	char when[32], label[OUTPUT_TEXT_MAX], kind[OUTPUT_TEXT_MAX], id[OUTPUT_TEXT_MAX];
	time_t now = time(NULL);

	if (!came && (name == NULL || strcmp(name, "device-removed") != 0))
		return;
	if (c->opt[OPT_JSON] != NULL)
		events_json(now, name, data);
	else {
		(void)printf("%s %s%-7s%s \"%s\" ", output_time(now, when, sizeof(when)),
		    output_colour(STDOUT_FILENO, came ? OUTPUT_BOLD : OUTPUT_YELLOW),
		    came ? "added" : "removed", output_colour(STDOUT_FILENO, OUTPUT_PLAIN),
		    output_member(data, "label", label, sizeof(label)));
		if (strcmp(output_member(data, "kind", kind, sizeof(kind)), "fido") == 0)
			events_key(data);
		else
			events_token(data);
		(void)printf(" %s\n", output_member(data, "device", id, sizeof(id)));
	}
	(void)fflush(stdout);
}

/* All events that have come. */
static int
events_take(struct answerer *a, events_show show)
{
	char name[SSE_NAME_MAX];
	json_t *data = NULL;
	int r;

	while ((r = answerer_next(a->events, name, &data)) == TSR_OK) {
		show(a->c, name, data);
		if (a->p != NULL)
			answerer_event(a, name, data);
		json_decref(data);
	}
	return r == TSR_AGAIN ? TSR_OK : r;
}

/* 1 when it is time to end: a signal is how this command ends. */
static int
events_signal(struct answerer *a, struct signals *sig)
{
	int signo = signals_next(sig);

	if (signo == SIGTSTP) {
		answerer_pause(a);
		signals_stop(sig);
		answerer_resume(a);
		return 0;
	}
	return signo != 0;
}

static int
events_loop(struct answerer *a, struct signals *sig, events_show show)
{
	struct pollfd p[3];
	int r;

	while (!ferror(stdout)) {
		p[0] = (struct pollfd){ .fd = http_client_fd(a->events), .events = POLLIN };
		p[1] = (struct pollfd){ .fd = sig->fd, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = answerer_fd(a), .events = POLLIN };
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[1].revents != 0 && events_signal(a, sig))
			return TSR_OK;
		if (p[2].revents != 0 && answerer_fd(a) == p[2].fd)
			(void)answerer_ready(a);
		if (p[0].revents == 0)
			continue;
		if (((r = http_client_more(a->events)) != TSR_OK && r != TSR_AGAIN) ||
		    (r = events_take(a, show)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

static int
events_run(struct answerer *a, struct signals *sig, events_show show)
{
	struct client *c = a->c;
	int r, status;

	if ((status = answerer_connect(c, a->p != NULL ? "all" : NULL, &a->events)) != FAIL_NONE)
		return status;
	show(c, NULL, NULL);
	if ((r = events_take(a, show)) == TSR_OK)
		r = events_loop(a, sig, show);
	if (r == TSR_CLOSED)
		return fail_set(&c->failure, "unreachable", "the agent ended the stream of events");
	return r == TSR_OK ? FAIL_NONE : api_broken(c, r);
}

static int
events_follow(struct answerer *a, events_show show)
{
	struct client *c = a->c;
	struct signals sig;
	int status;

	if (signals_hold(&sig) != TSR_OK)
		status = fail_set(&c->failure, "failed", "signals cannot be held");
	else {
		status = events_run(a, &sig, show);
		answerer_end(a, NULL);
		signals_release(&sig);
	}
	prompter_free(&a->p);
	http_client_free(&a->events);
	return status;
}

int
events_watch(struct client *c, events_show show)
{
	struct answerer a;

	memset(&a, 0, sizeof(a));
	a.c = c;
	return events_follow(&a, show);
}

int
cmd_device_watch(struct client *c)
{
	return events_watch(c, events_device);
}

int
cmd_events(struct client *c)
{
	struct answerer a;
	const char *how = c->opt[OPT_PROMPT];
	int status = FAIL_NONE;

	memset(&a, 0, sizeof(a));
	a.c = c;
	if (how != NULL && *how != '\0' && strcmp(how, "terminal") != 0 && strcmp(how, "pinentry") != 0)
		return fail_set(&c->failure, "usage", "--prompt wants terminal or pinentry");
	if (how != NULL)
		status = prompter_new(c, strcmp(how, "pinentry") == 0 ? PROMPTER_PINENTRY :
		    PROMPTER_TERMINAL, &a.p);
	return status != FAIL_NONE ? status : events_follow(&a, events_print);
}
