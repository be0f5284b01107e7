/*
 * output.h - what a command prints: tables and sentences for people, or the
 * one JSON document.
 *
 * Text that came from the agent passes escape_text() before people see it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#define OUTPUT_TEXT_MAX		512	/* bytes of one shown text, with NUL */
#define OUTPUT_COLUMNS_MAX	10

enum output_colour { OUTPUT_PLAIN, OUTPUT_BOLD, OUTPUT_RED, OUTPUT_YELLOW };

/* The sequence that begins a colour, "" where fd is no terminal, $TERM is
 * "dumb" or $NO_COLOR is set (no-color.org); OUTPUT_PLAIN ends one. */
const char *output_colour(int fd, enum output_colour colour);

/* One document and a newline on standard output, in the order of its
 * members. */
void output_json(const json_t *doc);

/* A value made safe to show: strings escaped, numbers and booleans in words,
 * an array's elements with blanks between, "-" where there is none.  Returns
 * out. */
char *output_value(const json_t *v, char *out, size_t size);

/* The same of an object's member; "a.b" is a member of a member. */
char *output_member(const json_t *object, const char *name, char *out, size_t size);

/* before and the member in quotes; "" where it is absent or empty. */
char *output_quoted(const char *before, const json_t *object, const char *name, char *out, size_t size);

/* A time in seconds of the epoch, local, "2026-01-31 12:00:00"; "-" for 0. */
char *output_time(int64_t t, char *out, size_t size);

/* "3 min", "12 s", "2 h": how long, for a sentence. */
char *output_span(int64_t seconds, char *out, size_t size);

/* A column: the head and the member it shows (of "a|b" that which is not empty);
 * time says that it is a time. */
struct output_column {
	const char *head, *member;
	int time;
};

/* One line an element of rows, columns as wide as they need to be; no heads
 * where there are no rows: then the text `none`. */
void output_table(const json_t *rows, const struct output_column *column, size_t n,
    const char *none);

/* "head: value" lines of one object, absent members or empty ones left out. */
void output_block(const json_t *object, const struct output_column *column, size_t n);

/* Which part of the agent failed, by an element of "errors" of GET /devices:
 * "module opensc", "FIDO2 keys". */
char *output_source(const json_t *error, char *out, size_t size);

/* A line on standard error where the answer says that the PIN is one that tokens
 * have when they are new. */
void output_pin_default(const json_t *answer);

#endif
