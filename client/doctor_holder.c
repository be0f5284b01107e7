/*
 * doctor_holder.c - which processes are connected to pcscd, and may so hold a
 * reader: the peers of its socket (sock_diag(7)), and who has them open.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "client/output.h"

#define HOLDER_MAX	64	/* connections that are looked at */
#define HOLDER_BYTES	65536	/* of one netlink message */
#define HOLDER_WAIT_S	5	/* for the kernel */

struct holders {
	ino_t peer[HOLDER_MAX];		/* the clients' ends */
	size_t n;
	unsigned others, ours;		/* processes that were told of, helpers of the agent */
	int busy;			/* a module says that the reader is used */
};

/* --- the clients' ends --- */

static void
holder_row(struct holders *h, struct nlmsghdr *m, const char *path)
{
	struct unix_diag_msg *u = NLMSG_DATA(m);
	struct rtattr *a = (struct rtattr *)(void *)((char *)u + NLMSG_ALIGN(sizeof(*u)));
	size_t left = m->nlmsg_len - NLMSG_LENGTH(sizeof(*u));
	uint32_t peer = 0;
	int named = 0;

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == UNIX_DIAG_NAME)
			named = strlen(path) == strnlen(RTA_DATA(a), RTA_PAYLOAD(a)) &&
			    memcmp(RTA_DATA(a), path, strlen(path)) == 0;
		else if (a->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(a) >= sizeof(peer))
			memcpy(&peer, RTA_DATA(a), sizeof(peer));
	}
	if (named && peer != 0 && h->n < HOLDER_MAX)
		h->peer[h->n++] = peer;
}

static int
holder_ask(int fd)
{
	struct {
		struct nlmsghdr head;
		struct unix_diag_req req;
	} m;

	memset(&m, 0, sizeof(m));
	m.head.nlmsg_len = sizeof(m);
	m.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	m.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m.req.sdiag_family = AF_UNIX;
	m.req.udiag_states = UINT32_MAX;
	m.req.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER;
	return send(fd, &m, sizeof(m), 0) == (ssize_t)sizeof(m) ? 0 : -1;
}

/* -1 where the kernel does not tell. */
static int
holder_dump(struct holders *h, const char *path)
{
	struct timeval wait = { .tv_sec = HOLDER_WAIT_S };
	struct nlmsghdr *m, *buf = NULL;
	int fd, done = 0, r = -1;
	ssize_t n;
	unsigned left;

	if ((fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == -1 ||
	    (buf = malloc(HOLDER_BYTES)) == NULL || holder_ask(fd) == -1)
		goto out;
	while (!done && (n = recv(fd, buf, HOLDER_BYTES, 0)) > 0) {
		left = (unsigned)n;
		for (m = buf; NLMSG_OK(m, left) && !done; m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_type == NLMSG_ERROR)
				goto out;
			if (m->nlmsg_type == NLMSG_DONE)
				done = 1;
			else if (m->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
			    m->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
				holder_row(h, m, path);
		}
	}
	r = done ? 0 : -1;
 out:
	free(buf);
	(void)close(fd);
	return r;
}

/* --- who has them open --- */

static int
holder_has(const struct holders *h, const char *pid)
{
	char folder[64], link[PATH_MAX + 64], target[64];
	const struct dirent *e;
	unsigned long inode;
	int found = 0;
	ssize_t n;
	size_t i;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "/proc/%.20s/fd", pid);
	if ((dir = opendir(folder)) == NULL)
		return 0;
	while (!found && (e = readdir(dir)) != NULL) {
		(void)snprintf(link, sizeof(link), "%s/%s", folder, e->d_name);
		if ((n = readlink(link, target, sizeof(target) - 1)) <= 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "socket:[", 8) != 0)
			continue;
		inode = strtoul(target + 8, NULL, 10);
		for (i = 0; i < h->n; i++)
			found |= h->peer[i] == inode;
	}
	(void)closedir(dir);
	return found;
}

static int
holder_is_ours(const char *pid)
{
	char link[64], target[PATH_MAX];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%.20s/exe", pid);
	if ((n = readlink(link, target, sizeof(target) - 1)) <= 0)
		return 0;
	target[n] = '\0';
	return strrchr(target, '/') != NULL && strcmp(strrchr(target, '/'), "/tessera-pkcs11") == 0;
}

static void
holder_tell(struct doctor *d, struct holders *h, const char *pid)
{
	char path[64], name[64] = "?", user[32];
	const struct passwd *pw;
	struct stat st;
	int gnupg;

	if (holder_is_ours(pid)) {
		h->ours++;
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/%.20s", pid);
	if (stat(path, &st) == -1)
		return;			/* it has gone meanwhile */
	if ((pw = getpwuid(st.st_uid)) != NULL)
		(void)snprintf(user, sizeof(user), "%s", pw->pw_name);
	else
		(void)snprintf(user, sizeof(user), "#%u", st.st_uid);
	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (doctor_read(path, name, sizeof(name)) > 0)
		name[strcspn(name, "\n")] = '\0';
	h->others++;
	gnupg = strcmp(name, "scdaemon") == 0;
	if (gnupg)	/* its supervisor ends it in good order */
		doctor_command(d, "runuser -u '%s' -- gpgconf --kill scdaemon", user);
	else
		doctor_command(d, "kill %s", pid);
	doctor_say(d, h->busy ? DOCTOR_FAILURE : gnupg ? DOCTOR_WARNING : DOCTOR_OK,
	    h->busy || gnupg ? d->command : NULL, "%s (process %s, user %s) is connected to pcscd%s", name, pid,
	    user, h->busy ? ", and the reader is in use" : gnupg ? ": it keeps readers for itself" : "");
}

static void
holder_processes(struct doctor *d, struct holders *h)
{
	const struct dirent *e;
	DIR *dir;

	if ((dir = opendir("/proc")) == NULL)
		return;
	while ((e = readdir(dir)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) && holder_has(h, e->d_name))
			holder_tell(d, h, e->d_name);
	(void)closedir(dir);
}

/* Whether the agent's modules say so. */
static int
holder_busy(const struct doctor *d)
{
	const json_t *errors = json_object_get(d->devices, "errors");
	const char *code;
	size_t i;

	for (i = 0; i < json_array_size(errors); i++)
		if ((code = json_string_value(json_object_get(json_array_get(errors, i), "error"))) != NULL &&
		    strcmp(code, "device_busy") == 0)
			return 1;
	return 0;
}

void
doctor_holders(struct doctor *d)
{
	struct holders h;
	char real[PATH_MAX];

	memset(&h, 0, sizeof(h));
	if (d->pcscd[0] == '\0')
		doctor_say(d, DOCTOR_SKIPPED, NULL, "nothing uses pcscd");
	else if (geteuid() != 0)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "which programs use the reader is for root to see: sudo tessera doctor");
	else if (holder_dump(&h, d->pcscd) == -1 || (h.n == 0 && realpath(d->pcscd, real) != NULL &&
	    strcmp(real, d->pcscd) != 0 && holder_dump(&h, real) == -1))
		doctor_say(d, DOCTOR_SKIPPED, NULL, "this kernel does not tell who is connected to pcscd");
	else {
		h.busy = holder_busy(d);
		holder_processes(d, &h);
		if (h.others == 0)
			doctor_say(d, h.busy ? DOCTOR_FAILURE : DOCTOR_OK, h.busy ?
			    "systemctl restart pcscd.service" : NULL, "no other program is connected to pcscd%s",
			    h.busy ? ", yet a reader is in use" : "");
	}
}
