/*
 * error.c - the English line of each error code.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tessera.h"

#include <stddef.h>

static const struct {
	int code;
	const char *line;
} lines[] = {
	{ TSR_OK, "success" },
	{ TSR_NOMEM, "out of memory" },
	{ TSR_INVALID, "malformed input" },
	{ TSR_TOO_LARGE, "larger than the limit" },
	{ TSR_AGAIN, "incomplete, more input is needed" },
	{ TSR_CLOSED, "the other side closed the connection" },
	{ TSR_SYSTEM, "a system call failed" },
	{ TSR_TIMEOUT, "nothing came in time, try again" },
	{ TSR_CANCELLED, "cancelled" },
	{ TSR_DENIED, "not allowed by policy, ask your administrator" },
	{ TSR_NOT_FOUND, "not found" },
	{ TSR_CONFLICT, "in conflict with what exists already" },
	{ TSR_CORRUPT, "a stored record was altered, see the audit log" },
	{ TSR_STORE, "the store cannot be read or written, check disk and permissions" },
	{ TSR_STORE_NEWER, "the store was written by a newer version, upgrade this one" },
	{ TSR_CONFIG, "the configuration is wrong, run \"tessera config check\"" },
	{ TSR_CRYPTO, "a cryptographic operation failed" },
	{ TSR_UNSUPPORTED, "of a kind that is not supported" },

	{ TSR_BAD_SIGNATURE, "the signature does not verify" },
	{ TSR_BAD_ALGORITHM, "the algorithm is not the one of the key" },
	{ TSR_BAD_TYPE, "the token is of another type than expected" },
	{ TSR_BAD_ISSUER, "the token is from another issuer" },
	{ TSR_BAD_AUDIENCE, "the token is for another audience" },
	{ TSR_UNKNOWN_KEY, "no key with this key id, fetch the key set again" },
	{ TSR_EXPIRED, "the token has expired, get a new one" },
	{ TSR_NOT_YET_VALID, "the token is not valid yet, check the clock" },
	{ TSR_BAD_CLAIM, "a claim of the token is missing or wrong" },
	{ TSR_REVOKED, "the token was revoked, get a new one" },
	{ TSR_STALE, "the agent is gone or unknown here: nobody can say whether the token was revoked" },

	{ TSR_DEVICE_NOT_FOUND, "no such device is connected, plug it in" },
	{ TSR_DEVICE_REMOVED, "the device was removed, plug it in and try again" },
	{ TSR_DEVICE_BUSY, "the device is in use by another program, try again" },
	{ TSR_PIN_REQUIRED, "the token needs its PIN" },
	{ TSR_PIN_WRONG, "wrong PIN" },
	{ TSR_PIN_LOCKED, "the token is locked, unblock it with its PUK" },
	{ TSR_PIN_LENGTH, "the token takes no PIN of this length" },
	{ TSR_KEY_UNUSABLE, "the key offers no algorithm that is accepted, use another key" },
	{ TSR_MODULE, "the PKCS#11 module failed, look at the log and at its path in tessera.conf" },
	{ TSR_HELPER, "the helper process died, try again" },
	{ TSR_BREAKER, "the helper process died too often and rests, try again in a while" },
	{ TSR_PIN_SEAT, "few tries of the PIN are left, for somebody who sits at the machine alone" },
	{ TSR_DEVICE_REPLUG, "the device wants to be unplugged and plugged in again" },
	{ TSR_DEVICE_FAILED, "the device does not work as it should, try it again or another one" },
	{ TSR_TOUCH_TIMEOUT, "nobody touched the key in time, try again" },
	{ TSR_PIN_UNSET, "the device has no PIN yet, set one with \"tessera device pin set\"" },
	{ TSR_NO_PROMPTER, "nobody can be asked for the PIN, run \"tessera login\" in a terminal" },

	{ TSR_LOGIN_REQUIRED, "no session, run \"tessera login\"" },
	{ TSR_STEP_UP_REQUIRED, "a stronger or fresher proof is needed, run \"tessera login\" with the token" },
	{ TSR_BAD_SCOPE, "the audience has no such scope" },
	{ TSR_BAD_GRANT, "the proof was not accepted" },
	{ TSR_SLOW_DOWN, "too many requests, wait before the next" },
	{ TSR_UNAVAILABLE, "the agent cannot do this at present, try again later" },
	{ TSR_CLOCK, "the clock jumped, have it synchronised or run \"tessera clock accept\"" },
	{ TSR_UNCONFIRMED, "the store was altered or put back, see \"tessera store confirm\"" },
	{ TSR_UNREACHABLE, "the agent cannot be reached, check that tesserad runs" },
	{ TSR_UNTRUSTED, "the file or socket belongs to somebody who is not trusted" },
};

const char *
tsr_strerror(int code)
{
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].code == code)
			return lines[i].line;
	return "unknown error code";
}
