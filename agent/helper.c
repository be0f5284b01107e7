/*
 * helper.c - which helper serves which request.  See helper.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/helper_internal.h"
#include "agent/metrics.h"
#include "include/tessera.h"

static void helpers_schedule(struct helpers *hs);

static char *
helpers_copy(const char *s)
{
	return s != NULL ? strdup(s) : NULL;
}

int
helpers_new(struct loop *l, const struct helpers_options *o, struct helpers **out)
{
	struct helpers *hs;

	if ((hs = calloc(1, sizeof(*hs))) == NULL)
		return TSR_NOMEM;
	hs->loop = l;
	hs->options = *o;
	hs->options.program = hs->program = helpers_copy(o->program);
	hs->options.config_file = hs->config_file = helpers_copy(o->config_file);
	hs->options.socket = hs->socket = helpers_copy(o->socket);
	if (hs->config_file == NULL || (hs->program == NULL && hs->socket == NULL)) {
		helpers_free(&hs);
		return TSR_NOMEM;
	}
	*out = hs;
	return TSR_OK;
}

struct loop *
helper_loop(struct helper *h)
{
	return h->pool->loop;
}

static void
helper_unlist(struct helper *h)
{
	struct helper **at;

	for (at = &h->pool->list; *at != h; at = &(*at)->next)
		;
	*at = h->next;
	h->pool->n--;
}

static void
helper_unqueue(struct helper_call *c)
{
	struct helper_call **at;

	for (at = &c->pool->waiting; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	c->pool->n_waiting--;
	timer_disarm(loop_timers(c->pool->loop), &c->timer);
}

static void
helper_call_free(struct helper_call *c)
{
	buf_free(&c->frame);
	free(c);
}

void
helpers_free(struct helpers **out)
{
	struct helpers *hs = *out;
	struct helper *h;
	struct helper_call *c;

	if (hs == NULL)
		return;
	while ((h = hs->list) != NULL) {
		helper_unlist(h);
		if (h->call != NULL)
			helper_call_free(h->call);
		helper_conn_free(h);
	}
	while ((c = hs->waiting) != NULL) {
		helper_unqueue(c);
		helper_call_free(c);
	}
	free(hs->program);
	free(hs->config_file);
	free(hs->socket);
	free(hs);
	*out = NULL;
}

/* --- a token that kills its helpers rests --- */

static struct breaker *
helper_breaker(struct helpers *hs, const struct helper_key *k, int make)
{
	struct breaker *b, *least = hs->breaker;

	for (b = hs->breaker; b < hs->breaker + HELPER_BREAKERS_MAX; b++) {
		if (strcmp(b->module, k->module) == 0 && strcmp(b->serial, k->serial) == 0 &&
		    strcmp(b->label, k->label) == 0)
			return b;
		if (b->deaths < least->deaths)
			least = b;
	}
	if (!make)
		return NULL;
	memset(least, 0, sizeof(*least));
	(void)snprintf(least->module, sizeof(least->module), "%s", k->module);
	(void)snprintf(least->serial, sizeof(least->serial), "%s", k->serial);
	(void)snprintf(least->label, sizeof(least->label), "%s", k->label);
	return least;
}

static void
helper_note(struct helpers *hs, const struct helper_key *k, int died)
{
	struct breaker *b = helper_breaker(hs, k, died);

	if (b == NULL)
		return;
	b->deaths = died ? b->deaths + 1 : 0;
	metrics.helper_deaths += died ? 1 : 0;
	metrics.breakers_opened += b->deaths == HELPER_DEATHS ? 1 : 0;
	if (b->deaths >= HELPER_DEATHS)
		b->rests_until_ms = clock_boot_ms() + HELPER_REST_MS;
}

/* --- one helper's life --- */

static int
helper_key_equal(const struct helper_key *a, const struct helper_key *b)
{
	/* The analyzer does not see that what was unqueued is not met again. */
	return a->subject == b->subject &&	/* NOLINT(clang-analyzer-unix.Malloc) */
	    strcmp(a->module, b->module) == 0 && strcmp(a->serial, b->serial) == 0 &&
	    strcmp(a->label, b->label) == 0;
}

