/*
 * ssh_ca.c - see ssh_ca.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/ssh_ca.h"

#include <string.h>

#include "base/escape.h"

#define SSH_CA_KEY	"ssh-ed25519 "

const char *
ssh_ca_trusted(const json_t *key)
{
	const char *state = json_string_value(json_object_get(key, "state"));
	const char *line = json_string_value(json_object_get(key, "public_key"));

	if (state == NULL || line == NULL || strncmp(line, SSH_CA_KEY, sizeof(SSH_CA_KEY) - 1) != 0 ||
	    !escape_is_text(line, strlen(line)))
		return NULL;
	return strcmp(state, "next") == 0 || strcmp(state, "active") == 0 ||
	    strcmp(state, "retired") == 0 ? line : NULL;
}

int
ssh_ca_is_krl(const void *p, size_t n)
{
	return n >= sizeof(SSH_CA_KRL_MARK) && memcmp(p, SSH_CA_KRL_MARK, sizeof(SSH_CA_KRL_MARK)) == 0;
}
