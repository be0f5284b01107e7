/*
 * fido_bed.h - a whole agent in this process (agent_rig.h), clients of it, and one
 * FIDO2 key that is played behind the helper's socket: with a real key pair, so that
 * what it signs is judged as ever.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_AGENT_FIDO_BED_H
#define TESTS_AGENT_FIDO_BED_H

#include "agent/agent.h"
#include "base/proto.h"
#include "tests/fuzz/agent_rig.h"

#define FIDO_BED_OPS	16	/* operations at once */
#define FIDO_BED_TEXT	65536	/* bytes of answers to one client */
#define FIDO_BED_HASH	32

/* --- clients, all of root --- */

struct fido_bed_client {
	int fd;			/* -1: none */
	size_t n;
	char text[FIDO_BED_TEXT];
};

void fido_bed_client_open(struct fido_bed_client *c);
void fido_bed_client_close(struct fido_bed_client *c);
/* A device grant / GET /events. */
void fido_bed_ask(struct fido_bed_client *c, const char *audience, const char *scope);
void fido_bed_listen(struct fido_bed_client *c);
/* What came; the status of the answer, 0 before it is there. */
int fido_bed_status(struct fido_bed_client *c);

/* --- the key --- */

/* What the agent asks of it. */
struct fido_bed_op {
	int fd;			/* -1: free */
	uint32_t id;
	uint16_t type;		/* 0: nothing yet */
	uint32_t flags;
	char device[16];	/* whom an assertion is asked of */
	uint8_t hash[FIDO_BED_HASH];
	unsigned number;	/* of those that were begun: the higher the later */
};
extern struct fido_bed_op fido_bed_op[FIDO_BED_OPS];
extern struct credential fido_bed_credential;	/* root's */
extern uint32_t fido_bed_counter;		/* the key's */
/* What a look finds; FIDO_BED_CLAIMED: another key says first that it holds it. */
#define FIDO_BED_DEVICE	"hidraw0"
extern enum fido_bed_found {
	FIDO_BED_HOLDS, FIDO_BED_ABSENT, FIDO_BED_HOLDS_OTHER, FIDO_BED_CLAIMED
} fido_bed_found;

/* How an assertion is false; zeroed it is a good one. */
struct fido_bed_false {
	uint8_t clear, set;	/* flags of the authenticator data */
	int back;		/* its counter stays where it was */
	int other_hash, other_rp, other_id, flip;	/* 1 each */
	const uint8_t *hash;	/* signed instead */
};

/* Take what the agent sent and closed; looks are answered: the key holds it. */
void fido_bed_look(void);
/* The latest operation that waits for a touch, NULL where the key is dark. */
struct fido_bed_op *fido_bed_blinks(void);
/* It signs / says that something is wrong. */
void fido_bed_sign(struct fido_bed_op *op, const struct fido_bed_false *how);
void fido_bed_error(struct fido_bed_op *op, int code, uint32_t tries);

/* --- lives --- */

/* Once a process. */
void fido_bed_start(void);
/* One agent, with the key enrolled (verification: as enrolled). */
int fido_bed_life(int verification, void (*drive)(struct agent *a));
/* ms pass, and everything is done that can be. */
void fido_bed_pass(struct agent *a, uint64_t ms);

#endif