static void
helper_tell(struct helper_call *c, int code, uint32_t tries_left, const char *detail)
{
	struct helper_client client = c->client;

	helper_call_free(c);
	client.done(client.arg, code, tries_left, detail);
}

/* Fail all that wait for exactly this helper. */
static void
helper_fail_waiting(struct helpers *hs, const struct helper_key *k, int code, const char *detail)
{
	struct helper_call *c;

	for (c = hs->waiting; c != NULL;) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a told one is out of the queue */
		if (!helper_key_equal(&c->key, k)) {
			c = c->next;
			continue;
		}
		helper_unqueue(c);
		helper_tell(c, code, PROTO_TRIES_UNKNOWN, detail);
		c = hs->waiting;	/* the callback may have changed the queue */
	}
}

void
helper_ended(struct helper *h, int code, const char *detail)
{
	struct helpers *hs = h->pool;
	struct helper_call *c = h->call;
	struct helper_key key = h->key;
	int opening = h->state == HELPER_OPENING, spare = h->spare;
	char text[600];

	(void)snprintf(text, sizeof(text), "%s", detail);	/* detail may lie in h */
	helper_unlist(h);
	helper_conn_free(h);
	if ((c != NULL || opening) && (code == TSR_HELPER || code == TSR_TIMEOUT))
		helper_note(hs, &key, 1);
	if (c != NULL)
		helper_tell(c, code, PROTO_TRIES_UNKNOWN, text);
	if (opening && !spare)
		helper_fail_waiting(hs, &key, code, text);
	helpers_schedule(hs);
}

static void
helper_dead_over(void *arg)
{
	struct helper *h = arg;
	struct helpers *hs = h->pool;

	helper_unlist(h);
	helper_conn_free(h);
	helpers_schedule(hs);
}

/* Let h go.  Its own code may be on the stack, so the end is the timer's. */
static void
helper_kill(struct helper *h)
{
	h->state = HELPER_DEAD;
	h->call = NULL;
	(void)timer_arm(loop_timers(h->pool->loop), &h->timer, clock_boot_ms(), helper_dead_over, h);
}

static void
helper_idle_over(void *arg)
{
	helper_kill(arg);
}

static void
helper_open_over(void *arg)
{
	helper_ended(arg, TSR_TIMEOUT, "the module did not load in time");
}

static void
helper_call_over(void *arg)
{
	helper_ended(arg, TSR_TIMEOUT, "the token did not answer in time");
}

static void
helper_send_over(void *arg)
{
	helper_ended(arg, TSR_HELPER, "the helper process died");
}

static void
helper_go_idle(struct helper *h)
{
	h->state = HELPER_IDLE;
	h->call = NULL;
	/* A spare stays: it is what makes the next proof quick. */
	timer_disarm(loop_timers(h->pool->loop), &h->timer);
	if (!h->spare)
		(void)timer_arm(loop_timers(h->pool->loop), &h->timer,
		    clock_boot_ms() + HELPER_IDLE_MS, helper_idle_over, h);
}

void
helper_opened(struct helper *h)
{
	helper_go_idle(h);
	helpers_schedule(h->pool);
}

static void
helper_spare(struct helpers *hs, const char *module)
{
	struct helper *h;

	for (h = hs->list; h != NULL; h = h->next)
		if (h->spare && !h->stale && strcmp(h->key.module, module) == 0)
			return;
	if (hs->n >= HELPERS_MAX / 2 ||
	    helper_conn_start(hs, hs->loop, &hs->options, module, &h) != TSR_OK)
		return;
	h->next = hs->list;
	hs->list = h;
	hs->n++;
	(void)timer_arm(loop_timers(hs->loop), &h->timer, clock_boot_ms() + HELPER_OPEN_MS,
	    helper_open_over, h);
}

/* Of such an end a process keeps something: a module that has lost its card, its
 * reader or its service is not asked again. */
