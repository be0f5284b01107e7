/*
 * enrol_subject.h - for whom a credential is enrolled: the user is looked up, and
 * may be no other than the caller where he enrols his own.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_SUBJECT_H
#define AGENT_ENROL_SUBJECT_H

#include <jansson.h>

#include "agent/agent.h"
#include "agent/pending.h"

/* text is the sentence for the answer to another code than TSR_OK; "": the code's
 * own. */
typedef void (*enrol_subject_done)(void *arg, int code, const char *text);

/* Embedded in the enrolment, zeroed; the files' own. */
struct enrol_subject {
	struct agent *agent;
	const struct http_request *request;
	struct credential *credential;
	int own;
	enrol_subject_done done;
	void *arg;
	unsigned ticket;
	int *answered;			/* set where the look-up ends inside its call */
	struct pending pending;
};

/* The members "subject" and "label" of the body o into c; own, where not NULL,
 * takes the place of the first.  Otherwise that was answered. */
int enrol_subject_read(const struct http_request *r, const json_t *o, const char *own,
    struct credential *c);
/* The member "vouch": ACR_HARDWARE, ACR_HARDWARE_PIN, or 0 without one.  Otherwise
 * that was answered. */
int enrol_subject_vouch(const struct http_request *r, const json_t *o, enum acr *vouched);

/*
 * Look up the subject of c; own: he is the caller.  done() is called once, maybe
 * from inside, and may free s: with TSR_OK c has the user's name and uid, and until
 * enrol_subject_end() the request counts among those of its caller that wait
 * (limits.pending_per_uid).
 */
void enrol_subject_find(struct enrol_subject *s, struct agent *a, const struct http_request *r,
    struct credential *c, int own, enrol_subject_done done, void *arg);
/* It waits for nothing any more: done() is not called. */
void enrol_subject_end(struct enrol_subject *s);

#endif
