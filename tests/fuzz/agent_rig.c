/*
 * agent_rig.c - see agent_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/fuzz/agent_rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/confine.h"
#include "agent/daemon.h"
#include "base/config_internal.h"
#include "base/log.h"
#include "include/tessera.h"
#include "tests/agent/clock_rig.h"
#include "tests/fuzz/must.h"
#include "token/json.h"

#define FILES_MAX	32	/* in the state folder */
#define TURNS_MAX	512	/* of the loop, for one thing */
#define QUESTIONS_MAX	64	/* names that are waited for */

char agent_rig_api[108], agent_rig_admin[108], agent_rig_ssh[108];
int agent_rig_helpers = -1;
struct credential agent_rig_credential;
uint8_t agent_rig_other[PROTO_SPKI_MAX];

static char dir[64], state_dir[80], helper_path[108];
static void (*driver)(struct agent *a);
static struct agent *serving;
static int served;

/* The state folder as every life finds it. */
static struct kept {
	char name[256];
	uint8_t *p;
	size_t n;
} kept[FILES_MAX];
static size_t n_kept;

/* --- the name service --- */

struct names {
	struct question {
		unsigned ticket;	/* 0: free */
		int known;
		uid_t uid;
		gid_t gid;
		const char *name;
		names_done done;
		void *arg;
	} question[QUESTIONS_MAX];
	unsigned last;
	int wait;
};

static struct names *service;

int
names_new(struct loop *l, const char *program, struct names **out)
{
	(void)l;
	(void)program;
	return (*out = service = calloc(1, sizeof(**out))) == NULL ? TSR_NOMEM : TSR_OK;
}

void
names_free(struct names **n)
{
	if (*n != NULL)
		service = NULL;
	free(*n);
	*n = NULL;
}

static int
names_ask(struct names *n, int known, uid_t uid, gid_t gid, const char *name, names_done done,
    void *arg, unsigned *ticket)
{
	size_t i;

	if (ticket != NULL)
		*ticket = 0;
	if (!n->wait) {
		done(arg, known ? TSR_OK : TSR_NOT_FOUND, known ? uid : (uid_t)-1,
		    known ? gid : (gid_t)-1, known ? name : NULL);
		return TSR_OK;
	}
	for (i = 0; i < QUESTIONS_MAX && n->question[i].ticket != 0; i++)
		;
	if (i == QUESTIONS_MAX)
		return TSR_TOO_LARGE;
	n->question[i] = (struct question){ ++n->last, known, uid, gid, name, done, arg };
	if (ticket != NULL)
		*ticket = n->last;
	return TSR_OK;
}

static const char *const users[] = { "root", "daemon" };

int
names_name_of(struct names *n, uid_t uid, names_done done, void *arg, unsigned *ticket)
{
	return names_ask(n, uid < 2, uid, (gid_t)uid, uid < 2 ? users[uid] : NULL, done, arg, ticket);
}

int
names_uid_of(struct names *n, const char *name, names_done done, void *arg, unsigned *ticket)
{
	uid_t uid = strcmp(name, users[0]) == 0 ? 0 : 1;

	return names_ask(n, strcmp(name, users[uid]) == 0, uid, (gid_t)uid, users[uid], done, arg, ticket);
}

int
names_gid_of(struct names *n, const char *group, names_done done, void *arg, unsigned *ticket)
{
	return names_ask(n, strcmp(group, users[0]) == 0, (uid_t)-1, 0, users[0], done, arg, ticket);
}

void
names_cancel(struct names *n, unsigned ticket)
{
	size_t i;

	for (i = 0; ticket != 0 && i < QUESTIONS_MAX; i++)
		if (n->question[i].ticket == ticket)
			n->question[i].ticket = 0;
}

int
names_working(const struct names *n)
{
	return !n->wait;
}

void
agent_rig_names_wait(int wait)
{
	service->wait = wait;
}

void
agent_rig_names_answer(int code)
{
	struct question q;
	size_t i;

	for (i = 0; i < QUESTIONS_MAX; i++) {
		if ((q = service->question[i]).ticket == 0)
			continue;
		service->question[i].ticket = 0;
		if (code == TSR_OK && q.known)
			q.done(q.arg, TSR_OK, q.uid, q.gid, q.name);
		else
			q.done(q.arg, code == TSR_OK ? TSR_NOT_FOUND : code, (uid_t)-1, (gid_t)-1, NULL);
	}
}

/* --- what this process has in place of the real thing --- */

int __wrap_confine_agent(const struct config *c, const struct daemon_options *o);
int __wrap_loop_run(struct loop *l);
void __wrap_log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int __real_http_server_new(struct loop *l, const struct door_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg, struct http_server **out);
int __wrap_http_server_new(struct loop *l, const struct door_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg, struct http_server **out);