static int
helper_doubtful(int code)
{
	return code == TSR_HELPER || code == TSR_TIMEOUT || code == TSR_MODULE ||
	    code == TSR_DEVICE_REMOVED || code == TSR_DEVICE_BUSY || code == TSR_UNAVAILABLE;
}

void
helper_finished(struct helper *h, int code, uint32_t tries_left, const char *detail)
{
	struct helpers *hs = h->pool;
	struct helper_call *c = h->call;
	char module[HELPER_NAME_MAX];

	(void)snprintf(module, sizeof(module), "%s", h->key.module);
	/* To tell of tries is no sign of a token that works: its deaths stand. */
	if (c->type != PROTO_TRIES || code == TSR_HELPER || code == TSR_TIMEOUT)
		helper_note(hs, &h->key, code == TSR_HELPER || code == TSR_TIMEOUT);
	helper_go_idle(h);
	if (helper_doubtful(code))
		h->stale = 1;	/* its keeper may end it as well */
	helper_tell(c, code, tries_left, detail);
	if (code == TSR_OK)
		helper_spare(hs, module);
	helpers_schedule(hs);
}

/* --- who serves whom --- */

static void
helper_assign(struct helper *h, struct helper_call *c)
{
	h->spare = 0;
	h->key = c->key;
	if (h->state != HELPER_IDLE)
		return;		/* still loading: it is found again once opened */
	helper_unqueue(c);
	h->state = HELPER_BUSY;
	h->call = c;
	c->helper = h;
	(void)timer_arm(loop_timers(h->pool->loop), &h->timer,
	    clock_boot_ms() + c->deadline_ms + HELPER_GRACE_MS, helper_call_over, h);
	if (helper_conn_send(h, c) != TSR_OK)	/* told from the loop, not from in here */
		(void)timer_arm(loop_timers(h->pool->loop), &h->timer, clock_boot_ms(),
		    helper_send_over, h);
}

/* The helper for a call: its own, else a spare.  NULL where there is none. */
static struct helper *
helper_find(struct helpers *hs, const struct helper_call *c)
{
	struct helper *h, *spare = NULL;

	for (h = hs->list; h != NULL; h = h->next) {
		if (h->stale || h->state == HELPER_DEAD)
			continue;
		if (!h->spare && helper_key_equal(&h->key, &c->key))
			return h;
		if (h->spare && strcmp(h->key.module, c->key.module) == 0 &&
		    (spare == NULL || h->state == HELPER_IDLE))
			spare = h;
	}
	return spare;
}

/* At the limit the idle one longest in the list makes room. */
static void
helper_make_room(struct helpers *hs)
{
	struct helper *h, *oldest = NULL;

	for (h = hs->list; h != NULL; h = h->next)
		if (h->state == HELPER_IDLE)
			oldest = h;
	if (oldest != NULL)
		helper_kill(oldest);
}

static int
helper_begin(struct helpers *hs, struct helper_call *c)
{
	struct helper *h;
	int r;

	if ((h = helper_find(hs, c)) != NULL) {
		if (h->spare || h->state == HELPER_IDLE)
			helper_assign(h, c);
		return TSR_OK;
	}
	if (hs->n >= HELPERS_MAX) {
		helper_make_room(hs);
		return TSR_OK;	/* it waits for the room */
	}
	if ((r = helper_conn_start(hs, hs->loop, &hs->options, c->key.module, &h)) != TSR_OK)
		return r;
	h->next = hs->list;
	hs->list = h;
	hs->n++;
	helper_assign(h, c);
	return timer_arm(loop_timers(hs->loop), &h->timer, clock_boot_ms() + HELPER_OPEN_MS,
	    helper_open_over, h);
}

static void
helper_drop_stale(struct helpers *hs)
{
	struct helper *h;

	for (h = hs->list; h != NULL; h = h->next)
		if (h->stale && h->state == HELPER_IDLE)
			helper_kill(h);
}

static void
helpers_schedule(struct helpers *hs)
{
	struct helper_call *c, *next;
	int r;

	helper_drop_stale(hs);
	for (c = hs->waiting; c != NULL; c = next) {
		next = c->next;
		if ((r = helper_begin(hs, c)) == TSR_OK)
			continue;
		helper_unqueue(c);
		helper_tell(c, r, PROTO_TRIES_UNKNOWN, "the helper cannot be started");
		next = hs->waiting;
	}
}

