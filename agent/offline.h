/*
 * offline.h - what tesserad does with its store while it does not serve.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_OFFLINE_H
#define AGENT_OFFLINE_H

#include "agent/daemon.h"

/* As root: go on as the owner of the state folder.  TSR_CONFIG where that is
 * root, TSR_SYSTEM; err gets the sentence. */
int offline_become(const struct config *c, char *err, size_t err_size);

/* Enter the sandbox, then put the backup open as fd in the place of the store.
 * An exit status; says what it did. */
int offline_restore(const struct config *c, const struct daemon_options *o, int fd);

/* Enter the sandbox, then make a new store key and seal the store with it. */
int offline_rekey(const struct config *c, const struct daemon_options *o);

/* The file of the store key, where it is one that can be replaced. */
void offline_key_file(const struct config *c, char *out, size_t size);

/* After a rekey that was killed between its commit and the key's new name: open
 * the store with the new key, and give it its name.  r and err are those of the
 * attempt with the old one, handed back where this is no such case. */
int offline_finish_rekey(const struct config *c, int r, struct store **out,
    char *err, size_t err_size);

#endif
