/*
 * sandbox_linux.c - the roles: what each is made of, and the way in.  See
 * sandbox.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox_landlock.h"
#include "base/sandbox_sanitizer.h"
#include "base/sandbox_seccomp.h"
#include "tessera.h"

#define HELPER_FDS	256			/* descriptors */
#define MODULE_MEMORY	(1024ul * 1024 * 1024)	/* bytes of address space */
#define FIDO_MEMORY	(400ul * 1024 * 1024)	/* a rogue key has libfido2 ask for gigabytes */
#define MODULE_FILE	(64ul * 1024 * 1024)	/* bytes of one file */
#define CAPS_MAX	64			/* capabilities in a kernel's set */

#define READ	SANDBOX_READ
#define WRITE	SANDBOX_WRITE
#define EXEC	SANDBOX_EXEC
#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* Shared libraries and what the C library and OpenSSL look at. */
static const struct sandbox_path all_paths[] = {
	{ "/usr/lib", READ }, { "/usr/lib64", READ }, { "/usr/local/lib", READ },
	{ "/lib", READ }, { "/lib64", READ }, { "/usr/share", READ },
	{ "/etc/ld.so.cache", READ }, { "/etc/ssl", READ }, { "/etc/pki", READ },
	{ "/etc/crypto-policies", READ }, { "/etc/nsswitch.conf", READ },
	{ "/etc/localtime", READ }, { "/etc/machine-id", READ },
	{ "/dev/null", READ | WRITE }, { "/dev/zero", READ }, { "/dev/urandom", READ },
	{ "/dev/random", READ }, { "/proc/self", READ }, { "/proc/cpuinfo", READ },
	{ "/proc/meminfo", READ }, { "/proc/sys/crypto", READ },
	{ "/proc/sys/vm/overcommit_memory", READ }, { "/proc/sys/kernel/random", READ },
	{ "/sys/devices/system/cpu", READ }, { "/sys/fs/cgroup", READ },
};
static const struct sandbox_path agent_paths[] = {
	{ "/proc", READ }, { "/run/systemd", READ },
};
static const struct sandbox_path names_paths[] = {
	{ "/etc", READ }, { "/proc", READ }, { "/var/lib/sss", READ },
	{ "/var/lib/extrausers", READ }, { "/var/cache/nscd", READ }, { "/var/yp", READ },
	{ "/run/systemd", READ }, { "/run/nscd", READ }, { "/run/nslcd", READ },
	{ "/run/host", READ }, { "/run/userdb", READ }, { "/run/samba", READ },
	{ "/run/resolvconf", READ }, { "/run/NetworkManager", READ },
};
static const struct sandbox_path module_paths[] = {
	{ "/etc/opensc", READ }, { "/etc/softhsm", READ }, { "/etc/pkcs11", READ },
	{ "/etc/tpm2-tss", READ }, { "/run/pcscd", READ },
};
static const struct sandbox_path watch_paths[] = {
	{ "/run/pcscd", READ },
};
static const struct sandbox_path fido_paths[] = {
	{ "/sys", READ }, { "/run/udev", READ },
};
/* What the kernel runs for a dynamic program; its libraries are only read. */
static const struct sandbox_path exec_paths[] = {
	{ "/lib64/ld-linux-x86-64.so.2", EXEC }, { "/lib/ld-linux-aarch64.so.1", EXEC },
};

struct role {
	unsigned calls;			/* CALLS_* */
	unsigned landlock;		/* LANDLOCK_* */
	const struct sandbox_path *paths;
	size_t n_paths;
	int helper;			/* has a helper's limits */
};

/* Without SANDBOX_EXEC paths.  A pre-forked name service worker is the agent's
 * to signal, and the journal's socket may be abstract: no LANDLOCK_NO_OUTSIDE
 * for it. */
static const struct role roles[] = {
	[SANDBOX_AGENT] = { CALLS_COMMON | CALLS_FILES | CALLS_SERVE | CALLS_AGENT,
	    LANDLOCK_NO_TCP, agent_paths, COUNT(agent_paths), 0 },
	[SANDBOX_NAMES] = { CALLS_COMMON | CALLS_INET,
	    LANDLOCK_NO_OUTSIDE, names_paths, COUNT(names_paths), 1 },
	[SANDBOX_KEEPER] = { CALLS_COMMON | CALLS_FILES | CALLS_MODULE | CALLS_PROCESS | CALLS_FORK,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_OUTSIDE, module_paths, COUNT(module_paths), 1 },
	[SANDBOX_MODULE] = { CALLS_COMMON | CALLS_FILES | CALLS_MODULE,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_OUTSIDE, module_paths, COUNT(module_paths), 1 },
	[SANDBOX_WATCH] = { CALLS_COMMON,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_OUTSIDE, watch_paths, COUNT(watch_paths), 1 },
	[SANDBOX_FIDO] = { CALLS_COMMON | CALLS_FORK,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_OUTSIDE, fido_paths, COUNT(fido_paths), 1 },
	[SANDBOX_UDEV] = { CALLS_COMMON | CALLS_NETLINK,
	    LANDLOCK_NO_TCP | LANDLOCK_NO_OUTSIDE, fido_paths, COUNT(fido_paths), 1 },
	[SANDBOX_CLI] = { 0, 0, NULL, 0, 0 },
};

unsigned
sandbox_support(void)
{
	return (sandbox_seccomp_have() ? SANDBOX_HAS_SECCOMP : 0) |
	    (sandbox_landlock_abi() > 0 ? SANDBOX_HAS_LANDLOCK : 0);
}