int
__wrap_confine_agent(const struct config *c, const struct daemon_options *o)
{
	(void)c;
	(void)o;
	return TSR_OK;
}

int
__wrap_loop_run(struct loop *l)
{
	(void)l;
	served = 1;
	driver(serving);
	return 0;
}

/* The agent runs as whoever its clients are: none is refused for that. */
int
__wrap_http_server_new(struct loop *l, const struct door_limits *limits,
    void (*handler)(void *arg, const struct http_request *r), void *arg, struct http_server **out)
{
	struct door_limits all = *limits;

	all.n_refuse = 0;
	serving = arg;
	return __real_http_server_new(l, &all, handler, arg, out);
}

/* A token is never logged. */
void
__wrap_log_line(enum log_level level, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	must(strstr(text, "eyJ") == NULL);
	if (getenv("RIG_LOG") != NULL)
		(void)fprintf(stderr, "%s\n", text);
}

/* --- files --- */

static void
keep(const char *name)
{
	struct kept *k = &kept[n_kept];
	char path[512];
	struct stat st;
	int fd;

	must(n_kept < FILES_MAX);
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	(void)snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	must((fd = open(path, O_RDONLY | O_CLOEXEC)) != -1 && fstat(fd, &st) == 0);
	k->n = (size_t)st.st_size;
	must((k->p = malloc(k->n + 1)) != NULL && read(fd, k->p, k->n) == st.st_size);
	(void)close(fd);
	n_kept++;
}

/* f() of each file in the state folder. */
static void
each_file(void (*f)(const char *name))
{
	struct dirent *e;
	DIR *d;

	must((d = opendir(state_dir)) != NULL);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			f(e->d_name);
	closedir(d);
}

static void
drop(const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", state_dir, name);
	(void)unlink(path);
}

static void
restore(void)
{
	char path[512];
	size_t i;
	int fd;

	if (n_kept == 0)
		return;
	each_file(drop);
	for (i = 0; i < n_kept; i++) {
		(void)snprintf(path, sizeof(path), "%s/%.255s", state_dir, kept[i].name);
		must((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) != -1);
		must(write(fd, kept[i].p, kept[i].n) == (ssize_t)kept[i].n);
		(void)close(fd);
	}
}

static void
clear_up(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	(void)signal(SIGCHLD, SIG_DFL);		/* the agent ignored it */
	if (system(command) != 0)
		perror(dir);
}

/* --- a life --- */

static struct config *
configuration(void)
{
	struct config_parse *p;
	struct config *c = NULL;
	char err[512] = "", *text = NULL;

	must((p = calloc(1, sizeof(*p))) != NULL);
	p->mode = CONFIG_SYSTEM;
	p->err = err;
	p->err_size = sizeof(err);
	p->n = 1;
	must(asprintf(&text, "issuer = \"https://fuzz.example/rehearsal\"\n"
	    "pcsc { watch = false }\n"
	    "store = \"sqlite:%s/t.db\" state-dir = \"%s\" socket-dir = \"%s/run\"\n"
	    "public-dir = \"%s/public\" helper-socket = \"%s\" helper-user = \"nobody\"\n"
	    "fido { socket = \"%s\" }\n"
	    "pkcs11-module " AGENT_RIG_MODULE " { path = \"/nowhere/m.so\" }\n"
	    "login-helper h { user = daemon unit = h.service }\n"
	    "audience demo { scopes = {read, write} acr = self reuse = session inline-pin = true\n"
	    "refresh = true any-user = true verifiers { any-user = true } }\n"
	    "audience strict { scopes = {all} acr = hardware-pin reuse = never any-user = true }\n"
	    "ssh { audience = demo principals = {\"%%u\"} principal ops { groups = {root} } }\n"
	    "webauthn { rp-id = \"a.example\" origins = {\"https://a.example\"} }\n"
	    "audience own { scopes = {all} users = {daemon} verifiers { users = {root} } }\n"
	    "audience job { class = service scopes = {run} users = {root} verifiers { users = {root} } }\n"
	    "audience tessera-admin { scopes = {admin} acr = hardware max-age = 5m any-user = true }\n",
	    state_dir, state_dir, dir, dir, helper_path, helper_path) > 0);
	p->source[0].name = strdup("/etc/t.conf");
	p->source[0].text = text;
	p->source[0].size = strlen(text);
	must(p->source[0].name != NULL);
	if (config_assemble(p, &c) != TSR_OK) {
		(void)fprintf(stderr, "%s\n", err);
		abort();
	}
	config_parse_free(p);
	return c;
}

