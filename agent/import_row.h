/*
 * import_row.h - one row of an import, and the rows that wait for its commit.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_IMPORT_ROW_H
#define AGENT_IMPORT_ROW_H

#include <jansson.h>

#include "agent/names.h"
#include "agent/store_otp.h"

#define IMPORT_CHUNK	250	/* rows that are allocated together */

/* Small: there are thousands of them, in locked memory. */
struct import_row {
	int64_t line;			/* as whoever sent it counts */
	struct { char subject[NAMES_NAME_MAX], label[65], serial[65]; } text;
	uid_t uid;			/* once it was looked up */
	const char *refused;		/* why it cannot be stored, a constant, or NULL */
	int64_t watermark;
	uint32_t period;
	enum otp_kind kind;
	enum hmac_hash hash;
	unsigned digits;
	size_t seed_len;
	uint8_t seed[HOTP_SEED_MAX];
};

/* Read a row of the body; what is wrong with it is a constant sentence, NULL
 * where it may be stored. */
const char *import_row_read(json_t *o, struct import_row *row);

/* The credential and the record that the row makes; a new id.  r's seed is the
 * caller's to clear.  TSR_NOMEM. */
int import_row_make(const struct import_row *row, struct credential *c, struct otp_record *r);

#endif
