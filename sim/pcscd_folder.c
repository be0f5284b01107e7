/*
 * pcscd_folder.c - finding and ending an isolated pcscd.  See pcscd.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/pcscd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "sim/file.h"
#include "sim/sim.h"
#include "tessera.h"

#define SMALL_MAX	4096	/* bytes of pid, readers, a command line */
#define GRACE_MS	5000	/* before SIGTERM becomes SIGKILL */

/* A small file as text, terminated. */
static int
folder_text(const char *folder, const char *name, char *out, size_t size)
{
	char path[PATH_MAX];
	struct buf b;
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return TSR_NOT_FOUND;
	buf_init(&b, size - 1);
	if ((r = file_read(AT_FDCWD, path, &b)) == TSR_OK) {
		memcpy(out, b.data, b.len);
		out[b.len] = '\0';
	}
	buf_free(&b);
	return r;
}

/* Whether the process was started for this folder: its number may be somebody
 * else's by now. */
static int
folder_owns(const char *folder, long pid)
{
	char proc[64], line[SMALL_MAX], due[PATH_MAX];
	struct buf b;
	size_t i;
	int found;

	(void)snprintf(proc, sizeof(proc), "/proc/%ld/cmdline", pid);
	if (snprintf(due, sizeof(due), "%s/conf", folder) >= (int)sizeof(due))
		return 0;
	buf_init(&b, sizeof(line) - 1);
	found = file_read(AT_FDCWD, proc, &b) == TSR_OK;
	for (i = 0; found && i < b.len; i++)
		line[i] = (char)(b.data[i] != '\0' ? b.data[i] : ' ');
	line[found ? b.len : 0] = '\0';
	buf_free(&b);
	return strstr(line, "pcscd ") != NULL && strstr(line, due) != NULL;
}

int
pcscd_running(const char *folder, pid_t *pid)
{
	char text[SMALL_MAX];
	long n;

	if (folder_text(folder, "pid", text, sizeof(text)) != TSR_OK)
		return TSR_NOT_FOUND;
	text[strcspn(text, "\n")] = '\0';
	if (sim_number(text, 1, INT_MAX, &n) != TSR_OK || !folder_owns(folder, n))
		return TSR_NOT_FOUND;
	*pid = (pid_t)n;
	return TSR_OK;
}

int
pcscd_port(const char *folder, unsigned reader, uint16_t *port)
{
	char text[SMALL_MAX], absolute[PATH_MAX], *line, *save = NULL;
	pid_t pid;
	long n;

	if (realpath(folder, absolute) == NULL || pcscd_running(absolute, &pid) != TSR_OK ||
	    folder_text(absolute, "readers", text, sizeof(text)) != TSR_OK)
		return TSR_UNREACHABLE;
	line = strtok_r(text, "\n", &save);
	for (; line != NULL && reader > 0; reader--)
		line = strtok_r(NULL, "\n", &save);
	if (line == NULL)
		return TSR_NOT_FOUND;
	if (sim_number(line, 1, UINT16_MAX, &n) != TSR_OK)
		return TSR_CORRUPT;
	*port = (uint16_t)n;
	return TSR_OK;
}

/* Wait for the end of a process that need not be our child. */
static int
folder_ended(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

static void
folder_remove(const char *folder, const char *name)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
		(void)unlink(path);
}

int
pcscd_stop(const char *folder)
{
	int pidfd, r = TSR_OK;
	pid_t pid;

	if (pcscd_running(folder, &pid) != TSR_OK)
		return TSR_NOT_FOUND;
	if ((pidfd = (int)syscall(SYS_pidfd_open, pid, 0)) == -1)
		return errno == ESRCH ? TSR_OK : TSR_SYSTEM;
	if (kill(pid, SIGTERM) == -1 || (!folder_ended(pidfd, GRACE_MS) &&
	    (kill(pid, SIGKILL) == -1 || !folder_ended(pidfd, GRACE_MS))))
		r = TSR_SYSTEM;
	(void)close(pidfd);
	if (r == TSR_OK) {
		folder_remove(folder, "pid");
		folder_remove(folder, PCSCD_SOCKET);
	}
	return r;
}