int
agent_rig_life(void (*begin)(void), void (*drive)(struct agent *a))
{
	struct daemon_options o = { .mode = CONFIG_SYSTEM, .config_file = "/nowhere/t.conf",
	    .program = "/nowhere/tesserad" };
	struct config *c = configuration();
	struct daemon *d = NULL;
	char err[1024] = "";
	sigset_t before;

	must(sigprocmask(SIG_BLOCK, NULL, &before) == 0);
	restore();
	clock_rig_reset();
	driver = drive;
	served = 0;
	if (begin != NULL)
		begin();
	if (daemon_new(&o, c, &d, err, sizeof(err)) == TSR_OK)
		(void)daemon_run(d);
	else
		must(err[0] != '\0');
	daemon_free(&d);
	must(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	if (!served && getenv("RIG_LOG") != NULL)
		(void)fprintf(stderr, "no agent: %s\n", err);
	return served;
}

/* Its key pair is thrown away. */
static void
make_credential(struct credential *c)
{
	static const uint8_t head[12] = { 0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0 };
	uint8_t seed[crypto_sign_SEEDBYTES] = { 7, 1, 8, 2 };
	uint8_t key[crypto_sign_SECRETKEYBYTES];

	(void)snprintf(c->id, sizeof(c->id), "AAAAAAAAAAAAAAAAAAAAAA");
	(void)snprintf(c->kind, sizeof(c->kind), "pkcs11");
	(void)snprintf(c->subject, sizeof(c->subject), "root");
	(void)snprintf(c->label, sizeof(c->label), "card");
	(void)snprintf(c->module, sizeof(c->module), AGENT_RIG_MODULE);
	(void)snprintf(c->token_serial, sizeof(c->token_serial), AGENT_RIG_SERIAL);
	(void)snprintf(c->token_label, sizeof(c->token_label), AGENT_RIG_LABEL);
	c->key_id[0] = 1;
	c->key_id_len = 1;
	c->algorithm = PROTO_ED25519;
	memcpy(c->spki, head, sizeof(head));
	memcpy(agent_rig_other, head, sizeof(head));
	must(crypto_sign_seed_keypair(c->spki + sizeof(head), key, seed) == 0);
	seed[0]++;
	must(crypto_sign_seed_keypair(agent_rig_other + sizeof(head), key, seed) == 0);
	sodium_memzero(key, sizeof(key));
	c->spki_len = sizeof(head) + crypto_sign_PUBLICKEYBYTES;
	c->acr = ACR_HARDWARE_PIN;
	c->state = CREDENTIAL_ACTIVE;
	c->created = CLOCK_RIG_WALL;
}

static void
enrol(struct agent *a)
{
	must(store_begin(a->store) == TSR_OK &&
	    store_credential_add(a->store, &agent_rig_credential) == TSR_OK &&
	    store_keep(a->store) == TSR_OK && store_commit(a->store) == TSR_OK);
}

void
agent_rig_start(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	must(sodium_init() >= 0);
	json_wipe_memory();
	clock_rig_start();
	(void)umask(022);
	(void)snprintf(dir, sizeof(dir), "%s/tessera-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	must(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	(void)atexit(clear_up);
	(void)snprintf(state_dir, sizeof(state_dir), "%s/state", dir);
	must(mkdir(state_dir, 0700) == 0);
	(void)snprintf(agent_rig_api, sizeof(agent_rig_api), "%s/run/tessera.sock", dir);
	(void)snprintf(agent_rig_admin, sizeof(agent_rig_admin), "%s/run/admin.sock", dir);
	(void)snprintf(agent_rig_ssh, sizeof(agent_rig_ssh), "%s/run/ssh.sock", dir);
	(void)snprintf(helper_path, sizeof(helper_path), "%s/helper.sock", dir);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", helper_path);
	agent_rig_helpers = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(bind(agent_rig_helpers, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(agent_rig_helpers, 64) == 0);
	make_credential(&agent_rig_credential);
	must(agent_rig_life(NULL, enrol));
	each_file(keep);
	keep("../public/epochs");	/* what one life revoked is no affair of the next one */
}

void
agent_rig_turn(struct agent *a)
{
	int i;

	for (i = 0; i < TURNS_MAX && sd_event_run(loop_event(a->loop), 0) > 0; i++)
		;
}

void
agent_rig_pass(struct agent *a, uint64_t ms)
{
	clock_rig_advance(ms);
	timers_run(loop_timers(a->loop), clock_boot_ms());
	loop_wake(a->loop);
	agent_rig_turn(a);
}
