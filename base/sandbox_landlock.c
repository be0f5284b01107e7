/*
 * sandbox_landlock.c - Landlock rules by whatever the running kernel knows of
 * them.  See sandbox_landlock.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/sandbox_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tessera.h"

/* Newer than the headers that we build with. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER	(1ULL << 13)	/* ABI 2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)	/* ABI 3 */
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV	(1ULL << 15)	/* ABI 5 */
#endif
#define NET_BIND_TCP			(1ULL << 0)	/* ABI 4 */
#define NET_CONNECT_TCP			(1ULL << 1)
#define SCOPE_ABSTRACT_UNIX_SOCKET	(1ULL << 0)	/* ABI 6 */
#define SCOPE_SIGNAL			(1ULL << 1)

/* The newest form of the kernel's struct: zeros at its end suit older ones. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

#define FS_ABI1		((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FS_FILE		(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
			LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
			LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define FS_READ		(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_EXEC		(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
/* No links, pipes and device nodes: nobody here needs to make them. */
#define FS_WRITE	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
			LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
			LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER | \
			LANDLOCK_ACCESS_FS_IOCTL_DEV)

int
sandbox_landlock_abi(void)
{
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return abi > 0 ? (int)abi : 0;
}

static uint64_t
landlock_handled(int abi)
{
	uint64_t fs = FS_ABI1;

	if (abi >= 2)
		fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		fs |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		fs |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return fs;
}

int
sandbox_landlock_new(unsigned limits, int *fd)
{
	struct ruleset_attr attr = { 0, 0, 0 };
	int abi = sandbox_landlock_abi();
	long r;

	if (abi == 0) {
		*fd = -1;
		return TSR_OK;
	}
	attr.handled_access_fs = landlock_handled(abi);
	if (abi >= 4 && (limits & LANDLOCK_NO_TCP))
		attr.handled_access_net = NET_BIND_TCP | NET_CONNECT_TCP;
	if (abi >= 6 && (limits & LANDLOCK_NO_OUTSIDE))
		attr.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	if ((r = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0)) == -1)
		return TSR_SYSTEM;
	*fd = (int)r;
	return TSR_OK;
}

static int
landlock_allow_one(int fd, const struct sandbox_path *p, uint64_t handled)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = 0, .parent_fd = -1 };
	struct stat st;
	uint64_t access = 0;
	int r = TSR_SYSTEM, saved;

	if (p->access & SANDBOX_READ)
		access |= FS_READ;
	if (p->access & SANDBOX_WRITE)
		access |= FS_WRITE;
	if (p->access & SANDBOX_EXEC)
		access |= FS_EXEC;
	if ((rule.parent_fd = open(p->path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ||
		    errno == ELOOP ? TSR_OK : TSR_SYSTEM;
	if (fstat(rule.parent_fd, &st) == -1)
		goto out;
	if (!S_ISDIR(st.st_mode))
		access &= FS_FILE;
	rule.allowed_access = access & handled;
	if (rule.allowed_access != 0 && syscall(SYS_landlock_add_rule, fd,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == -1)
		goto out;
	r = TSR_OK;
 out:
	saved = errno;
	close(rule.parent_fd);
	errno = saved;
	return r;
}

int
sandbox_landlock_allow(int fd, const struct sandbox_path *paths, size_t n)
{
	uint64_t handled;
	size_t i;
	int r;

	if (fd == -1)
		return TSR_OK;
	handled = landlock_handled(sandbox_landlock_abi());
	for (i = 0; i < n; i++)
		if ((r = landlock_allow_one(fd, &paths[i], handled)) != TSR_OK)
			return r;
	return TSR_OK;
}

int
sandbox_landlock_enter(int fd)
{
	if (fd == -1 || syscall(SYS_landlock_restrict_self, fd, 0) == 0)
		return TSR_OK;
	return TSR_SYSTEM;
}
