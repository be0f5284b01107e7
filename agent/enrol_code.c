/*
 * enrol_code.c - see enrol_code.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_code.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "base/hash.h"
#include "include/tessera.h"

#define CODE_BYTES	10	/* of randomness */
#define CODE_CHARS	16	/* without dashes */
#define CODE_HASH	32

struct code {
	uid_t uid;
	uint64_t ends_ms;	/* 0: a free place */
	uint64_t serial;	/* no two codes have the same */
	unsigned wrong;
	const void *spent;	/* by whom, in the open batch; else NULL */
	uint8_t hash[CODE_HASH];
};

struct enrol_codes {
	uint64_t last;		/* serial given */
	int unsettled;		/* some were spent in the open batch */
	uint8_t key[crypto_generichash_KEYBYTES];
	struct code code[ENROL_CODES_MAX];
};

int
enrol_codes_new(struct enrol_codes **out)
{
	struct enrol_codes *ec;

	if ((ec = calloc(1, sizeof(*ec))) == NULL)
		return TSR_NOMEM;
	randombytes_buf(ec->key, sizeof(ec->key));
	*out = ec;
	return TSR_OK;
}

void
enrol_codes_free(struct enrol_codes **ec)
{
	if (*ec == NULL)
		return;
	sodium_memzero(*ec, sizeof(**ec));
	free(*ec);
	*ec = NULL;
}

/* RFC 4648 base32, which people can read aloud. */
static void
enrol_code_text(const uint8_t raw[CODE_BYTES], char chars[CODE_CHARS])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t bits = 0;
	int have = 0;
	size_t i, o = 0;

	for (i = 0; i < CODE_BYTES; i++) {
		bits = bits << 8 | raw[i];
		for (have += 8; have >= 5; have -= 5)
			chars[o++] = alphabet[bits >> (have - 5) & 31];
	}
}

static int
enrol_code_hash(const struct enrol_codes *ec, uid_t uid, const char chars[CODE_CHARS],
    uint8_t hash[CODE_HASH])
{
	struct hash_part parts[] = { { &uid, sizeof(uid) }, { chars, CODE_CHARS } };

	return hash_parts(hash, CODE_HASH, ec->key, sizeof(ec->key), parts, 2);
}

/* uid's own place, else a free one where make is 1. */
static struct code *
enrol_code_place(struct enrol_codes *ec, uid_t uid, int make)
{
	struct code *c, *unused = NULL;
	uint64_t now = clock_boot_ms();

	for (c = ec->code; c < ec->code + ENROL_CODES_MAX; c++) {
		if (c->ends_ms > now && c->uid == uid)
			return c;
		if (c->ends_ms <= now && unused == NULL)
			unused = c;
	}
	return make ? unused : NULL;
}

int
enrol_code_make(struct enrol_codes *ec, uid_t uid, char code[ENROL_CODE_LEN + 1])
{
	char chars[CODE_CHARS];
	uint8_t raw[CODE_BYTES], hash[CODE_HASH];
	struct code *c;
	size_t i, o = 0;
	int r;

	if ((c = enrol_code_place(ec, uid, 1)) == NULL)
		return TSR_TOO_LARGE;
	randombytes_buf(raw, sizeof(raw));
	enrol_code_text(raw, chars);
	if ((r = enrol_code_hash(ec, uid, chars, hash)) != TSR_OK)
		goto out;
	memcpy(c->hash, hash, CODE_HASH);
	c->uid = uid;
	c->wrong = 0;
	c->spent = NULL;
	c->serial = ++ec->last;
	c->ends_ms = clock_boot_ms() + (uint64_t)ENROL_CODE_S * 1000;
	for (i = 0; i < CODE_CHARS; i++) {
		if (i > 0 && i % 4 == 0)
			code[o++] = '-';
		code[o++] = chars[i];
	}
	code[o] = '\0';
 out:
	sodium_memzero(raw, sizeof(raw));
	sodium_memzero(chars, sizeof(chars));
	return r;
}

/* As it was typed: upper or lower case, dashes or blanks anywhere. */
static int
enrol_code_read(const char *code, char chars[CODE_CHARS])
{
	size_t o = 0;

	for (; *code != '\0'; code++) {
		if (*code == '-' || *code == ' ')
			continue;
		if (o == CODE_CHARS)
			return TSR_BAD_GRANT;
		chars[o++] = (char)(*code >= 'a' && *code <= 'z' ? *code - 'a' + 'A' : *code);
	}
	return o == CODE_CHARS ? TSR_OK : TSR_BAD_GRANT;
}

int
enrol_code_check(struct enrol_codes *ec, uid_t uid, const char *code, uint64_t *serial)
{
	char chars[CODE_CHARS];
	uint8_t hash[CODE_HASH];
	struct code *c;
	int r = TSR_BAD_GRANT;

	if ((c = enrol_code_place(ec, uid, 0)) == NULL || c->spent != NULL)
		return r;
	if (enrol_code_read(code, chars) == TSR_OK) {
		/* no hash: neither right nor wrong */
		if ((r = enrol_code_hash(ec, uid, chars, hash)) == TSR_OK &&
		    sodium_memcmp(hash, c->hash, sizeof(hash)) != 0)
			r = TSR_BAD_GRANT;
	}
	if (r == TSR_OK)
		*serial = c->serial;
	else if (r == TSR_BAD_GRANT && ++c->wrong >= ENROL_CODE_TRIES)
		sodium_memzero(c, sizeof(*c));
	sodium_memzero(chars, sizeof(chars));
	return r;
}

int
enrol_code_spend(struct enrol_codes *ec, uid_t uid, uint64_t serial, const void *by)
{
	struct code *c;

	if ((c = enrol_code_place(ec, uid, 0)) == NULL || c->serial != serial ||
	    c->spent != NULL)
		return TSR_BAD_GRANT;
	c->spent = by;
	ec->unsettled = 1;
	return TSR_OK;
}

void
enrol_code_keep(struct enrol_codes *ec, uid_t uid, uint64_t serial, const void *by)
{
	struct code *c;

	if ((c = enrol_code_place(ec, uid, 0)) != NULL && c->serial == serial && c->spent == by)
		c->spent = NULL;
}

void
enrol_codes_settle(struct enrol_codes *ec, int committed)
{
	struct code *c;

	if (!ec->unsettled)
		return;
	ec->unsettled = 0;
	for (c = ec->code; c < ec->code + ENROL_CODES_MAX; c++) {
		if (c->spent != NULL && committed)
			sodium_memzero(c, sizeof(*c));
		c->spent = NULL;
	}
}
