/*
 * fido.h - what the agent has for FIDO2 keys: the way to their helper, whose turn
 * it is, the makers it trusts; and what people see before a key blinks.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_FIDO_H
#define AGENT_FIDO_H

#include "agent/agent.h"
#include "agent/attestation.h"
#include "agent/fido_call.h"
#include "agent/fido_list.h"
#include "agent/fido_spare.h"
#include "agent/fido_turn.h"

#define FIDO_TOUCH_MS	30000	/* a key waits for its touch */
#define FIDO_LOOK_MS	8000	/* keys say what they hold or are */
#define FIDO_RP_PREFIX	"tessera:"	/* of a native relying party's id, before the realm */
#define FIDO_RP_LEN	(PROTO_FIDO_RP_MAX + 1)

struct fido {
	struct agent *agent;
	struct helpers_options options;
	char *program, *config_file, *socket;	/* what options point to */
	struct fido_spares spares;
	struct fido_turns turns;
	struct fido_lists lists;
	size_t proofs;			/* under way: fido_proof.h */
	struct attestation_roots *roots;	/* of the configuration in force; NULL: none */
};

/* o is copied; NULL where there is no helper to be had.  TSR_NOMEM. */
int fido_new(struct agent *a, const struct helpers_options *o, struct fido **out);
void fido_free(struct fido **f);

/* Can keys be asked? */
int fido_there(const struct fido *f);

/* Read the makers' roots of a configuration; on an error err (one sentence) says
 * which, and no maker is trusted.  TSR_CONFIG, TSR_NOMEM. */
int fido_roots(struct fido *f, const struct config *c, char *err, size_t err_size);

/* The relying party under which credentials are made now. */
void fido_rp_id(const struct fido *f, char out[FIDO_RP_LEN]);

/* fido_spares_ask() of f's helpers. */
int fido_ask(struct fido *f, uint16_t type, const struct proto_value *values, size_t n,
    uint32_t deadline_ms, const struct fido_call_client *client, struct fido_call **out);

/* The user handle of a subject: the same for each credential of his, and nothing
 * that names him. */
#define FIDO_USER_LEN	32
void fido_user_id(const char *issuer, const char *subject, uid_t uid, uint8_t out[FIDO_USER_LEN]);

/* Append a credential id to a list of them. */
int fido_put_id(struct buf *ids, const uint8_t *id, size_t n);

/* --- seen before it is felt --- */

struct fido_touch {
	char id[STORE_ID_LEN + 1];	/* "": nobody was told */
	uid_t uid;			/* who was */
	struct events_process by;	/* and who asked */
};

struct fido_touch_show {
	const char *purpose;		/* "login", "enrol" */
	const char *subject, *audience, *scope;	/* "" where none */
	const char *label;		/* of the credential; "" where several will do */
	const char *device;		/* product of the key, "" where several will do */
	const struct events_about *about;	/* whose request it is */
	const struct ssh_about *ssh;		/* what it is for; NULL */
};

/* Tell the subject's listeners, and a login helper's process that asks, that a key
 * will blink, and for whom: before it does. */
int fido_touch_needed(struct fido *f, const struct fido_touch_show *show, struct fido_touch *out);
/* It blinks no more, and why: a word.  Once; nothing where nobody was told.  Where
 * it was not touched the keys rest: fido_turns_rest(). */
void fido_touch_done(struct fido *f, struct fido_touch *t, int code);

#endif
