/*
 * session.h - one session with one token, kept warm between requests, and the
 * login that a single request has in it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_SESSION_H
#define PKCS11_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/proto.h"
#include "base/secret.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/object.h"

#define SESSION_ID_MAX	255	/* bytes of a CKA_ID */

/* The private key used last: its handle outlives a logout with some modules
 * and not with others. */
struct session_key {
	CK_OBJECT_HANDLE handle;	/* CK_INVALID_HANDLE: none */
	CK_KEY_TYPE type;
	int always_authenticate;
	size_t id_len;
	uint8_t id[SESSION_ID_MAX];
};

struct session {
	struct module *m;
	struct object_source src;	/* session is CK_INVALID_HANDLE where there is none */
	struct token token;		/* as last seen; flags are fresh after session_ready */
	CK_ULONG pin_min, pin_max;	/* bytes; max 0: the token does not say */
	mech_set mechs;
	struct session_key key;
	int must_end;			/* a logout or another start failed: only the process's end is left */
	int tried;			/* C_Login was called since whoever clears this did */
};

void session_init(struct session *s, struct module *m);

/* Close and forget; the token ends logged out. */
void session_drop(struct session *s);

/* List the tokens anew and open a session with that one.  TSR_DEVICE_NOT_FOUND. */
int session_open(struct session *s, const char *serial, const char *label, struct fault *f);

/* Like session_open where no session with that token is warm; else one
 * C_GetTokenInfo, which shows whether the token is still there and the same.
 * *warm says which (may be NULL).  TSR_DEVICE_REMOVED where it was there
 * before. */
int session_ready(struct session *s, const char *serial, const char *label, int *warm,
    struct fault *f);

/*
 * Log in with the PIN of this request, which libp11 is not given since it
 * would keep it.  TSR_PIN_LOCKED and TSR_PIN_LENGTH are told from the token's
 * own words before a try is spent.  A token found logged in is logged out
 * first.  f->tries is set where the token tells.  *gone (may be NULL) is 1
 * where only the session had died and a new one may be tried.  A token that
 * needs no login and no PIN given: nothing is done, TSR_OK.
 */
int session_login(struct session *s, const struct secret *pin, int *gone, struct fault *f);

/* The PIN once more, for the operation that C_SignInit began on a key with
 * CKA_ALWAYS_AUTHENTICATE. */
int session_login_again(struct session *s, const struct secret *pin, struct fault *f);

/* Log out; where the module refuses, close every session of the slot, which
 * logs out too (PKCS #11 2.40 section 5.6); where that fails, s->must_end is
 * set and TSR_MODULE returned. */
int session_logout(struct session *s, struct fault *f);

/* Find the private key by CKA_ID and type and keep it as s->key.
 * TSR_NOT_FOUND. */
int session_find_key(struct session *s, const uint8_t *id, size_t id_len, CK_KEY_TYPE type,
    struct fault *f);

#endif
