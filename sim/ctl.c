/*
 * ctl.c - tessera-sim ctl: one command to a running virtual device.
 *
 * SPDX-License-Identifier: ISC
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/control.h"
#include "sim/sim.h"
#include "tessera.h"

#define SOCKET_NAME	"ctl.sock"	/* in a device's folder */

/* What a device is called, and the variable that says where it is. */
static const struct ctl_device {
	const char *name;
	const char *variable;
} ctl_devices[] = {
	{ "card", "TESSERA_SIM_CARD" },
	{ "key", "TESSERA_SIM_KEY" },
};

static const struct ctl_device *
ctl_device(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(ctl_devices) / sizeof(ctl_devices[0]); i++)
		if (strcmp(ctl_devices[i].name, name) == 0)
			return &ctl_devices[i];
	return NULL;
}

/* A folder stands for the socket in it. */
static int
ctl_path(const char *given, char *out, size_t size)
{
	struct stat st;
	int n;

	if (stat(given, &st) == 0 && S_ISDIR(st.st_mode))
		n = snprintf(out, size, "%s/%s", given, SOCKET_NAME);
	else
		n = snprintf(out, size, "%s", given);
	return n < 0 || (size_t)n >= size ? TSR_TOO_LARGE : TSR_OK;
}

static int
ctl_line(int n, char **word, struct buf *line)
{
	const char *p;
	int i;

	for (i = 0; i < n; i++) {
		if (word[i][0] == '\0')
			return sim_complain(SIM_USAGE, "ctl", "a word of a command is empty");
		for (p = word[i]; *p != '\0'; p++)
			if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p))
				return sim_complain(SIM_USAGE, "ctl",
				    "a word of a command has a blank or a control character");
		if (buf_printf(line, "%s%s", i > 0 ? " " : "", word[i]) != TSR_OK)
			return sim_complain(SIM_USAGE, "ctl", "the command is longer than %d bytes",
			    CONTROL_LINE_MAX - 2);
	}
	return buf_put_u8(line, '\0') == TSR_OK ? SIM_OK :
	    sim_complain(SIM_USAGE, "ctl", "the command is too long");
}

static int
ctl_send(const char *socket, const char *line)
{
	char path[PATH_MAX], *answer;
	int r, status = SIM_OK;

	if ((answer = malloc(CONTROL_ANSWER_MAX)) == NULL)
		return sim_complain(SIM_FAILED, "ctl", "%s", tsr_strerror(TSR_NOMEM));
	if ((r = ctl_path(socket, path, sizeof(path))) == TSR_OK)
		r = control_call(path, line, -1, answer, CONTROL_ANSWER_MAX);
	if (r == TSR_UNREACHABLE)
		status = sim_complain(SIM_UNREACHABLE, "ctl", "%s: %s; is the device running?", path,
		    strerror(errno));
	else if (r != TSR_OK)
		status = sim_complain(SIM_UNREACHABLE, "ctl", "%s: %s", socket, tsr_strerror(r));
	else if (strncmp(answer, "ok", 2) == 0)
		(void)printf("%s%s", answer[2] == ' ' ? answer + 3 : "", answer[2] == ' ' ? "\n" : "");
	else
		status = sim_complain(SIM_FAILED, "ctl", "%s",
		    strncmp(answer, "error ", 6) == 0 ? answer + 6 : answer);
	free(answer);
	return status;
}

int
sim_ctl(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct ctl_device *device;
	const char *socket = NULL;
	struct buf line;
	int ch, status;

	opterr = 0;
	while ((ch = getopt_long(argc, argv, "+:s:h", options, NULL)) != -1) {
		if (ch == 'h')
			return sim_usage(argv[0]);
		if (ch != 's')
			return sim_complain(SIM_USAGE, argv[0], "%s: %s", argv[optind - 1],
			    ch == ':' ? "a value is missing" : "there is no such option");
		socket = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || (device = ctl_device(argv[0])) == NULL)
		return sim_complain(SIM_USAGE, "ctl", "which device: card or key?");
	if (argc < 2)
		return sim_complain(SIM_USAGE, "ctl", "what shall the %s do?", device->name);
	if (socket == NULL && ((socket = getenv(device->variable)) == NULL || socket[0] == '\0'))
		return sim_complain(SIM_USAGE, "ctl", "say which %s: --socket or $%s", device->name,
		    device->variable);
	buf_init(&line, CONTROL_LINE_MAX - 1);
	if ((status = ctl_line(argc - 1, argv + 1, &line)) == SIM_OK)
		status = ctl_send(socket, (const char *)line.data);
	buf_free(&line);
	return status;
}
