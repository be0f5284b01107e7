/*
 * enrol_fido_make.h - a FIDO2 key makes a credential: which of the keys that are
 * plugged in, its PIN, a touch that was announced, and what it made.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ENROL_FIDO_MAKE_H
#define AGENT_ENROL_FIDO_MAKE_H

#include "agent/assertion.h"
#include "agent/fido.h"
#include "agent/store_fido.h"

struct enrol_fido_make;

/* What is wanted.  All pointers live until done() or the cancellation. */
struct enrol_fido_wish {
	struct credential *credential;	/* id, subject, uid, label */
	struct fido_record *record;	/* verification, resident, rp_id */
	int direct;			/* 1: its make is asked for */
	const struct caller *requester;
};

/* TSR_OK: the credential and its record are filled in with what the key made, which
 * was judged.  Else number is the tries left, for TSR_SLOW_DOWN the seconds to wait. */
typedef void (*enrol_fido_made)(void *arg, int code, uint32_t number, const char *detail);

/* done() is called once and never from inside. */
int enrol_fido_make_start(struct fido *f, const struct enrol_fido_wish *wish, enrol_fido_made done,
    void *arg, struct enrol_fido_make **out);
void enrol_fido_make_cancel(struct enrol_fido_make **m);

#endif
