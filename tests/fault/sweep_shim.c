/*
 * sweep_shim.c - makes the Nth call of a kind fail in the production agent: put
 * in front of it by LD_PRELOAD and steered through a page in the file that the
 * variable TESSERA_SWEEP names (sweep.py writes it).  It makes no system call of
 * its own while the agent is confined, and changes nothing while it is not armed.
 *
 * Kinds and what a failing call says:
 *
 *	alloc	malloc and its like, anonymous mmap (sodium_malloc): ENOMEM
 *	read	read, pread, recv, recvmsg of files, pipes and sockets: EIO, ECONNRESET
 *	short	the same calls and the writes: the first half of what was asked for
 *	write	write, pwrite, send, sendmsg: ENOSPC, EPIPE
 *	sync	fsync, fdatasync: EIO
 *	file	open, rename, unlink, ftruncate, stat and the like: EIO
 *	kernel	sockets, pipes, fork, epoll_ctl: ENOMEM, EMFILE
 * and, where the agent itself calls (what a library says to itself cannot fail):
 *
 *	crypto	libsodium and OpenSSL: their word for "failed"
 *	sql	SQLite: SQLITE_IOERR; opening SQLITE_CANTOPEN, preparing SQLITE_NOMEM
 *	loop	sd-event sources: -ENOMEM
 *
 * SPDX-License-Identifier: ISC
 */
#undef _FORTIFY_SOURCE	/* which defines read() and others */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define SWEEP_MAGIC	0x5450535752535400u
#define SWEEP_FRAMES	16

enum kind { ALLOC, READ, SHORT, WRITE, SYNC, FILES, KERNEL, CRYPTO, SQL, LOOP, KINDS };

/* One writer a member; sweep.py has the same layout. */
struct sweep_page {
	uint64_t magic;
	uint64_t armed;		/* 1: calls are counted, and the nth of kind fails */
	uint64_t kind;
	uint64_t nth;		/* from 1; 0: none fails */
	uint64_t on;		/* 1: all from the nth on */
	uint64_t failed;	/* calls that were made to fail */
	uint64_t seen[KINDS];
	uint64_t live;		/* allocations that were not freed, armed or not */
	uint64_t frames;
	uint64_t frame[SWEEP_FRAMES];	/* where the last failing call came from */
};

#define PUBLIC __attribute__((visibility("default")))

static struct sweep_page *page;
static uintptr_t agent_from, agent_to;	/* the program's own code */
static struct {
	const char *name;
	uintptr_t from, to;
} spared[] = { { "libseccomp.so", 0, 0 }, { "libconfuse.so", 0, 0 } };
static int in_trace;

static void
sweep_find_agent(void)
{
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	unsigned long i, n = getauxval(AT_PHNUM);
	uintptr_t base = 0;

	for (i = 0; i < n; i++)
		if (ph[i].p_type == PT_PHDR)
			base = (uintptr_t)ph - ph[i].p_vaddr;
	for (i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X) != 0) {
			agent_from = base + ph[i].p_vaddr;
			agent_to = agent_from + ph[i].p_memsz;
		}
}

/* libseccomp (2.5.4) and libconfuse (3.3) do not look at all of their allocations:
 * they die of some, and libseccomp leaves out rules after others, whose calls then
 * kill.  That is at the start, before anybody is served, and not ours to mend. */
static int
sweep_find_spared(struct dl_phdr_info *info, size_t size, void *arg)
{
	size_t l;
	int i;

	(void)size;
	(void)arg;
	for (l = 0; l < sizeof(spared) / sizeof(spared[0]); l++)
		for (i = 0; strstr(info->dlpi_name, spared[l].name) != NULL && i < info->dlpi_phnum; i++)
			if (info->dlpi_phdr[i].p_type == PT_LOAD &&
			    (info->dlpi_phdr[i].p_flags & PF_X) != 0) {
				spared[l].from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
				spared[l].to = spared[l].from + info->dlpi_phdr[i].p_memsz;
			}
	return 0;
}

