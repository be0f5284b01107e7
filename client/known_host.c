/*
 * known_host.c - see known_host.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/known_host.h"

#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "include/tessera.h"
#include "token/ssh_key.h"

#define KNOWN_LINE_MAX	16384	/* bytes of a line; a longer one is no key */
#define KNOWN_LINES_MAX	65536	/* lines of a file that are read */

/* Is it the line's key?  text is its base64. */
static int
known_host_is(const char *text, size_t n, const char *fingerprint)
{
	static uint8_t blob[KNOWN_LINE_MAX];
	char found[SSH_FINGERPRINT_MAX];
	size_t len = 0;

	return sodium_base642bin(blob, sizeof(blob), text, n, NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0 && ssh_key_fingerprint(blob, len, found) == TSR_OK &&
	    strcmp(found, fingerprint) == 0;
}

/* "NAMES TYPE BASE64 ..." */
static int
known_host_line(const char *line, const char *fingerprint, char *out, size_t size)
{
	const char *names = line + strspn(line, " \t"), *type, *key;
	size_t n;

	/* of an authority, revoked; nobody's; hashed */
	if (strchr("@#|\r\n", names[0]) != NULL)
		return 0;
	type = names + strcspn(names, " \t");
	type += strspn(type, " \t");
	key = type + strcspn(type, " \t");
	key += strspn(key, " \t");
	n = strcspn(names, ", \t");
	if (memchr(names, '*', n) != NULL || memchr(names, '?', n) != NULL || names[0] == '!' ||
	    !known_host_is(key, strcspn(key, " \t\r\n"), fingerprint))
		return 0;
	(void)escape_text(out, size, names, n);
	return 1;
}

static int
known_host_file(const char *path, const char *fingerprint, char *out, size_t size)
{
	static char line[KNOWN_LINE_MAX];
	unsigned i;
	int found = 0;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL)
		return 0;
	for (i = 0; i < KNOWN_LINES_MAX && !found && fgets(line, sizeof(line), f) != NULL; i++)
		found = known_host_line(line, fingerprint, out, size);
	(void)fclose(f);
	return found;
}

void
known_host(const char *fingerprint, char *out, size_t size)
{
	const char *home = getenv("HOME");
	char path[PATH_MAX];

	out[0] = '\0';
	if (home != NULL && home[0] == '/' &&
	    snprintf(path, sizeof(path), "%s/.ssh/known_hosts", home) < (int)sizeof(path) &&
	    known_host_file(path, fingerprint, out, size))
		return;
	(void)known_host_file("/etc/ssh/ssh_known_hosts", fingerprint, out, size);
}
