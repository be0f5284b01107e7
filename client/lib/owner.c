/*
 * owner.c - who "tessera" is.  See owner.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/lib/owner.h"

#include <pwd.h>
#include <stddef.h>

#define OWNER_USER	"tessera"
#define OWNER_ENTRY_MAX	4096	/* bytes of its line of passwd(5) */

int
owner_is_agent(unsigned uid)
{
	char room[OWNER_ENTRY_MAX];
	struct passwd pw, *found = NULL;

	return getpwnam_r(OWNER_USER, &pw, room, sizeof(room), &found) == 0 && found != NULL &&
	    found->pw_uid == uid;
}
