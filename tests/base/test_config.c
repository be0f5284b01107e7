/*
 * test_config.c - what a configuration file may say.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/base/config_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

#include "tessera.h"

#include "base/buf.h"
#include "base/log.h"

#define AUD(body)	ISSUER "audience \"a\" { scopes = {\"read\"} " body " }\n"
#define ORIGIN(text)	ISSUER "webauthn { rp-id = \"a.example\" origins = {\"" text "\"} }\n"
#define MOD(body)	ISSUER "pkcs11-module \"m\" { path = \"/nowhere/m.so\" " body " }\n"

static void
test_whole(void **state)
{
	static const char text[] =
	    "# the page's own\n"
	    "issuer = \"https://desk7.example/tessera\"\n"
	    "store  = \"sqlite:/var/lib/tessera/tessera.db\" // a comment\n"
	    "signing { algorithm = \"ES256\"  rotate = \"10d\"  key = \"sealed\" }\n"
	    "/* two\n   lines */\n"
	    "pkcs11-module \"opensc\" { path = \"/nowhere/opensc-pkcs11.so\"\n"
	    "  init-args = 'a=\"b\"'  environment = {\"A=1\", \"B=x y\"}\n"
	    "  read-paths = {\"/etc/opensc\"}  write-paths = {\"/run/pcscd\",}  acr = software }\n"
	    "realm = \"example\"\n"
	    "session { lifetime = 8h  per-user = 3 }\n"
	    "limits { connections = 10 connections-per-uid = 5 pending-per-uid = 2 }\n"
	    "audit { size = 8 keep = 3 }\n"
	    "webauthn { rp-id = \"example.org\" origins = {\"https://example.org\", \"https://a.example.org:8443\"} }\n"
	    "log-level = detail\n"
	    "metrics { users = {\"prometheus\"} groups = {\"staff\"} units = {\"scrape.service\"} }\n"
	    "audience \"vpn\" { scopes = {\"connect\", \"status\"}  lifetime = \"5m\"  format = \"jwt\"\n"
	    "  acr = \"hardware-pin\"  reuse = \"session\"  max-age = \"2h\"  groups = {\"staff\"}\n"
	    "  users = {\"anna\", \"1000\"} units = {\"openvpn@tun0.service\"} inline-pin = true local-only = yes refresh = on\n"
	    "  verifiers { users = {\"www-data\"} any-user = yes } }\n"
	    "audience \"login\" { class = \"login\" scopes = {\"login\"} lifetime = \"1m\" }\n"
	    "audience \"tessera-admin\" { scopes = {\"admin\"} }\n"
	    "login-helper \"gdm\" { uid = \"root\"  unit = \"gdm.service\" greeter = true }\n"
	    "login-helper \"other\" { user = \"0\"  unit = \"sshd.service\" }\n";
	const struct config_audience *a;
	const struct config_module *m;
	struct config *c = NULL;
	char err[256];
	int r;

	(void)state;
	r = config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err));
	assert_string_equal(err, "");
	assert_int_equal(r, TSR_OK);
	assert_string_equal(c->file, config_rig_conf);
	assert_string_equal(c->issuer, "https://desk7.example/tessera");
	assert_string_equal(c->realm, "example");
	assert_string_equal(c->signing.algorithm, "ES256");
	assert_int_equal(c->signing.rotate, 864000);
	assert_int_equal(c->session.lifetime, 28800);
	assert_int_equal(c->session.per_user, 3);
	assert_int_equal(c->limits.connections, 10);
	assert_int_equal(c->limits.connections_per_uid, 5);
	assert_int_equal(c->limits.pending_per_uid, 2);
	assert_int_equal(c->audit.size, 8);
	assert_int_equal(c->audit.keep, 3);
	assert_string_equal(c->webauthn.rp_id, "example.org");
	assert_int_equal(c->webauthn.origins.n, 2);
	assert_string_equal(c->webauthn.origins.v[1], "https://a.example.org:8443");
	assert_int_equal(c->log_level, LOG_DETAIL);
	assert_string_equal(c->metrics.users.v[0], "prometheus");
	assert_string_equal(c->metrics.groups.v[0], "staff");
	assert_string_equal(c->metrics.units.v[0], "scrape.service");
	assert_false(c->metrics.any_user);
	assert_int_equal(c->n_modules, 1);
	assert_non_null(m = config_module(c, "opensc"));
	assert_null(config_module(c, "OpenSC"));
	assert_string_equal(m->init_args, "a=\"b\"");
	assert_int_equal(m->environment.n, 2);
	assert_string_equal(m->environment.v[1], "B=x y");
	assert_int_equal(m->write_paths.n, 1);
	assert_int_equal(m->acr, ACR_SOFTWARE);
	assert_int_equal(c->n_audiences, 3);
	assert_non_null(a = config_audience(c, "vpn"));
	assert_int_equal(a->class, CLASS_INTERACTIVE);
	assert_int_equal(a->scopes.n, 2);
	assert_int_equal(a->lifetime, 300);
	assert_int_equal(a->format, FORMAT_JWT);
	assert_int_equal(a->acr, ACR_HARDWARE_PIN);
	assert_int_equal(a->reuse, REUSE_SESSION);
	assert_int_equal(a->max_age, 7200);
	assert_true(a->inline_pin && a->local_only && a->refresh && !a->callers.any_user);
	assert_string_equal(a->callers.users.v[1], "1000");
	assert_string_equal(a->callers.units.v[0], "openvpn@tun0.service");
	assert_string_equal(a->verifiers.users.v[0], "www-data");
	assert_true(a->verifiers.any_user);
	assert_int_equal(config_audience(c, "login")->reuse, REUSE_NEVER);
	assert_int_equal(config_audience(c, "tessera-admin")->reuse, REUSE_NEVER);
	assert_null(config_audience(c, "ssh"));
	assert_int_equal(c->n_login_helpers, 2);
	assert_string_equal(c->login_helpers[0].user, "root");
	assert_true(c->login_helpers[0].greeter && !c->login_helpers[1].greeter);
	assert_string_equal(c->login_helpers[1].unit, "sshd.service");
	config_free(&c);
	assert_null(c);
	config_free(&c);
}

