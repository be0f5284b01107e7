/*
 * store.h - what tesserad keeps: credentials, sealed signing keys.
 *
 * One writer (the agent), one commit a batch of the loop, each request in a
 * savepoint of its own.  Reads see the batch's own writes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/config.h"
#include "base/proto.h"
#include "base/secret.h"

#define STORE_SCHEMA		9	/* version written; a higher one is refused */
#define STORE_ID_LEN		22	/* characters: 128 random bits, base64url */
#define STORE_KEY_BYTES		32	/* bytes of the store key */
#define STORE_AUDIT_MAX		16384	/* bytes of audit lines that wait for their file */
#define STORE_ROOM_MIN		(1024u * 1024u)	/* bytes: less on the disk is too little */
#define STORE_CREDENTIALS_MAX	64	/* of one subject; disabled ones count */

struct store;

/* Where the store lives: "sqlite:/abs/path".  The file is made 0600 (folder
 * 0700) at first start; a folder or file that is foreign or may be written by
 * others, a symlink, FIFO or another program's database is TSR_CONFIG, a higher
 * schema TSR_STORE_NEWER, a damaged file or a wrong key TSR_CORRUPT, everything
 * else (a second agent on the same store too) TSR_STORE.  err gets one sentence
 * that says what to do.  key may be freed after. */
int store_open(const char *url, const struct secret *key, struct store **out,
    char *err, size_t err_size);
/* A batch that was not committed is undone. */
void store_close(struct store **st);

/* 1 where url names no file yet: only then may a store key be made, since a
 * store that is there needs the one it has. */
int store_is_new(const char *url);

/* The store key: file (made with random bytes, 0600, at first start where
 * create is 1), 32 raw bytes, ours with no rights for others, or root's
 * (credentials of the service manager).  TSR_CONFIG for everything else. */
int store_key_read(const char *file, int create, struct secret **out,
    char *err, size_t err_size);

/* One request's writes: begin before the first, then keep or undo.  Only one
 * request at a time is between begin and keep; a write outside is TSR_INVALID.
 * begin is TSR_STORE after a write error, for the rest of the batch and as long
 * as the file cannot be brought into order; then nothing may be promised. */
int store_begin(struct store *st);
int store_keep(struct store *st);
void store_undo(struct store *st);

/* End of a batch: make everything kept durable; a request still open is
 * undone.  TSR_OK at once where nothing was written.  On TSR_STORE the whole
 * batch is undone and the file was closed, opened and read again: whatever was
 * derived from the batch must be read again too.  (Where the disk fails even in
 * that, the batch may be found written as a whole; it is never retried.) */
int store_commit(struct store *st);
/* Undo the whole batch: what else it hung on could not be made durable. */
void store_abandon(struct store *st);
/* 1 where the open batch has writes. */
int store_dirty(const struct store *st);
/* How many commits failed since store_open. */
uint64_t store_failures(const struct store *st);
/* 1 from a write that did not become durable until one that did. */
int store_failing(const struct store *st);
/* Write something that changes nothing to the open batch, whose commit then
 * says whether the store can be written again.  TSR_STORE. */
int store_try(struct store *st);
/* What the file system says, without writing: "ok", "read-only", or "full"
 * where less than STORE_ROOM_MIN bytes are free. */
const char *store_room(const struct store *st);

/* Audit lines that this commit makes durable together with what they tell; they
 * replace those put before, which are in their file by then.  Within a request.
 * TSR_TOO_LARGE.  store_audit_get appends them to out: nothing where there are
 * none. */
int store_audit_put(struct store *st, const void *p, size_t n);
int store_audit_get(struct store *st, struct buf *out);

enum credential_state { CREDENTIAL_ACTIVE = 1, CREDENTIAL_DISABLED, CREDENTIAL_SUSPENDED };
const char *credential_state_name(enum credential_state s);

struct credential {
	char id[STORE_ID_LEN + 1];
	char kind[12];			/* "pkcs11", "fido", "totp", "hotp" */
	char subject[64];		/* user name */
	uid_t uid;
	char label[65];
	char module[33];
	char token_serial[65], token_label[65], token_manufacturer[65], token_model[65];
	uint8_t key_id[64];		/* CKA_ID */
	size_t key_id_len;
	char key_label[65];
	enum proto_algorithm algorithm;	/* pinned; 0 for "totp" and "hotp" */
	uint8_t spki[PROTO_SPKI_MAX];	/* DER; none for those */
	size_t spki_len;
	uint8_t *certificate;		/* DER, NULL where there is none; owned */
	size_t certificate_len;
	enum acr acr;
	int vouched;			/* 1: an admin vouched for the hardware */
	uint32_t key_flags;		/* PROTO_KEY_* */
	enum credential_state state;
	int64_t created, last_used;	/* seconds of the epoch, 0 never */
	int64_t proofs;			/* accepted so far */
};

