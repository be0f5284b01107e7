/*
 * door.h - who is let in: the listening sockets, the limits of connections (of
 * all and of one uid, over all sockets), the uids that none serves, and the
 * kernel's word about who wrote what is read.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_DOOR_H
#define AGENT_DOOR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/caller.h"
#include "agent/link.h"
#include "agent/loop.h"
#include "agent/timer.h"

#define DOOR_READ_MAX	16384	/* bytes a read */
#define DOOR_LISTEN_MAX	4	/* listening sockets */

/* A uid at its own limit is turned away.  A process of uid 0 under user-UID.slice (sudo,
 * su) is that uid's.  When all are taken, the
 * uid with the most connections loses its oldest idle one (else one whose
 * request is not whole, else any) to a newcomer that has fewer: connections
 * should be at least 4 times connections_per_uid.  Each connection takes two
 * descriptors (socket and pidfd). */
struct door_limits {
	uint32_t connections;		/* of all */
	uint32_t connections_per_uid;
	uid_t refuse[4];		/* uids that no socket serves (the agent's, the helpers') */
	size_t n_refuse;
	int use_pidfd;
};

/* One uid's connections. */
struct door_uid {
	struct link link;	/* door.uids */
	struct link guests;	/* in the order in which they were last busy */
	uid_t uid;		/* who is counted: not always the caller's */
	uint32_t n;
};

/* How well a connection can be spared. */
enum door_use {
	DOOR_BUSY,		/* not at all: it is at work in this batch */
	DOOR_WAITING,		/* for an answer, for events, for the client */
	DOOR_READING,		/* a request that is not whole */
	DOOR_IDLE
};

/* Embedded in a connection. */
struct door_guest {
	struct link of_uid;	/* door_uid.guests */
	struct link leaving;	/* a list of those to be closed */
	struct door_uid *uid;
	enum door_use (*use)(struct door_guest *g);
	void (*close)(struct door_guest *g);	/* calls door_leave, frees */
};

/* Whose a listening socket is. */
struct door_host {
	/* Make a connection of fd, which is not blocking: on TSR_OK fd and what
	 * caller holds are its own, and it has called door_enter.  kind: as in
	 * door_listen. */
	int (*admit)(void *arg, int kind, int fd, const struct caller *caller, struct door_uid *u);
	const char *full;	/* sent to who is turned away for the limits; NULL: nothing */
	void *arg;
};

struct door_listener {
	struct loop_watch watch;
	struct door *door;
	const struct door_host *host;
	int kind;
};

struct door {
	struct loop *loop;
	struct door_limits limits;
	void (*refused)(void *arg, uid_t uid, const char *code);
	void *refused_arg;
	struct door_listener listener[DOOR_LISTEN_MAX];
	size_t n_listeners;
	struct timer pause;		/* accepting rests: out of descriptors or memory */
	int paused;
	uint32_t n;			/* connections */
	struct link uids;
	char scratch[DOOR_READ_MAX];	/* what door_recv fills; its reader wipes it */
};

void door_init(struct door *d, struct loop *l, const struct door_limits *limits);

/* Accept on a listening socket (ours to close from now on, also on error).
 * TSR_SYSTEM, TSR_TOO_LARGE for the fifth. */
int door_listen(struct door *d, int fd, const struct door_host *host, int kind);
void door_stop_listening(struct door *d);

/* A connection is there / is idle again, the last of its uid's to be spared /
 * is closed: count it. */
void door_enter(struct door *d, struct door_guest *g, struct door_uid *u);
void door_rest(struct door_guest *g);
void door_leave(struct door *d, struct door_guest *g);

/* Close all whose close() it is, those alone that are of a use (NULL: all).  close()
 * may answer others but closes none besides. */
void door_close(struct door *d, void (*whose)(struct door_guest *g),
    int (*over)(struct door_guest *g));

/* Tell refused() that uid was refused; code lives for ever. */
void door_refusal(struct door *d, uid_t uid, const char *code);

/*
 * One read of what caller's own uid wrote.  Returns the bytes in scratch, 0 where
 * there is nothing to read now; TSR_CLOSED; TSR_DENIED where somebody else wrote, or
 * sent more than bytes.
 */
ssize_t door_recv(struct door *d, int fd, const struct caller *caller);

#endif
