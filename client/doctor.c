/*
 * doctor.c - see doctor.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define DOCTOR_GROUPS_MAX	256	/* groups of one user */
#define DOCTOR_CONNECT_MS	5000	/* waiting for a full backlog */
#define DOCTOR_RETRY_MS		50
#define DOCTOR_LISTENING	0x10000	/* __SO_ACCEPTCON in /proc/net/unix */

void
doctor_say(struct doctor *d, enum doctor_state state, const char *mend, const char *fmt, ...)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok", [DOCTOR_SKIPPED] = "skipped", [DOCTOR_WARNING] = "warning",
		[DOCTOR_FAILURE] = "failure"
	};
	char text[DOCTOR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* a byte that is no UTF-8 is a cut name: the rest of the line still counts */
	(void)json_array_append_new(d->results, json_pack("{s:s, s:s, s:o, s:o}", "check", d->check,
	    "state", names[state], "text", json_stringn_nocheck(text, strlen(text)),
	    "mend", mend != NULL ? json_stringn_nocheck(mend, strlen(mend)) : json_null()));
}

const char *
doctor_command(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(d->command, sizeof(d->command), fmt, ap);
	va_end(ap);
	return d->command;
}

ssize_t
doctor_read(const char *path, char *out, size_t size)
{
	size_t at = 0;
	ssize_t n = 0;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return -1;
	while (at < size - 1 && (n = read(fd, out + at, size - 1 - at)) > 0)
		at += (size_t)n;
	(void)close(fd);
	if (n == -1)
		return -1;
	out[at] = '\0';
	return (ssize_t)at;
}

const char *
doctor_install(struct doctor *d, const char *debian, const char *fedora, const char *arch)
{
	char release[4096];

	if (doctor_read("/etc/os-release", release, sizeof(release)) > 0) {
		if (strstr(release, "fedora") != NULL || strstr(release, "rhel") != NULL)
			return doctor_command(d, "dnf install %s", fedora);
		if (strstr(release, "ID=arch") != NULL || strstr(release, "ID_LIKE=arch") != NULL)
			return doctor_command(d, "pacman -S %s", arch);
	}
	return doctor_command(d, "apt install %s", debian);
}

const char *
doctor_systemctl(struct doctor *d, const char *rest)
{
	return doctor_command(d, "systemctl %s%s", d->mode == CONFIG_USER ? "--user " : "", rest);
}

const char *
doctor_device_user(const struct doctor *d)
{
	const struct passwd *pw;

	if (d->mode == CONFIG_USER)
		return (pw = getpwuid(geteuid())) != NULL ? pw->pw_name : "";
	if (d->config == NULL)
		return "tessera-dev";
	return d->config->helper_socket != NULL ? d->config->helper_user : DOCTOR_AGENT_USER;
}

int
doctor_may(const struct stat *st, const struct passwd *pw, mode_t want)
{
	gid_t groups[DOCTOR_GROUPS_MAX];
	int i, n = DOCTOR_GROUPS_MAX;

	if (pw->pw_uid == 0)
		return 1;
	if (st->st_uid == pw->pw_uid)
		return (st->st_mode >> 6 & want) == want;
	if (getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) == -1)
		n = DOCTOR_GROUPS_MAX;
	for (i = 0; i < n; i++)
		if (groups[i] == st->st_gid)
			return (st->st_mode >> 3 & want) == want;
	return (st->st_mode & want) == want;
}

int
doctor_listens(const char *path)
{
	char *line = NULL, *name;
	size_t size = 0;
	int found = 0;
	FILE *f;

	/* Num RefCount Protocol Flags Type St Inode Path */
	if ((f = fopen("/proc/net/unix", "re")) == NULL)
		return -1;
	while (!found && getline(&line, &size, f) != -1) {
		char flags[16];

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %15s", flags) == 1 &&
		    (strtoul(flags, NULL, 16) & DOCTOR_LISTENING) != 0 && (name = strchr(line, '/')) != NULL)
			found = strcmp(name, path) == 0;
	}
	free(line);
	(void)fclose(f);
	return found;
}

int
doctor_connect(const char *path, struct ucred *who)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(*who);
	int fd, error = EAGAIN, tries;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun.sun_path))
		return ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return errno;
	for (tries = 0; error == EAGAIN && tries < DOCTOR_CONNECT_MS / DOCTOR_RETRY_MS; tries++) {
		error = connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0 ? 0 : errno;
		if (error == EAGAIN)
			(void)poll(NULL, 0, DOCTOR_RETRY_MS);
	}
	if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &len) == -1)
		error = errno;
	(void)close(fd);
	return error;
}