/* Before anything else of the process runs. */
static void __attribute__((constructor(101)))
sweep_init(void)
{
	const char *path = getenv("TESSERA_SWEEP");
	void *frame[2], *p;
	int fd;

	if (path == NULL || (fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	(void)backtrace(frame, 2);	/* loads what it needs */
	sweep_find_agent();
	(void)dl_iterate_phdr(sweep_find_spared, NULL);
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
	(void)syscall(SYS_close, fd);
	if (p != MAP_FAILED && ((struct sweep_page *)p)->magic == SWEEP_MAGIC)
		page = p;
}

static void
sweep_trace(void)
{
	void *frame[SWEEP_FRAMES];
	int i, n;

	in_trace = 1;
	n = backtrace(frame, SWEEP_FRAMES);
	for (i = 0; i < n; i++)
		page->frame[i] = (uint64_t)(uintptr_t)frame[i];
	page->frames = (uint64_t)n;
	in_trace = 0;
}

/* Shall this call fail? */
static int
sweep_fails(enum kind k)
{
	uint64_t n;

	if (page == NULL || in_trace || __atomic_load_n(&page->armed, __ATOMIC_ACQUIRE) == 0)
		return 0;
	n = __atomic_add_fetch(&page->seen[k], 1, __ATOMIC_RELAXED);
	if (page->kind != (uint64_t)k || page->nth == 0 || n < page->nth ||
	    (n > page->nth && page->on == 0))
		return 0;
	sweep_trace();
	(void)__atomic_add_fetch(&page->failed, 1, __ATOMIC_RELEASE);
	return 1;
}

/* The same, for a call from at. */
static int
sweep_fails_at(enum kind k, const void *at)
{
	return (uintptr_t)at >= agent_from && (uintptr_t)at < agent_to && sweep_fails(k);
}

static int
sweep_error(enum kind k, int error)
{
	if (!sweep_fails(k))
		return 0;
	errno = error;
	return 1;
}

static uintptr_t
sweep_real(uintptr_t *at, const char *name)
{
	if (*at == 0)
		*at = (uintptr_t)dlsym(RTLD_NEXT, name);
	return *at;
}

/* Define name(params), which fails with `failing` when cond says so. */
#define WRAP(type, name, params, args, cond, failing)				\
type name params PUBLIC;							\
type name params								\
{										\
	static uintptr_t at;							\
										\
	if (cond)								\
		return failing;							\
	return ((type (*) params)sweep_real(&at, #name)) args;			\
}

/* --- memory: glibc's own names, since dlsym allocates --- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

static int
sweep_memory(const void *at)
{
	size_t l;

	for (l = 0; l < sizeof(spared) / sizeof(spared[0]); l++)
		if ((uintptr_t)at >= spared[l].from && (uintptr_t)at < spared[l].to)
			return 0;
	return sweep_error(ALLOC, ENOMEM);
}

static void *
sweep_got(void *p)
{
	if (p != NULL && page != NULL)
		(void)__atomic_add_fetch(&page->live, 1, __ATOMIC_RELAXED);
	return p;
}

static void
sweep_freed(const void *p)
{
	if (p != NULL && page != NULL)
		(void)__atomic_sub_fetch(&page->live, 1, __ATOMIC_RELAXED);
}

PUBLIC void *
malloc(size_t n)
{
	return sweep_memory(__builtin_return_address(0)) ? NULL : sweep_got(__libc_malloc(n));
}

PUBLIC void *
calloc(size_t n, size_t size)
{
	return sweep_memory(__builtin_return_address(0)) ? NULL : sweep_got(__libc_calloc(n, size));
}

PUBLIC void *
realloc(void *p, size_t n)
{
	void *q;

	if (n > 0 && sweep_memory(__builtin_return_address(0)))
		return NULL;
	q = __libc_realloc(p, n);
	if (p == NULL)
		return sweep_got(q);
	if (n == 0)
		sweep_freed(p);
	return q;
}

PUBLIC void *
aligned_alloc(size_t align, size_t n)
{
	return sweep_memory(__builtin_return_address(0)) ? NULL : sweep_got(__libc_memalign(align, n));
}

PUBLIC int
posix_memalign(void **out, size_t align, size_t n)
{
	void *p;

	if (sweep_fails(ALLOC) || (p = sweep_got(__libc_memalign(align, n))) == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

PUBLIC void
free(void *p)
{
	sweep_freed(p);
	__libc_free(p);
}

/* libsodium's secrets, SQLite's shared memory. */
PUBLIC void *
mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	void *p;

	if (sweep_error(ALLOC, ENOMEM))
		return MAP_FAILED;
	p = (void *)syscall(SYS_mmap, addr, n, prot, flags, fd, off);
	if (p != MAP_FAILED)
		(void)sweep_got(p);
	return p;
}

PUBLIC void *
mmap64(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	return mmap(addr, n, prot, flags, fd, off);
}

PUBLIC int
munmap(void *addr, size_t n)
{
	int r = (int)syscall(SYS_munmap, addr, n);

	if (r == 0)
		sweep_freed(addr);
	return r;
}

/* --- descriptors --- */

/* Timers, signals and events have no faults: only what leaves the process. */
static int
sweep_outside(int fd, int *is_socket)
{
	int saved = errno, r;
	struct stat sb;

	r = (int)syscall(SYS_fstat, fd, &sb);
	errno = saved;
	*is_socket = r == 0 && S_ISSOCK(sb.st_mode);
	return r == 0 && (S_ISSOCK(sb.st_mode) || S_ISREG(sb.st_mode) || S_ISFIFO(sb.st_mode));
}

static int
sweep_io(enum kind k, int fd)
{
	int is_socket;

	if (page == NULL || page->armed == 0 || !sweep_outside(fd, &is_socket))
		return 0;
	if (k == READ)
		return sweep_error(READ, is_socket ? ECONNRESET : EIO);
	return sweep_error(WRITE, is_socket ? EPIPE : ENOSPC);
}

static size_t
sweep_short(int fd, size_t n)
{
	int is_socket;

	if (page == NULL || page->armed == 0 || n < 2 || !sweep_outside(fd, &is_socket))
		return n;
	return sweep_fails(SHORT) ? n / 2 : n;
}

/* A message cut in its first part; cut holds what is sent or received instead. */
static const struct msghdr *
sweep_short_message(int fd, const struct msghdr *m, struct msghdr *cut, struct iovec *part)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (page == NULL || page->armed == 0 || m->msg_iovlen == 0 || m->msg_iov[0].iov_len < 2 ||
	    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || type != SOCK_STREAM ||
	    !sweep_fails(SHORT))
		return m;
	*part = m->msg_iov[0];
	part->iov_len /= 2;
	*cut = *m;
	cut->msg_iov = part;
	cut->msg_iovlen = 1;
	return cut;
}

#define READS(name, params, args)	WRAP(ssize_t, name, params, args, (n = sweep_short(fd, n), sweep_io(READ, fd)), -1)
#define WRITES(name, params, args)	WRAP(ssize_t, name, params, args, (n = sweep_short(fd, n), sweep_io(WRITE, fd)), -1)

READS(read, (int fd, void *p, size_t n), (fd, p, n))
READS(pread, (int fd, void *p, size_t n, off_t off), (fd, p, n, off))
READS(pread64, (int fd, void *p, size_t n, off_t off), (fd, p, n, off))
READS(recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
READS(__read_chk, (int fd, void *p, size_t n, size_t size), (fd, p, n, size))
READS(__pread_chk, (int fd, void *p, size_t n, off_t off, size_t size), (fd, p, n, off, size))
READS(__pread64_chk, (int fd, void *p, size_t n, off_t off, size_t size), (fd, p, n, off, size))
READS(__recv_chk, (int fd, void *p, size_t n, size_t size, int flags), (fd, p, n, size, flags))
WRITES(write, (int fd, const void *p, size_t n), (fd, p, n))
WRITES(pwrite, (int fd, const void *p, size_t n, off_t off), (fd, p, n, off))
WRITES(pwrite64, (int fd, const void *p, size_t n, off_t off), (fd, p, n, off))
WRITES(send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))

PUBLIC ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	struct msghdr cut;
	struct iovec part;
	ssize_t n;

	if (sweep_io(READ, fd))
		return -1;
	if (sweep_short_message(fd, m, &cut, &part) == m)
		return syscall(SYS_recvmsg, fd, m, flags);
	if ((n = syscall(SYS_recvmsg, fd, &cut, flags)) >= 0) {
		m->msg_controllen = cut.msg_controllen;
		m->msg_flags = cut.msg_flags;
		m->msg_namelen = cut.msg_namelen;
	}
	return n;
}

PUBLIC ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	struct msghdr cut;
	struct iovec part;

	if (sweep_io(WRITE, fd))
		return -1;
	return syscall(SYS_sendmsg, fd, sweep_short_message(fd, m, &cut, &part), flags);
}

