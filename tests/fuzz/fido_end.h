/*
 * fido_end.h - a FIDO2 helper's end of a connection in a fuzz target: what a good
 * one with a key in it would say.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_FIDO_END_H
#define TESTS_FUZZ_FIDO_END_H

#include "agent/store.h"
#include "base/buf.h"
#include "base/frame.h"

/* Enrol the key for root, beside what the store has. */
void fido_end_enrol(struct store *st);

/* Append the answer to an operation; 1 where it is an assertion that is good.  0
 * also for another request, to which nothing is appended. */
int fido_end_answer(const struct frame *asked, struct buf *out);

#endif
