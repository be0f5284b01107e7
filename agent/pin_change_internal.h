/*
 * pin_change_internal.h - what the files of pin_change.h share: pin_change.c asks
 * the person and counts the tries, pin_change_card.c and pin_change_key.c find a
 * device, and have it do it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PIN_CHANGE_INTERNAL_H
#define AGENT_PIN_CHANGE_INTERNAL_H

#include "agent/device.h"
#include "agent/fido.h"
#include "agent/pending.h"
#include "agent/pin_change.h"
#include "agent/proof.h"

enum pin_operation { PIN_CHANGE, PIN_UNBLOCK, PIN_SET };

/* What is asked for, in this order. */
enum pin_step { STEP_OLD, STEP_NEW, STEP_AGAIN };

struct pin_change {
	struct agent *agent;
	const struct http_request *request;
	enum pin_operation operation;
	int key;			/* a FIDO2 key, else a card */
	char id[DEVICE_ID_LEN + FIDO_KEY_ID_MAX];
	char subject[NAMES_NAME_MAX];	/* the caller's name */
	struct device device;		/* of a key: label and manufacturer */
	char node[65];			/* a key's name for its helper */
	const char *pin_state;		/* as the device tells it */
	struct pin_of of;
	uint32_t tries, least, most;
	enum pin_step step;
	struct secret *old, *pin;	/* old is NULL where there is none */
	enum pin_place place;
	uint32_t confirmed;
	int trying;			/* the guard was told that a try began */
	struct pending pending;
	struct device_query *query;
	struct fido_query *fido_query;
	struct helper_call *call;
	struct fido_call *fido_call;
	struct fido_turn turn;
	struct prompt *prompt;
};

/* Answer, and free.  number as in login_failure(). */
void pin_change_fail(struct pin_change *p, int code, uint32_t number, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The device was found, and its tries, rules and of are in p: ask the person. */
void pin_change_ask(struct pin_change *p);

/* What the device made of it. */
void pin_change_done(void *arg, int code, uint32_t tries_left, const char *detail);

/* Find the device of p's id: pin_change_ask() follows, or pin_change_fail().
 * TSR_OK, or why nothing was begun. */
int pin_change_card_find(struct pin_change *p);
int pin_change_key_find(struct pin_change *p);

/* What was to be sent was not: the tries stay as they were, and it fails. */
void pin_change_unsent(struct pin_change *p, int code);

/* Send old and new to it: pin_change_done() follows.  On an error the device was
 * not asked. */
int pin_change_card_send(struct pin_change *p);
int pin_change_key_send(struct pin_change *p);

#endif
