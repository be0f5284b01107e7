/*
 * pam.c - fuzz target: what pam_tessera.so reads itself: its options, and the
 * payload of a token.
 *
 * Up to the first NUL the input is a token, what is behind it are arguments, apart
 * by newlines.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pam/claims.h"
#include "pam/options.h"
#include "tessera.h"

#define INPUT_MAX	20000	/* bytes that are looked at */
#define WORDS_MAX	8	/* arguments */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is one of a few, and all of it is there. */
static void
fuzz_options(char *text)
{
	const char *argv[WORDS_MAX];
	char complaint[OPTIONS_COMPLAINT_MAX] = "", *rest = text;
	struct options o;
	int argc = 0;

	while (argc < WORDS_MAX && (argv[argc] = strsep(&rest, "\n")) != NULL)
		argc++;
	if (options_parse(argc, argv, &o, complaint) != TSR_OK) {
		if (complaint[0] == '\0' || memchr(complaint, '\0', sizeof(complaint)) == NULL)
			abort();
		return;
	}
	if (o.n_methods < 1 || o.n_methods > OPTIONS_METHODS_MAX || o.timeout_s < 1 ||
	    o.timeout_s > OPTIONS_TIMEOUT_MAX_S || o.audience == NULL || *o.audience == '\0' ||
	    (o.socket != NULL && o.socket[0] != '/') ||
	    (o.authpending != NULL && o.authpending[0] != '/') ||
	    (o.nouserok && o.method[0] == METHOD_TOKEN) ||
	    (o.n_methods == 2 && (o.method[0] == o.method[1] || o.method[0] == METHOD_TOKEN)))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	size_t n;

	if (size > INPUT_MAX || (text = malloc(size + 2)) == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = text[size + 1] = '\0';
	n = strlen(text);
	/* a token cannot be two users', or for two audiences */
	if (claims_of_jwt(text, "daemon", "login") == TSR_OK &&
	    (claims_of_jwt(text, "daemo", "login") == TSR_OK ||
	    claims_of_jwt(text, "daemon", "logi") == TSR_OK ||
	    claims_of_jwt(text, "", "login") == TSR_OK || n > CLAIMS_TOKEN_MAX))
		abort();
	fuzz_options(text + n + (n < size));
	free(text);
	return 0;
}
