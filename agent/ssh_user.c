/*
 * ssh_user.c - see ssh_user.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/ssh_user.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/ssh_ca.h"
#include "agent/ssh_file.h"
#include "agent/ssh_issue.h"
#include "base/log.h"
#include "include/tessera.h"

#define SSH_USER_LOOK_MS	10000	/* between two looks at what has to be renewed */

struct ssh_users {
	struct agent *agent;
	struct ssh_files *files;
	struct link all, unsettled;
	size_t n;
};

int
ssh_users_new(struct agent *a, const char *public_dir, struct ssh_users **out)
{
	struct ssh_users *us;
	int r;

	if ((us = calloc(1, sizeof(*us))) == NULL)
		return TSR_NOMEM;
	us->agent = a;
	link_init(&us->all);
	link_init(&us->unsettled);
	if ((r = ssh_files_new(public_dir, &us->files)) != TSR_OK) {
		free(us);
		return r;
	}
	*out = us;
	return TSR_OK;
}

static void
ssh_user_free(struct ssh_user *u)
{
	timer_disarm(loop_timers(u->users->agent->loop), &u->timer);
	link_remove(&u->link);
	link_remove(&u->unsettled);
	u->users->n--;
	secret_free(&u->key);
	buf_free(&u->blob);
	buf_free(&u->cert);
	buf_free(&u->before);
	free(u);
}

/* With the files that told of it. */
static void
ssh_user_forget(struct ssh_user *u)
{
	ssh_file_remove(u->users->files, u->uid, SSH_FILE_KEY);
	ssh_file_remove(u->users->files, u->uid, SSH_FILE_CERT);
	ssh_user_free(u);
}

void
ssh_users_free(struct ssh_users **us)
{
	if (*us == NULL)
		return;
	while (!link_empty(&(*us)->all))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): who was freed has left the list */
		ssh_user_forget(LINK_OF((*us)->all.next, struct ssh_user, link));
	ssh_files_free(&(*us)->files);
	free(*us);
	*us = NULL;
}

size_t
ssh_users_count(const struct ssh_users *us)
{
	return us->n;
}

struct ssh_user *
ssh_user_of(struct agent *a, uid_t uid)
{
	struct ssh_user *u;
	struct link *l;

	for (l = a->ssh_users->all.next; l != &a->ssh_users->all; l = l->next)
		if ((u = LINK_OF(l, struct ssh_user, link))->uid == uid)
			return u;
	return NULL;
}

static int
ssh_user_make_key(struct ssh_user *u)
{
	uint8_t pub[crypto_sign_PUBLICKEYBYTES];

	if ((u->key = secret_new(crypto_sign_SECRETKEYBYTES)) == NULL)
		return TSR_NOMEM;
	if (crypto_sign_keypair(pub, u->key->data) != 0)
		return TSR_CRYPTO;
	return ssh_ed25519_blob(&u->blob, pub);
}

static int
ssh_user_make(struct ssh_users *us, uid_t uid, const char *name, struct ssh_user **out)
{
	struct ssh_user *u;
	int r;

	if (us->n >= SSH_USERS_MAX)
		return TSR_SLOW_DOWN;
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return TSR_NOMEM;
	u->users = us;
	u->uid = uid;
	(void)snprintf(u->name, sizeof(u->name), "%s", name);
	(void)snprintf(u->comment, sizeof(u->comment), "tessera:%s", name);
	buf_init(&u->blob, SSH_KEY_MAX);
	buf_init(&u->cert, SSH_CERT_MAX);
	buf_init(&u->before, SSH_CERT_MAX);
	link_init(&u->unsettled);
	link_append(&us->all, &u->link);
	us->n++;
	if ((r = ssh_user_make_key(u)) != TSR_OK) {
		ssh_user_free(u);
		return r;
	}
	*out = u;
	return TSR_OK;
}

/* --- the certificate --- */

static void ssh_user_look(void *arg);

static void
ssh_user_look_later(struct ssh_user *u)
{
	int64_t left = u->cert.len > 0 ? u->due - clock_wall() : 0;
	uint64_t ms = SSH_USER_LOOK_MS;

	if (left > 0 && left < SSH_USER_LOOK_MS / 1000)
		ms = (uint64_t)left * 1000;
	/* By the wall clock, which may be set: so it is looked at now and then. */
	(void)timer_arm(loop_timers(u->users->agent->loop), &u->timer, clock_boot_ms() + ms,
	    ssh_user_look, u);
}

/* A row of u's, or of a namesake's. */
static int
ssh_user_row(void *arg, const struct ssh_cert_record *c)
{
	struct ssh_user *u = arg;
	struct ssh_ca_entry e;
	struct ssh_ca_state s;
	size_t i;

	if (c->serial != u->serial || c->revoked != 0)
		return TSR_OK;
	ssh_ca_state(u->users->agent->ssh_ca, &s);
	for (i = 0; i < s.keys; i++) {
		ssh_ca_entry(u->users->agent->ssh_ca, i, &e);
		if (strcmp(e.id, c->ca) == 0 && e.state <= SSH_CA_RETIRED)
			u->stands = 1;
	}
	return TSR_OK;
}

/* Nobody took it back: looked at when something was. */
static int
ssh_user_stands(struct ssh_user *u)
{
	struct agent *a = u->users->agent;
	struct ssh_ca_state s;

	ssh_ca_state(a->ssh_ca, &s);
	if (u->stands && u->krl == s.krl_version)
		return 1;
	u->stands = 0;
	u->krl = s.krl_version;
	return u->made || (store_ssh_cert_each(a->store, u->name, u->uid, ssh_user_row, u) == TSR_OK &&
	    u->stands);
}

