/*
 * token.h - what a token says of itself, made safe to send and to compare.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_TOKEN_H
#define PKCS11_TOKEN_H

#include <stdint.h>

#include <libp11.h>
#include <p11-kit/pkcs11.h>

/* PKCS #11 2.40 section 3.2: 16 and 32 bytes; a byte that is no text takes
 * four when escaped; with NUL. */
#define TOKEN_SHORT_MAX		65
#define TOKEN_LONG_MAX		129
#define TOKEN_READER_MAX	257	/* 64 bytes, the same */

struct token {
	CK_SLOT_ID slot;
	PKCS11_SLOT *p11;		/* libp11's slot, NULL where it has none; the module's */
	char serial[TOKEN_SHORT_MAX];
	char label[TOKEN_LONG_MAX];
	char manufacturer[TOKEN_LONG_MAX];
	char model[TOKEN_SHORT_MAX];
	char reader[TOKEN_READER_MAX];	/* its slot's description */
	uint32_t flags;			/* PROTO_TOKEN_* */
};

/* From C_GetTokenInfo's answer: cut at a NUL, trailing blanks trimmed, what is
 * not text escaped. */
void token_from_info(struct token *t, CK_SLOT_ID slot, const CK_TOKEN_INFO *info);

/* Where it is: C_GetSlotInfo's description, and whether it can be taken out. */
void token_from_slot(struct token *t, const CK_SLOT_INFO *info);

/* A name of n bytes as a description shows it (cut at 64 bytes). */
void token_reader_name(char out[TOKEN_READER_MAX], const char *name, size_t n);

/* All of it from libp11's; p11->token is not NULL. */
void token_from_p11(struct token *t, PKCS11_SLOT *p11);

/* 1 where it is the one that is called so. */
int token_is(const struct token *t, const char *serial, const char *label);

/* PIN tries left, as far as flags (PROTO_TOKEN_*) tell: 0 locked, 1 final try,
 * else PROTO_TRIES_UNKNOWN: "count low" says that a PIN was wrong, and no number. */
uint32_t token_tries(uint32_t flags);

#endif