static void
test_defaults(void **state)
{
	struct config *c = NULL;
	char err[256];

	(void)state;
	assert_int_equal(config_rig_load(ISSUER "audience x { scopes = r }", CONFIG_SYSTEM, &c, err,
	    sizeof(err)), TSR_OK);
	assert_string_equal(c->realm, "localhost");
	assert_string_equal(c->store, "sqlite:/var/lib/tessera/tessera.db");
	assert_string_equal(c->state_dir, "/var/lib/tessera");
	assert_string_equal(c->socket_dir, "/run/tessera");
	assert_string_equal(c->public_dir, "/run/tesserad");
	assert_string_equal(c->libexec_dir, TESSERA_LIBEXEC);
	assert_null(c->helper_socket);
	assert_null(c->store_key);
	assert_string_equal(c->helper_user, "tessera-dev");
	assert_string_equal(c->admin_group, "tessera-admin");
	assert_string_equal(c->signing.algorithm, "EdDSA");
	assert_int_equal(c->signing.rotate, 30 * 86400);
	assert_int_equal(c->session.lifetime, 12 * 3600);
	assert_int_equal(c->session.per_user, 16);
	assert_int_equal(c->limits.connections, 4096);
	assert_int_equal(c->limits.connections_per_uid, 512);
	assert_int_equal(c->limits.pending_per_uid, 8);
	assert_int_equal(c->audit.size, 64);
	assert_int_equal(c->audit.keep, 16);
	assert_int_equal(c->audiences[0].class, CLASS_INTERACTIVE);
	assert_int_equal(c->audiences[0].lifetime, 300);
	assert_int_equal(c->audiences[0].format, FORMAT_JWT);
	assert_int_equal(c->audiences[0].acr, ACR_HARDWARE);
	assert_int_equal(c->audiences[0].reuse, REUSE_AUDIENCE);
	assert_int_equal(c->audiences[0].max_age, 8 * 3600);
	assert_false(c->audiences[0].inline_pin || c->audiences[0].local_only || c->audiences[0].refresh ||
	    c->audiences[0].callers.any_user || c->audiences[0].verifiers.any_user);
	config_free(&c);
}

