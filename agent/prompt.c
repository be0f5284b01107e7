/*
 * prompt.c - see prompt.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/prompt.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/metrics.h"
#include "agent/seat.h"
#include "agent/store.h"
#include "base/proto.h"
#include "include/tessera.h"
#include "token/json.h"

#define PROMPT_JSON_MAX	8192	/* bytes of a pin-needed event */

struct prompt {
	struct prompt *next;
	struct prompts *prompts;
	char id[STORE_ID_LEN + 1];
	struct events_about about;		/* lives as long as the request that waits */
	struct events_process by;		/* the requester, when its connection is gone */
	struct timer timer;
	struct prompt_client client;
	int pad;
};

struct prompts {
	struct loop *loop;
	struct events *events;
	const enum config_seat *seat;
	struct prompt *list;
	size_t n;
};

int
prompts_new(struct loop *l, struct events *e, const enum config_seat *seat, struct prompts **out)
{
	struct prompts *ps;

	if ((ps = calloc(1, sizeof(*ps))) == NULL)
		return TSR_NOMEM;
	ps->loop = l;
	ps->events = e;
	ps->seat = seat;
	*out = ps;
	return TSR_OK;
}

/* Take it out of the list and tell the prompters that it is over. */
static void
prompt_remove(struct prompt *p)
{
	struct prompts *ps = p->prompts;
	struct prompt **at;
	struct buf b;

	for (at = &ps->list; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	ps->n--;
	timer_disarm(loop_timers(ps->loop), &p->timer);
	buf_init(&b, 128);
	if (buf_printf(&b, "{\"prompt\":\"%s\"}", p->id) == TSR_OK)
		events_send_about(ps->events, p->about.uid, &p->by, p->about.answerer,
		    "prompt-ended", (const char *)b.data, b.len);
	buf_free(&b);
	free(p);
}

static void
prompt_finish(struct prompt *p, int code, struct prompt_reply *reply, uint32_t wait_s)
{
	struct prompt_client client = p->client;

	metrics.prompts[code == TSR_OK ? METRICS_PROMPT_ANSWERED :
	    code == TSR_CANCELLED ? METRICS_PROMPT_CANCELLED :
	    code == TSR_TIMEOUT ? METRICS_PROMPT_TIMEOUT : METRICS_PROMPT_NO_PROMPTER]++;
	prompt_remove(p);
	client.done(client.arg, code, reply, wait_s);
}

void
prompts_free(struct prompts **ps)
{
	if (*ps == NULL)
		return;
	while ((*ps)->list != NULL)
		prompt_remove((*ps)->list);
	free(*ps);
	*ps = NULL;
}

static void
prompt_timeout(void *arg)
{
	prompt_finish(arg, TSR_TIMEOUT, NULL, 0);
}

static int
prompt_number(struct buf *b, const char *name, int known, uint32_t value)
{
	if (!known)
		return buf_printf(b, ",\"%s\":null", name);
	return buf_printf(b, ",\"%s\":%u", name, value);
}

int
prompt_requester_json(struct buf *b, const struct events_about *about)
{
	const struct caller *c = about->requester;
	char program[CALLER_PROGRAM_MAX], unit[CALLER_UNIT_MAX];
	int r;

	caller_program(c, program);
	if ((r = buf_printf(b, ",\"requester\":{\"uid\":%u,\"pid\":%d", c->uid, c->pid)) != TSR_OK ||
	    (r = json_put_member(b, "program", program)) != TSR_OK)
		return r;
	if (caller_unit(c, unit) == TSR_OK && (r = json_put_member(b, "unit", unit)) != TSR_OK)
		return r;
	if (about->said != NULL && (r = login_said_json(b, about->said)) != TSR_OK)
		return r;
	return buf_put_cstr(b, "}");
}

static int
prompt_json(struct buf *b, const struct prompt *p, const struct prompt_show *s)
{
	const char *kind = s->kind != NULL ? s->kind : "pkcs11";
	int r;

	if ((r = buf_printf(b, "{\"prompt\":\"%s\",\"purpose\":\"%s\"", p->id, s->purpose)) != TSR_OK ||
	    (r = prompt_requester_json(b, &p->about)) != TSR_OK ||
	    (r = json_put_member(b, "audience", s->audience)) != TSR_OK ||
	    (r = json_put_member(b, "scope", s->scope)) != TSR_OK ||
	    (r = ssh_about_json(b, s->about)) != TSR_OK ||
	    (r = buf_printf(b, ",\"device\":{\"kind\":\"%s\"", kind)) != TSR_OK ||
	    (r = json_put_member(b, "label", s->token_label)) != TSR_OK ||
	    (r = json_put_member(b, "serial", s->token_serial)) != TSR_OK ||
	    (r = json_put_member(b, "manufacturer", s->token_manufacturer)) != TSR_OK ||
	    (r = json_put_member(b, "model", s->token_model)) != TSR_OK ||
	    (r = buf_printf(b, "},\"credential\":{\"kind\":\"%s\"", kind)) != TSR_OK ||
	    (r = json_put_member(b, "id", s->credential_id)) != TSR_OK ||
	    (r = json_put_member(b, "label", s->credential_label)) != TSR_OK ||
	    (r = buf_printf(b, "},\"retry\":%s,\"seconds_left\":%d,\"pin\":\"%s\"",
	    s->retry ? "true" : "false", PROMPT_MS / 1000, s->pin)) != TSR_OK)
		return r;
	if ((r = prompt_number(b, "tries_left", s->tries_left != PROTO_TRIES_UNKNOWN,
	    s->tries_left)) != TSR_OK ||
	    (r = prompt_number(b, "confirm", s->confirm > 0, s->confirm)) != TSR_OK ||
	    (r = prompt_number(b, "least", s->most > 0, s->least)) != TSR_OK ||
	    (r = prompt_number(b, "most", s->most > 0, s->most)) != TSR_OK)
		return r;
	return buf_printf(b, ",\"ask\":\"%s\",\"pin_pad\":%s}", s->ask, s->pad ? "true" : "false");
}

int
prompt_ask(struct prompts *ps, const struct events_about *about, const struct prompt_show *show,
    const struct prompt_client *client, struct prompt **out)
{
	struct prompt *p = NULL;
	struct buf b;
	int r;

	if (!events_route(ps->events, about, NULL)) {
		metrics.prompts[METRICS_PROMPT_NO_PROMPTER]++;
		return TSR_NO_PROMPTER;
	}
	if (ps->n >= PROMPTS_MAX)
		return TSR_SLOW_DOWN;
	buf_init(&b, PROMPT_JSON_MAX);
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return TSR_NOMEM;
	store_make_id(p->id);
	p->prompts = ps;
	p->about = *about;
	p->about.answerer = events_answerer(ps->events, about);
	p->by = events_process(about->requester);
	p->client = *client;
	p->pad = show->pad;
	if ((r = prompt_json(&b, p, show)) != TSR_OK ||
	    (r = timer_arm(loop_timers(ps->loop), &p->timer, clock_boot_ms() + PROMPT_MS,
	    prompt_timeout, p)) != TSR_OK)
		goto out;
	p->next = ps->list;
	ps->list = p;
	ps->n++;
	events_send_about(ps->events, about->uid, &p->by, p->about.answerer, "pin-needed",
	    (const char *)b.data, b.len);
	*out = p;
	p = NULL;
 out:
	free(p);
	buf_free(&b);
	return r;
}

void
prompt_cancel(struct prompt **p)
{
	if (*p != NULL) {
		metrics.prompts[METRICS_PROMPT_ABANDONED]++;
		prompt_remove(*p);
	}
	*p = NULL;
}

void
prompt_over(struct prompt **p)
{
	if (*p != NULL) {
		metrics.prompts[METRICS_PROMPT_ANSWERED]++;
		prompt_remove(*p);
	}
	*p = NULL;
}

enum pin_place
prompts_place(const struct prompts *ps, const struct events_about *about)
{
	return events_route_seat(ps->events, about, *ps->seat) ? PIN_AT_SEAT : PIN_ELSEWHERE;
}

size_t
prompts_count(const struct prompts *ps)
{
	return ps->n;
}

/* An answer that may not be taken ends the prompt where nobody could give
 * another. */
static int
prompt_refused(struct prompt *p, int code, uint32_t wait_s)
{
	if (code != TSR_PIN_REQUIRED && prompts_place(p->prompts, &p->about) != PIN_AT_SEAT)
		prompt_finish(p, code, NULL, wait_s);
	return code;
}

int
prompts_answer(struct prompts *ps, const char *id, const struct caller *by, struct secret **pin,
    uint32_t confirmed, uint32_t *wait_s)
{
	struct prompt_reply reply = { .confirmed = confirmed };
	struct prompt *p;
	int r;

	for (p = ps->list; p != NULL; p = p->next)
		if (strcmp(p->id, id) == 0)
			break;
	if (p == NULL || !events_route(ps->events, &p->about, by))
		return TSR_NOT_FOUND;
	if (*pin == NULL && confirmed == 0) {
		prompt_finish(p, TSR_CANCELLED, NULL, 0);
		return TSR_OK;
	}
	if ((*pin == NULL) != p->pad)
		return TSR_INVALID;
	reply.place = seat_has(*ps->seat, by, p->about.answerer == EVENTS_HELPER ? p->about.said :
	    NULL) ? PIN_AT_SEAT : PIN_ELSEWHERE;
	if (p->client.may != NULL &&
	    (r = p->client.may(p->client.arg, reply.place, confirmed, wait_s)) != TSR_OK)
		return prompt_refused(p, r, *wait_s);
	reply.pin = *pin;
	*pin = NULL;
	prompt_finish(p, TSR_OK, &reply, 0);
	return TSR_OK;
}

void
prompts_left(struct prompts *ps, uid_t uid)
{
	struct prompt *p;

	/* finishing one may change the list: begin anew after each */
	for (p = ps->list; p != NULL;) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a finished one is out of the list */
		if ((p->about.uid != uid && p->by.uid != uid) ||
		    events_route(ps->events, &p->about, NULL)) {
			p = p->next;
			continue;
		}
		prompt_finish(p, TSR_NO_PROMPTER, NULL, 0);
		p = ps->list;
	}
}
