/*
 * doctor.h - what is wrong with an installation, and the command that mends it:
 * what the checks of "tessera doctor" share.
 *
 * A check says one or more things of doctor_say's kinds and never stops the
 * others: each makes do with what is known when its turn comes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

#include <limits.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/config.h"
#include "client/api.h"

#define DOCTOR_TEXT_MAX		1024	/* bytes of a sentence or a command, with NUL */
#define DOCTOR_AGENT_USER	"tessera"

enum doctor_state { DOCTOR_OK, DOCTOR_SKIPPED, DOCTOR_WARNING, DOCTOR_FAILURE };

struct doctor {
	struct client *client;
	enum config_mode mode;
	struct config *config;		/* NULL where it cannot be read */
	char config_file[PATH_MAX];
	char config_err[FAIL_TEXT_MAX];
	json_t *health, *devices;	/* the agent's answers; NULL where there are none */
	json_t *admin;			/* /admin/status; NULL also for who may not ask */
	char pcscd[PATH_MAX];		/* its socket, "" where no module needs one */
	const char *check;		/* the one under way */
	json_t *results;
	char command[DOCTOR_TEXT_MAX];
};

/* One result of the check under way.  mend is the command that mends it, or
 * NULL where there is nothing to mend. */
void doctor_say(struct doctor *d, enum doctor_state state, const char *mend, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* A command, in d until the next one. */
const char *doctor_command(struct doctor *d, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The command that installs a package, which Debian, Fedora and Arch name so. */
const char *doctor_install(struct doctor *d, const char *debian, const char *fedora,
    const char *arch);

/* systemctl, or systemctl --user, with the rest of it. */
const char *doctor_systemctl(struct doctor *d, const char *rest);

/* Who opens readers and tokens: the helpers' user, the agent's where it forks
 * them, in user mode the caller. */
const char *doctor_device_user(const struct doctor *d);

/* Whether a user may by mode, owner and groups; want is of S_IRWXO. */
int doctor_may(const struct stat *st, const struct passwd *pw, mode_t want);

/* Whether somebody listens on the socket of that path: -1 cannot be told. */
int doctor_listens(const char *path);

/* Connect to a socket, waiting for a full backlog, and hang up; who listens
 * there.  0, or errno. */
int doctor_connect(const char *path, struct ucred *who);

/* The whole text of a small file, NUL-terminated, at most size - 1 bytes of
 * it; the count, or -1. */
ssize_t doctor_read(const char *path, char *out, size_t size);

/* The checks, each in the file of its group. */
void doctor_configuration(struct doctor *d);	/* doctor_config.c */
void doctor_users(struct doctor *d);
void doctor_modules(struct doctor *d);
void doctor_opensc(struct doctor *d);
void doctor_sockets(struct doctor *d);		/* doctor_agent.c */
void doctor_health(struct doctor *d);
void doctor_breakers(struct doctor *d);
void doctor_pcscd(struct doctor *d);		/* doctor_pcscd.c */
void doctor_polkit(struct doctor *d);
void doctor_holders(struct doctor *d);		/* doctor_holder.c */
void doctor_rights(struct doctor *d);		/* doctor_rights.c */
void doctor_readers(struct doctor *d);		/* doctor_card.c */
void doctor_tries(struct doctor *d);
void doctor_keys(struct doctor *d);		/* doctor_key.c */
void doctor_ssh(struct doctor *d);		/* doctor_ssh.c */

/* Is it about FIDO2 keys?  An element of what GET /devices tells. */
int doctor_is_key(const json_t *e);

#endif
