/*
 * epochfile.h - the agent's file of dead tokens as a verifier keeps it mapped.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_LIB_EPOCHFILE_H
#define CLIENT_LIB_EPOCHFILE_H

#include <stdint.h>

#include "client/lib/keyfile.h"
#include "token/epochs.h"

struct epochfile {
	char path[KEYFILE_PATH_MAX];
	int64_t owner;			/* as for keyfile_open */
	void *map;			/* NULL: there is none that can be believed */
	size_t size, slots;
	struct keyfile_id id;
	uint8_t boot[EPOCHS_BOOT_LEN], map_boot[EPOCHS_BOOT_LEN];
	int boot_known;
	int looked;			/* when is told by the next two */
	struct timespec tick;
	uint64_t boot_ms;
	int stuck;			/* a writer was waited for in vain, and has not gone on */
};

/* Beside another file: "epochs" in its folder.  TSR_TOO_LARGE.  e is zeroed. */
int epochfile_beside(struct epochfile *e, const char *other);
void epochfile_close(struct epochfile *e);

/*
 * What the file says of a token with this sid ("": none) and iat: TSR_OK,
 * TSR_REVOKED, or TSR_STALE where it does not know (no such file, or one that is
 * not to be believed, of another boot, or of an agent that is gone); of a dead
 * token a stale file says TSR_REVOKED, too.  *generation is that of the
 * keys, 0 where it is not known.  The path is looked at once a tick of the
 * coarse clock (1 to 10 ms) and whenever the mapped file says that it was
 * superseded; so is its size, that a file which was cut is not read.
 */
int epochfile_check(struct epochfile *e, const char *sid, int64_t iat, uint64_t *generation);

#endif