static void
test_user_mode(void **state)
{
	struct config *c = NULL;
	char err[256];

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
	assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
	assert_int_equal(setenv("HOME", "/home/anna", 1), 0);
	assert_int_equal(config_rig_load("", CONFIG_USER, &c, err, sizeof(err)), TSR_OK);
	assert_string_equal(c->issuer, "https://localhost/tessera");
	assert_string_equal(c->state_dir, "/home/anna/.local/state/tessera");
	assert_string_equal(c->store, "sqlite:/home/anna/.local/state/tessera/tessera.db");
	assert_string_equal(c->socket_dir, "/run/user/7/tessera");
	assert_string_equal(c->public_dir, "/run/user/7/tesserad");
	config_free(&c);
	assert_int_equal(setenv("XDG_STATE_HOME", "/state", 1), 0);
	assert_int_equal(config_rig_load("", CONFIG_USER, &c, err, sizeof(err)), TSR_OK);
	assert_string_equal(c->state_dir, "/state/tessera");
	config_free(&c);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	assert_int_equal(config_rig_load("", CONFIG_USER, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, "socket-dir is missing and XDG_RUNTIME_DIR"));
}

/* expect: what follows the file's name. */
static const struct row {
	const char *name;
	const char *text;
	const char *expect;
} refused[] = {
	{ "empty file", "", ": issuer is missing: add issuer = " },
	{ "unknown key", ISSUER "\nisuer = \"x\"", ":3: unknown key \"isuer\": remove it" },
	{ "unknown key in a section", AUD("\nscope = x"), ":3: unknown key \"scope\"" },
	{ "unknown section", ISSUER "quido { }", ":2: unknown key \"quido\"" },
	{ "include", ISSUER "include(\"/etc/passwd\")", ":2: unexpected character after \"include\"" },
	{ "include as a key", ISSUER "include = \"/etc/passwd\"", ":2: unknown key \"include\"" },
	{ "key of another section by |", ISSUER "'signing|algorithm' = \"ES256\"", ":2: a string stands where a key should" },
	{ "quoted key", "\"issuer\" = \"https://x\"", ":1: a string stands where a key should" },
	{ "number for a word", AUD("reuse = 3"), ":2: audience \"a\": reuse = \"3\" is not accepted: write \"never\", \"audience\" or \"session\"" },
	{ "word for a number", ISSUER "limits { connections = many }", ":2: limits: connections = \"many\" is not accepted: write a number from 1 to 65536" },
	{ "unknown level", ISSUER "log-level = \"debug\"", ":2: log-level = \"debug\" is not accepted: write \"error\", \"warn\", \"notice\", \"detail\" or \"trace\"" },
	{ "no unit of the metrics", ISSUER "metrics { units = {\"scrape\"} }", ":2: metrics: units = \"scrape\" is not accepted" },
	{ "number too large", ISSUER "limits { connections = 99999999999999999999 }", ":2: limits: connections" },
	{ "number zero", ISSUER "session { per-user = 0 }", ":2: session: per-user = \"0\"" },
	{ "number with a sign", ISSUER "session { per-user = -1 }", ":2: session: per-user = \"-1\"" },
	{ "octal number means decimal, hexadecimal none", ISSUER "session { per-user = 0x10 }", ":2: session: per-user = \"0x10\"" },
	{ "word for a bool", AUD("refresh = maybe"), ":2: audience \"a\": refresh = \"maybe\" is not accepted: write true or false" },
	{ "list for one value", "issuer = {\"a\"}", ":1: unexpected \"{\"" },
	{ "section for a value", "issuer { }", ":1: no \"=\" after the key \"issuer\"" },
	{ "value for a section", ISSUER "limits = 3", ":2: no \"{\" at the begin of the section \"limits\"" },
	{ "section without its name", ISSUER "audience { }", ":2: no name after the section \"audience\"" },
	{ "append", AUD("users += {\"a\"}"), ":2: \"+\" is not known" },
	{ "duration without number", AUD("lifetime = m"), ":2: audience \"a\": lifetime = \"m\" is not accepted: write a duration from 10s to 1h" },
	{ "duration of an unknown unit", AUD("lifetime = 5w"), "lifetime = \"5w\"" },
	{ "duration with rubbish", AUD("lifetime = \"5m \""), "lifetime = \"5m \"" },
	{ "duration that overflows", AUD("lifetime = 4294967296"), "lifetime = \"4294967296\"" },
	{ "duration that overflows by its unit", AUD("lifetime = 49711d"), "lifetime = \"49711d\"" },
	{ "lifetime too short", AUD("lifetime = 9"), "lifetime = \"9\"" },
	{ "lifetime too long", AUD("lifetime = 61m"), "lifetime = \"61m\"" },
	{ "unknown acr", AUD("acr = gold"), "write \"self\", \"recovery\", \"otp\", \"software\", \"hardware\" or \"hardware-pin\"" },
	{ "unknown class", AUD("class = root"), "write \"interactive\", \"login\" or \"service\"" },
	{ "wildcard in a scope", ISSUER "audience \"a\" { scopes = {\"files:*\"} }", "scopes = \"files:*\"" },
	{ "refresh in class service", AUD("class = service refresh = true"), "refresh = true is not for class service" },
	{ "refresh where each token takes a proof", AUD("reuse = never\n refresh = true"), ":3: audience \"a\": refresh = true is not for an audience that takes a proof" },
	{ "refresh of administration", ISSUER "audience \"tessera-admin\" { scopes = {\"a\"} refresh = true }", "refresh = true is not for an audience that takes a proof" },
	{ "refresh that never idles", AUD("refresh-idle = 9"), "refresh-idle = \"9\"" },
	{ "no requests at all", ISSUER "limits { requests-per-minute = 0 }", "requests-per-minute = \"0\"" },
	{ "unknown format", AUD("format = saml"), "format = \"saml\" is not accepted" },
	{ "unknown algorithm", ISSUER "signing { algorithm = \"none\" }", ":2: signing: algorithm = \"none\" is not accepted: write \"EdDSA\" or \"ES256\"" },
	{ "signing key elsewhere", ISSUER "signing { key = \"pkcs11:token=x\" }", "write \"sealed\"" },
	{ "issuer of another scheme", "issuer = \"ftp://x\"", ":1: issuer = \"ftp://x\" is not accepted: write an https://" },
	{ "issuer with query", "issuer = \"https://x/?a\"", ":1: issuer" },
	{ "issuer with fragment", "issuer = \"https://x/#a\"", ":1: issuer" },
	{ "issuer with user", "issuer = \"https://a@x\"", ":1: issuer" },
	{ "issuer with last slash", "issuer = \"https://x/\"", ":1: issuer" },
	{ "issuer without host", "issuer = \"https:///x\"", ":1: issuer" },
	{ "issuer empty", "issuer = \"\"", ":1: issuer = \"\"" },
	{ "realm with slash", ISSUER "realm = \"a/b\"", ":2: realm = \"a/b\"" },
	{ "webauthn without origins", ISSUER "\nwebauthn { rp-id = \"a.example\" }", ":3: webauthn: origins is missing: add origins = {\"https://a.example\"}" },
	{ "webauthn without rp-id", ISSUER "webauthn { origins = {\"https://a.example\"} }", ":2: webauthn: rp-id is missing" },
	{ "rp-id of a native credential", ISSUER "webauthn { rp-id = \"tessera:x\" origins = {\"https://x\"} }", ":2: webauthn: rp-id = \"tessera:x\" is not accepted: write a domain" },
	{ "rp-id in capitals", ISSUER "webauthn { rp-id = \"A.example\" origins = {\"https://a.example\"} }", "rp-id = \"A.example\"" },
	{ "rp-id with an empty label", ISSUER "webauthn { rp-id = \"a..example\" origins = {\"https://a.example\"} }", "rp-id = \"a..example\"" },
	{ "origin without TLS", ORIGIN("http://a.example"), "origins = \"http://a.example\" is not accepted: write https://" },
	{ "origin with a slash", ORIGIN("https://a.example/"), "origins = \"https://a.example/\"" },
	{ "origin with the port of TLS", ORIGIN("https://a.example:443"), "origins = \"https://a.example:443\"" },
	{ "origin with a port that is none", ORIGIN("https://a.example:65536"), "origins = \"https://a.example:65536\"" },
	{ "origin in capitals", ORIGIN("https://A.example"), "origins = \"https://A.example\"" },
	{ "origin of another domain", ORIGIN("https://ba.example"), ":2: webauthn: origins = \"https://ba.example\" is not within rp-id \"a.example\"" },
	{ "store of the fleet", ISSUER "store = \"postgresql://x\"", "write \"sqlite:\" and an absolute path" },
	{ "store with relative path", ISSUER "store = \"sqlite:x.db\"", "write an absolute path" },
	{ "relative path", ISSUER "state-dir = \"var/lib\"", ":2: state-dir = \"var/lib\" is not accepted: write an absolute path" },
	{ "path with ..", ISSUER "state-dir = \"/var/../etc\"", "without \"..\"" },
	{ "path that ends in ..", ISSUER "state-dir = \"/var/..\"", "without \"..\"" },
	{ "socket folder too long", ISSUER "socket-dir = \"/23456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"", "write a shorter path" },
	{ "relative module", ISSUER "pkcs11-module \"m\" { path = \"m.so\" }", ":2: pkcs11-module \"m\": path = \"m.so\" is not accepted" },
	{ "module without path", ISSUER "\npkcs11-module \"m\" {\n acr = self\n}", ":3: pkcs11-module \"m\": path is missing: add path = " },
	{ "module with an odd name", ISSUER "pkcs11-module \"a b\" { path = \"/m\" }", ":2: pkcs11-module \"a b\" has no good name" },
	{ "environment without =", MOD("environment = {\"A\"}"), "write NAME=value" },
	{ "environment with an odd name", MOD("environment = {\"1A=2\"}"), "write NAME=value" },
	{ "empty init-args", MOD("init-args = \"\""), "init-args = \"\"" },
	{ "audience without scopes", ISSUER "audience \"a\" {\n}", ":2: audience \"a\": scopes is missing: add scopes = " },
	{ "audience without a name", ISSUER "audience \"\" { scopes = {\"a\"} }", ":2: audience \"\" is no name" },
	{ "audience with a space", ISSUER "audience \"a b\" { scopes = {\"a\"} }", ":2: audience \"a b\" is no name" },
	{ "empty list", ISSUER "audience \"a\" { scopes = {} }", ":2: a list is empty" },
	{ "wildcard scope", ISSUER "audience \"a\" { scopes = {\"*\"} }", "scopes = \"*\"" },
	{ "scope with space", ISSUER "audience \"a\" { scopes = {\"a b\"} }", "scopes = \"a b\"" },
	{ "entry twice in a list", ISSUER "audience \"a\" { scopes = {\"a\", \"a\"} }", "in the list twice" },
	{ "list without comma", AUD("users = {\"a\" \"b\"}"), ":2: a string stands where a key should" },
	{ "odd user", AUD("users = {\"-a\"}"), "users = \"-a\"" },
	{ "uid too large", AUD("users = {\"4294967295\"}"), "users = \"4294967295\"" },
	{ "odd unit", AUD("units = {\"a.socket\"}"), "units = \"a.socket\"" },
	{ "unknown verifier key", AUD("verifiers {\n class = login }"), ":3: unknown key \"class\"" },
	{ "odd verifier", AUD("verifiers { users = {\"/\"} }"), ":2: audience \"a\": verifiers: users = \"/\"" },
	{ "reuse in class login", AUD("class = login\n reuse = session"), ":3: audience \"a\": reuse = \"session\" is not for class login" },
	{ "reuse of administration", ISSUER "audience \"tessera-admin\" { scopes = {\"a\"} reuse = audience }", "is not for the audience tessera-admin" },
	{ "refresh in class login", AUD("class = login refresh = true"), "refresh = true is not for class login" },
	{ "helper without unit", ISSUER "login-helper \"a\" { user = root }", ":2: login-helper \"a\": unit is missing" },
	{ "helper without user", ISSUER "login-helper \"a\" { unit = a.service }", ":2: login-helper \"a\": user is missing" },
	{ "helper in a template", ISSUER "login-helper \"a\" { user = root unit = \"ssh@.service\" }", "unit = \"ssh@.service\" is not accepted: write the whole name" },
	{ "helper with both words", ISSUER "login-helper \"a\" { user = root uid = root unit = a.service }", "uid and user are one key" },
	{ "odd helper-user", ISSUER "helper-user = \"a b\"", ":2: helper-user = \"a b\"" },
	{ "key twice", ISSUER "realm = a\n\nrealm = b", ":4: realm is set twice, here and on line 2: remove one" },
	{ "list twice", AUD("\nusers = {a, b}\nusers = {c}"), ":4: users is set twice, here and on line 3" },
	{ "key twice over two sections", ISSUER "session { per-user = 1 }\nsession { per-user = 1 }", ":3: per-user is set twice, here and on line 2" },
	{ "title twice", AUD("\n\n") "audience \"a\" { scopes = {\"b\"} }", ":5: audience \"a\" is there twice, here and on line 2" },
	{ "title twice on one line", AUD("} audience \"a\" { scopes = {\"b\"}"), ":2: audience \"a\" is there twice, here and on line 2" },
	{ "environment variable", "issuer = \"https://${HOME}\"", ":1: environment variables are not read: write the value itself, or a backslash before the $" },
	{ "backslash before nothing", "issuer = \"https://\\x\"", ":1: a backslash in a string stands before a double quote" },
	{ "environment variable without quotes", "issuer = ${HOME}", ":1: environment variables are not read" },
	{ "escape to NUL", ISSUER "realm = \"a\\0b\"", ":2: a backslash in a string stands before" },
	{ "escape to a control character", ISSUER "realm = \"a\\nb\"", ":2: a backslash in a string" },
	{ "escape in hexadecimal", ISSUER "realm = \"a\\x41\"", ":2: a backslash in a string" },
	{ "control character", ISSUER "realm = \"a\033b\"", ":2: a control character (byte 0x1b)" },
	{ "tab in a value", MOD("init-args = \"a\tb\""), ":2: \"a\\x09b\" has a control character" },
	{ "invalid UTF-8", MOD("init-args = \"\xff\""), ":2: \"\\xff\" has a control character or is not UTF-8" },
	{ "overlong UTF-8", MOD("init-args = \"\xc0\xaf\""), "is not UTF-8" },
	{ "DEL in a comment", "# \x7f\n" ISSUER, ":1: a control character (byte 0x7f)" },
	{ "carriage return", "# a\r\n" ISSUER, ":1: a carriage return" },
	{ "byte order mark", "\xef\xbb\xbf" ISSUER, ":1: a byte 0xef outside a string" },
	{ "semicolon", "issuer = \"https://x\";", ":1: unexpected character ';'" },
	{ "star that libconfuse drops", AUD("lifetime = *5m"), ":2: unexpected character '*'" },
	{ "comment that may begin in a word", "issuer = https://x", ":1: a comment may begin in \"https://x\"" },
	{ "comment without end", ISSUER "/* a\n\n", ":2: a comment that begins here has no end" },
	{ "string without end", ISSUER "realm = \"a\n\"", ":2: a string has no end" },
	{ "string without end at the end", ISSUER "realm = 'a", ":2: a string has no end" },
	{ "section without end", AUD("") "limits {\n\n", ":5: the file ends inside a section or list: add the \"}\" that is missing after line 3" },
	{ "end of a section that is none", ISSUER "}\n", ":2: \"}\" closes nothing" },
	{ "key without value", "issuer =", ":1: premature end of file" },
	{ "line numbers after comments", "/* a */ /* b\n */ // c\n# d\n'", ":4: a string stands" },
};

static void
test_refused(void **state)
{
	struct config *c;
	char err[512], *at;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		c = NULL;
		r = config_rig_load(refused[i].text, CONFIG_SYSTEM, &c, err, sizeof(err));
		at = strstr(err, refused[i].expect);
		if (r != TSR_CONFIG || at == NULL || c != NULL ||
		    strncmp(err, config_rig_conf, strlen(config_rig_conf)) != 0 ||
		    (refused[i].expect[0] == ':' && at != err + strlen(config_rig_conf)))
			fail_msg("%s: %d \"%s\" (expected \"%s\")", refused[i].name, r, err,
			    refused[i].expect);
	}
}

