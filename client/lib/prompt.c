/*
 * prompt.c - questions to the prompter and answers to the agent.  See conn.h
 * and tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/conn.h"
#include "client/lib/form.h"

static int
prompt_is_id(const char *id)
{
	size_t n = strlen(id);

	return n > 0 && n < CONN_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == n;
}

/* pin NULL cancels; confirmed 0: nothing was. */
static int
prompt_body(struct buf *body, const char *pin, unsigned confirmed)
{
	int r;

	if (pin == NULL)
		return buf_put_cstr(body, "{\"cancel\":true}");
	if ((r = form_json_put(body, "pin", pin)) != TSR_OK)
		return r;
	return confirmed > 0 ? buf_printf(body, ",\"confirm\":%u}", confirmed) : buf_put_u8(body, '}');
}

void
prompt_drop(struct tsr_client *c)
{
	while (c->n_replies > 0)
		buf_free(&c->reply[--c->n_replies].body);
	c->telling = 0;
}

/* Line an answer up behind those that wait. */
static int
prompt_queue(struct tsr_client *c, const char *id, const char *pin, unsigned confirmed)
{
	struct conn_reply *reply = &c->reply[c->n_replies];
	int r;

	if (c->n_replies == CONN_REPLIES_MAX)
		return TSR_TOO_LARGE;
	buf_init(&reply->body, CONN_PIN_BODY_MAX);
	if ((r = prompt_body(&reply->body, pin, confirmed)) != TSR_OK) {
		buf_free(&reply->body);
		return r;
	}
	memcpy(reply->id, id, strlen(id) + 1);
	c->n_replies++;
	return TSR_OK;
}

static void
prompt_next(struct tsr_client *c)
{
	buf_free(&c->reply[0].body);
	c->n_replies--;
	memmove(&c->reply[0], &c->reply[1], c->n_replies * sizeof(c->reply[0]));
	c->telling = 0;
}

/* What becomes of an answer shows in the request: one that comes too late is
 * nobody's fault. */
void
prompt_tell(struct tsr_client *c)
{
	char target[CONN_ID_MAX + 16];
	struct http_answer a;
	struct fault ignored;
	int r;

	while (c->n_replies > 0) {
		if (!c->telling) {
			(void)snprintf(target, sizeof(target), "/prompt/%s", c->reply[0].id);
			buf_reset(&c->tell.body);
			r = buf_put(&c->tell.body, c->reply[0].body.data, c->reply[0].body.len);
			if (r == TSR_OK)
				r = exchange_begin(&c->tell, "POST", target, FORM_JSON_TYPE, 0);
			c->telling = 1;
		} else
			r = TSR_OK;
		if (r == TSR_OK && exchange_step(&c->tell, &a, &ignored) == TSR_AGAIN)
			return;
		buf_reset(&c->tell.body);
		prompt_next(c);
	}
	exchange_watch(&c->tell, 0);
}

/* Put a question; every prompt of this process's requests is ours to answer. */
static void
prompt_put(struct tsr_client *c, const struct tsr_event *e)
{
	char id[CONN_ID_MAX], pin[TSR_PIN_MAX + 1];
	int needed = strcmp(e->name, "pin-needed") == 0, r;
	int64_t pid = 0, few = 0;

	if (needed && (tsr_event_number(e, "requester.pid", &pid) != TSR_OK || pid != getpid() ||
	    tsr_event_text(e, "prompt", id, sizeof(id)) != TSR_OK || !prompt_is_id(id)))
		return;
	memset(pin, 0, sizeof(pin));
	r = c->prompter(c->arg, e, pin, sizeof(pin));
	if (needed && r != TSR_AGAIN) {
		/* few tries are for a person who confirms them: tsr_prompt_confirm */
		if (r != TSR_OK || tsr_event_number(e, "confirm", &few) == TSR_OK || pin[0] == '\0' || memchr(pin, '\0', sizeof(pin)) == NULL ||
		    prompt_queue(c, id, pin, 0) != TSR_OK)
			(void)prompt_queue(c, id, NULL, 0);
	}
	sodium_memzero(pin, sizeof(pin));
}

void
prompt_hear(struct tsr_client *c)
{
	struct tsr_event *e = NULL;
	int r;

	while ((r = stream_next(&c->hear, &e)) == TSR_OK) {
		if (c->prompter != NULL && strcmp(e->name, "ping") != 0)
			prompt_put(c, e);
		tsr_event_free(&e);
	}
	if (r != TSR_AGAIN)
		stream_shut(&c->hear);
}

static int
prompt_reply(struct tsr_client *c, const char *id, const char *pin, unsigned confirmed)
{
	char target[CONN_ID_MAX + 16];
	int r;

	if (!prompt_is_id(id) ||
	    (pin != NULL && (*pin == '\0' || strnlen(pin, TSR_PIN_MAX + 1) > TSR_PIN_MAX)))
		return TSR_INVALID;
	if (c->state != CONN_IDLE) {
		if ((r = prompt_queue(c, id, pin, confirmed)) == TSR_OK)
			prompt_tell(c);
		exchange_watch(&c->tell, c->n_replies > 0);
		return r;
	}
	result_drop(c);
	fault_clear(&c->fault);
	buf_reset(&c->ask.body);
	if ((r = prompt_body(&c->ask.body, pin, confirmed)) != TSR_OK)
		return r;
	(void)snprintf(target, sizeof(target), "/prompt/%s", id);
	c->what = CONN_PROMPT;
	c->state = CONN_ASKING;
	return exchange_begin(&c->ask, "POST", target, FORM_JSON_TYPE, 0);
}

int
tsr_prompt_answer(struct tsr_client *c, const char *id, const char *pin)
{
	return pin == NULL ? TSR_INVALID : prompt_reply(c, id, pin, 0);
}

int
tsr_prompt_confirm(struct tsr_client *c, const char *id, const char *pin, unsigned tries)
{
	return pin == NULL || tries == 0 ? TSR_INVALID : prompt_reply(c, id, pin, tries);
}

int
tsr_prompt_cancel(struct tsr_client *c, const char *id)
{
	return prompt_reply(c, id, NULL, 0);
}
