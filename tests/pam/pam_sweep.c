/*
 * pam_sweep.c - an application of PAM in which the calls that pam_tessera.so makes
 * fail, one after another.
 *
 *	pam_sweep FOLDER SERVICE USER MODULE [MORE]
 *
 * First all of them work.  Then the Nth fails, once, for each N up to as many as
 * there were and MORE (they are not the same number each time); then all from the Nth
 * on.  The answer to each question is "123456".  Where the module waits, time passes
 * quickly.  Said on standard output: "calls N", and for each result "works|once|on
 * CODE TIMES [LAST]", where LAST is the last N that it came of.
 *
 * What the module calls is found here first; what libpam and others call is not
 * counted.
 *
 * SPDX-License-Identifier: ISC
 */
#undef _FORTIFY_SOURCE	/* which has inline functions of the same names */

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CODES		40	/* results that PAM has */
#define WAIT_MS		30	/* of real time that the module waits at most */
#define MORE_DEFAULT	6

enum sweep_how { SWEEP_WORKS, SWEEP_ONCE, SWEEP_ON };

static struct {
	uintptr_t low, high;	/* the module */
	enum sweep_how how;
	long nth, seen;
	int64_t ahead_ms;	/* of the clock */
} sweep;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

/* Shall this call fail? */
static int
sweep_fails(const void *from)
{
	if ((uintptr_t)from < sweep.low || (uintptr_t)from >= sweep.high)
		return 0;
	sweep.seen++;
	return sweep.how == SWEEP_ON ? sweep.seen >= sweep.nth :
	    sweep.how == SWEEP_ONCE && sweep.seen == sweep.nth;
}

#define SHOWN	__attribute__((visibility("default")))
#define FROM	__builtin_return_address(0)
#define NEXT(name)	((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

/* A call that fails with errno and -1. */
#define FAILING(name, error, args, pass) \
	SHOWN int name args \
	{ \
		if (sweep_fails(FROM)) { \
			errno = error; \
			return -1; \
		} \
		return NEXT(name) pass; \
	}

SHOWN void *
malloc(size_t n)
{
	return sweep_fails(FROM) ? NULL : __libc_malloc(n);
}

SHOWN void *
calloc(size_t n, size_t size)
{
	return sweep_fails(FROM) ? NULL : __libc_calloc(n, size);
}

SHOWN void *
realloc(void *p, size_t n)
{
	return sweep_fails(FROM) ? NULL : __libc_realloc(p, n);
}

SHOWN char *
strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = sweep_fails(FROM) ? NULL : __libc_malloc(n);

	return copy == NULL ? NULL : memcpy(copy, s, n);
}

FAILING(socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
FAILING(epoll_create1, EMFILE, (int flags), (flags))
FAILING(timerfd_create, EMFILE, (int clock, int flags), (clock, flags))
FAILING(epoll_ctl, ENOSPC, (int set, int op, int fd, struct epoll_event *e), (set, op, fd, e))
FAILING(getsockopt, ENOPROTOOPT, (int fd, int level, int name, void *value, socklen_t *n),
    (fd, level, name, value, n))
FAILING(connect, ECONNREFUSED, (int fd, __CONST_SOCKADDR_ARG sa, socklen_t n), (fd, sa, n))
FAILING(stat, EIO, (const char *path, struct stat *st), (path, st))
FAILING(fstat, EIO, (int fd, struct stat *st), (fd, st))

SHOWN ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	errno = EIO;
	return sweep_fails(FROM) ? -1 : NEXT(recv)(fd, p, n, flags);
}

SHOWN ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	errno = EIO;
	return sweep_fails(FROM) ? -1 : NEXT(sendmsg)(fd, m, flags);
}

SHOWN int
openat(int at, const char *path, int flags, ...)
{
	errno = EMFILE;
	return sweep_fails(FROM) ? -1 : NEXT(openat)(at, path, flags);
}

SHOWN int
open(const char *path, int flags, ...)
{
	errno = EMFILE;
	return sweep_fails(FROM) ? -1 : NEXT(open)(path, flags, 0644);
}

SHOWN int
getpwnam_r(const char *name, struct passwd *pw, char *room, size_t n, struct passwd **found)
{
	return sweep_fails(FROM) ? EIO : NEXT(getpwnam_r)(name, pw, room, n, found);
}

