/*
 * spawn.c - how long a short process takes, from start to end, two commands in
 * turns, their output thrown away.
 *
 *	bench_spawn ROUNDS PROGRAM [ARGUMENT...] -- PROGRAM [ARGUMENT...]
 *
 * Prints one JSON document: a, b in microseconds, ratio a / b in each turn.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter.h"

extern char **environ;

static double
spawn_turn(const posix_spawn_file_actions_t *files, char **argv)
{
	uint64_t begun = meter_ns();
	int status = 0;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], files, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		meter_die("%s failed (status %d)", argv[0], status);
	return (double)(meter_ns() - begun);
}

static char **
spawn_second(char **argv)
{
	for (; *argv != NULL; argv++)
		if (strcmp(*argv, "--") == 0) {
			*argv = NULL;
			return argv + 1;
		}
	return argv;
}

int
main(int argc, char **argv)
{
	struct samples s[3];
	posix_spawn_file_actions_t files;
	unsigned rounds, i, k;
	double v[2];
	char **command[2];
	int fd;

	if (argc < 5)
		meter_die("usage: bench_spawn ROUNDS PROGRAM [ARGUMENT...] -- PROGRAM [ARGUMENT...]");
	memset(s, 0, sizeof(s));
	rounds = meter_number(argv[1]);
	command[0] = argv + 2;
	command[1] = spawn_second(argv + 2);
	if (command[0][0] == NULL || command[1][0] == NULL)
		meter_die("two commands are needed");
	(void)posix_spawn_file_actions_init(&files);
	for (fd = STDIN_FILENO; fd <= STDOUT_FILENO; fd++)
		(void)posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	for (i = 0; i < rounds + 2; i++) {
		for (k = 0; k < 2; k++)
			v[(i ^ k) & 1] = spawn_turn(&files, command[(i ^ k) & 1]);
		for (k = 0; k < 2 && i >= 2; k++)	/* two rounds fill the caches */
			samples_add(&s[k], v[k]);
		if (i >= 2)
			samples_add(&s[2], v[0] / v[1]);
	}
	(void)printf("{");
	samples_print("a", &s[0], 1e-3);
	(void)printf(",");
	samples_print("b", &s[1], 1e-3);
	(void)printf(",");
	samples_print("ratio", &s[2], 1);
	(void)printf("}\n");
	(void)posix_spawn_file_actions_destroy(&files);
	for (i = 0; i < 3; i++)
		samples_free(&s[i]);
	return 0;
}
