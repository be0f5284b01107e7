/*
 * hide.h - text without what must not leave the machine: words that were named
 * (users, hosts, labels, serials), and everything that looks like a token, an
 * id or a key.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_HIDE_H
#define CLIENT_HIDE_H

#include <stddef.h>

#include "base/buf.h"

#define HIDE_WORDS_MAX	4096	/* words of one list */
#define HIDE_RUN_MIN	20	/* characters of base64url with both cases and a digit: an id */
#define HIDE_HEX_MIN	32	/* hexadecimal digits: a key or an id */

struct hide;

int hide_new(struct hide **out);
void hide_free(struct hide **h);

/* Show as (kept, not copied: "[user]") wherever word stands between characters
 * that are no letters, digits or '_'; letter case does not count.  Also as it
 * looks in JSON and escaped for people.  Empty words, numbers of up to three
 * digits and the accounts that every installation has are left alone.
 * TSR_TOO_LARGE beyond HIDE_WORDS_MAX, TSR_NOMEM. */
int hide_word(struct hide *h, const char *word, const char *as);

/* Append text[0..n), hidden. */
int hide_text(const struct hide *h, const char *text, size_t n, struct buf *out);

#endif
