/*
 * helper_start.c - see helper_start.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/helper_start.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/peer.h"
#include "base/spawn.h"
#include "tessera.h"

#define COMPLAINT_MAX	1024	/* bytes of a sentence about the configuration */

int
helper_start_fd(const char *text)
{
	char *end = NULL;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	return errno != 0 || end == text || *end != '\0' || v < 0 || v > INT_MAX ? -1 : (int)v;
}

void
helper_start_program(char program[PATH_MAX])
{
	ssize_t n;

	if ((n = readlink("/proc/self/exe", program, PATH_MAX - 1)) <= 0)
		log_fatal(1, "cannot find my own program in /proc: %s", strerror(errno));
	program[n] = '\0';
}

struct config *
helper_start_config(const char *file, int user_mode)
{
	static const char *const folders[] = { "XDG_STATE_HOME", "XDG_RUNTIME_DIR" };
	char complaint[COMPLAINT_MAX];
	struct config *conf = NULL;
	int r, set[2] = { 0, 0 };
	size_t i;

	for (i = 0; user_mode && i < 2; i++)
		if ((set[i] = getenv(folders[i]) == NULL) &&
		    setenv(folders[i], "/nonexistent", 1) != 0)
			log_fatal(1, "out of memory");
	r = config_load(file, user_mode ? CONFIG_USER : CONFIG_SYSTEM, &conf, complaint,
	    sizeof(complaint));
	if (r != TSR_OK)
		log_fatal(1, "%s", complaint);
	log_set_level((enum log_level)conf->log_level);
	for (i = 0; i < 2; i++)
		if (set[i])
			(void)unsetenv(folders[i]);
	return conf;
}

int
helper_start_agent(int given, int user_mode)
{
	int fd, from_socket;

	if (peer_find(given, &fd, &from_socket) != TSR_OK)
		log_fatal(1, "no connection to serve: this program is started by tesserad or by "
		    "socket activation with Accept=yes");
	if (peer_check(fd, from_socket, user_mode) != TSR_OK)
		log_fatal(1, "the caller is neither root nor the agent: refused");
	if (spawn_close_from(3, &fd, 1) != TSR_OK)
		log_fatal(1, "cannot close inherited files: %s", strerror(errno));
	return fd;
}
