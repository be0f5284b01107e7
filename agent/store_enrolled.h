/*
 * store_enrolled.h - who ever had a credential.
 *
 * A login module may let somebody past who never had one.  Whose credential was
 * removed is not such a one: his name and his uid stay marked.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_ENROLLED_H
#define AGENT_STORE_ENROLLED_H

#include "agent/store.h"

/* TSR_OK: a credential, in whatever state, is or was there under that name or that
 * uid.  TSR_NOT_FOUND: never.  Else nobody knows: TSR_STORE, TSR_CORRUPT. */
int store_enrolled(struct store *st, const char *subject, uid_t uid);

/* In a batch, before the credential of that id goes: mark its owner.  TSR_NOT_FOUND
 * where there is none. */
int store_enrolled_keep(struct store *st, const char *id);

/* Rows went whose owners are not known: from now on everybody had one. */
int store_enrolled_everybody(struct store *st);

#endif
