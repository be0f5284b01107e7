/*
 * options.h - the module's arguments, as root wrote them into pam.d(5).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_OPTIONS_H
#define PAM_OPTIONS_H

#include <stddef.h>

#define OPTIONS_METHODS_MAX	2	/* methods that can follow one another */
#define OPTIONS_TIMEOUT_S	30	/* seconds the agent may take, unless said otherwise */
#define OPTIONS_TIMEOUT_MAX_S	300
#define OPTIONS_VALUE_MAX	255	/* bytes of a value */
#define OPTIONS_COMPLAINT_MAX	512	/* bytes of a complaint, with NUL */

enum options_method { METHOD_DEVICE = 1, METHOD_OTP, METHOD_TOKEN };

/* Which password of an earlier module will do. */
enum options_pass { PASS_ANY, PASS_TRY, PASS_USE };

struct options {
	enum options_method method[OPTIONS_METHODS_MAX];	/* in that order */
	size_t n_methods;
	const char *socket;		/* NULL: the one compiled in */
	const char *audience;
	const char *cue_prompt;		/* what "cue" shows, NULL: our own words */
	const char *authpending;	/* a file that is open while a touch is waited for, or NULL */
	int timeout_s;
	int cue, interactive, nouserok, debug;
	enum options_pass pass;
};

/* Read the arguments; *o points into them.  TSR_INVALID with a complaint that
 * names the argument: whoever asks must then refuse. */
int options_parse(int argc, const char **argv, struct options *o,
    char complaint[OPTIONS_COMPLAINT_MAX]);

#endif
