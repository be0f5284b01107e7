/*
 * config_check.c - what the text of a key may be.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/config_internal.h"

#define ISSUER_MAX	200	/* bytes; a part of every token */
#define REALM_MAX	128	/* bytes */
#define DOMAIN_MAX	253	/* bytes (RFC 1035) */
#define PATH_BYTES_MAX	1024	/* bytes */
#define NAME_MAX_BYTES	32	/* bytes, useradd(8) */
#define UNIT_MAX	255	/* bytes, systemd.unit(5) */
#define LABEL_MAX	64	/* bytes */
#define SOCKET_MAX	(sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define SOCKET_NAME	"/tessera.sock"		/* the longest of the sockets' names */

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"
#define ALNUM	LOWER UPPER DIGITS

/* 1 where text has 1 to max bytes, all of them in set. */
static int
made_of(const char *text, const char *set, size_t max)
{
	size_t n;

	n = strlen(text);
	return n > 0 && n <= max && strspn(text, set) == n;
}

const char *
config_check_text(const char *text)
{
	return *text != '\0' ? NULL : "write at least one character, or remove the key";
}

const char *
config_check_issuer(const char *text)
{
	static const char advice[] = "write an https:// or http:// URL of at most 200 bytes"
	    " without user, query, fragment and last slash";
	const char *host;
	size_t n;

	if (strncmp(text, "https://", 8) == 0)
		host = text + 8;
	else if (strncmp(text, "http://", 7) == 0)
		host = text + 7;
	else
		return advice;
	/* RFC 3986 without userinfo, query and fragment */
	n = strlen(text);
	if (strchr(ALNUM "[", *host) == NULL || *host == '\0' ||
	    !made_of(text, ALNUM "-._~:/[]%!$&'()*+,;=", ISSUER_MAX) || text[n - 1] == '/')
		return advice;
	return NULL;
}

const char *
config_check_realm(const char *text)
{
	return made_of(text, ALNUM "-._", REALM_MAX) ? NULL :
	    "write letters, digits, '.', '-' and '_' alone, at most 128";
}

/* As FIDO's metadata spell it: 8-4-4-4-12 digits. */
const char *
config_check_aaguid(const char *text)
{
	static const char form[] = "00000000-0000-0000-0000-000000000000";
	size_t i;

	for (i = 0; text[i] != '\0' && form[i] != '\0'; i++)
		if (form[i] == '-' ? text[i] != '-' : strchr(DIGITS "abcdefABCDEF", text[i]) == NULL)
			break;
	return text[i] == '\0' && form[i] == '\0' ? NULL :
	    "write 32 hexadecimal digits as 00000000-0000-0000-0000-000000000000";
}

/* A domain in small letters: n bytes of it. */
static int
is_domain(const char *text, size_t n)
{
	size_t i;

	if (n == 0 || n > DOMAIN_MAX)
		return 0;
	for (i = 0; i < n; i++)
		if (strchr(LOWER DIGITS "-.", text[i]) == NULL ||
		    (text[i] == '.' && (i == 0 || i == n - 1 || text[i - 1] == '.')))
			return 0;
	return 1;
}

const char *
config_check_rp_id(const char *text)
{
	return is_domain(text, strlen(text)) ? NULL :
	    "write a domain in small letters, such as \"login.example\"";
}

/* As a browser writes it: no path, no last slash, no port that goes without saying. */
const char *
config_check_origin(const char *text)
{
	static const char advice[] = "write https://DOMAIN in small letters, with :PORT where it is "
	    "not 443, and nothing behind it (http:// for localhost alone)";
	size_t host, port;
	int plain = strncmp(text, "http://", 7) == 0;

	if (!plain && strncmp(text, "https://", 8) != 0)
		return advice;
	text += plain ? 7 : 8;
	host = strcspn(text, ":");
	if (!is_domain(text, host) || (plain && (host != 9 || strncmp(text, "localhost", 9) != 0)))
		return advice;
	if (text[host] == '\0')
		return NULL;
	text += host + 1;
	port = strlen(text);
	if (port == 0 || port > 5 || strspn(text, DIGITS) != port || text[0] == '0' ||
	    strtoul(text, NULL, 10) > 65535 || strcmp(text, plain ? "80" : "443") == 0)
		return advice;
	return NULL;
}

const char *
config_check_path(const char *text)
{
	size_t n;

	n = strlen(text);
	if (text[0] != '/')
		return "write an absolute path, one that begins with '/'";
	if (strstr(text, "/../") != NULL || (n >= 3 && strcmp(text + n - 3, "/..") == 0))
		return "write the path without \"..\"";
	return n <= PATH_BYTES_MAX ? NULL : "write a path of at most 1024 bytes";
}

const char *
config_check_store(const char *text)
{
	if (strncmp(text, "sqlite:", 7) != 0)
		return "write \"sqlite:\" and an absolute path";
	return config_check_path(text + 7);
}

const char *
config_check_socket(const char *text)
{
	if (strlen(text) > SOCKET_MAX)
		return "write a shorter path: a socket's has at most 107 bytes";
	return config_check_path(text);
}

const char *
config_check_socket_dir(const char *text)
{
	if (strlen(text) > SOCKET_MAX - strlen(SOCKET_NAME))
		return "write a shorter path: with \"" SOCKET_NAME "\" it has at most 107 bytes";
	return config_check_path(text);
}

const char *
config_check_name(const char *text)
{
	char *end;

	if (strspn(text, DIGITS) == strlen(text) && *text != '\0') {
		/* a uid or gid; the last one means "none" to the kernel */
		if (strlen(text) <= 10 && strtoull(text, &end, 10) < UINT32_MAX)
			return NULL;
		return "write a number below 4294967295";
	}
	if (*text == '-' || *text == '.' || !made_of(text, ALNUM "-._", NAME_MAX_BYTES))
		return "write a name of letters, digits, '.', '-' and '_', at most 32, or a number";
	return NULL;
}

const char *
config_check_unit(const char *text)
{
	static const char suffix[] = ".service";
	size_t n;

	n = strlen(text);
	if (n <= strlen(suffix) || strcmp(text + n - strlen(suffix), suffix) != 0 ||
	    strstr(text, "@.") != NULL || !made_of(text, ALNUM "-._:@\\", UNIT_MAX))
		return "write the whole name of a system unit, such as \"nginx.service\"";
	return NULL;
}

const char *
config_check_scope(const char *text)
{
	if (!made_of(text, ALNUM "!#$%&'()+,-./:;<=>?@[]^_`{|}~", CONFIG_TITLE_MAX))
		return "write printable ASCII without space, quote, backslash and '*', at most 128 bytes";
	return NULL;
}

const char *
config_check_variable(const char *text)
{
	size_t n;

	n = strspn(text, ALNUM "_");
	if (n == 0 || text[n] != '=' || strchr(DIGITS, text[0]) != NULL)
		return "write NAME=value";
	return NULL;
}

const char *
config_check_label(const char *text)
{
	return made_of(text, ALNUM "-._", LABEL_MAX) ? NULL :
	    "write letters, digits, '.', '-' and '_' alone, at most 64";
}
