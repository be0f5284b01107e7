/*
 * daemon_open.c - see daemon_open.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/daemon_open.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/journal.h"
#include "agent/offline.h"
#include "agent/plug_act.h"
#include "agent/presence_act.h"
#include "agent/ssh_ca.h"
#include "agent/watch.h"
#include "base/log.h"
#include "include/tessera.h"

#define REHEARSAL	"/rehearsal"

static int
daemon_is_system_path(const char *path)
{
	static const char *const system[] = { "/run/tessera", "/run/tesserad", "/var/lib/tessera", "/etc/tessera" };
	size_t i, n;

	for (i = 0; i < sizeof(system) / sizeof(system[0]); i++) {
		n = strlen(system[i]);
		if (strncmp(path, system[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return 1;
	}
	return 0;
}

/* A rehearsal must never be mistaken for, or turned against, the real thing. */
static int
daemon_check_rehearsal(const struct config *c, char *err, size_t err_size)
{
	size_t n = strlen(c->issuer);

	if (n < strlen(REHEARSAL) || strcmp(c->issuer + n - strlen(REHEARSAL), REHEARSAL) != 0) {
		(void)snprintf(err, err_size, "%s: the issuer of a rehearsal ends in \"" REHEARSAL
		    "\", this one is \"%s\"", c->file, c->issuer);
		return TSR_CONFIG;
	}
	if (daemon_is_system_path(c->state_dir) || daemon_is_system_path(c->socket_dir) ||
	    daemon_is_system_path(c->public_dir) || daemon_is_system_path(c->file) ||
	    (strncmp(c->store, "sqlite:", 7) == 0 && daemon_is_system_path(c->store + 7))) {
		(void)snprintf(err, err_size, "%s: a rehearsal does not use the system's folders: set "
		    "state-dir, socket-dir, public-dir and store", c->file);
		return TSR_CONFIG;
	}
	return TSR_OK;
}

int
daemon_open_issuer(const struct config *c, enum config_mode mode, char issuer[AGENT_ISSUER_MAX],
    char *err, size_t err_size)
{
	int n, r;

	if (clock_is_rehearsal() && (r = daemon_check_rehearsal(c, err, err_size)) != TSR_OK)
		return r;
	n = mode == CONFIG_USER ?
	    snprintf(issuer, AGENT_ISSUER_MAX, "%s/user/%u", c->issuer, getuid()) :
	    snprintf(issuer, AGENT_ISSUER_MAX, "%s", c->issuer);
	if (n < 0 || n >= AGENT_ISSUER_MAX) {
		(void)snprintf(err, err_size, "%s: the issuer is too long", c->file);
		return TSR_CONFIG;
	}
	return TSR_OK;
}

static int
daemon_make_dir(const char *path, mode_t mode, char *err, size_t err_size)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return TSR_OK;
	if (mkdir(path, mode) == 0 && chmod(path, mode) == 0)	/* the umask is 077 */
		return TSR_OK;
	(void)snprintf(err, err_size, "the folder %s cannot be made: %s", path, strerror(errno));
	return TSR_CONFIG;
}

int
daemon_store_key(const struct config *c, struct secret **out, char *err, size_t err_size)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (c->store_key != NULL)
		return store_key_read(c->store_key, 0, out, err, err_size);
	if (dir != NULL && dir[0] == '/') {
		(void)snprintf(path, sizeof(path), "%s/store-key", dir);
		if (access(path, F_OK) == 0)
			return store_key_read(path, 0, out, err, err_size);
	}
	(void)snprintf(path, sizeof(path), "%s/store.key", c->state_dir);
	return store_key_read(path, store_is_new(c->store), out, err, err_size);
}

/* A retired key stays in the set until its last token is over. */
static uint32_t
daemon_overlap(const struct config *c)
{
	uint32_t longest = 300;
	size_t i;

	for (i = 0; i < c->n_audiences; i++)
		if (c->audiences[i].lifetime > longest)
			longest = c->audiences[i].lifetime;
	return longest;
}

uint64_t
daemon_audit_size(const struct config *c)
{
	return (uint64_t)c->audit.size << 20;
}

/* What the journal knows of a store that is there. */
static void
daemon_look(const struct store *st, struct journal_seen *seen)
{
	if (!log_is_journal())
		return;
	if (journal_look(st, seen) != TSR_OK || seen->entries == 0)
		log_line(LOG_NOTICE, "the journal has nothing about this store that this user can read: "
		    "it cannot tell whether the store was put back or the audit log was cut");
	if (seen->noise > 0)
		log_line(LOG_NOTICE, "the journal has %u entries about this store that this user sent and "
		    "that tesserad did not, or with an earlier key", seen->noise);
}

