/*
 * client.h - one run of the command: its options, and what comes of it.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/fail.h"

/* Every option of every command.  command.c has the table. */
enum option_id {
	OPT_JSON, OPT_SOCKET, OPT_ADMIN_SOCKET, OPT_HELP, OPT_VERSION,
	OPT_AUDIENCE, OPT_SCOPE, OPT_CREDENTIAL, OPT_DEVICE, OPT_MAX_AGE,
	OPT_NO_PROMPT, OPT_FRESH, OPT_PIN_FD, OPT_PINENTRY, OPT_JWKS, OPT_ISSUER,
	OPT_KEYS, OPT_USER, OPT_URI, OPT_LABEL, OPT_VOUCH, OPT_CODE, OPT_ALL, OPT_FORCE,
	OPT_PROMPT, OPT_USER_MODE,
	OPT_FOLLOW, OPT_HEAD, OPT_CONFIG, OPT_STORE_KEY, OPT_SINCE, OPT_UNTIL, OPT_CSV,
	OPT_RESIDENT, OPT_UV, OPT_ATTESTATION,
	OPT_METHOD, OPT_OTP, OPT_OTP_FD, OPT_ALGORITHM, OPT_DIGITS, OPT_PERIOD, OPT_COUNTER, OPT_SERIAL,
	OPT_SECRET_FD, OPT_SECRET_FORMAT, OPT_YES, OPT_TWO, OPT_ADMIN,
	OPT_FORMAT, OPT_USER_COLUMN, OPT_PARTIAL, OPT_DRY_RUN, OPT_RECOVERY_CODES,
	OPT_AT_ONCE, OPT_WATCH, OPT_ALLOW_STALE,
	OPT_ANSWER,
	OPT_UNIT, OPT_MIN_VALID, OPT_TOKEN_FORMAT, OPT_OFFLINE,
	OPT_LIFETIME, OPT_PRINCIPAL, OPT_OUT, OPT_TRUSTED, OPT_REVOKE_ALL, OPT_JOIN,
	OPT_CLIENT, OPT_SERVER, OPT_INSTALL, OPT_REMOVE, OPT_HOST, OPT_IDENTITIES_ONLY,
	OPT_COUNT
};

/* A set of them. */
__extension__ typedef unsigned __int128 option_set;
#define OPT(id)	((option_set)1 << (id))
_Static_assert(OPT_COUNT <= 8 * sizeof(option_set), "each option has its bit");

#define CLIENT_MANY_MAX	32	/* values of an option that may be repeated */

struct command;

struct client {
	const struct command *command;
	const char *opt[OPT_COUNT];	/* NULL: not given; "" for a flag or an absent optional value */
	const char *many[CLIENT_MANY_MAX];	/* each value of the one option that may be repeated */
	size_t n_many;
	char **argv;			/* all of it, as main() got it */
	char **word;			/* arguments after the command */
	int n_words;
	struct failure failure;		/* why run() did not return FAIL_NONE */
};

#endif
