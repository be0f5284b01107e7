/*
 * cmd_support.c - support bundle: what somebody who helps needs to know, in one
 * archive, without what is nobody's business.
 *
 * Whatever goes in passes hide_text(): the words to hide are gathered first,
 * from the configuration, the accounts and the agent.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/sandbox.h"
#include "client/api.h"
#include "client/collect.h"
#include "client/command.h"
#include "client/hide.h"
#include "client/output.h"
#include "client/tar.h"
#include "tessera.h"
#include "token/json.h"

#define SUPPORT_CONFIG		"/etc/tessera/tessera.conf"
#define SUPPORT_MEMBER_MAX	(1024 * 1024)	/* bytes of a member */
#define SUPPORT_FOLDER		"tessera-support/"
#define SUPPORT_USER_UID	1000		/* accounts of people begin here */

struct support {
	struct client *client;
	struct hide *hide;
	struct config *config;		/* NULL where it cannot be read */
	char config_file[PATH_MAX];
	char config_err[FAIL_TEXT_MAX];
	json_t *status;			/* /admin/status, or its failure */
	json_t *members;		/* names of what is in */
	int fd;
	int code;			/* of the first failure */
};

/* --- words to hide --- */

static void
support_hide(struct support *s, const char *word, const char *as)
{
	int r;

	if (word != NULL && (r = hide_word(s->hide, word, as)) != TSR_OK && s->code == TSR_OK)
		s->code = r;
}

static void
support_hide_list(struct support *s, const struct strings *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		support_hide(s, list->v[i], "[user]");
}

/* The host of a URL, and all of what follows its scheme up to a port. */
static void
support_hide_url(struct support *s, const char *url)
{
	char host[256];
	const char *p;

	if (url == NULL || (p = strstr(url, "://")) == NULL)
		return;
	(void)snprintf(host, sizeof(host), "%.*s", (int)strcspn(p + 3, "/:"), p + 3);
	support_hide(s, host, "[host]");
}

static void
support_hide_config(struct support *s)
{
	const struct config *c = s->config;
	size_t i;

	if (c == NULL)
		return;
	support_hide_url(s, c->issuer);
	support_hide(s, c->realm, "[realm]");
	support_hide_list(s, &c->metrics.users);
	for (i = 0; i < c->n_audiences; i++) {
		support_hide_list(s, &c->audiences[i].callers.users);
		support_hide_list(s, &c->audiences[i].verifiers.users);
	}
	for (i = 0; i < c->n_login_helpers; i++)
		support_hide(s, c->login_helpers[i].user, "[user]");
}

static void
support_hide_machine(struct support *s)
{
	const struct passwd *pw;
	struct utsname u;

	if (uname(&u) == 0) {
		support_hide(s, u.nodename, "[host]");
		u.nodename[strcspn(u.nodename, ".")] = '\0';
		support_hide(s, u.nodename, "[host]");
	}
	setpwent();
	while ((pw = getpwent()) != NULL)
		if (pw->pw_uid >= SUPPORT_USER_UID && strcmp(pw->pw_name, "nobody") != 0)
			support_hide(s, pw->pw_name, "[user]");
	endpwent();
}

/* Every text of a member called name, however deep (a parser's depth limit
 * bounds it). */
static void
support_hide_json(struct support *s, json_t *v, const char *name, const char *as)
{
	const char *key;
	void *at;
	size_t i;

	for (i = 0; i < json_array_size(v); i++)
		support_hide_json(s, json_array_get(v, i), name, as);
	for (at = json_object_iter(v); at != NULL; at = json_object_iter_next(v, at)) {
		key = json_object_iter_key(at);
		if (strcmp(key, name) == 0)
			support_hide(s, json_string_value(json_object_iter_value(at)), as);
		support_hide_json(s, json_object_iter_value(at), name, as);
	}
}

