/*
 * enrol_code.h - one-time enrolment codes: an administrator gives one to a user,
 * who enrols his first credential with it.  Kept in memory as keyed hashes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_CODE_H
#define AGENT_ENROL_CODE_H

#include <stdint.h>
#include <sys/types.h>

#define ENROL_CODE_LEN		19	/* "XXXX-XXXX-XXXX-XXXX": 80 random bits, base32 */
#define ENROL_CODE_S		3600	/* s a code lives */
#define ENROL_CODES_MAX		1024	/* open codes; one a user */
#define ENROL_CODE_TRIES	5	/* wrong codes for a user, then his code is void */

struct enrol_codes;

int enrol_codes_new(struct enrol_codes **out);
void enrol_codes_free(struct enrol_codes **ec);

/* A code for uid; an earlier one of his is void.  TSR_TOO_LARGE, TSR_CRYPTO. */
int enrol_code_make(struct enrol_codes *ec, uid_t uid, char code[ENROL_CODE_LEN + 1]);

/* Is this uid's open code?  TSR_OK with the code's serial number, else
 * TSR_BAD_GRANT.  Case and dashes do not matter.  TSR_CRYPTO, which is no wrong
 * try. */
int enrol_code_check(struct enrol_codes *ec, uid_t uid, const char *code, uint64_t *serial);

/* Spend the code that was checked, once the card has proved itself (who mistypes
 * his PIN keeps his code): TSR_OK once; TSR_BAD_GRANT where it was spent, void
 * or over meanwhile.  It is gone with the commit of the batch.  by is the
 * request, and only compared. */
int enrol_code_spend(struct enrol_codes *ec, uid_t uid, uint64_t serial, const void *by);
/* The request came to nothing: the code is as it was, unless another spent it. */
void enrol_code_keep(struct enrol_codes *ec, uid_t uid, uint64_t serial, const void *by);
/* The end of a batch: what was spent in it is gone, or (committed 0) is not. */
void enrol_codes_settle(struct enrol_codes *ec, int committed);

#endif