void
helpers_renew(struct helpers *hs)
{
	struct helper *h;

	for (h = hs->list; h != NULL; h = h->next)
		h->stale = 1;
	memset(hs->breaker, 0, sizeof(hs->breaker));
	helper_drop_stale(hs);
}

/* --- requests --- */

static void
helper_wait_over(void *arg)
{
	struct helper_call *c = arg;

	helper_unqueue(c);
	helper_tell(c, TSR_TIMEOUT, PROTO_TRIES_UNKNOWN, "no helper became free in time");
}

static int
helper_call_new(struct helpers *hs, const struct helper_target *t, uint16_t type,
    const struct proto_value *values, size_t n, uint32_t deadline_ms, struct helper_call **out)
{
	struct helper_call *c;
	int r;

	if (strlen(t->module) >= HELPER_NAME_MAX || strlen(t->serial) >= HELPER_NAME_MAX ||
	    strlen(t->label) >= HELPER_NAME_MAX)
		return TSR_INVALID;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	(void)snprintf(c->key.module, sizeof(c->key.module), "%s", t->module);
	(void)snprintf(c->key.serial, sizeof(c->key.serial), "%s", t->serial);
	(void)snprintf(c->key.label, sizeof(c->key.label), "%s", t->label);
	c->key.subject = t->subject;
	c->pool = hs;
	c->type = type;
	c->deadline_ms = deadline_ms;
	buf_init(&c->frame, FRAME_HEAD + FRAME_BODY_MAX);
	if ((r = proto_encode(&c->frame, type, 0, deadline_ms, values, n)) != TSR_OK) {
		helper_call_free(c);
		return r;
	}
	*out = c;
	return TSR_OK;
}

int
helper_request(struct helpers *hs, const struct helper_target *t, uint16_t type,
    const struct proto_value *values, size_t n, uint32_t deadline_ms,
    const struct helper_client *client, struct helper_call **out)
{
	struct helper_call *c, **tail;
	const struct breaker *b;
	int r;

	if (hs->n_waiting >= HELPER_WAITING_MAX)
		return TSR_SLOW_DOWN;
	if ((r = helper_call_new(hs, t, type, values, n, deadline_ms, &c)) != TSR_OK)
		return r;
	c->client = *client;
	b = helper_breaker(hs, &c->key, 0);
	if (b != NULL && b->deaths >= HELPER_DEATHS && b->rests_until_ms > clock_boot_ms()) {
		helper_call_free(c);
		return TSR_BREAKER;
	}
	for (tail = &hs->waiting; *tail != NULL; tail = &(*tail)->next)
		;
	*tail = c;
	hs->n_waiting++;
	if ((r = timer_arm(loop_timers(hs->loop), &c->timer,
	    clock_boot_ms() + HELPER_OPEN_MS + deadline_ms + HELPER_GRACE_MS,
	    helper_wait_over, c)) != TSR_OK || (r = helper_begin(hs, c)) != TSR_OK) {
		helper_unqueue(c);
		helper_call_free(c);
		return r;
	}
	*out = c;
	return TSR_OK;
}

static void
helper_no_part(void *arg, uint16_t type, const struct proto_value *v)
{
	(void)arg;
	(void)type;
	(void)v;
}

static void
helper_no_end(void *arg, int code, uint32_t tries_left, const char *detail)
{
	(void)arg;
	(void)code;
	(void)tries_left;
	(void)detail;
}

void
helper_cancel(struct helper_call **cp)
{
	static const struct helper_client nobody = { helper_no_part, helper_no_end, NULL };
	struct helper_call *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->helper != NULL && c->type != PROTO_PROVE && c->type != PROTO_PRESENT) {
		c->client = nobody;	/* the helper's from now on */
		return;
	}
	if (c->helper != NULL)
		helper_kill(c->helper);
	else
		helper_unqueue(c);
	helper_call_free(c);
}
