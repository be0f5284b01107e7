/*
 * jail.c - run one attempt in a child that has entered a role.  See jail.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "jail.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tessera.h"

const char *
jail_name(int role)
{
	switch (role) {
	case SANDBOX_AGENT:
		return "agent";
	case SANDBOX_NAMES:
		return "names";
	case SANDBOX_KEEPER:
		return "keeper";
	case SANDBOX_MODULE:
		return "module";
	case SANDBOX_CLI:
		return "cli";
	default:
		return "none";
	}
}

_Noreturn static void
jail_child(int role, unsigned uid, const struct sandbox_path *paths, size_t n,
    jail_attempt attempt, void *arg)
{
	enum jail_verdict verdict;

	if (uid != 0 && geteuid() == 0 && (setgroups(0, NULL) == -1 ||
	    setresgid(uid, uid, uid) == -1 || setresuid(uid, uid, uid) == -1))
		_exit(JAIL_BROKEN);
	if (role != JAIL_NONE && sandbox_enter((enum sandbox_role)role, paths, n) != TSR_OK) {
		fprintf(stderr, "%s: sandbox_enter: %s\n", jail_name(role), strerror(errno));
		_exit(JAIL_BROKEN);
	}
	errno = 0;
	verdict = attempt(arg);
	if (verdict == JAIL_REFUSED)
		fprintf(stderr, "    %s: refused: %s\n", jail_name(role), strerror(errno));
	_exit((int)verdict);
}

enum jail_verdict
jail_run(int role, unsigned uid, const struct sandbox_path *paths, size_t n,
    jail_attempt attempt, void *arg)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0)
		jail_child(role, uid, paths, n, attempt, arg);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return JAIL_BROKEN;
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "    %s: killed by signal %d\n", jail_name(role), WTERMSIG(status));
		return WTERMSIG(status) == SIGSYS ? JAIL_KILLED : JAIL_BROKEN;
	}
	if (WEXITSTATUS(status) == 0)	/* a program that it was not to run */
		return JAIL_DONE;
	return (enum jail_verdict)WEXITSTATUS(status);
}
