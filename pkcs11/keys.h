/*
 * keys.h - the keys of a token that could be enrolled: their public halves,
 * and the certificates that go with them.  No PIN is needed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_KEYS_H
#define PKCS11_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "pkcs11/session.h"
#include "pkcs11/spki.h"

#define KEYS_MAX	64	/* keys of a token; further ones are not shown */
#define KEYS_LABEL_MAX	257	/* bytes of a label, escaped, with NUL */

struct key {
	uint8_t id[SESSION_ID_MAX];
	size_t id_len;			/* never 0: a key without an id cannot be asked for */
	char label[KEYS_LABEL_MAX];
	uint32_t algorithms;		/* what the key and the token can do; never 0 */
	struct spki spki;
	uint8_t *certificate;		/* DER of certificate_len bytes, or NULL */
	size_t certificate_len;
	uint32_t flags;			/* PROTO_KEY_* */
};

struct keys {
	size_t n;
	struct key *v;
};

void keys_free(struct keys *k);

/*
 * The public key objects of an open session, then the certificates for ids
 * without one.  A certificate is shown only with the key that it is about.
 * Keys that we have no algorithm for are left out, and so is an object that
 * cannot be read.  k is emptied first; freed by keys_free, also on error.
 */
int keys_list(struct session *s, struct keys *k, struct fault *f);

/* The first half of that alone: only raw calls, no libp11. */
int keys_list_public(const struct object_source *src, mech_set mechs, struct keys *k,
    struct fault *f);

#endif