static void
support_hide_agent(struct support *s, const char *target)
{
	json_t *answer = NULL;

	if (api_get(s->client, REACH_ADMIN, target, &answer) == FAIL_NONE) {
		support_hide_json(s, answer, "subject", "[user]");
		support_hide_json(s, answer, "label", "[label]");
		support_hide_json(s, answer, "serial", "[serial]");
	}
	fail_clear(&s->client->failure);
	json_decref(answer);
}

/* --- members --- */

static void
support_put(struct support *s, const char *name, const char *text, size_t n)
{
	char path[TAR_NAME_MAX];
	struct buf b;
	int r;

	if (s->code != TSR_OK)
		return;
	buf_init(&b, 2 * SUPPORT_MEMBER_MAX);
	(void)snprintf(path, sizeof(path), SUPPORT_FOLDER "%s", name);
	if ((r = hide_text(s->hide, text, n, &b)) != TSR_OK ||
	    (r = tar_put(s->fd, path, b.data, b.len, (int64_t)time(NULL))) != TSR_OK)
		s->code = r;
	else
		(void)json_array_append_new(s->members, json_string(name));
	buf_free(&b);
}

static int
support_json_bytes(const char *p, size_t n, void *arg)
{
	return buf_put(arg, p, n) == TSR_OK ? 0 : -1;
}

static void
support_put_json(struct support *s, const char *name, const json_t *doc)
{
	struct buf b;

	buf_init(&b, SUPPORT_MEMBER_MAX);
	if (json_dump_callback(doc, support_json_bytes, &b, JSON_INDENT(2) | JSON_PRESERVE_ORDER |
	    JSON_ENSURE_ASCII) != 0 || buf_put_u8(&b, '\n') != TSR_OK)
		s->code = TSR_NOMEM;
	else
		support_put(s, name, (const char *)b.data, b.len);
	buf_free(&b);
}

static void
support_put_file(struct support *s, const char *name, const char *path)
{
	char text[8192];
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if ((n = read(fd, text, sizeof(text))) > 0)
		support_put(s, name, text, (size_t)n);
	(void)close(fd);
}

static void
support_put_output(struct support *s, const char *name, char *const argv[])
{
	struct buf b;
	int r;

	buf_init(&b, SUPPORT_MEMBER_MAX);
	if ((r = collect_output(argv, &b)) != TSR_OK)
		(void)buf_printf(&b, "%s: %s\n", argv[0], tsr_strerror(r));
	support_put(s, name, (const char *)b.data, b.len);
	buf_free(&b);
}

static void
support_version(struct support *s)
{
	static const char readme[] =
	    "What \"tessera support bundle\" gathered.  PINs, keys, tokens and serials are not\n"
	    "in it; names of users and hosts, labels and ids are replaced by words in\n"
	    "brackets.  Read it before you hand it on: it is for people to judge.\n";
	struct utsname u;
	char text[512];
	int n;

	support_put(s, "README", readme, sizeof(readme) - 1);
	memset(&u, 0, sizeof(u));
	(void)uname(&u);
	n = snprintf(text, sizeof(text), "tessera %s\n%s %s %s\n", TESSERA_VERSION, u.sysname,
	    u.release, u.machine);
	support_put(s, "version", text, (size_t)n);
	support_put_file(s, "os-release", "/etc/os-release");
}

/* A module's own settings may hold anything: their names alone. */
static void
support_strip_modules(json_t *doc)
{
	json_t *modules = json_object_get(doc, "pkcs11-module"), *module, *list;
	const char *text;
	char shown[128];
	void *at;
	size_t i;

	for (at = json_object_iter(modules); at != NULL; at = json_object_iter_next(modules, at)) {
		module = json_object_iter_value(at);
		if (json_is_string(json_object_get(module, "init-args")))
			(void)json_object_set_new(module, "init-args", json_string("[hidden]"));
		list = json_object_get(module, "environment");
		for (i = 0; i < json_array_size(list); i++) {
			text = json_string_value(json_array_get(list, i));
			(void)snprintf(shown, sizeof(shown), "%.*s=[hidden]",
			    (int)strcspn(text, "="), text);
			(void)json_array_set_new(list, i, json_string(shown));
		}
	}
}

