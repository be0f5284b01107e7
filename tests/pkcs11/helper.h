/*
 * helper.h - the production tessera-pkcs11, run over a socketpair as the agent
 * would run it, with a configuration of the test's own.
 *
 * Everything here fails the running cmocka test by itself.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_PKCS11_HELPER_H
#define TESTS_PKCS11_HELPER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/proto.h"

#define HELPER_REPLIES_MAX	80

struct helper_reply {
	uint16_t type;
	struct proto_value v[PROTO_FIELDS_MAX];
};

struct helper {
	pid_t pid;
	int pidfd;
	int fd;
	uint32_t id;
	struct buf in;		/* the answer to the last request; v point into it */
	struct helper_reply reply[HELPER_REPLIES_MAX];
	size_t n;
	int closed;		/* the keeper closed before the answer was whole */
};

/* A folder of our own where a configuration may lie; for helper_remove. */
void helper_folder(char out[256]);
void helper_remove(const char *folder);

/* Write FOLDER/tessera.conf with one module "m": its path, what else its
 * section holds (may be ""). */
void helper_config(const char *folder, const char *module, const char *more);

/* Run a program to its end; it must succeed.  NULL ends the arguments. */
void helper_run(const char *const argv[]);

/* A SoftHSM2 token in FOLDER (see tests/e2e/softhsm.py), kinds as one string
 * with blanks.  The more of helper_config for it goes to more[1024]. */
void helper_softhsm(const char *folder, const char *label, const char *pin,
    const char *kinds, char more[1024]);

/* Start the keeper of FOLDER/tessera.conf. */
void helper_start(struct helper *h, const char *folder);

/* The same and PROTO_OPEN of "m", which must succeed. */
void helper_open(struct helper *h, const char *folder);

/* Close and see every process that it started end, within two seconds. */
void helper_stop(struct helper *h);

/* Ask and take the answer: all frames up to the one that ends it.  Returns the
 * type of that last one, 0 where the keeper closed instead. */
int helper_ask(struct helper *h, uint16_t type, uint32_t deadline_ms,
    const struct proto_value *v, size_t n);

/* The code (TSR_*) of the PROTO_ERROR that the last answer was; 0 for another. */
int helper_code(const struct helper *h);

/* Last reply's field as a C string (static buffer). */
const char *helper_text(const struct proto_value *v);


/* PROTO_TOKENS; the index of the token with that label. */
size_t helper_find_token(struct helper *h, const char *label, char serial[128]);

/* PROTO_PROVE; returns TSR_OK or the error's code.  After TSR_OK the signature
 * is reply[0].v[0]. */
int helper_prove(struct helper *h, const char *serial, const char *label,
    const struct proto_value *id, uint32_t algorithm, const char *pin,
    const void *challenge, size_t n);

/* 1 where sig is the algorithm's signature of data under the key in spki. */
int helper_verify(const struct proto_value *spki, uint32_t algorithm,
    const void *data, size_t n, const struct proto_value *sig);

/* Wait for bytes or the end; fails after a long time.  Returns 1. */
int helper_wait(const struct helper *h);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t helper_now(void);

#endif