/* st is NULL where there is none yet. */
static int
daemon_open_audit(const struct config *c, const struct secret *key, struct store *st,
    const struct audit_head *known, struct audit_file **out, char *err, size_t err_size)
{
	struct audit_file_options o = { .dir = c->state_dir, .size = daemon_audit_size(c),
	    .keep = c->audit.keep, .known = *known };
	struct buf waiting;
	int lost, r;

	buf_init(&waiting, STORE_AUDIT_MAX);
	if (st != NULL && (r = store_audit_get(st, &waiting)) != TSR_OK) {
		(void)snprintf(err, err_size, "the audit lines in the store cannot be read: %s",
		    tsr_strerror(r));
		goto out;
	}
	o.waiting = (const char *)waiting.data;
	o.waiting_len = waiting.len;
	if ((r = audit_file_open(&o, key, st == NULL, clock_wall(), out, &lost, err, err_size)) == TSR_OK && lost)
		log_line(LOG_ERROR, "the audit log in %s was altered, cut or lost: see \"tessera audit "
		    "verify\"; it goes on in a new file", c->state_dir);
 out:
	buf_free(&waiting);
	return r;
}

/* The store; *key is the one that it opened with, where a rekeying that was
 * killed half way had to be finished. */
static int
daemon_open_file(const struct config *c, struct secret **key, struct store **st, char *err,
    size_t err_size)
{
	int r;

	if ((r = store_open(c->store, *key, st, err, err_size)) == TSR_OK)
		return r;
	if ((r = offline_finish_rekey(c, r, st, err, err_size)) != TSR_OK)
		return r;
	secret_free(key);
	return daemon_store_key(c, key, err, err_size);
}

/* After the keys' file, whose number it holds. */
static int
daemon_open_epochs(const struct config *c, struct agent *a, int fresh, char *err, size_t err_size)
{
	struct epochs_start s = { .folder = c->public_dir, .latest = watch_latest(a->watch),
	    .issued = !fresh };
	int r;

	/* an altered one: the check of the store tells, and suspends */
	if ((r = store_epoch(a->store, &s.stored)) == TSR_NOT_FOUND || r == TSR_CORRUPT)
		s.stored = 0;
	else if (r != TSR_OK) {
		(void)snprintf(err, err_size, "the store cannot be read: %s", tsr_strerror(r));
		return r;
	}
	if ((r = epochs_open(&s, &a->epochs)) != TSR_OK)
		(void)snprintf(err, err_size, "%s/" EPOCHS_NAME " cannot be written: %s", c->public_dir,
		    r == TSR_SYSTEM ? strerror(errno) : tsr_strerror(r));
	return r;
}

int
daemon_open_store(const struct config *c, struct agent *a, struct audit_file **audit, char *err,
    size_t err_size)
{
	struct secret *key = NULL;
	struct journal_seen seen;
	char public_file[PATH_MAX];
	enum jwk_alg alg;
	int fresh = store_is_new(c->store), r;

	memset(&seen, 0, sizeof(seen));
	(void)snprintf(public_file, sizeof(public_file), "%s/jwks.json", c->public_dir);
	if ((r = jwk_alg_parse(c->signing.algorithm, &alg)) != TSR_OK ||
	    (r = daemon_make_dir(c->state_dir, 0700, err, err_size)) != TSR_OK ||
	    (r = daemon_make_dir(c->public_dir, 0755, err, err_size)) != TSR_OK ||
	    (r = daemon_store_key(c, &key, err, err_size)) != TSR_OK ||
	    /* a store that is there says best what is wrong with its key; a new one comes after
	     * its log, or a crash between would look like a loss of the log */
	    (fresh && (r = daemon_open_audit(c, key, NULL, &seen.head, audit, err, err_size)) != TSR_OK) ||
	    (r = daemon_open_file(c, &key, &a->store, err, err_size)) != TSR_OK)
		goto out;
	if (!fresh)
		daemon_look(a->store, &seen);
	if ((!fresh && (r = daemon_open_audit(c, key, a->store, &seen.head, audit, err,
	    err_size)) != TSR_OK) ||
	    (r = watch_new(a, c->anchor, &seen, &a->watch, err, err_size)) != TSR_OK)
		goto out;
	r = keys_open(a->store, alg, c->signing.rotate, daemon_overlap(c), public_file, clock_wall(),
	    &a->keys, err, err_size);
	if (r == TSR_OK && (r = ssh_ca_open(a->store, c->public_dir, a->issuer, &a->ssh_ca)) != TSR_OK)
		(void)snprintf(err, err_size, "out of memory for the SSH CA");
	if (r == TSR_OK) {
		/* sshd lets nobody in without the list: it is there before anybody is told that we
		 * are; what cannot be written now is tried again, and told of */
		(void)ssh_ca_publish(a->ssh_ca, clock_wall());
		r = daemon_open_epochs(c, a, fresh, err, err_size);
	}
 out:
	secret_free(&key);
	return r;
}

