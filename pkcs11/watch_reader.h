/*
 * watch_reader.h - one reader as PC/SC tells of it, and as the agent is told.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_WATCH_READER_H
#define PKCS11_WATCH_READER_H

#include <winscard.h>

#include "base/buf.h"

/* Is the card in the field of an antenna?  Its answer to reset has the form
 * that PC/SC part 3 section 3.1.3.2.3 gives to contactless cards, or the reader
 * says so in its name. */
int watch_reader_contactless(const char *name, const unsigned char *atr, size_t n);

/* PROTO_READER_* from the SCARD_STATE_* of what was reported last. */
uint32_t watch_reader_state(const SCARD_READERSTATE *s);

/* Append a PROTO_READER; gone: the reader was taken away.  Names are outside
 * text and escaped.  TSR_NOMEM, TSR_TOO_LARGE. */
int watch_reader_put(struct buf *out, uint32_t id, const SCARD_READERSTATE *s, int gone);

#endif