static void
test_sizes(void **state)
{
	struct config *c = NULL;
	char err[256], *text;
	size_t i, n;

	(void)state;
	assert_non_null(text = malloc(1200000));
	/* 1 MiB is allowed, a byte more is not */
	memset(text, ' ', 1200000);
	memcpy(text, ISSUER, strlen(ISSUER));
	config_rig_write("t.conf", text, 1024 * 1024);
	assert_int_equal(config_load(config_rig_conf, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_OK);
	config_free(&c);
	config_rig_write("t.conf", text, 1024 * 1024 + 1);
	assert_int_equal(config_load(config_rig_conf, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, "is larger than 1 MiB"));
	config_rig_write("t.conf", ISSUER "# \0", strlen(ISSUER) + 3);
	assert_int_equal(config_load(config_rig_conf, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, ":2: a control character (byte 0x00)"));

	n = 0;
	for (i = 0; i < 1025; i++)
		n += (size_t)sprintf(text + n, "audience a%zu {}\n", i);
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, ":1025: more than 1024 sections"));
	n = (size_t)sprintf(text, ISSUER "audience a { scopes = {");
	for (i = 0; i < 257; i++)
		n += (size_t)sprintf(text + n, "s%zu,", i);
	(void)sprintf(text + n, "} }");
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, ":2: scopes has more than 256 entries"));
	n = (size_t)sprintf(text, "realm = \"");
	memset(text + n, 'x', 4097);
	text[n + 4097] = '\0';
	(void)strcat(text, "\"");
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, ":1: a string is longer than 4096 bytes"));
	free(text);
}