WRAP(int, fsync, (int fd), (fd), sweep_error(SYNC, EIO), -1)
WRAP(int, fdatasync, (int fd), (fd), sweep_error(SYNC, EIO), -1)

/* --- files --- */

#define OPENS(name)								\
int name(const char *path, int flags, ...) PUBLIC;				\
int name(const char *path, int flags, ...)					\
{										\
	va_list ap;								\
	mode_t mode;								\
										\
	va_start(ap, flags);							\
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;	\
	va_end(ap);								\
	if (sweep_error(FILES, EIO))						\
		return -1;							\
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);		\
}
#define OPENATS(name)								\
int name(int at, const char *path, int flags, ...) PUBLIC;			\
int name(int at, const char *path, int flags, ...)				\
{										\
	va_list ap;								\
	mode_t mode;								\
										\
	va_start(ap, flags);							\
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;	\
	va_end(ap);								\
	if (sweep_error(FILES, EIO))						\
		return -1;							\
	return (int)syscall(SYS_openat, at, path, flags, mode);			\
}
OPENS(open)
OPENS(open64)
OPENATS(openat)
OPENATS(openat64)

#define FILE_CALL(name, params, args)	WRAP(int, name, params, args, sweep_error(FILES, EIO), -1)

FILE_CALL(rename, (const char *a, const char *b), (a, b))
FILE_CALL(renameat, (int fa, const char *a, int fb, const char *b), (fa, a, fb, b))
FILE_CALL(unlink, (const char *a), (a))
FILE_CALL(unlinkat, (int fd, const char *a, int flags), (fd, a, flags))
FILE_CALL(link, (const char *a, const char *b), (a, b))
FILE_CALL(mkdir, (const char *a, mode_t mode), (a, mode))
FILE_CALL(ftruncate, (int fd, off_t n), (fd, n))
FILE_CALL(ftruncate64, (int fd, off_t n), (fd, n))
FILE_CALL(fchmod, (int fd, mode_t mode), (fd, mode))
FILE_CALL(chmod, (const char *a, mode_t mode), (a, mode))
FILE_CALL(stat, (const char *a, struct stat *sb), (a, sb))
FILE_CALL(lstat, (const char *a, struct stat *sb), (a, sb))
FILE_CALL(fstat, (int fd, struct stat *sb), (fd, sb))
FILE_CALL(stat64, (const char *a, struct stat64 *sb), (a, sb))
FILE_CALL(lstat64, (const char *a, struct stat64 *sb), (a, sb))
FILE_CALL(fstat64, (int fd, struct stat64 *sb), (fd, sb))
FILE_CALL(fstatat, (int fd, const char *a, struct stat *sb, int flags), (fd, a, sb, flags))
FILE_CALL(flock, (int fd, int how), (fd, how))
FILE_CALL(access, (const char *a, int mode), (a, mode))