void credential_free(struct credential **c);	/* NULL-safe */
int credential_is_otp(const struct credential *c);	/* a disconnected token's? */
int credential_is_fido(const struct credential *c);	/* a FIDO2 key's? */

/* A random id, whose first character is a letter or a digit. */
void store_make_id(char id[STORE_ID_LEN + 1]);

/* TSR_CONFLICT where the public key (SHA-256 of its SPKI) is enrolled already,
 * TSR_TOO_LARGE beyond STORE_CREDENTIALS_MAX, TSR_INVALID for a member out of
 * its range. */
int store_credential_add(struct store *st, const struct credential *c);
/* TSR_NOT_FOUND; TSR_CORRUPT for a row that add would not have written. */
int store_credential_get(struct store *st, const char *id, struct credential **out);
/* All of a subject (name and uid both), or of everybody with subject NULL, in
 * order of creation.  each() returns TSR_OK to go on, anything else is handed
 * back; it may read but not write, commit or start the same walk again
 * (TSR_INVALID). */
int store_credential_each(struct store *st, const char *subject, uid_t uid,
    int (*each)(void *arg, const struct credential *c), void *arg);
/* The ids of a subject's disconnected tokens, max at most, in order of creation.
 * Whether they are his is known once each was read. */
int store_credential_tokens(struct store *st, const char *subject, uid_t uid, size_t max,
    char (*ids)[STORE_ID_LEN + 1], size_t *n);
/* One conditional statement each: TSR_NOT_FOUND; TSR_CONFLICT where the state
 * is not `from` any more. */
int store_credential_set_state(struct store *st, const char *id,
    enum credential_state from, enum credential_state to);
int store_credential_remove(struct store *st, const char *id);	/* and its seed or key record */
/* A proof was accepted: last_used = now, proofs + 1, only while the credential
 * is active; TSR_CONFLICT where it is not, TSR_NOT_FOUND. */
int store_credential_used(struct store *st, const char *id, int64_t now);

/* The key by which the card of a credential proves that it is there, without a
 * PIN.  One row a credential at most. */
struct card_key {
	char credential[STORE_ID_LEN + 1];
	uint8_t key_id[64];		/* CKA_ID */
	size_t key_id_len;
	enum proto_algorithm algorithm;	/* pinned */
	uint8_t spki[PROTO_SPKI_MAX];	/* DER */
	size_t spki_len;
};
/* TSR_CONFLICT where the credential has one, TSR_INVALID. */
int store_card_add(struct store *st, const struct card_key *k);
/* TSR_NOT_FOUND; TSR_CORRUPT. */
int store_card_get(struct store *st, const char *credential, struct card_key *out);
int store_card_remove(struct store *st, const char *credential);

enum signing_state { SIGNING_NEXT = 1, SIGNING_ACTIVE, SIGNING_RETIRED };

struct signing_record {
	char kid[16];
	int alg;			/* enum jwk_alg */
	enum signing_state state;
	int64_t created, activated, retired;	/* seconds of the epoch, 0 not yet */
	struct secret *private_key;	/* unsealed; sealed at rest (XChaCha20-Poly1305, kid as associated data) */
};
void signing_record_clear(struct signing_record *r);

/* TSR_CONFLICT for a kid that is there, a second next or a second active. */
int store_signing_add(struct store *st, const struct signing_record *r);
/* In order of creation; r is cleared after each(), which is bound as above.
 * TSR_CORRUPT for a key that was altered or moved to another row. */
int store_signing_each(struct store *st,
    int (*each)(void *arg, const struct signing_record *r), void *arg);
/* Forward only, next to active to retired, with the time noted: TSR_NOT_FOUND;
 * TSR_CONFLICT backwards or where another one is active. */
int store_signing_set_state(struct store *st, const char *kid, enum signing_state s, int64_t now);
int store_signing_remove(struct store *st, const char *kid);

/* The latest wall clock time that was believed (s of the epoch): TSR_NOT_FOUND
 * where none is noted yet, TSR_CORRUPT. */
int store_clock_mark(struct store *st, int64_t *out);
int store_set_clock_mark(struct store *st, int64_t mark);

/* Tokens issued until then are dead: the same. */
int store_epoch(struct store *st, int64_t *out);
int store_set_epoch(struct store *st, int64_t epoch);

#endif