static void
test_dollar(void **state)
{
	struct config *c = NULL;
	char err[256];

	(void)state;
	assert_int_equal(config_rig_load(MOD("init-args = \"\\${HOME} \\\"\\\\ $ ü\""), CONFIG_SYSTEM, &c, err,
	    sizeof(err)), TSR_OK);
	assert_string_equal(c->modules[0].init_args, "${HOME} \"\\ $ ü");
	config_free(&c);
}

static void
test_duration(void **state)
{
	static const struct {
		const char *text;
		long seconds;	/* -1: refused */
	} rows[] = {
		{ "300", 300 }, { "90s", 90 }, { "5m", 300 }, { "8h", 28800 }, { "30d", 2592000 },
		{ "0", 0 }, { "4294967295", 4294967295 }, { "4294967296", -1 }, { "", -1 },
		{ "s", -1 }, { "-1", -1 }, { " 1", -1 }, { "1 s", -1 }, { "1ms", -1 }, { "1S", -1 },
		{ "71582789m", -1 }, { "99999999999999999999999", -1 }, { "1.5h", -1 },
	};
	uint32_t seconds;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		seconds = 77;
		r = config_duration(rows[i].text, &seconds);
		if (rows[i].seconds < 0 ? r != TSR_INVALID || seconds != 77 :
		    r != TSR_OK || seconds != (uint32_t)rows[i].seconds)
			fail_msg("\"%s\": %d, %u", rows[i].text, r, seconds);
	}
}