/* --- the kernel's other objects --- */

#define KERNEL_CALL(type, name, params, args, error)	WRAP(type, name, params, args, sweep_error(KERNEL, error), -1)

KERNEL_CALL(int, accept4, (int fd, __SOCKADDR_ARG a, socklen_t *restrict n, int flags), (fd, a, n, flags), EMFILE)
KERNEL_CALL(int, socket, (int domain, int type, int proto), (domain, type, proto), EMFILE)
KERNEL_CALL(int, socketpair, (int domain, int type, int proto, int fd[2]), (domain, type, proto, fd), EMFILE)
KERNEL_CALL(int, connect, (int fd, __CONST_SOCKADDR_ARG a, socklen_t n), (fd, a, n), ECONNREFUSED)
KERNEL_CALL(int, pipe2, (int fd[2], int flags), (fd, flags), EMFILE)
KERNEL_CALL(pid_t, fork, (void), (), EAGAIN)
KERNEL_CALL(int, epoll_ctl, (int ep, int op, int fd, struct epoll_event *ev), (ep, op, fd, ev), ENOMEM)
KERNEL_CALL(int, epoll_create1, (int flags), (flags), EMFILE)
KERNEL_CALL(int, getsockopt, (int fd, int level, int name, void *restrict v, socklen_t *restrict n), (fd, level, name, v, n), ENOBUFS)
KERNEL_CALL(int, setsockopt, (int fd, int level, int name, const void *v, socklen_t n), (fd, level, name, v, n), ENOBUFS)
KERNEL_CALL(int, listen, (int fd, int n), (fd, n), EADDRINUSE)
KERNEL_CALL(int, bind, (int fd, __CONST_SOCKADDR_ARG a, socklen_t n), (fd, a, n), ENOSPC)

