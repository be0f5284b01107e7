/*
 * enroll.h - the end of an enrolment, by what a browser answered.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_ENROLL_H
#define CLIENT_ENROLL_H

#include "client/client.h"

/* Bring the file of --answer to the enrolment of that id; own: one's own, else an
 * administrator's.  FAIL_*. */
int enroll_answer(struct client *c, const char *id, int own);

#endif
