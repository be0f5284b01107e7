/*
 * vendor.h - the tables in which makers of hardware tokens deliver secrets.
 *
 * With a first row of names, the columns may come in any order; known are
 * (spaces, hyphens and underscores in them, and case, do not count)
 *
 *	serial, serialnumber			the serial number on the token
 *	secret, secretkey, seed, key, secretbase32, secrethex	the secret
 *	type					totp, hotp
 *	digits, otplength, codelength		6 to 8
 *	period, timeinterval, timestep		s
 *	algorithm, hash				SHA1, SHA256, SHA512
 *	counter, movingfactor
 *	user, upn, username, account		whose it is
 *	manufacturer, model, label		passed over
 *
 * Without one, a row is: serial, secret in hexadecimal, type, digits, period
 * (or counter), hash; the last four may be left out.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef OATH_VENDOR_H
#define OATH_VENDOR_H

#include <stddef.h>

#include "oath/csv.h"
#include "oath/otp.h"

enum vendor_form { VENDOR_GUESS = 0, VENDOR_BASE32, VENDOR_HEX };

struct vendor;

/* Read the table's head.  form is how secrets are written where the head does not
 * tell; VENDOR_GUESS: base32 in a table with a head, hexadecimal without.
 * text outlives the table.  TSR_INVALID (*why a constant sentence; an empty
 * table, a head without secret or serial, a column twice), TSR_NOMEM. */
int vendor_open(const char *text, size_t n, enum vendor_form form, struct vendor **out,
    const char **why);
void vendor_free(struct vendor **v);

/* Of a table with a head: the column that says whose a token is.  TSR_NOT_FOUND. */
int vendor_user_column(struct vendor *v, const char *name);

/* The next token; account is its user, "" where the table does not tell.  *line
 * is where its row begins.  TSR_NOT_FOUND after the last one; TSR_INVALID
 * (*why as above): the row is unusable and the next call goes on behind it;
 * TSR_CORRUPT: the table cannot be read any further. */
int vendor_next(struct vendor *v, struct otp *o, unsigned *line, const char **why);

#endif
