/*
 * sandbox.h - what each kind of process may touch, set before it reads its
 * first outside byte: no new privileges, no capabilities, not dumpable, no
 * core, resource limits, Landlock rules, a seccomp allow-list.
 *
 * A system call outside the list kills the process.  What libraries merely try
 * is refused with an error instead: sockets of other families (EAFNOSUPPORT);
 * starting processes, ptrace, chmod and chown by path (a module is told that
 * its chmod worked), other prctl and ioctl requests (EPERM); execve (EACCES); clone3, openat2 and every call newer than
 * this list (ENOSYS, so that the C library takes the older one).
 *
 * What a process enters, its children inherit: they can only narrow it.  The
 * lists are made for that: SANDBOX_KEEPER allows everything that SANDBOX_MODULE
 * does, and SANDBOX_AGENT with a SANDBOX_EXEC path everything that
 * SANDBOX_KEEPER does.  The same must be true of the extra paths.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>

enum sandbox_role {
	/* tesserad: Unix sockets, its state and runtime folders, /proc.  Starts
	 * programs only where an extra path has SANDBOX_EXEC; otherwise it
	 * cannot even fork. */
	SANDBOX_AGENT,
	/* Name service worker: reads /etc and the places of NSS modules, Unix
	 * and IP sockets; writes nothing, starts nothing.  /etc is readable as
	 * a whole (files in it are replaced by rename), so as far as the uid
	 * goes: not meant for uid 0.  Started by a sandboxed agent it has Unix
	 * sockets only and the agent's paths, so start it first or pass them. */
	SANDBOX_NAMES,
	/* Helper keeper: starts programs with SANDBOX_EXEC, signals them. */
	SANDBOX_KEEPER,
	/* PKCS#11 worker: a module, the paths it was given, Unix sockets,
	 * threads; no other process, no signal to another one. */
	SANDBOX_MODULE,
	/* Reader watcher: the PC/SC service's socket; writes nothing, starts
	 * nothing. */
	SANDBOX_WATCH,
	/* FIDO2 worker: hidraw nodes that it was given, /sys; forks, signals and
	 * awaits its own children; connects nowhere.  400 MiB of memory. */
	SANDBOX_FIDO,
	/* FIDO2 watcher: hidraw nodes, /sys and what udev says; starts nothing. */
	SANDBOX_UDEV,
	/* tessera: not dumpable, no core; no filter, no rules. */
	SANDBOX_CLI
};

/* READ: files and lists of folders.  WRITE: change and create files, folders
 * and sockets, rename, delete; READ is apart.
 * EXEC: run and read. */
enum sandbox_access { SANDBOX_READ = 1, SANDBOX_WRITE = 2, SANDBOX_EXEC = 4 };

struct sandbox_path {
	const char *path;	/* a file or a folder with all below; skipped where absent */
	unsigned access;	/* enum sandbox_access bits */
};

/* Whether this machine has what is asked for: bits for who asks. */
#define SANDBOX_HAS_SECCOMP	1u
#define SANDBOX_HAS_LANDLOCK	2u
unsigned sandbox_support(void);

/* Enter the role for good.  extra are the paths of this installation (state
 * folder, module paths) on top of the role's own; a rule is for the file or
 * folder that is there now: one that is later replaced by rename is lost, so
 * name the folder.  Called while the process has one thread.  A kernel without
 * Landlock is not an error (seccomp still holds); one without seccomp is.
 * TSR_SYSTEM with errno: the process may be in half, and must end. */
int sandbox_enter(enum sandbox_role role, const struct sandbox_path *extra, size_t n);

/*
 * The same in two steps, for a process that waits for its work and must begin at
 * once.  sandbox_begin() does all that takes time, and takes away what can be
 * (capabilities, limits, being dumped); until sandbox_finish() the process has no
 * more than what it inherited, and must not read what comes from outside.
 * sandbox_finish() adds rules for what is there only then and enters; *h is freed
 * and NULL in every case.  Errors as above.
 */
struct sandbox_half;
int sandbox_begin(enum sandbox_role role, const struct sandbox_path *extra, size_t n,
    struct sandbox_half **out);
int sandbox_finish(struct sandbox_half **h, const struct sandbox_path *extra, size_t n);

#endif
