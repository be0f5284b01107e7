/*
 * tessera.h - what every part of Tessera and every program that links it
 * shares: the error codes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESSERA_H
#define TESSERA_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One list of codes for the whole system.  0 is success, all others are
 * negative.  CK_RV, PC/SC, SQLite and errno values are folded into these where
 * they arise.  tsr_strerror() has the English line of each.
 */
enum tsr_error {
	TSR_OK = 0,
	TSR_NOMEM = -1,			/* out of memory */
	TSR_INVALID = -2,		/* malformed input */
	TSR_TOO_LARGE = -3,		/* a named limit was exceeded */
	TSR_AGAIN = -4,			/* incomplete: call again with more */
	TSR_CLOSED = -5,		/* the peer closed the connection */
	TSR_SYSTEM = -6,		/* a system call failed, see errno */
	TSR_TIMEOUT = -7,		/* a deadline passed */
	TSR_CANCELLED = -8,		/* the person or the caller cancelled */
	TSR_DENIED = -9,		/* policy says no */
	TSR_NOT_FOUND = -10,		/* no such record */
	TSR_CONFLICT = -11,		/* exists already, or the last one */
	TSR_CORRUPT = -12,		/* a stored record was altered */
	TSR_STORE = -13,		/* the store cannot be read or written */
	TSR_STORE_NEWER = -14,		/* the store has a newer schema */
	TSR_CONFIG = -15,		/* the configuration is wrong */
	TSR_CRYPTO = -16,		/* a cryptographic library failed */
	TSR_UNSUPPORTED = -17,		/* a kind we do not handle */

	/* tokens (RFC 7515, 7517, 7519, 8725, 9068) */
	TSR_BAD_SIGNATURE = -20,
	TSR_BAD_ALGORITHM = -21,	/* not the algorithm pinned to the key */
	TSR_BAD_TYPE = -22,		/* typ is not the one that is due */
	TSR_BAD_ISSUER = -23,
	TSR_BAD_AUDIENCE = -24,
	TSR_UNKNOWN_KEY = -25,		/* no key with that kid */
	TSR_EXPIRED = -26,
	TSR_NOT_YET_VALID = -27,
	TSR_BAD_CLAIM = -28,		/* a claim is absent or of the wrong kind */

	/* devices */
	TSR_DEVICE_NOT_FOUND = -40,
	TSR_DEVICE_REMOVED = -41,
	TSR_DEVICE_BUSY = -42,
	TSR_PIN_REQUIRED = -43,
	TSR_PIN_WRONG = -44,
	TSR_PIN_LOCKED = -45,
	TSR_PIN_LENGTH = -46,		/* the token takes no PIN of this length */
	TSR_KEY_UNUSABLE = -47,		/* no algorithm we accept */
	TSR_MODULE = -48,		/* the PKCS#11 module failed or will not load */
	TSR_HELPER = -49,		/* the helper process died */
	TSR_BREAKER = -50,		/* the helper died too often, resting */
	TSR_NO_PROMPTER = -51,		/* nobody can be asked for the PIN */

	/* requests */
	TSR_LOGIN_REQUIRED = -60,
	TSR_STEP_UP_REQUIRED = -61,
	TSR_BAD_SCOPE = -62,
	TSR_BAD_GRANT = -63,
	TSR_SLOW_DOWN = -64,
	TSR_UNAVAILABLE = -65,
	TSR_UNREACHABLE = -66,		/* the agent's socket cannot be reached */
	TSR_CLOCK = -67,		/* the wall clock is not trusted */
	TSR_UNCONFIRMED = -68		/* the store awaits an administrator's word */
};

/* The English line of a code, never NULL; for an unknown code it says so. */
const char *tsr_strerror(int code);

#ifdef __cplusplus
}
#endif

#endif