static int
ssh_user_fresh(struct ssh_user *u)
{
	return u->cert.len > 0 && ssh_user_stands(u) && clock_wall() < u->due &&
	    u->generation == policy_generation(u->users->agent->policy);
}

/* c may be NULL: the agent itself renews. */
static int
ssh_user_issue(struct ssh_user *u, const struct caller *c)
{
	struct agent *a = u->users->agent;
	struct ssh_wish wish = {
		.subject = u->name, .uid = u->uid, .caller = c, .last = &u->last,
		.key = u->blob.data, .key_n = u->blob.len, .credential = "", .sid = "", .held = 1
	};
	struct ssh_issued made;
	char detail[256] = "";
	struct buf blob;
	int r;

	buf_init(&blob, SSH_CERT_MAX);
	if ((r = ssh_issue(a, &wish, &blob, &made, detail)) != TSR_OK) {
		log_line(LOG_DETAIL, "no SSH certificate for uid %u: %s", u->uid,
		    detail[0] != '\0' ? detail : tsr_strerror(r));
		buf_free(&blob);
		return r;
	}
	buf_free(&u->before);
	u->before = u->cert;
	u->cert = blob;
	u->serial = made.serial;
	u->valid_before = made.valid_before;
	u->due = clock_wall() + (made.valid_before - clock_wall()) * 4 / 5;
	u->stands = 0;
	u->generation = policy_generation(a->policy);
	u->made = 1;
	link_remove(&u->unsettled);
	link_append(&u->users->unsettled, &u->unsettled);
	ssh_user_look_later(u);
	return TSR_OK;
}

static void
ssh_user_drop(struct ssh_user *u)
{
	buf_free(&u->cert);
	buf_free(&u->before);
	u->made = 0;
	link_remove(&u->unsettled);
	ssh_file_remove(u->users->files, u->uid, SSH_FILE_CERT);
}

static int
ssh_user_one(void *arg, const struct session *s)
{
	(void)s;
	*(int *)arg = 1;
	return TSR_OK;
}

/* Would somebody miss it? */
static int
ssh_user_wanted(const struct ssh_user *u)
{
	int live = 0;

	(void)session_each(u->users->agent->sessions, u->uid, ssh_user_one, &live);
	return live || (u->listed_ms != 0 && clock_boot_ms() - u->listed_ms < SSH_USER_LISTED_MS);
}

static void
ssh_user_look(void *arg)
{
	struct ssh_user *u = arg;

	if (!policy_config(u->users->agent->policy)->ssh.there) {
		ssh_user_forget(u);
		return;
	}
	if (!ssh_user_wanted(u)) {
		if (u->cert.len == 0 || clock_wall() >= u->valid_before) {
			ssh_user_forget(u);
			return;
		}
	} else if (!ssh_user_fresh(u))
		(void)ssh_user_issue(u, NULL);
	if (u->cert.len > 0 && clock_wall() >= u->valid_before)
		ssh_user_drop(u);
	ssh_user_look_later(u);
}

int
ssh_user_get(struct agent *a, const struct caller *c, const char *name, struct ssh_user **out,
    int *fresh)
{
	struct ssh_user *u = ssh_user_of(a, c->uid);
	uid_t only;
	int r;

	if (name[0] == '\0' || policy_login_helper(a->policy, c, &only) || ssh_audience(a, c) == NULL)
		return TSR_NOT_FOUND;
	if (u != NULL && strcmp(u->name, name) != 0) {	/* the number is somebody else's now */
		ssh_user_forget(u);
		u = NULL;
	}
	if (u == NULL && (r = ssh_user_make(a->ssh_users, c->uid, name, &u)) != TSR_OK)
		return r;
	u->listed_ms = clock_boot_ms();
	u->last = *c;
	u->last.pid = 0;
	u->last.pidfd = -1;
	u->last.start_time = 0;
	if (!ssh_user_fresh(u) && ssh_user_issue(u, c) != TSR_OK && u->cert.len > 0 &&
	    clock_wall() >= u->valid_before)
		ssh_user_drop(u);
	if (u->timer.pos == 0)
		ssh_user_look_later(u);
	/* The key alone has a file, too; one that could not be written is tried again. */
	if (!u->written && link_empty(&u->unsettled))
		link_append(&u->users->unsettled, &u->unsettled);
	*fresh = !link_empty(&u->unsettled);
	*out = u;
	return TSR_OK;
}

void
ssh_user_session(struct agent *a, const struct caller *c, const char *name)
{
	struct ssh_user *u;
	int fresh;

	(void)ssh_user_get(a, c, name, &u, &fresh);
}

int
ssh_user_sign(const struct ssh_user *u, const void *data, size_t n, struct buf *out)
{
	uint8_t sig[crypto_sign_BYTES];

	if (crypto_sign_detached(sig, NULL, data, n, u->key->data) != 0)
		return TSR_CRYPTO;
	return ssh_ed25519_signature(out, sig);
}

static void
ssh_user_settle(struct ssh_user *u, int committed)
{
	if (!committed && u->made) {	/* nobody has seen it */
		buf_free(&u->cert);
		u->cert = u->before;
		buf_init(&u->before, SSH_CERT_MAX);
		u->due = 0;
	}
	u->made = 0;
	u->written = ssh_file_write(u->users->files, u->uid, SSH_FILE_KEY, &u->blob,
	    u->comment) == TSR_OK && (u->cert.len == 0 ||
	    ssh_file_write(u->users->files, u->uid, SSH_FILE_CERT, &u->cert, u->comment) == TSR_OK);
}

void
ssh_users_settle(struct agent *a, int committed)
{
	struct link *l;

	while ((l = a->ssh_users->unsettled.next) != &a->ssh_users->unsettled) {
		link_remove(l);
		ssh_user_settle(LINK_OF(l, struct ssh_user, unsettled), committed);
	}
}
