/*
 * problem.h - how an error code looks on the wire: its HTTP status, its name
 * (RFC 6749 section 5.2 and our own), and a sentence.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_PROBLEM_H
#define AGENT_PROBLEM_H

#include "agent/http.h"

/* Answer c with the code's status and name.  fmt is the error_description;
 * NULL gives the code's own line. */
void problem(struct http_conn *c, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with further members: whole JSON members starting with a comma,
 * e.g. ",\"tries_left\":2". */
void problem_with(struct http_conn *c, int code, const char *members, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A request that breaks the rules (RFC 6749 invalid_request). */
#define problem_invalid(c, ...)	problem((c), TSR_INVALID, __VA_ARGS__)

/* The name alone, e.g. "pin_required". */
const char *problem_name(int code);

#endif
