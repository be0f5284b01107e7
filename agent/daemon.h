/*
 * daemon.h - the parts of tesserad put together, run, reloaded and taken
 * apart.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include "agent/agent.h"

#define DAEMON_STOP_MS	2000	/* requests under way may end after SIGTERM */

struct daemon;

struct daemon_options {
	enum config_mode mode;
	const char *config_file;
	int verbose;			/* log LOG_DETAIL at least */
	const char *program;		/* absolute path of this executable */
};

/* Open everything that config names: sockets, store, keys, helpers; nothing is
 * served yet.  config becomes the daemon's.  err gets the sentence. */
int daemon_new(const struct daemon_options *o, struct config *config, struct daemon **out,
    char *err, size_t err_size);

/* Enter the sandbox, say READY, serve until SIGTERM or SIGINT; SIGHUP reads the
 * configuration again.  Returns an exit status. */
int daemon_run(struct daemon *d);

void daemon_free(struct daemon **d);

#endif