int
daemon_open_sockets(const struct config *c, enum config_mode mode, struct listeners *out,
    char *err, size_t err_size)
{
	unsigned gid = (unsigned)-1;
	struct group *gr;

	if (mode == CONFIG_SYSTEM && (gr = getgrnam(c->admin_group)) != NULL)
		gid = gr->gr_gid;
	return listen_open(c->socket_dir, mode == CONFIG_USER, gid, out, err, err_size);
}

int
daemon_open_helper_user(const struct config *c, enum config_mode mode, uid_t *out,
    char *err, size_t err_size)
{
	struct passwd *pw;

	if (mode == CONFIG_USER)
		return TSR_OK;
	if ((pw = getpwnam(c->helper_user)) == NULL) {
		(void)snprintf(err, err_size, "%s: helper-user = \"%s\": there is no such user, and "
		    "whoever the helpers run as must be refused at our sockets: make that user (see "
		    "systemd-sysusers) or name another", c->file, c->helper_user);
		return TSR_CONFIG;
	}
	*out = pw->pw_uid;
	return TSR_OK;
}

void
daemon_helper_program(const struct config *c, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/tessera-pkcs11", c->libexec_dir);
}

int
daemon_open_helpers(const struct config *c, const struct daemon_options *o, struct loop *l,
    struct helpers **out)
{
	struct helpers_options h = { .config_file = o->config_file, .user_mode = o->mode == CONFIG_USER };
	char program[PATH_MAX];

	daemon_helper_program(c, program, sizeof(program));
	if (c->helper_socket != NULL)
		h.socket = c->helper_socket;
	else
		h.program = program;
	return helpers_new(l, &h, out);
}

int
daemon_open_presence(const struct config *c, const struct daemon_options *o, struct agent *a)
{
	struct helpers_options h = { .config_file = o->config_file, .user_mode = o->mode == CONFIG_USER,
	    .watch = 1 };
	char program[PATH_MAX];

	daemon_helper_program(c, program, sizeof(program));
	if (c->watch_socket != NULL)
		h.socket = c->watch_socket;
	else
		h.program = program;
	if (c->pcsc.watch && c->watch_socket == NULL && c->helper_socket != NULL)
		log_line(LOG_WARN, "helper-socket is set and watch-socket is not: readers are not watched, "
		    "and sessions outlive the removal of their card");
	else if (c->pcsc.watch)
		return presence_act_new(a, &h, &a->presence);
	return presence_act_new(a, NULL, &a->presence);
}

void
daemon_fido_program(const struct config *c, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/tessera-fido", c->libexec_dir);
}

int
daemon_open_fido(const struct config *c, const struct daemon_options *o, struct agent *a)
{
	struct helpers_options h = { .config_file = o->config_file, .user_mode = o->mode == CONFIG_USER };
	char program[PATH_MAX];
	int watch = c->fido.watch, r;

	daemon_fido_program(c, program, sizeof(program));
	if (c->fido.socket != NULL)
		h.socket = c->fido.socket;
	else
		h.program = program;
	if ((r = fido_new(a, c->fido.socket == NULL && c->helper_socket != NULL ? NULL : &h,
	    &a->fido)) != TSR_OK)
		return r;
	if (watch && c->fido.socket != NULL && c->fido.watch_socket == NULL) {
		log_line(LOG_WARN, "the section fido has a socket and no watch-socket: keys are not watched, "
		    "and sessions outlive the removal of their key");
		watch = 0;
	}
	return plug_act_new(a, watch && fido_there(a->fido), c->fido.watch_socket, &a->plugs);
}
