/*
 * ssh_watch.h - a client's side of ssh.sock that knows what may leave it: the frames
 * that were sent are read here once more, apart from the agent's own code, and each
 * answer is held against the one it belongs to.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_SSH_WATCH_H
#define TESTS_FUZZ_SSH_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define SSH_WATCH_SESSION	32	/* bytes of the sessions that are made here */
#define SSH_WATCH_BOUND_MAX	32	/* on a connection */

/* One connection. */
struct ssh_watch {
	uid_t uid;
	struct buf sent;		/* not yet a whole frame */
	struct buf asked;		/* frames without an answer, as strings */
	struct buf got;			/* not yet a whole answer */
	int over;			/* a frame was no frame: no answers any more */
	int failed;			/* a binding was not accepted */
	struct ssh_watch_bound {
		uint8_t session[64];
		size_t session_n;
		uint8_t host[32];	/* a hash of its blob */
		int forwarding;
	} bound[SSH_WATCH_BOUND_MAX];
	size_t n_bound;
};

void ssh_watch_begin(struct ssh_watch *w, uid_t uid);
void ssh_watch_end(struct ssh_watch *w);

/* Bytes that were sent: how many frames they made whole.  Bytes that came: each answer
 * is one that may come. */
unsigned long ssh_watch_sent(struct ssh_watch *w, const uint8_t *p, size_t n);
void ssh_watch_got(struct ssh_watch *w, const uint8_t *p, size_t n);

/* Another agent begins / root has a session, or not / how many signatures came. */
void ssh_watch_reset(void);
void ssh_watch_session(int there);
unsigned long ssh_watch_signatures(void);

/* Root's public key, NULL before it was listed. */
const uint8_t *ssh_watch_key(void);

/* Append what a good client sends: its key or certificate as a string; a binding with
 * what names it; a login for that key or certificate, bound to the host or not, under
 * its algorithm's name or another; the signed data of ssh-keygen -Y sign. */
void ssh_watch_put_key(struct buf *b, int cert);
void ssh_watch_bind(struct buf *b, const uint8_t session[SSH_WATCH_SESSION], int forwarding);
void ssh_watch_login(struct buf *b, const uint8_t *session, size_t session_n, const char *user,
    int cert, int bound, int other_name);
void ssh_watch_file(struct buf *b, const char *space, int sha256);

#endif
