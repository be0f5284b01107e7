/*
 * key_store.h - what a virtual key keeps when it is unplugged: its master
 * secret, PIN, counters, resident credentials and attestation.
 *
 * With a folder it is the file "key.state" there, replaced whole at each
 * change; without one it lives as long as the process.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_STORE_H
#define SIM_KEY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_ID		64		/* bytes of a credential id */
#define KEY_RP_MAX	253		/* characters of a relying party's id */
#define KEY_NAME_MAX	200		/* characters of a user's name */
#define KEY_USER_MAX	64		/* bytes of a user's id */
#define KEY_RESIDENT_MAX 64		/* resident credentials */
#define KEY_COUNTED_MAX	256		/* credentials with a counter of their own */
#define KEY_PIN_TRIES	8
#define KEY_UV_TRIES	5

struct key_resident {			/* a resident credential; id[0..) all in one */
	bool used;
	uint32_t made;			/* the greater, the newer */
	uint8_t id[KEY_ID];
	uint8_t user[KEY_USER_MAX];
	uint8_t user_len;
	char rp[KEY_RP_MAX + 1];
	char name[KEY_NAME_MAX + 1];
	char display[KEY_NAME_MAX + 1];
};

struct key_counted {
	uint8_t nonce[16];		/* the first bytes of the credential id */
	uint32_t count;
};

struct key_state {
	uint8_t master[32];
	bool pin_set;
	uint8_t pin_hash[16];
	uint8_t pin_tries, uv_tries;
	uint32_t counter;		/* of the whole key */
	uint32_t made;			/* credentials so far */
	struct key_resident resident[KEY_RESIDENT_MAX];
	struct key_counted counted[KEY_COUNTED_MAX];
	uint32_t counted_next;		/* which is used next */
};

struct key_store {
	int folder;			/* its descriptor, locked; -1: in memory */
	struct key_state s;
};

/* Load, or begin a new key.  folder may be NULL; it is made where it is
 * missing.  TSR_CORRUPT, TSR_CONFLICT where another process has it, TSR_NOMEM,
 * TSR_SYSTEM with errno. */
int key_store_open(const char *folder, struct key_store *out);
void key_store_close(struct key_store *st);

/* Keep s.  TSR_SYSTEM with errno. */
int key_store_save(const struct key_store *st);

/* As it left the factory: a new master secret, nothing else.  Not saved. */
void key_store_reset(struct key_store *st);

#endif
