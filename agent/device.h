/*
 * device.h - what is plugged in: the tokens of every configured module, and
 * the keys of one token.  Asked of the helpers each time.  A token is known by
 * its module, serial number and label, wherever it sits: never by slot or reader.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_DEVICE_H
#define AGENT_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "agent/helper.h"
#include "base/config.h"
#include "base/proto.h"

#define DEVICE_ID_LEN	16	/* hexadecimal digits: a hash of module, serial and label */
#define DEVICES_MAX	128	/* tokens of all modules */
#define DEVICE_KEYS_MAX	HELPER_REPLIES_MAX
#define DEVICE_LIST_MS	5000	/* for a module to list its tokens or a token's keys */

struct device {
	char id[DEVICE_ID_LEN + 1];
	char module[33];
	char serial[65], label[129], manufacturer[129], model[65];
	char reader[257];		/* its slot's description: see PROTO_READER */
	uint32_t flags;			/* PROTO_TOKEN_* */
};

/* A module that did not answer. */
struct device_failure {
	char module[33];
	int code;
	char detail[160];
};

struct device_list {
	struct device device[DEVICES_MAX];
	size_t n;
	struct device_failure *failure;	/* one a module at most */
	size_t n_failures;
};

struct device_key {
	uint8_t id[256];
	size_t id_len;
	char label[257];
	uint32_t algorithms;		/* bits 1 << enum proto_algorithm */
	uint32_t flags;			/* PROTO_KEY_* */
	uint8_t spki[PROTO_SPKI_MAX];
	size_t spki_len;
	uint8_t *certificate;		/* NULL where there is none */
	size_t certificate_len;
};

struct device_keys {
	struct device_key *key;
	size_t n;
};

/* DEVICE_ID_LEN characters from what names a token.  TSR_CRYPTO. */
int device_make_id(char id[DEVICE_ID_LEN + 1], const char *module, const char *serial,
    const char *label);

/* Tries left as far as the flags tell: 0 locked, 1 final try, else
 * PROTO_TRIES_UNKNOWN.  CKF_USER_PIN_COUNT_LOW gives no number: PKCS#11 means by
 * it that a wrong PIN was entered since the last right one. */
uint32_t device_tries(uint32_t flags);
/* "ok", "low", "final", "locked": constants.  unlimited: its module never locks a
 * PIN, and flags that say otherwise mean nothing. */
const char *device_pin_state(uint32_t flags, int unlimited);

struct device_query;

/* List the tokens of module (NULL: of all).  done() is called once, never from
 * inside; the list is its own to keep until it returns. */
int device_list(struct helpers *hs, const struct config *c, const char *module,
    void (*done)(void *arg, const struct device_list *l), void *arg, struct device_query **out);

/* List the keys of one token.  code as from the helper. */
int device_keys(struct helpers *hs, const struct device *d,
    void (*done)(void *arg, int code, const struct device_keys *k, const char *detail),
    void *arg, struct device_query **out);

/* done() is not called.  *q may be NULL. */
void device_query_cancel(struct device_query **q);

#endif