/* --- libraries --- */

#define CRYPTO_CALL(type, name, params, args, failing)	\
	WRAP(type, name, params, args, sweep_fails_at(CRYPTO, __builtin_return_address(0)), failing)
#define SODIUM(name, params, args)	CRYPTO_CALL(int, name, params, args, -1)
#define OSSL(name, params, args)	CRYPTO_CALL(int, name, params, args, 0)
#define OSSL_NEG(name, params, args)	CRYPTO_CALL(int, name, params, args, -1)
#define OSSL_NEW(type, name, params, args)	CRYPTO_CALL(type, name, params, args, NULL)

typedef unsigned char u8;
typedef unsigned long long ull;

SODIUM(crypto_aead_xchacha20poly1305_ietf_decrypt, (u8 *m, ull *mn, u8 *ns, const u8 *c, ull cn,
    const u8 *a, ull an, const u8 *np, const u8 *k), (m, mn, ns, c, cn, a, an, np, k))
SODIUM(crypto_aead_xchacha20poly1305_ietf_encrypt, (u8 *c, ull *cn, const u8 *m, ull mn,
    const u8 *a, ull an, const u8 *ns, const u8 *np, const u8 *k), (c, cn, m, mn, a, an, ns, np, k))
SODIUM(crypto_core_ed25519_is_valid_point, (const u8 *p), (p))
SODIUM(crypto_generichash, (u8 *out, size_t n, const u8 *in, ull in_n, const u8 *key, size_t key_n),
    (out, n, in, in_n, key, key_n))
SODIUM(crypto_generichash_init, (crypto_generichash_state *st, const u8 *key, const size_t key_n,
    const size_t n), (st, key, key_n, n))
SODIUM(crypto_generichash_update, (crypto_generichash_state *st, const u8 *p, ull n), (st, p, n))
SODIUM(crypto_generichash_final, (crypto_generichash_state *st, u8 *out, const size_t n), (st, out, n))
SODIUM(crypto_hash_sha256, (u8 *out, const u8 *p, ull n), (out, p, n))
SODIUM(crypto_kdf_derive_from_key, (u8 *sub, size_t n, uint64_t id,
    const char ctx[crypto_kdf_CONTEXTBYTES], const u8 key[crypto_kdf_KEYBYTES]), (sub, n, id, ctx, key))
SODIUM(crypto_sign_detached, (u8 *sig, ull *n, const u8 *m, ull mn, const u8 *sk), (sig, n, m, mn, sk))
SODIUM(crypto_sign_seed_keypair, (u8 *pk, u8 *sk, const u8 *seed), (pk, sk, seed))
SODIUM(crypto_sign_verify_detached, (const u8 *sig, const u8 *m, ull mn, const u8 *pk), (sig, m, mn, pk))

