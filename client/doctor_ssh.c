/*
 * doctor_ssh.c - do ssh and sshd find what the agent has for them?
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/ssh_ca.h"
#include "client/sshd.h"

#define SSH_FILE_MAX	65536	/* bytes of a file that is looked at */
#define SSH_INSTALL	"tessera ssh setup --server --install"

/* The agent's public files. */
struct ssh_files {
	char ca[PATH_MAX], krl[PATH_MAX];
	char keys[SSH_FILE_MAX];	/* those that servers are to trust, a line each */
	char list[SSH_FILE_MAX];
	ssize_t n_keys, n_list;
};

static void
ssh_socket(struct doctor *d)
{
	char path[PATH_MAX];
	struct ucred who;
	int error;

	(void)snprintf(path, sizeof(path), "%s/ssh.sock", d->config->socket_dir);
	if ((error = doctor_connect(path, &who)) == 0)
		doctor_say(d, DOCTOR_OK, NULL, "%s answers", path);
	else
		doctor_say(d, DOCTOR_FAILURE, d->mode == CONFIG_USER ? doctor_systemctl(d, "restart tesserad") :
		    doctor_systemctl(d, "enable --now tessera-ssh.socket"), "nobody listens on %s: %s", path,
		    strerror(error));
}

static void
ssh_public(struct doctor *d, struct ssh_files *f)
{
	(void)snprintf(f->ca, sizeof(f->ca), "%s/ssh_ca.pub", d->config->public_dir);
	(void)snprintf(f->krl, sizeof(f->krl), "%s/ssh_krl", d->config->public_dir);
	if ((f->n_keys = doctor_read(f->ca, f->keys, sizeof(f->keys))) <= 0)
		doctor_say(d, DOCTOR_FAILURE, doctor_systemctl(d, "restart tesserad"),
		    "the keys that sign certificates are not to be read from %s", f->ca);
	f->n_list = doctor_read(f->krl, f->list, sizeof(f->list));
	if (f->n_list < 0 || !ssh_ca_is_krl(f->list, (size_t)f->n_list)) {
		doctor_say(d, DOCTOR_FAILURE, doctor_systemctl(d, "restart tesserad"),
		    "%s is no list of what was revoked", f->krl);
		f->n_list = -1;
	}
	if (f->n_keys > 0 && f->n_list > 0)
		doctor_say(d, DOCTOR_OK, NULL, "%s and %s are there", f->ca, f->krl);
}

/* Whether each line of ours is in the text of a file: TYPE and key, the comment may
 * be another. */
static int
ssh_has_all(const char *keys, const char *text)
{
	char key[4096];
	const char *p, *end;
	size_t n;

	for (p = keys; *p != '\0'; p = *end == '\0' ? end : end + 1) {
		end = p + strcspn(p, "\n");
		n = strcspn(p, " ") + 1;	/* the type, the blank, the key */
		n += strcspn(p + n, " \n");
		if (end - p < (ssize_t)n || n >= sizeof(key))
			continue;
		(void)snprintf(key, sizeof(key), "%.*s", (int)n, p);
		if (strstr(text, key) == NULL)
			return 0;
	}
	return 1;
}

static void
ssh_trusted(struct doctor *d, const struct ssh_files *f, const struct buf *conf)
{
	char path[PATH_MAX], text[SSH_FILE_MAX];

	sshd_value(conf, "trustedusercakeys", path);
	if (strcmp(path, "none") == 0)
		doctor_say(d, DOCTOR_WARNING, SSH_INSTALL, "the sshd of this host trusts no certificates");
	else if (doctor_read(path, text, sizeof(text)) < 0)
		doctor_say(d, DOCTOR_FAILURE, SSH_INSTALL, "sshd is to trust the keys in %s, which cannot be read", path);
	else if (f->n_keys > 0 && !ssh_has_all(f->keys, text))
		doctor_say(d, DOCTOR_WARNING, SSH_INSTALL, "%s lacks a key of %s: sshd refuses its certificates", path,
		    f->ca);
	else
		doctor_say(d, DOCTOR_OK, NULL, "sshd trusts the keys of %s", path);
}

static void
ssh_revoked(struct doctor *d, const struct ssh_files *f, const struct buf *conf)
{
	char path[PATH_MAX], text[SSH_FILE_MAX];
	ssize_t n;

	sshd_value(conf, "revokedkeys", path);
	if (strcmp(path, "none") == 0)
		doctor_say(d, DOCTOR_WARNING, SSH_INSTALL, "the sshd of this host has no list of what was revoked");
	else if ((n = doctor_read(path, text, sizeof(text))) < 0)
		doctor_say(d, DOCTOR_FAILURE, doctor_command(d, "tessera ssh ca krl %s", path),
		    "sshd refuses every key of everybody: its list of what was revoked, %s, cannot be read", path);
	else if (f->n_list > 0 && (n != f->n_list || memcmp(text, f->list, (size_t)n) != 0))
		doctor_say(d, DOCTOR_WARNING, doctor_command(d, "tessera ssh ca krl %s", path),
		    "sshd has another list of what was revoked (%s) than the agent", path);
	else
		doctor_say(d, DOCTOR_OK, NULL, "sshd has the agent's list of what was revoked");
}

static void
ssh_server(struct doctor *d, const struct ssh_files *f)
{
	char said[SSHD_SAID_MAX], path[PATH_MAX];
	struct buf conf;

	if (access(SSHD_PROGRAM, X_OK) == -1) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "this host has no sshd");
		return;
	}
	if (geteuid() != 0) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "what sshd trusts is for root to see");
		return;
	}
	buf_init(&conf, SSHD_OUTPUT_MAX);
	if (sshd_ask(&conf, 0) != 0)
		doctor_say(d, DOCTOR_WARNING, access("/run/sshd", F_OK) == -1 ? "systemctl restart ssh" : "sshd -t",
		    "sshd does not tell what it trusts: %s", sshd_said(&conf, said));
	else {
		sshd_value(&conf, "trustedusercakeys", path);
		ssh_trusted(d, f, &conf);
		if (strcmp(path, "none") != 0)
			ssh_revoked(d, f, &conf);
	}
	buf_free(&conf);
}

void
doctor_ssh(struct doctor *d)
{
	struct ssh_files f;

	if (d->config == NULL || !d->config->ssh.there) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, d->config == NULL ? "the configuration cannot be read" :
		    "the configuration has no ssh {}");
		return;
	}
	memset(&f, 0, sizeof(f));
	ssh_socket(d);
	ssh_public(d, &f);
	if (d->mode != CONFIG_USER)
		ssh_server(d, &f);
}