static void
support_config(struct support *s)
{
	struct buf b;
	json_t *doc = NULL;

	buf_init(&b, SUPPORT_MEMBER_MAX);
	if (s->config == NULL)
		support_put(s, "config.json", s->config_err, strlen(s->config_err));
	else if (config_describe(s->config, &b) != TSR_OK ||
	    json_read_object((const char *)b.data, b.len, 8, &doc) != TSR_OK)
		s->code = TSR_NOMEM;
	else {
		support_strip_modules(doc);
		support_put_json(s, "config.json", doc);
	}
	json_decref(doc);
	buf_free(&b);
}

static void
support_status(struct support *s)
{
	json_t *breakers = json_object_get(s->status, "breakers"), *breaker;
	size_t i;

	for (i = 0; i < json_array_size(breakers); i++) {
		breaker = json_array_get(breakers, i);
		(void)json_object_del(breaker, "serial");
		(void)json_object_del(breaker, "label");
	}
	support_put_json(s, "status.json", s->status);
}

static void
support_metrics(struct support *s)
{
	const struct http_request rq = { .method = "GET", .target = "/metrics" };
	struct http_client *hc = NULL;
	struct http_answer a;
	const char *body;
	size_t n;

	if (api_open(s->client, REACH_API, &hc) == FAIL_NONE &&
	    http_client_start(hc, &rq) == TSR_OK &&
	    http_client_finish(hc, http_client_now() + API_WAIT_MS, &a) == TSR_OK) {
		body = http_client_body(hc, &n);
		support_put(s, "metrics", body, n);
	}
	fail_clear(&s->client->failure);
	http_client_free(&hc);
}

static void
support_programs(struct support *s)
{
	static char *const packages[] = {
		"/usr/bin/dpkg-query", "-W", "-f", "${binary:Package} ${Version} ${db:Status-Status}\n",
		"tessera*", "libsodium23", "libssl3", "libsqlite3-0", "libjansson4", "libconfuse2",
		"libseccomp2", "libsystemd0", "libp11-3", "libassuan0", "opensc", "opensc-pkcs11",
		"pcscd", "libpcsclite1", "libccid", "softhsm2", "libsofthsm2", "systemd", NULL
	};
	static char *const journal[] = {
		"/usr/bin/journalctl", "--no-pager", "--no-hostname", "-o", "short-iso", "-n", "500",
		"-u", "tesserad.service", "-u", "tessera-pkcs11@*.service", NULL
	};

	support_put_output(s, "packages", packages);
	if (access("/run/systemd/journal", F_OK) == 0)
		support_put_output(s, "journal", journal);
}

static void
support_path(struct buf *b, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		(void)buf_printf(b, "%-10s %5s %5s %s\n", errno == ENOENT ? "absent" : "unseen", "-", "-", path);
	else
		(void)buf_printf(b, "%-10o %5u %5u %s%s\n", st.st_mode, st.st_uid, st.st_gid, path,
		    S_ISLNK(st.st_mode) ? " (a link)" : "");
}

static void
support_below(struct buf *b, const char *folder, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	support_path(b, path);
}

/* Modes and owners of what the agent uses. */
static void
support_folders(struct support *s)
{
	const struct config *c = s->config;
	struct buf b;
	size_t i;

	buf_init(&b, SUPPORT_MEMBER_MAX);
	(void)buf_put_cstr(&b, "mode         uid   gid path\n");
	support_path(&b, s->config_file);
	if (c != NULL) {
		support_path(&b, c->state_dir);
		support_path(&b, strchr(c->store, ':') + 1);
		if (c->store_key != NULL)
			support_path(&b, c->store_key);
		else
			support_below(&b, c->state_dir, "store.key");
		support_path(&b, c->socket_dir);
		support_below(&b, c->socket_dir, "tessera.sock");
		support_below(&b, c->socket_dir, "admin.sock");
		support_path(&b, c->public_dir);
		support_below(&b, c->public_dir, "jwks.json");
		support_path(&b, c->libexec_dir);
		support_below(&b, c->libexec_dir, "tessera-pkcs11");
		for (i = 0; i < c->n_modules; i++)
			support_path(&b, c->modules[i].path);
	}
	support_put(s, "folders", (const char *)b.data, b.len);
	buf_free(&b);
}