OSSL_NEW(BIGNUM *, BN_bin2bn, (const u8 *s, int n, BIGNUM *b), (s, n, b))
OSSL_NEG(BN_bn2nativepad, (const BIGNUM *a, u8 *to, int n), (a, to, n))
OSSL_NEW(BIGNUM *, BN_new, (void), ())
OSSL_NEW(EC_GROUP *, EC_GROUP_new_by_curve_name_ex, (OSSL_LIB_CTX *c, const char *q, int nid), (c, q, nid))
OSSL_NEW(EC_POINT *, EC_POINT_new, (const EC_GROUP *g), (g))
OSSL(EC_POINT_mul, (const EC_GROUP *g, EC_POINT *r, const BIGNUM *n, const EC_POINT *q,
    const BIGNUM *m, BN_CTX *c), (g, r, n, q, m, c))
CRYPTO_CALL(size_t, EC_POINT_point2oct, (const EC_GROUP *g, const EC_POINT *p,
    point_conversion_form_t form, u8 *out, size_t n, BN_CTX *c), (g, p, form, out, n, c), 0)
OSSL(EVP_DigestFinal_ex, (EVP_MD_CTX *c, u8 *out, unsigned int *n), (c, out, n))
OSSL(EVP_DigestInit_ex2, (EVP_MD_CTX *c, const EVP_MD *t, const OSSL_PARAM p[]), (c, t, p))
OSSL(EVP_DigestUpdate, (EVP_MD_CTX *c, const void *p, size_t n), (c, p, n))
OSSL_NEW(EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
OSSL_NEW(EVP_MD *, EVP_MD_fetch, (OSSL_LIB_CTX *c, const char *name, const char *q), (c, name, q))
OSSL_NEW(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name, (OSSL_LIB_CTX *c, const char *name, const char *q), (c, name, q))
OSSL_NEW(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_pkey, (OSSL_LIB_CTX *c, EVP_PKEY *k, const char *q), (c, k, q))
OSSL_NEG(EVP_PKEY_CTX_set_rsa_mgf1_md, (EVP_PKEY_CTX *c, const EVP_MD *md), (c, md))
OSSL_NEG(EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *c, int pad), (c, pad))
OSSL_NEG(EVP_PKEY_CTX_set_rsa_pss_saltlen, (EVP_PKEY_CTX *c, int n), (c, n))
OSSL_NEG(EVP_PKEY_CTX_set_signature_md, (EVP_PKEY_CTX *c, const EVP_MD *md), (c, md))
OSSL_NEG(EVP_PKEY_fromdata_init, (EVP_PKEY_CTX *c), (c))
OSSL_NEG(EVP_PKEY_fromdata, (EVP_PKEY_CTX *c, EVP_PKEY **k, int sel, OSSL_PARAM p[]), (c, k, sel, p))
OSSL_NEG(EVP_PKEY_sign_init, (EVP_PKEY_CTX *c), (c))
OSSL_NEG(EVP_PKEY_sign, (EVP_PKEY_CTX *c, u8 *sig, size_t *n, const u8 *p, size_t pn), (c, sig, n, p, pn))
OSSL_NEG(EVP_PKEY_verify_init, (EVP_PKEY_CTX *c), (c))
OSSL_NEG(EVP_PKEY_verify, (EVP_PKEY_CTX *c, const u8 *sig, size_t n, const u8 *p, size_t pn), (c, sig, n, p, pn))
OSSL_NEW(OSSL_LIB_CTX *, OSSL_LIB_CTX_new, (void), ())
OSSL_NEW(OSSL_PARAM_BLD *, OSSL_PARAM_BLD_new, (void), ())
OSSL(OSSL_PARAM_BLD_push_BN, (OSSL_PARAM_BLD *b, const char *k, const BIGNUM *n), (b, k, n))
OSSL_NEW(OSSL_PARAM *, OSSL_PARAM_BLD_to_param, (OSSL_PARAM_BLD *b), (b))

#define SQL_CALL(type, name, params, args, failing)	\
	WRAP(type, name, params, args, sweep_fails_at(SQL, __builtin_return_address(0)), failing)