/* Lower a limit, never raise it. */
static int
sandbox_limit(__rlimit_resource_t what, rlim_t max)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) == -1)
		return TSR_SYSTEM;
	if (rl.rlim_max > max)
		rl.rlim_max = max;
	if (rl.rlim_cur > max)
		rl.rlim_cur = max;
	return setrlimit(what, &rl) == -1 ? TSR_SYSTEM : TSR_OK;
}

static int
sandbox_limits(enum sandbox_role role)
{
	int r;

	if ((r = sandbox_limit(RLIMIT_CORE, 0)) != TSR_OK)
		return r;
	if (roles[role].helper && (r = sandbox_limit(RLIMIT_NOFILE, HELPER_FDS)) != TSR_OK)
		return r;
	if (role == SANDBOX_MODULE && (r = sandbox_limit(RLIMIT_FSIZE, MODULE_FILE)) != TSR_OK)
		return r;
	if (sandbox_sanitizer_on() || (role != SANDBOX_MODULE && role != SANDBOX_FIDO))
		return TSR_OK;
	return sandbox_limit(RLIMIT_AS, role == SANDBOX_MODULE ? MODULE_MEMORY : FIDO_MEMORY);
}

/* All of them, and the way back to them. */
static int
sandbox_drop_caps(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	unsigned long cap;

	for (cap = 0; cap < CAPS_MAX; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1 && errno != EPERM)
			return TSR_SYSTEM;
	memset(none, 0, sizeof(none));
	return syscall(SYS_capset, &head, none) == -1 ? TSR_SYSTEM : TSR_OK;
}

struct sandbox_half {
	int rules;			/* Landlock's, -1 without it */
	struct seccomp_program filter;
};

static int
sandbox_rules(struct sandbox_half *h, const struct role *role, const struct sandbox_path *extra,
    size_t n, int exec)
{
	const struct sandbox_path *sanitizer;
	size_t n_sanitizer;
	int r;

	sanitizer = sandbox_sanitizer_paths(&n_sanitizer);
	if ((r = sandbox_landlock_new(role->landlock, &h->rules)) != TSR_OK ||
	    (r = sandbox_landlock_allow(h->rules, all_paths, COUNT(all_paths))) != TSR_OK ||
	    (r = sandbox_landlock_allow(h->rules, role->paths, role->n_paths)) != TSR_OK ||
	    (r = sandbox_landlock_allow(h->rules, extra, n)) != TSR_OK ||
	    (r = sandbox_landlock_allow(h->rules, sanitizer, n_sanitizer)) != TSR_OK || !exec)
		return r;
	/* an agent's and a keeper's helpers inherit its rules */
	if ((r = sandbox_landlock_allow(h->rules, exec_paths, COUNT(exec_paths))) != TSR_OK ||
	    (r = sandbox_landlock_allow(h->rules, module_paths, COUNT(module_paths))) != TSR_OK)
		return r;
	return sandbox_landlock_allow(h->rules, fido_paths, COUNT(fido_paths));
}

/* errno stays what it was. */
static void
sandbox_half_free(struct sandbox_half **hp)
{
	struct sandbox_half *h = *hp;
	int saved = errno;

	if (h->rules != -1)
		(void)close(h->rules);
	free(h);
	*hp = NULL;
	errno = saved;
}

static int
sandbox_half_new(enum sandbox_role role, const struct sandbox_path *extra, size_t n,
    struct sandbox_half **out)
{
	unsigned calls = roles[role].calls;
	struct sandbox_half *h;
	size_t i;
	int exec = 0, r;

	if (role == SANDBOX_AGENT || role == SANDBOX_KEEPER)
		for (i = 0; i < n; i++)
			exec |= (extra[i].access & SANDBOX_EXEC) != 0;
	if (role == SANDBOX_AGENT && exec)	/* its helpers inherit this */
		calls |= roles[SANDBOX_KEEPER].calls | CALLS_NETLINK;
	if ((h = malloc(sizeof(*h))) == NULL)
		return TSR_SYSTEM;
	h->rules = -1;
	if ((r = sandbox_rules(h, &roles[role], extra, n, exec)) != TSR_OK ||
	    (r = sandbox_seccomp_prepare(calls, &h->filter)) != TSR_OK) {
		sandbox_half_free(&h);
		return r;
	}
	*out = h;
	return TSR_OK;
}

int
sandbox_begin(enum sandbox_role role, const struct sandbox_path *extra, size_t n,
    struct sandbox_half **out)
{
	int r;

	*out = NULL;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return TSR_SYSTEM;
	if ((r = sandbox_limits(role)) != TSR_OK || role == SANDBOX_CLI)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return TSR_SYSTEM;
	if ((r = sandbox_drop_caps()) != TSR_OK)
		return r;
	return sandbox_half_new(role, extra, n, out);
}

int
sandbox_finish(struct sandbox_half **hp, const struct sandbox_path *extra, size_t n)
{
	struct sandbox_half *h = *hp;
	int r;

	if (h == NULL)		/* a role without rules */
		return TSR_OK;
	if ((r = sandbox_landlock_allow(h->rules, extra, n)) == TSR_OK &&
	    (r = sandbox_landlock_enter(h->rules)) == TSR_OK)
		r = sandbox_seccomp_enter(&h->filter);
	sandbox_half_free(hp);
	return r;
}

int
sandbox_enter(enum sandbox_role role, const struct sandbox_path *extra, size_t n)
{
	struct sandbox_half *h;
	int r;

	if ((r = sandbox_begin(role, extra, n, &h)) != TSR_OK)
		return r;
	return sandbox_finish(&h, NULL, 0);
}