static void
test_acr(void **state)
{
	enum acr acr = ACR_SELF;
	int i;

	(void)state;
	for (i = ACR_SELF; i <= ACR_HARDWARE_PIN; i++) {
		assert_int_equal(acr_parse(acr_name((enum acr)i), &acr), TSR_OK);
		assert_int_equal(acr, i);
	}
	assert_int_equal(acr_parse("Hardware", &acr), TSR_INVALID);
	assert_int_equal(acr, ACR_HARDWARE_PIN);
	assert_string_equal(acr_name((enum acr)99), "unknown");
}

/* Our own allocations; libconfuse is a shared library and keeps its own. */
static long allocations_left = -1;	/* -1: as many as are asked for */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at);

static int
out_of_memory(void)
{
	if (allocations_left == 0) {
		errno = ENOMEM;
		return 1;
	}
	if (allocations_left > 0)
		allocations_left--;
	return 0;
}

void *
__wrap_malloc(size_t n)
{
	return out_of_memory() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return out_of_memory() ? NULL : __real_calloc(n, size);
}

char *
__wrap_strdup(const char *s)
{
	return out_of_memory() ? NULL : __real_strdup(s);
}

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
	return out_of_memory() ? MAP_FAILED : __real_mmap(p, n, prot, flags, fd, at);
}

