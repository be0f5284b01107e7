/*
 * token.c - what a token says of itself.  See token.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/token.h"

#include <string.h>

#include "base/escape.h"
#include "base/proto.h"

#define TOKEN_DESCRIPTION	64	/* bytes of a slot's description */

/* The fields are padded with blanks and not terminated (PKCS #11 2.40 section
 * 2.1); there are modules that pad with NUL. */
static void
token_text(char *out, size_t size, const void *field, size_t n)
{
	const char *p = field;

	n = strnlen(p, n);
	while (n > 0 && p[n - 1] == ' ')
		n--;
	escape_text(out, size, p, n);
}

static void
token_cstr(char *out, size_t size, const char *s)
{
	token_text(out, size, s != NULL ? s : "", s != NULL ? strlen(s) : 0);
}

void
token_from_info(struct token *t, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
	static const struct {
		CK_FLAGS theirs;
		uint32_t ours;
	} map[] = {
		{ CKF_LOGIN_REQUIRED, PROTO_TOKEN_LOGIN_REQUIRED },
		{ CKF_PROTECTED_AUTHENTICATION_PATH, PROTO_TOKEN_PROTECTED_PATH },
		{ CKF_USER_PIN_COUNT_LOW, PROTO_TOKEN_PIN_COUNT_LOW },
		{ CKF_USER_PIN_FINAL_TRY, PROTO_TOKEN_PIN_FINAL_TRY },
		{ CKF_USER_PIN_LOCKED, PROTO_TOKEN_PIN_LOCKED },
	};
	size_t i;

	memset(t, 0, sizeof(*t));
	t->slot = slot;
	token_text(t->serial, sizeof(t->serial), info->serialNumber, sizeof(info->serialNumber));
	token_text(t->label, sizeof(t->label), info->label, sizeof(info->label));
	token_text(t->manufacturer, sizeof(t->manufacturer), info->manufacturerID,
	    sizeof(info->manufacturerID));
	token_text(t->model, sizeof(t->model), info->model, sizeof(info->model));
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if ((info->flags & map[i].theirs) != 0)
			t->flags |= map[i].ours;
}

void
token_reader_name(char out[TOKEN_READER_MAX], const char *name, size_t n)
{
	token_text(out, TOKEN_READER_MAX, name, n < TOKEN_DESCRIPTION ? n : TOKEN_DESCRIPTION);
}

void
token_from_slot(struct token *t, const CK_SLOT_INFO *info)
{
	token_reader_name(t->reader, (const char *)info->slotDescription,
	    sizeof(info->slotDescription));
	if ((info->flags & CKF_REMOVABLE_DEVICE) != 0)
		t->flags |= PROTO_TOKEN_REMOVABLE;
}

void
token_from_p11(struct token *t, PKCS11_SLOT *p11)
{
	const PKCS11_TOKEN *k = p11->token;

	memset(t, 0, sizeof(*t));
	t->slot = PKCS11_get_slotid_from_slot(p11);
	t->p11 = p11;
	token_cstr(t->serial, sizeof(t->serial), k->serialnr);
	token_cstr(t->label, sizeof(t->label), k->label);
	token_cstr(t->manufacturer, sizeof(t->manufacturer), k->manufacturer);
	token_cstr(t->model, sizeof(t->model), k->model);
	t->flags = (k->loginRequired ? PROTO_TOKEN_LOGIN_REQUIRED : 0) |
	    (k->secureLogin ? PROTO_TOKEN_PROTECTED_PATH : 0) |
	    (k->userPinCountLow ? PROTO_TOKEN_PIN_COUNT_LOW : 0) |
	    (k->userPinFinalTry ? PROTO_TOKEN_PIN_FINAL_TRY : 0) |
	    (k->userPinLocked ? PROTO_TOKEN_PIN_LOCKED : 0) |
	    (p11->removable ? PROTO_TOKEN_REMOVABLE : 0);
	token_reader_name(t->reader, p11->description != NULL ? p11->description : "",
	    p11->description != NULL ? strlen(p11->description) : 0);
}

int
token_is(const struct token *t, const char *serial, const char *label)
{
	return strcmp(t->serial, serial) == 0 && strcmp(t->label, label) == 0;
}

uint32_t
token_tries(uint32_t flags)
{
	if ((flags & PROTO_TOKEN_PIN_LOCKED) != 0)
		return 0;
	if ((flags & PROTO_TOKEN_PIN_FINAL_TRY) != 0)
		return 1;
	return PROTO_TRIES_UNKNOWN;
}