static void
support_sandbox(struct support *s)
{
	unsigned has = sandbox_support();
	json_t *doc = json_pack("{s:b, s:b}", "seccomp", (has & SANDBOX_HAS_SECCOMP) != 0,
	    "landlock", (has & SANDBOX_HAS_LANDLOCK) != 0);

	support_put_json(s, "sandbox.json", doc);
	json_decref(doc);
}

/* --- all of it --- */

/* The agent knows its configuration's path; without it, the usual one. */
static void
support_ask(struct support *s)
{
	const char *path;

	if (api_get(s->client, REACH_ADMIN, "/admin/status", &s->status) != FAIL_NONE)
		s->status = fail_document(&s->client->failure);
	fail_clear(&s->client->failure);
	path = json_string_value(json_object_get(s->status, "configuration"));
	(void)snprintf(s->config_file, sizeof(s->config_file), "%s",
	    path != NULL ? path : SUPPORT_CONFIG);
	if (config_load(s->config_file, CONFIG_SYSTEM, &s->config, s->config_err,
	    sizeof(s->config_err)) != TSR_OK)
		s->config = NULL;
	support_hide_config(s);
	support_hide_url(s, json_string_value(json_object_get(s->status, "issuer")));
	support_hide_machine(s);
	support_hide_json(s, s->status, "serial", "[serial]");
	support_hide_json(s, s->status, "label", "[label]");
	support_hide_agent(s, "/admin/credentials");
	support_hide_agent(s, "/admin/devices");
}

static int
support_write(struct support *s, const char *file)
{
	if ((s->fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1)
		return fail_set(&s->client->failure, errno == EEXIST ? "conflict" : "failed",
		    "%s cannot be made: %s", file, strerror(errno));
	support_version(s);
	support_config(s);
	support_status(s);
	support_metrics(s);
	support_programs(s);
	support_folders(s);
	support_sandbox(s);
	if (s->code == TSR_OK && (s->code = tar_end(s->fd)) == TSR_OK && fsync(s->fd) == -1)
		s->code = TSR_SYSTEM;
	(void)close(s->fd);
	if (s->code == TSR_OK)
		return FAIL_NONE;
	(void)unlink(file);
	return fail_set(&s->client->failure, "failed", "%s cannot be written: %s", file,
	    s->code == TSR_SYSTEM ? strerror(errno) : tsr_strerror(s->code));
}

int
cmd_support_bundle(struct client *c)
{
	struct support s;
	json_t *doc;
	int status;

	if (geteuid() != 0)
		return fail_set(&c->failure, "unauthorized_client", "the bundle is made by root alone");
	memset(&s, 0, sizeof(s));
	s.client = c;
	s.fd = -1;
	if ((s.members = json_array()) == NULL || hide_new(&s.hide) != TSR_OK) {
		json_decref(s.members);
		return fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	}
	support_ask(&s);
	if ((status = support_write(&s, c->word[0])) == FAIL_NONE && c->opt[OPT_JSON] != NULL) {
		doc = json_pack("{s:s, s:O}", "file", c->word[0], "members", s.members);
		output_json(doc);
		json_decref(doc);
	} else if (status == FAIL_NONE)
		(void)printf("%s has %zu files.  Read them before you hand them on.\n", c->word[0],
		    json_array_size(s.members));
	json_decref(s.members);
	json_decref(s.status);
	config_free(&s.config);
	hide_free(&s.hide);
	return status;
}
