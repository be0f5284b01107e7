/*
 * audit_first.h - the file audit.key in the state folder: the first key of the
 * audit log, sealed (base/audit_key.h).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_FIRST_H
#define AGENT_AUDIT_FIRST_H

#include <stddef.h>

#include "base/secret.h"

/* Make dir/audit.key with a random key, durably / open it.  *first is freed by
 * the caller.  TSR_CORRUPT where it does not open with this store key, TSR_STORE,
 * TSR_NOMEM; err gets the sentence. */
int audit_first_make(const char *dir, const struct secret *store_key, struct secret **first,
    char *err, size_t err_size);
int audit_first_load(const char *dir, const struct secret *store_key, struct secret **first,
    char *err, size_t err_size);

/* A new store key in two steps, since two files cannot change at once: seal the
 * same first key under it in a file beside (nothing where there is no log yet);
 * once the store has the new key, put that file in place (nothing where there is
 * none).  Codes as above. */
int audit_first_reseal(const char *dir, const struct secret *old_key, const struct secret *new_key,
    char *err, size_t err_size);
int audit_first_adopt(const char *dir, char *err, size_t err_size);

#endif
