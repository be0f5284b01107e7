/*
 * proof.c - what the agent adds to a token's own work.  In turns: one request
 * for a token with a fresh proof; the module's C_Login, C_SignInit, C_Sign and
 * C_Logout in this process; one fdatasync of 4 KiB; one round trip to a process
 * that does nothing.
 *
 *	bench_proof SOCKET REQUEST-FILE MODULE PIN FOLDER ROUNDS [PAUSE]
 *	bench_proof pam PAM.D-FOLDER ...
 *
 * With "pam" a login by that folder's service "bench" is the request: login.h.
 * The module finds its tokens as its environment says; the P-256 key 01 of the
 * first token signs.  PAUSE is in milliseconds, between the one and the other:
 * who finds a reader locked looks again only a tenth of a second later.  With it the
 * token is a card, and all that pkcs11-tool(1) asks a module for to make one signature
 * is the module's work: which slots have tokens, the token, a session of its own, the
 * login, the key.  Else the session stays, and as a logout voids the handles of
 * private objects, the key is looked for after each login: that is not the module's
 * own work and is told apart.  FOLDER is on the disk of the agent's store.  Prints one JSON
 * document, times in microseconds: total, module, find, fsync, ping, own, which is
 * total minus module in each turn, and least, which is own by what no agent can do
 * without: the fdatasync and PROOF_TRIPS round trips of that turn.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "echo.h"
#include "login.h"
#include "meter.h"
#include "wire.h"

#define PROOF_SLOTS	16	/* looked at */
#define PROOF_WARM	20	/* rounds that are not counted */
#define PROOF_BLOCK	4096	/* bytes written before each fdatasync */
#define PROOF_TRIPS	4	/* of a request, its way to the worker and back, at least */
#define PROOF_FRAME	256	/* bytes of a bare message each way */

struct module {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session;
	int card;			/* a session for each turn */
	CK_UTF8CHAR *pin;
	CK_ULONG pin_len;
};

enum { TOTAL, MODULE, FIND, FSYNC, PING, OWN, LEAST, KINDS };

static void
module_open(struct module *m, const char *path)
{
	CK_C_INITIALIZE_ARGS args;
	CK_C_GetFunctionList list;
	CK_SLOT_ID slots[PROOF_SLOTS];
	CK_ULONG n = PROOF_SLOTS;
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (so == NULL || (*(void **)&list = dlsym(so, "C_GetFunctionList")) == NULL)
		meter_die("%s: %s", path, dlerror());
	memset(&args, 0, sizeof(args));
	args.flags = CKF_OS_LOCKING_OK;
	if (list(&m->f) != CKR_OK || m->f->C_Initialize(&args) != CKR_OK ||
	    m->f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n == 0 ||
	    m->f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &m->session) != CKR_OK)
		meter_die("%s: no token", path);
	m->slot = slots[0];
	if (m->card && m->f->C_CloseSession(m->session) != CKR_OK)
		meter_die("%s: a session does not end", path);
}

/* As pkcs11-tool comes to its session. */
static void
module_session(struct module *m)
{
	CK_SLOT_ID slots[PROOF_SLOTS];
	CK_ULONG n = PROOF_SLOTS;
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;

	if (m->f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n == 0 ||
	    m->f->C_GetSlotInfo(m->slot, &slot) != CKR_OK ||
	    m->f->C_GetTokenInfo(m->slot, &token) != CKR_OK ||
	    m->f->C_OpenSession(m->slot, CKF_SERIAL_SESSION, NULL, NULL, &m->session) != CKR_OK)
		meter_die("the card is not there");
}

static CK_OBJECT_HANDLE
module_find(const struct module *m)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_EC;
	CK_BYTE id = 1;
	CK_ATTRIBUTE a[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_ID, &id, sizeof(id) }
	};
	CK_OBJECT_HANDLE key = 0;
	CK_ULONG n = 0;

	if (m->f->C_FindObjectsInit(m->session, a, 3) != CKR_OK ||
	    m->f->C_FindObjects(m->session, &key, 1, &n) != CKR_OK ||
	    m->f->C_FindObjectsFinal(m->session) != CKR_OK || n != 1)
		meter_die("the token has no P-256 key");
	return key;
}

