/*
 * key_set.c - the settings of a virtual key by name.  See key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "sim/key.h"
#include "tessera.h"

#define MS_MAX		3600000		/* longest time that can be set */

struct word {
	const char *name;
	int value;
};

static const struct word touches[] = {
	{ "auto", TOUCH_AUTO }, { "manual", TOUCH_MANUAL }, { "never", TOUCH_NEVER },
	{ "deny", TOUCH_DENY }, { NULL, 0 },
};
static const struct word uvs[] = {
	{ "none", UV_NONE }, { "unset", UV_UNSET }, { "ok", UV_OK }, { "fail", UV_FAIL },
	{ NULL, 0 },
};
static const struct word attestations[] = {
	{ "none", ATTEST_NONE }, { "self", ATTEST_SELF }, { "packed", ATTEST_PACKED }, { NULL, 0 },
};
static const struct word versions[] = { { "2.0", 0 }, { "2.1", 1 }, { NULL, 0 } };
static const struct word protocols[] = { { "1", 1 }, { "2", 2 }, { "both", 3 }, { NULL, 0 } };
static const struct word algorithms[] = {
	{ "es256", 1 }, { "eddsa", 2 }, { "both", 3 }, { NULL, 0 },
};
static const struct word switches[] = { { "on", 1 }, { "off", 0 }, { NULL, 0 } };
static const struct word counters[] = {
	{ "grow", COUNTER_GROW }, { "zero", COUNTER_ZERO }, { "back", COUNTER_BACK },
	{ "per-credential", COUNTER_CREDENTIAL }, { NULL, 0 },
};

static int
key_set_word(const struct word *words, const char *value, int *out)
{
	for (; words->name != NULL; words++) {
		if (strcmp(words->name, value) == 0) {
			*out = words->value;
			return TSR_OK;
		}
	}
	return TSR_INVALID;
}

/* The settings that are one of a few words.  TSR_NOT_FOUND. */
static int
key_set_choice(struct key_settings *s, const char *name, const char *value)
{
	int v = 0, r;

	if (strcmp(name, "touch") == 0) {
		if ((r = key_set_word(touches, value, &v)) == TSR_OK)
			s->touch = (enum key_touch)v;
	} else if (strcmp(name, "uv") == 0) {
		if ((r = key_set_word(uvs, value, &v)) == TSR_OK)
			s->uv = (enum key_uv)v;
	} else if (strcmp(name, "attestation") == 0) {
		if ((r = key_set_word(attestations, value, &v)) == TSR_OK)
			s->attestation = (enum key_attestation)v;
	} else if (strcmp(name, "version") == 0) {
		if ((r = key_set_word(versions, value, &v)) == TSR_OK)
			s->ctap21 = v == 1;
	} else if (strcmp(name, "protocols") == 0) {
		if ((r = key_set_word(protocols, value, &v)) == TSR_OK)
			s->protocols = (unsigned)v;
	} else if (strcmp(name, "algorithms") == 0) {
		if ((r = key_set_word(algorithms, value, &v)) == TSR_OK) {
			s->es256 = (v & 1) != 0;
			s->eddsa = (v & 2) != 0;
		}
	} else if (strcmp(name, "hmac-secret") == 0) {
		if ((r = key_set_word(switches, value, &v)) == TSR_OK)
			s->hmac_secret = v == 1;
	} else
		r = TSR_NOT_FOUND;
	return r;
}

/* A decimal number from least to most. */
static int
key_set_decimal(const char *value, long least, long most, long *out)
{
	char *end;
	long v;

	if (value[0] < '0' || value[0] > '9')
		return TSR_INVALID;
	errno = 0;
	v = strtol(value, &end, 10);
	if (errno != 0 || *end != '\0' || v < least || v > most)
		return TSR_INVALID;
	*out = v;
	return TSR_OK;
}

static const struct {
	const char *name;
	size_t at;			/* of a long in struct key_settings */
	long least, most;
} numbers[] = {
	{ "touch-delay", offsetof(struct key_settings, touch_delay), 0, MS_MAX },
	{ "timeout", offsetof(struct key_settings, timeout), 1, MS_MAX },
	{ "keepalive", offsetof(struct key_settings, keepalive), 1, MS_MAX },
	{ "reset-window", offsetof(struct key_settings, reset_window), 0, MS_MAX },
	{ "resident", offsetof(struct key_settings, resident), 0, KEY_RESIDENT_MAX },
};