/* Who waits for nothing waits WAIT_MS, and sees all of its time gone. */
SHOWN int
poll(struct pollfd *p, nfds_t n, int ms)
{
	int r, most = sweep.how == SWEEP_WORKS || ms < WAIT_MS ? ms : WAIT_MS;

	if ((uintptr_t)FROM < sweep.low || (uintptr_t)FROM >= sweep.high)
		return NEXT(poll)(p, n, ms);
	if (sweep_fails(FROM)) {
		errno = ENOMEM;
		return -1;
	}
	if ((r = NEXT(poll)(p, n, most)) == 0 && ms > most)
		sweep.ahead_ms += ms - most;
	return r;
}

SHOWN int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r = NEXT(clock_gettime)(id, t);

	if ((uintptr_t)FROM >= sweep.low && (uintptr_t)FROM < sweep.high)
		t->tv_sec += sweep.ahead_ms / 1000 + 1;
	return r;
}

/* --- libpam's --- */

SHOWN int
pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	return sweep_fails(FROM) ? PAM_BUF_ERR : NEXT(pam_get_item)(pamh, type, item);
}

SHOWN int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
	return sweep_fails(FROM) ? PAM_BUF_ERR : NEXT(pam_set_item)(pamh, type, item);
}

SHOWN int
pam_get_user(pam_handle_t *pamh, const char **user, const char *prompt)
{
	return sweep_fails(FROM) ? PAM_CONV_ERR : NEXT(pam_get_user)(pamh, user, prompt);
}

/* One that fails with what only a module means well. */
SHOWN int
pam_prompt(pam_handle_t *pamh, int style, char **answer, const char *fmt, ...)
{
	static const int codes[] = { PAM_CONV_ERR, PAM_IGNORE, PAM_SUCCESS, PAM_ABORT };
	va_list ap;
	int r;

	if (sweep_fails(FROM))		/* PAM_SUCCESS, and no answer */
		return codes[sweep.nth % 4];
	va_start(ap, fmt);
	r = pam_vprompt(pamh, style, answer, fmt, ap);
	va_end(ap);
	return r;
}

/* --- the application --- */

static int
sweep_talk(int n, const struct pam_message **msg, struct pam_response **out, void *arg)
{
	struct pam_response *r = calloc((size_t)n, sizeof(*r));
	int i;

	(void)arg;
	for (i = 0; r != NULL && i < n; i++)
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF || msg[i]->msg_style == PAM_PROMPT_ECHO_ON)
			r[i].resp = strdup("123456");
	*out = r;
	return r == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static int
sweep_login(char **argv, enum sweep_how how, long nth)
{
	const struct pam_conv conv = { sweep_talk, NULL };
	pam_handle_t *pamh = NULL;
	int r;

	if (pam_start_confdir(argv[2], argv[3], &conv, argv[1], &pamh) != PAM_SUCCESS)
		exit(3);
	sweep.how = how;
	sweep.nth = nth;
	sweep.seen = 0;
	sweep.ahead_ms = 0;
	r = pam_authenticate(pamh, 0);
	sweep.how = SWEEP_WORKS;
	(void)pam_end(pamh, r);
	return r;
}

static int
sweep_find(struct dl_phdr_info *info, size_t size, void *module)
{
	size_t i;

	(void)size;
	if (strcmp(info->dlpi_name, module) != 0)
		return 0;
	sweep.low = info->dlpi_addr;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			sweep.high = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr +
			    info->dlpi_phdr[i].p_memsz;
	return 1;
}

static void
sweep_all(char **argv, const char *name, enum sweep_how how, long calls)
{
	long times[CODES] = { 0 }, last[CODES] = { 0 }, n;
	int r;

	for (n = 1; n <= calls; n++) {
		r = sweep_login(argv, how, n);
		times[r < CODES ? r : CODES - 1]++;
		last[r < CODES ? r : CODES - 1] = n;
	}
	for (r = 0; r < CODES; r++)
		if (times[r] > 0)
			(void)printf("%s %d %ld %ld\n", name, r, times[r], last[r]);
}

int
main(int argc, char **argv)
{
	long calls;
	int r;

	if (argc < 5 || dlopen(argv[4], RTLD_NOW | RTLD_LOCAL) == NULL ||
	    dl_iterate_phdr(sweep_find, argv[4]) != 1)
		return 2;
	r = sweep_login(argv, SWEEP_WORKS, 0);
	calls = sweep.seen;
	(void)printf("works %d 1\ncalls %ld\n", r, calls);
	calls += argc > 5 ? atol(argv[5]) : MORE_DEFAULT;
	sweep_all(argv, "once", SWEEP_ONCE, calls);
	sweep_all(argv, "on", SWEEP_ON, calls);
	return 0;
}