static void
module_turn(struct module *m, double *module, double *find)
{
	CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
	CK_BYTE hash[32] = { 1 }, sig[128];
	CK_ULONG n = sizeof(sig);
	CK_OBJECT_HANDLE key;
	uint64_t t[4];

	t[0] = meter_ns();
	if (m->card)
		module_session(m);
	if (m->f->C_Login(m->session, CKU_USER, m->pin, m->pin_len) != CKR_OK)
		meter_die("C_Login failed");
	t[1] = meter_ns();
	key = module_find(m);
	t[2] = meter_ns();
	if (m->f->C_SignInit(m->session, &ecdsa, key) != CKR_OK ||
	    m->f->C_Sign(m->session, hash, sizeof(hash), sig, &n) != CKR_OK ||
	    (m->card ? m->f->C_CloseSession(m->session) : m->f->C_Logout(m->session)) != CKR_OK)
		meter_die("signing failed");
	t[3] = meter_ns();
	*find = (double)(t[2] - t[1]);
	*module = (double)(t[3] - t[0]) - (m->card ? 0 : *find);
}

static double
proof_turn(const struct wire *w, int fd)
{
	uint64_t begun = meter_ns();

	wire_ask(w, fd);
	return (double)(meter_ns() - begun);
}

static double
login_turn(const char *folder, const struct module *m)
{
	uint64_t begun = meter_ns();

	login_once(folder, (const char *)m->pin);
	return (double)(meter_ns() - begun);
}

static double
fsync_turn(int fd)
{
	static const char block[PROOF_BLOCK];
	uint64_t begun = meter_ns();

	if (write(fd, block, sizeof(block)) != (ssize_t)sizeof(block) || fdatasync(fd) != 0)
		meter_die("fdatasync failed");
	return (double)(meter_ns() - begun);
}

static int
fsync_open(const char *folder)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/fsync.XXXXXX", folder);
	if ((fd = mkostemp(path, O_CLOEXEC)) == -1 || unlink(path) != 0)
		meter_die("%s: cannot write there", folder);
	return fd;
}

/* A connection to a process that only answers. */
static int
ping_open(struct wire *w)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "@tessera-bench-proof-%d", (int)getpid());
	w->framing = WIRE_FIXED;
	w->path = path;
	w->request_len = w->reply_len = PROOF_FRAME;
	(void)echo_start(path, PROOF_FRAME, PROOF_FRAME);
	return wire_dial(path);
}

static void
pause_for(unsigned ms)
{
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000L };

	if (ms > 0)
		(void)nanosleep(&ts, NULL);
}

static void
proof_rounds(const struct wire *w, const char *pam, struct module *m, int disk, unsigned rounds,
    unsigned pause, struct samples *s)
{
	static struct wire bare;
	double v[KINDS];
	unsigned i, k;
	int fd = pam == NULL ? wire_dial(w->path) : -1, ping = ping_open(&bare);

	for (i = 0; i < rounds + PROOF_WARM; i++) {
		if ((i & 1) != 0)
			module_turn(m, &v[MODULE], &v[FIND]);
		pause_for(pause);
		v[TOTAL] = pam == NULL ? proof_turn(w, fd) : login_turn(pam, m);
		pause_for(pause);
		if ((i & 1) == 0)
			module_turn(m, &v[MODULE], &v[FIND]);
		v[FSYNC] = fsync_turn(disk);
		v[PING] = proof_turn(&bare, ping);
		v[OWN] = v[TOTAL] - v[MODULE];
		v[LEAST] = v[OWN] / (v[FSYNC] + PROOF_TRIPS * v[PING]);
		for (k = 0; k < KINDS && i >= PROOF_WARM; k++)
			samples_add(&s[k], v[k]);
	}
	if (fd != -1)
		(void)close(fd);
	(void)close(ping);
}

int
main(int argc, char **argv)
{
	static const char *const name[KINDS] = { "total", "module", "find", "fsync", "ping", "own", "least" };
	static struct wire w;
	struct samples s[KINDS];
	struct module m;
	int k, pam;

	if (argc != 7 && argc != 8)
		meter_die("usage: bench_proof SOCKET REQUEST-FILE MODULE PIN FOLDER ROUNDS [PAUSE]");
	memset(s, 0, sizeof(s));
	memset(&m, 0, sizeof(m));
	w.framing = WIRE_HTTP;
	w.path = argv[1];
	if (!(pam = strcmp(argv[1], "pam") == 0))
		wire_load(&w, argv[2]);
	m.pin = (CK_UTF8CHAR *)argv[4];
	m.pin_len = strlen(argv[4]);
	m.card = argc == 8;
	module_open(&m, argv[3]);
	proof_rounds(&w, pam ? argv[2] : NULL, &m, fsync_open(argv[5]), meter_number(argv[6]),
	    argc == 8 ? meter_number(argv[7]) : 0, s);
	for (k = 0; k < KINDS; k++) {
		(void)printf("%s", k == 0 ? "{" : ",");
		samples_print(name[k], &s[k], k == LEAST ? 1 : 1e-3);
		samples_free(&s[k]);
	}
	(void)printf("}\n");
	(void)m.f->C_Finalize(NULL);
	return 0;
}
