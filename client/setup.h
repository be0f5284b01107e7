/*
 * setup.h - what ssh and sshd need to know of the agent, put in its place and
 * taken out again: what the parts of "tessera ssh setup" share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_SETUP_H
#define CLIENT_SETUP_H

#include <jansson.h>
#include <limits.h>
#include <sys/types.h>

#include "base/buf.h"
#include "client/client.h"

#define SETUP_TEXT_MAX	(16 * 1024)	/* bytes of a file that is made */
#define SETUP_MARK	"# Tessera: "	/* how each file begins that is made here and has text */
#define SETUP_SNIPPET	"60-tessera.conf"

struct setup {
	struct client *c;
	char socket[PATH_MAX];		/* of the agent, for ssh */
	char public_dir[PATH_MAX];	/* where its public files are */
	json_t *files;			/* what became of each: {"path","did"[,"kept"]} */
	json_t *next;			/* what is left to a person, a line each */
	unsigned changed;		/* files that are no more what they were */
};

/* What the files are to say; the agent and nothing else is asked.  FAIL_*. */
int setup_places(struct setup *s);
int setup_hosts(struct client *c);	/* --host: are these patterns that may be? */
int setup_client_text(const struct setup *s, struct buf *out);
int setup_server_text(struct buf *out);

/* What was there is kept aside: whatever it was, or where it was not made here. */
enum setup_keep { SETUP_KEEP_ALL, SETUP_KEEP_FOREIGN, SETUP_KEEP_NONE };

/* Put text in its place, where it is not there already.  FAIL_*. */
int setup_put(struct setup *s, const char *path, const struct buf *text, mode_t mode, enum setup_keep keep);

/* Take away what setup_put put there; a file without the mark is left alone.  FAIL_*. */
int setup_take(struct setup *s, const char *path, const char *mark);

/* Note a line of what is left to do. */
void setup_next(struct setup *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each side's work, FAIL_*: setup_client.c and setup_server.c. */
int setup_client_install(struct setup *s);
int setup_client_remove(struct setup *s);
int setup_server_install(struct setup *s);
int setup_server_remove(struct setup *s);

/* The paths on a server. */
#define SETUP_SSHD_CONFIG	"/etc/ssh/sshd_config.d/" SETUP_SNIPPET
#define SETUP_SSHD_CA		"/etc/ssh/tessera_ca.pub"
#define SETUP_SSHD_OFFLINE	"/etc/ssh/tessera_offline_ca.pub"	/* an administrator's, added to those of the agent */
#define SETUP_SSHD_KRL		"/etc/ssh/tessera_krl"
#define SETUP_SSHD_PRINCIPALS	"/etc/ssh/tessera_principals"

#endif
