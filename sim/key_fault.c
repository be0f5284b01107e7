/*
 * key_fault.c - faults on demand.  See key_fault.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tessera.h"

#define MESSAGES_MAX	1000000		/* that may be let by */

static const struct {
	const char *name;
	enum key_fault_kind kind;
} faults[] = {
	{ "none", FAULT_NONE },
	{ "cbor-truncated", FAULT_CBOR_TRUNCATED },
	{ "cbor-garbage", FAULT_CBOR_GARBAGE },
	{ "cbor-deep", FAULT_CBOR_DEEP },
	{ "cbor-duplicate", FAULT_CBOR_DUPLICATE },
	{ "cbor-indefinite", FAULT_CBOR_INDEFINITE },
	{ "cbor-unsorted", FAULT_CBOR_UNSORTED },
	{ "bad-signature", FAULT_BAD_SIGNATURE },
	{ "wrong-rp", FAULT_WRONG_RP },
	{ "credential-count", FAULT_CREDENTIAL_COUNT },
	{ "up-clear", FAULT_UP_CLEAR },
	{ "uv-clear", FAULT_UV_CLEAR },
	{ "flags-junk", FAULT_FLAGS_JUNK },
	{ "counter-back", FAULT_COUNTER_BACK },
	{ "status", FAULT_STATUS },
	{ "time-out", FAULT_TIME_OUT },
	{ "cancel", FAULT_CANCEL },
	{ "bad-sequence", FAULT_BAD_SEQUENCE },
	{ "huge-length", FAULT_HUGE_LENGTH },
	{ "wrong-channel", FAULT_WRONG_CHANNEL },
	{ "wrong-command", FAULT_WRONG_COMMAND },
	{ "no-response", FAULT_NO_RESPONSE },
	{ "short-report", FAULT_SHORT_REPORT },
	{ "bad-nonce", FAULT_BAD_NONCE },
	{ "unplug", FAULT_UNPLUG },
	{ "unplug-waiting", FAULT_UNPLUG_WAITING },
	{ "unplug-mid-reply", FAULT_UNPLUG_MID_REPLY },
};

/* A number that ends at *p, which moves behind it. */
static int
key_fault_number(const char **p, unsigned long most, unsigned long *out)
{
	unsigned long n;
	char *end;

	if (**p < '0' || **p > '9')
		return TSR_INVALID;
	errno = 0;
	n = strtoul(*p, &end, 0);
	if (errno != 0 || n > most)
		return TSR_INVALID;
	*p = end;
	*out = n;
	return TSR_OK;
}

int
key_fault_set(struct key_fault *f, const char *text)
{
	struct key_fault fault = { .kind = FAULT_NONE };
	unsigned long n;
	const char *p;
	size_t i, len;

	len = strcspn(text, ":@+");
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strlen(faults[i].name) == len && memcmp(faults[i].name, text, len) == 0)
			break;
	if (i == sizeof(faults) / sizeof(faults[0]))
		return TSR_INVALID;
	fault.kind = faults[i].kind;
	p = text + len;
	if ((*p == ':') != (fault.kind == FAULT_STATUS))
		return TSR_INVALID;
	if (*p == ':') {
		p++;
		if (key_fault_number(&p, 0xff, &n) != TSR_OK || n == 0)
			return TSR_INVALID;
		fault.value = (unsigned)n;
	}
	fault.after = 1;
	if (*p == '@') {
		p++;
		if (key_fault_number(&p, MESSAGES_MAX, &n) != TSR_OK || n == 0)
			return TSR_INVALID;
		fault.after = (uint32_t)n;
	}
	if (*p == '+') {
		fault.always = true;
		p++;
	}
	if (*p != '\0')
		return TSR_INVALID;
	*f = fault;
	return TSR_OK;
}

const char *
key_fault_name(enum key_fault_kind kind)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].kind == kind)
			return faults[i].name;
	return "none";
}

void
key_fault_message(struct key_fault *f)
{
	if (f->after > 0)
		f->after--;
}

bool
key_fault_fires(struct key_fault *f, enum key_fault_kind kind)
{
	if (f->kind != kind || f->after > 0)
		return false;
	if (!f->always)
		f->kind = FAULT_NONE;
	return true;
}