SQL_CALL(int, sqlite3_step, (sqlite3_stmt *s), (s), SQLITE_IOERR)
SQL_CALL(int, sqlite3_exec, (sqlite3 *d, const char *q, int (*cb)(void *, int, char **, char **),
    void *a, char **err), (d, q, cb, a, err), SQLITE_IOERR)
SQL_CALL(int, sqlite3_prepare_v2, (sqlite3 *d, const char *q, int n, sqlite3_stmt **s, const char **t),
    (d, q, n, s, t), (*s = NULL, SQLITE_NOMEM))
SQL_CALL(int, sqlite3_prepare_v3, (sqlite3 *d, const char *q, int n, unsigned f, sqlite3_stmt **s,
    const char **t), (d, q, n, f, s, t), (*s = NULL, SQLITE_NOMEM))
SQL_CALL(int, sqlite3_bind_blob, (sqlite3_stmt *s, int i, const void *p, int n, void (*d)(void *)),
    (s, i, p, n, d), SQLITE_NOMEM)
SQL_CALL(int, sqlite3_bind_text, (sqlite3_stmt *s, int i, const char *p, int n, void (*d)(void *)),
    (s, i, p, n, d), SQLITE_NOMEM)
SQL_CALL(int, sqlite3_bind_int64, (sqlite3_stmt *s, int i, sqlite3_int64 v), (s, i, v), SQLITE_NOMEM)
SQL_CALL(const void *, sqlite3_column_blob, (sqlite3_stmt *s, int i), (s, i), NULL)
SQL_CALL(const u8 *, sqlite3_column_text, (sqlite3_stmt *s, int i), (s, i), NULL)
SQL_CALL(int, sqlite3_open_v2, (const char *f, sqlite3 **d, int flags, const char *vfs),
    (f, d, flags, vfs), (*d = NULL, SQLITE_CANTOPEN))
SQL_CALL(int, sqlite3_wal_checkpoint_v2, (sqlite3 *d, const char *n, int how, int *a, int *b),
    (d, n, how, a, b), SQLITE_IOERR)
SQL_CALL(sqlite3_backup *, sqlite3_backup_init, (sqlite3 *a, const char *an, sqlite3 *b, const char *bn),
    (a, an, b, bn), NULL)
SQL_CALL(int, sqlite3_backup_step, (sqlite3_backup *b, int n), (b, n), SQLITE_IOERR)

#define LOOP_CALL(name, params, args)	\
	WRAP(int, name, params, args, sweep_fails_at(LOOP, __builtin_return_address(0)), -ENOMEM)

LOOP_CALL(sd_event_new, (sd_event **e), (e))
LOOP_CALL(sd_event_add_io, (sd_event *e, sd_event_source **s, int fd, uint32_t events,
    sd_event_io_handler_t cb, void *u), (e, s, fd, events, cb, u))
LOOP_CALL(sd_event_add_time, (sd_event *e, sd_event_source **s, clockid_t c, uint64_t t, uint64_t acc,
    sd_event_time_handler_t cb, void *u), (e, s, c, t, acc, cb, u))
LOOP_CALL(sd_event_add_time_relative, (sd_event *e, sd_event_source **s, clockid_t c, uint64_t t,
    uint64_t acc, sd_event_time_handler_t cb, void *u), (e, s, c, t, acc, cb, u))
LOOP_CALL(sd_event_add_defer, (sd_event *e, sd_event_source **s, sd_event_handler_t cb, void *u), (e, s, cb, u))
LOOP_CALL(sd_event_add_signal, (sd_event *e, sd_event_source **s, int sig,
    sd_event_signal_handler_t cb, void *u), (e, s, sig, cb, u))
LOOP_CALL(sd_event_source_set_enabled, (sd_event_source *s, int on), (s, on))
LOOP_CALL(sd_event_source_set_time, (sd_event_source *s, uint64_t t), (s, t))
LOOP_CALL(sd_event_source_set_prepare, (sd_event_source *s, sd_event_handler_t cb), (s, cb))