static void
test_memory(void **state)
{
	static const char text[] = ISSUER
	    "pkcs11-module m { path = \"/nowhere/m\" environment = {\"A=1\", \"B=2\"} }\n"
	    "audience a { scopes = {r, w} verifiers { users = {www} } }\n"
	    "login-helper h { user = root unit = h.service }\n";
	struct config *c = NULL;
	char err[256];
	long n;
	int r;

	(void)state;
	config_rig_write_text("t.conf", text);
	for (n = 0, r = TSR_NOMEM; r != TSR_OK; n++) {
		assert_true(n < 1000);
		err[0] = '\0';
		allocations_left = n;
		r = config_load(config_rig_conf, CONFIG_SYSTEM, &c, err, sizeof(err));
		allocations_left = -1;
		if (r != TSR_OK) {
			assert_int_equal(r, TSR_NOMEM);
			assert_null(c);
			assert_non_null(strstr(err, "t.conf: "));
		}
	}
	assert_true(n > 30);
	assert_int_equal(c->n_audiences, 1);
	config_free(&c);
}

static void
test_describe(void **state)
{
	static const char text[] = ISSUER
	    "pkcs11-module m { path = \"/nowhere/m\" init-args = 'x=\"\\\\' }\n"
	    "audience a { scopes = {r, w} any-user = true verifiers { users = {www} } }\n"
	    "login-helper h { user = root unit = h.service }\n";
	struct config *c = NULL;
	json_t *j, *a;
	struct buf b;
	char err[256];
	size_t max;

	(void)state;
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_OK);
	buf_init(&b, 65536);
	assert_int_equal(config_describe(c, &b), TSR_OK);
	assert_non_null(j = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL));
	assert_string_equal(json_string_value(json_object_get(j, "issuer")), c->issuer);
	assert_string_equal(json_string_value(json_object_get(j, "file")), config_rig_conf);
	assert_true(json_is_null(json_object_get(j, "store-key")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "signing"), "rotate")), 2592000);
	assert_string_equal(json_string_value(json_object_get(json_object_get(j, "signing"), "key")), "sealed");
	a = json_object_get(json_object_get(j, "pkcs11-module"), "m");
	assert_string_equal(json_string_value(json_object_get(a, "init-args")), "x=\"\\");
	assert_string_equal(json_string_value(json_object_get(a, "acr")), "hardware-pin");
	a = json_object_get(json_object_get(j, "audience"), "a");
	assert_int_equal(json_array_size(json_object_get(a, "scopes")), 2);
	assert_true(json_is_true(json_object_get(a, "any-user")));
	assert_true(json_is_false(json_object_get(a, "refresh")));
	assert_string_equal(json_string_value(json_object_get(a, "reuse")), "audience");
	assert_int_equal(json_array_size(json_object_get(json_object_get(a, "verifiers"), "users")), 1);
	a = json_object_get(json_object_get(j, "login-helper"), "h");
	assert_string_equal(json_string_value(json_object_get(a, "unit")), "h.service");
	json_decref(j);
	max = b.len;
	buf_free(&b);
	buf_init(&b, max - 1);
	assert_int_equal(config_describe(c, &b), TSR_TOO_LARGE);
	buf_free(&b);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_user_mode),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_dollar),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_acr),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_describe),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "needs root: owners and modes are tested\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
