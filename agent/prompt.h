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
#include "base/secret.h"

#define PROMPT_MS		60000	/* a prompt waits that long */
#define PROMPTS_MAX		1024	/* open prompts */

struct prompts;
struct prompt;

/* What the prompter shows; the texts come from configuration, store and
 * devices, and are escaped by who shows them. */
struct prompt_show {
	const char *purpose;		/* "login", "enrol" */
	const char *audience, *scope;	/* "" where none */
	const char *token_label, *token_serial, *token_manufacturer, *token_model;
	const char *credential_id, *credential_label;	/* "" while enrolling */
	int retry;			/* the last PIN was wrong */
	uint32_t tries_left;		/* PROTO_TRIES_UNKNOWN */
	const char *pin;		/* device_pin_state(): what is known besides */
};

int prompts_new(struct loop *l, struct events *e, struct prompts **out);
void prompts_free(struct prompts **ps);

/*
 * Ask uid's prompters on behalf of requester.  done() is called once, later:
 * TSR_OK with the PIN (the callee's to free), TSR_CANCELLED, TSR_TIMEOUT,
 * TSR_NO_PROMPTER (the last prompter went away).  TSR_NO_PROMPTER at once where
 * nobody can be asked; TSR_SLOW_DOWN beyond PROMPTS_MAX.
 */
int prompt_ask(struct prompts *ps, uid_t uid, const struct caller *requester,
    const struct prompt_show *show,
    void (*done)(void *arg, int code, struct secret *pin), void *arg, struct prompt **out);

/* The asking request is gone; done() is not called.  *p may be NULL. */
void prompt_cancel(struct prompt **p);

/* An answer: pin NULL cancels; pin is taken on success.  TSR_NOT_FOUND where
 * the prompt is over or `by` is not a prompter it was shown to. */
int prompts_answer(struct prompts *ps, const char *id, const struct caller *by,
    struct secret **pin);

/* How many are open. */
size_t prompts_count(const struct prompts *ps);

/* For events_new: a listener of uid left. */
void prompts_left(struct prompts *ps, uid_t uid);

#endif
