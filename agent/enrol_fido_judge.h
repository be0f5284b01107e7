/*
 * enrol_fido_judge.h - what a FIDO2 key made, judged, and put into the credential
 * that is enrolled.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_FIDO_JUDGE_H
#define AGENT_ENROL_FIDO_JUDGE_H

#include "agent/enrol_fido_make.h"

/* What came of it: all of it points elsewhere. */
struct enrol_fido_evidence {
	const uint8_t *hash;		/* ASSERTION_HASH_LEN bytes: what it signed */
	const uint8_t *authdata;
	size_t authdata_len;
	const uint8_t *format, *statement;	/* of its attestation */
	size_t format_len, statement_len;
	const void *transports;		/* text */
	size_t transports_len;
};

/*
 * By the wish (relying party, verification, whether its make is asked for) and the
 * configuration (makers, makes).  On TSR_OK credential and record of the wish have
 * what was made.  TSR_KEY_UNUSABLE for a make that may not be enrolled;
 * TSR_BAD_SIGNATURE and TSR_DENIED with *fault; TSR_NOMEM, TSR_CRYPTO.
 */
int enrol_fido_judge(const struct fido *f, const struct enrol_fido_wish *wish,
    const struct enrol_fido_evidence *e, enum assertion_fault *fault);

#endif
