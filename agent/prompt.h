/*
 * prompt.h - asking a person for a PIN: the request waits while a prompter
 * (a listener of GET /events) shows it and answers on POST /prompt/ID.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROMPT_H
#define AGENT_PROMPT_H

#include <stdint.h>
#include <sys/types.h>

#include "agent/events.h"
#include "agent/pin_guard.h"
#include "agent/ssh_about.h"
#include "base/buf.h"
#include "base/secret.h"

#define PROMPT_MS		60000	/* a prompt waits that long */
#define PROMPTS_MAX		1024	/* open prompts */

struct prompts;
struct prompt;

/* What was answered. */
struct prompt_reply {
	struct secret *pin;		/* the callee's to free; NULL where the reader takes it */
	enum pin_place place;		/* of the prompter */
	uint32_t confirmed;		/* tries left that the person repeated, 0 none */
};

/* What the prompter shows; the texts come from configuration, store and
 * devices, and are escaped by who shows them. */
struct prompt_show {
	const char *kind;		/* NULL: "pkcs11" */
	const char *purpose;		/* "login", "enrol", "pin-change", "pin-unblock", "pin-set" */
	const char *ask;		/* "pin", "puk", "new-pin", "new-pin-again" */
	const char *audience, *scope;	/* "" where none */
	const char *token_label, *token_serial, *token_manufacturer, *token_model;
	const char *credential_id, *credential_label;	/* "" while enrolling */
	int retry;			/* the last PIN was wrong */
	uint32_t tries_left;		/* PROTO_TRIES_UNKNOWN */
	uint32_t confirm;		/* tries left that the person has to repeat, 0 none */
	uint32_t least, most;		/* bytes that it has; most 0: not known */
	int pad;			/* it is entered at the reader: only "confirm" is answered */
	const char *pin;		/* device_pin_state(): what is known besides */
	const struct ssh_about *about;	/* what it is for; NULL */
};

/* seat lives as long as the prompts, and may change. */
int prompts_new(struct loop *l, struct events *e, const enum config_seat *seat,
    struct prompts **out);
void prompts_free(struct prompts **ps);

struct prompt_client {
	/* May an answer from there be taken?  As pin_guard_may(); NULL: always. */
	int (*may)(void *arg, enum pin_place place, uint32_t confirmed, uint32_t *wait_s);
	/* Called once, later: TSR_OK with the reply, TSR_CANCELLED, TSR_TIMEOUT,
	 * TSR_NO_PROMPTER (the last prompter went away), or what may() said where
	 * no prompter is left that might do better (*wait_s then in wait_s). */
	void (*done)(void *arg, int code, struct prompt_reply *reply, uint32_t wait_s);
	void *arg;
};

/* Ask who answers about that request.  TSR_NO_PROMPTER at once where
 * nobody can be asked; TSR_SLOW_DOWN beyond PROMPTS_MAX. */
int prompt_ask(struct prompts *ps, const struct events_about *about,
    const struct prompt_show *show, const struct prompt_client *client, struct prompt **out);

/* Append ,"requester":{...}: who asks. */
int prompt_requester_json(struct buf *b, const struct events_about *about);

/* The best place of those who could answer. */
enum pin_place prompts_place(const struct prompts *ps, const struct events_about *about);

/* The asking request is gone; done() is not called.  *p may be NULL. */
void prompt_cancel(struct prompt **p);

/* The same where the reader has taken the PIN. */
void prompt_over(struct prompt **p);

/*
 * An answer; without a PIN and a number it cancels.  *pin is taken on success.
 * TSR_NOT_FOUND where the prompt is over or `by` is not a prompter it was shown
 * to; TSR_INVALID: a PIN where the reader takes it, or none; and what may()
 * says, with *wait_s: the prompt then stands while another may answer.
 */
int prompts_answer(struct prompts *ps, const char *id, const struct caller *by,
    struct secret **pin, uint32_t confirmed, uint32_t *wait_s);

/* How many are open. */
size_t prompts_count(const struct prompts *ps);

/* For events_new: a listener of uid left. */
void prompts_left(struct prompts *ps, uid_t uid);

#endif
