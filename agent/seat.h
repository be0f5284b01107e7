/*
 * seat.h - does a caller sit at this machine?  What logind says, read from its
 * files: no call waits for anybody.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_SEAT_H
#define AGENT_SEAT_H

#include "agent/caller.h"
#include "agent/login_said.h"
#include "base/config.h"

/*
 * 1 where the caller is at the devices' seat, seat0:
 * - by the session of its process, which must be active, local and of seat0;
 * - where the process has none (a service of a user's manager has not), by its
 *   user's sessions: one is active on seat0, and none of them is remote.
 * For a login helper, said not NULL, nobody is whose rhost is another host; and where
 * its process has no session:
 * - one in a user's slice (sudo, su) is where that user is;
 * - any other (a greeter, login: there is no session yet) is where the terminal is
 *   that it names: "ttyN" is the console in front of the screen, or ":N" the display
 *   of an active local session of seat0 (a greeter's).  Another one, "ssh" or none,
 *   is elsewhere.  One that the configuration calls a greeter and that names none is
 *   where a session of seat0 is shown: some know no terminal before they begin one.
 * SEAT_ANY: everybody else is.  SEAT_AUTO is SEAT_LOGIND where logind runs, that is
 * where it has written /run/systemd/seats/seat0, and else SEAT_ANY: a
 * container's users are where its devices are.  What cannot be read is 0.
 */
int seat_has(enum config_seat rule, const struct caller *c, const struct login_said *said);

/*
 * May a device of this host prove what the caller asks for where that is for local
 * sessions alone?  As seat_has(), but the session need not be in front of the screen:
 * another console does, too.  A session of no seat (over SSH, on a serial line, of
 * cron), or the terminal that a login helper names, does not; ssh to this very host
 * is none of its seat either.
 */
int seat_near(enum config_seat rule, const struct caller *c, const struct login_said *said);

/* What is said to whom it does not, and the member of that answer which tells. */
#define SEAT_REMOTE	",\"reason\":\"remote\""
#define SEAT_NEAR_TEXT	"a device of this host proves what is asked for at this machine alone: this "     "session is remote, or none of its seat"

#endif