static int
key_set_number(struct key_settings *s, const char *name, const char *value)
{
	size_t i;
	long v;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].name, name) != 0)
			continue;
		if (key_set_decimal(value, numbers[i].least, numbers[i].most, &v) != TSR_OK)
			return TSR_INVALID;
		memcpy((char *)s + numbers[i].at, &v, sizeof(v));
		return TSR_OK;
	}
	return TSR_NOT_FOUND;
}

/* "none", or the PIN itself. */
static int
key_set_pin(struct key *k, const char *value)
{
	uint8_t hash[32];
	size_t n = strlen(value);

	if (strcmp(value, "none") == 0) {
		k->store.s.pin_set = false;
	} else if (n >= 4 && n < 64) {
		crypto_hash_sha256(hash, (const uint8_t *)value, n);
		memcpy(k->store.s.pin_hash, hash, sizeof(k->store.s.pin_hash));
		k->store.s.pin_set = true;
	} else
		return TSR_INVALID;
	k->store.s.pin_tries = KEY_PIN_TRIES;
	key_pin_forget(&k->pin);
	k->pin.failed = 0;
	return key_store_save(&k->store);
}

static int
key_set_tries(struct key *k, const char *value, uint8_t *tries, long most)
{
	long v;

	if (key_set_decimal(value, 0, most, &v) != TSR_OK)
		return TSR_INVALID;
	*tries = (uint8_t)v;
	return key_store_save(&k->store);
}

/* How it behaves, or the number that it stands at. */
static int
key_set_counter(struct key *k, const char *value)
{
	long v;
	int how;

	if (key_set_word(counters, value, &how) == TSR_OK) {
		k->set.counter = (enum key_counter)how;
		return TSR_OK;
	}
	if (key_set_decimal(value, 0, UINT32_MAX, &v) != TSR_OK)
		return TSR_INVALID;
	k->store.s.counter = (uint32_t)v;
	return key_store_save(&k->store);
}

/* 32 hexadecimal digits, dashes between them do not count. */
static int
key_set_aaguid(struct key_settings *s, const char *value)
{
	uint8_t id[sizeof(s->aaguid)];
	const char *end;
	size_t n;

	if (sodium_hex2bin(id, sizeof(id), value, strlen(value), "-", &n, &end) != 0 ||
	    n != sizeof(id) || *end != '\0')
		return TSR_INVALID;
	memcpy(s->aaguid, id, sizeof(id));
	return TSR_OK;
}

int
key_set(struct key *k, const char *name, const char *value)
{
	int r;

	if ((r = key_set_choice(&k->set, name, value)) != TSR_NOT_FOUND ||
	    (r = key_set_number(&k->set, name, value)) != TSR_NOT_FOUND)
		return r;
	if (strcmp(name, "pin") == 0)
		return key_set_pin(k, value);
	if (strcmp(name, "pin-tries") == 0)
		return key_set_tries(k, value, &k->store.s.pin_tries, KEY_PIN_TRIES);
	if (strcmp(name, "uv-tries") == 0)
		return key_set_tries(k, value, &k->store.s.uv_tries, KEY_UV_TRIES);
	if (strcmp(name, "counter") == 0)
		return key_set_counter(k, value);
	if (strcmp(name, "aaguid") == 0)
		return key_set_aaguid(&k->set, value);
	if (strcmp(name, "fault") == 0)
		return key_fault_set(&k->fault, value);
	return TSR_NOT_FOUND;
}

const char *
key_set_help(void)
{
	return "touch=auto|manual|never|deny touch-delay=MS timeout=MS keepalive=MS "
	    "reset-window=MS uv=none|unset|ok|fail pin=PIN|none pin-tries=N uv-tries=N "
	    "version=2.0|2.1 protocols=1|2|both algorithms=es256|eddsa|both hmac-secret=on|off "
	    "resident=N attestation=none|self|packed aaguid=HEX "
	    "counter=grow|zero|back|per-credential|N fault=NAME[:VALUE][@N][+]";
}
