/*
 * test_config_ssh.c - the section ssh of a configuration.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/base/config_rig.h"

#include <stdio.h>
#include <string.h>

#include "tessera.h"

#include "base/buf.h"
#include "base/config_known.h"

#define AUD	ISSUER "audience \"ssh\" { scopes = {\"login\"} }\n"
#define SSH(body)	AUD "ssh { audience = \"ssh\" " body " }\n"
#define N(list)	(sizeof(list) / sizeof((list)[0]))

static void
load(const char *text, struct config **c)
{
	char err[512];
	int r;

	*c = NULL;
	r = config_rig_load(text, CONFIG_SYSTEM, c, err, sizeof(err));
	if (r != TSR_OK)
		fail_msg("%s", err);
}

static void
test_absent(void **state)
{
	struct config *c;
	struct buf b;

	(void)state;
	load(AUD, &c);
	assert_false(c->ssh.there);
	assert_int_equal(c->ssh.principals.n + c->ssh.namespaces.n + c->ssh.extensions.n, 0);
	buf_init(&b, 65536);
	assert_int_equal(config_describe(c, &b), TSR_OK);
	assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
	assert_non_null(strstr((const char *)b.data, "\"ssh\":null,"));
	buf_free(&b);
	config_free(&c);
}

static void
test_defaults(void **state)
{
	struct config *c;

	(void)state;
	load(SSH(""), &c);
	assert_true(c->ssh.there);
	assert_string_equal(c->ssh.audience, "ssh");
	assert_int_equal(c->ssh.principals.n, 1);
	assert_string_equal(c->ssh.principals.v[0], "%u");
	assert_int_equal(c->ssh.extensions.n, 3);
	assert_string_equal(c->ssh.extensions.v[1], "permit-port-forwarding");
	assert_int_equal(c->ssh.namespaces.n, 2);
	assert_string_equal(c->ssh.namespaces.v[0], "file");
	assert_int_equal(c->ssh.source_address.n, 0);
	assert_null(c->ssh.force_command);
	assert_false(c->ssh.forwarding || c->ssh.unbound);
	assert_int_equal(c->ssh.n_extra, 0);
	config_free(&c);
	load(SSH("extensions = {\"none\"}"), &c);
	assert_int_equal(c->ssh.extensions.n, 0);
	config_free(&c);
}

static unsigned told;
static char sentence[512];

static void
tell(void *arg, const char *text)
{
	(void)arg;
	told++;
	(void)snprintf(sentence, sizeof(sentence), "%s", text);
}

static void
test_whole(void **state)
{
	static const char shown[] = "\"ssh\":{\"audience\":\"ssh\",\"principals\":[\"%u\",\"staff-%u\"],"
	    "\"extensions\":[\"permit-pty\"],\"force-command\":\"/bin/a \\\"b\\\"\","
	    "\"source-address\":[\"10.0.0.0/8\",\"2001:db8::/32\",\"192.0.2.1\"],\"forwarding\":true,"
	    "\"unbound\":true,\"namespaces\":[\"file\"],\"principal\":{\"deploy\":{\"users\":[\"root\","
	    "\"nobody-such\"],\"groups\":[],\"any-user\":false},\"all\":{\"users\":[],\"groups\":[],"
	    "\"any-user\":true}}}";
	struct config *c;
	struct buf b;

	(void)state;
	load(SSH("principals = {\"%u\", \"staff-%u\"} extensions = {\"permit-pty\"}\n"
	    "force-command = \"/bin/a \\\"b\\\"\" forwarding = true unbound = yes namespaces = {\"file\"}\n"
	    "principal \"deploy\" { users = {\"root\", \"nobody-such\"} }")
	    "ssh { source-address = {\"10.0.0.0/8\", \"2001:db8::/32\", \"192.0.2.1\"}\n"
	    "principal \"all\" { any-user = true } }\n", &c);
	assert_int_equal(c->ssh.n_extra, 2);
	assert_string_equal(c->ssh.extra[0].who.users.v[0], "root");
	assert_true(c->ssh.extra[1].who.any_user);
	buf_init(&b, 65536);
	assert_int_equal(config_describe(c, &b), TSR_OK);
	assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
	if (strstr((const char *)b.data, shown) == NULL)
		fail_msg("%s", (const char *)b.data);
	buf_free(&b);
	told = 0;
	(void)config_known(c, CONFIG_USER, tell, NULL);
	assert_int_equal(told, 1);
	assert_string_equal(sentence,
	    "ssh: principal \"deploy\": there is no user \"nobody-such\" on this machine");
	config_free(&c);
}

static const struct row {
	const char *name, *text, *expect;
} refused[] = {
	{ "nothing in it", AUD "\nssh { }", ":4: ssh: audience is missing: add audience = \"ssh\"" },
	{ "no audience", AUD "ssh { forwarding = true }", ":3: ssh: audience is missing" },
	{ "an audience that is not there", AUD "ssh {\naudience = \"shell\" }", ":4: ssh: audience = \"shell\": there is no such audience: add it" },
	{ "an audience of class login", AUD "audience l { class = login scopes = {a} }\nssh { audience = l }", ":4: ssh: audience = \"l\": it is not of class interactive" },
	{ "an audience of class service", AUD "audience l { class = service scopes = {a} }\nssh { audience = l }", ":4: ssh: audience = \"l\": it is not of class interactive" },
	{ "unknown key", SSH("principle = {\"a\"}"), ":3: unknown key \"principle\"" },
	{ "principal outside", AUD "principal \"a\" { any-user = true }", ":3: unknown key \"principal\"" },
	{ "principal with a comma", SSH("principals = {\"a,b\"}"), ":3: ssh: principals = \"a,b\" is not accepted: write 1 to 255 bytes" },
	{ "principal with a blank before", SSH("principals = {\" a\"}"), "principals = \" a\"" },
	{ "principal with a blank behind", SSH("principals = {\"a \"}"), "principals = \"a \"" },
	{ "empty principal", SSH("principals = {\"\"}"), "principals = \"\"" },
	{ "principal with a % alone", SSH("principals = {\"50%\"}"), "principals = \"50%\"" },
	{ "principal with another %", SSH("principals = {\"%h\"}"), "principals = \"%h\"" },
	{ "extra principal with a comma", SSH("principal \"a,b\" { any-user = true }"), ":3: ssh: principal \"a,b\" has no good name" },
	{ "extra principal of each user", SSH("principal \"%u\" { any-user = true }"), ":3: ssh: principal \"%u\" has no good name" },
	{ "extra principal of nobody", SSH("principal \"a\" { any-user = false }"), ":3: ssh: principal \"a\": nobody has it: add users" },
	{ "extra principal of a unit", SSH("principal \"a\" { units = {\"a.service\"} }"), ":3: unknown key \"units\"" },
	{ "extra principal of an odd user", SSH("principal \"a\" { users = {\"-a\"} }"), ":3: ssh: principal \"a\": users = \"-a\"" },
	{ "extra principal twice", SSH("principal \"a\" { any-user = true }\nprincipal \"a\" { any-user = true }"), ":4: principal \"a\" is there twice" },
	{ "unknown extension", SSH("extensions = {\"permit-everything\"}"), ":3: ssh: extensions = \"permit-everything\" is not accepted: write permit-X11-forwarding" },
	{ "no extension, and one", SSH("extensions = {\"none\", \"permit-pty\"}"), ":3: ssh: extensions = \"none\": it stands alone" },
	{ "empty command", SSH("force-command = \"\""), "force-command = \"\"" },
	{ "address of a name", SSH("source-address = {\"host\"}"), ":3: ssh: source-address = \"host\" is not accepted: write an address" },
	{ "network with a bit behind", SSH("source-address = {\"10.0.0.1/8\"}"), "source-address = \"10.0.0.1/8\"" },
	{ "IPv6 network with a bit behind", SSH("source-address = {\"2001:db8::1/32\"}"), "source-address = \"2001:db8::1/32\"" },
	{ "prefix beyond", SSH("source-address = {\"10.0.0.0/33\"}"), "source-address = \"10.0.0.0/33\"" },
	{ "IPv6 prefix beyond", SSH("source-address = {\"::/129\"}"), "source-address = \"::/129\"" },
	{ "no prefix", SSH("source-address = {\"10.0.0.0/\"}"), "source-address = \"10.0.0.0/\"" },
	{ "prefix with more", SSH("source-address = {\"10.0.0.0/8x\"}"), "source-address = \"10.0.0.0/8x\"" },
	{ "two addresses in one", SSH("source-address = {\"10.0.0.0/8,::/0\"}"), "source-address = \"10.0.0.0/8,::/0\"" },
	{ "negated address", SSH("source-address = {\"!10.0.0.0/8\"}"), "source-address = \"!10.0.0.0/8\"" },
	{ "empty address", SSH("source-address = {\"\"}"), "source-address = \"\"" },
	{ "empty namespace", SSH("namespaces = {\"\"}"), "namespaces = \"\"" },
	{ "pattern of namespaces", SSH("namespaces = {\"file\", \"*\"}"), ":3: ssh: namespaces = \"*\": a namespace is named whole" },
	{ "odd word for forwarding", SSH("forwarding = often"), ":3: ssh: forwarding = \"often\"" },
};

static void
test_refused(void **state)
{
	struct config *c;
	char err[512], *at;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < N(refused); i++) {
		c = NULL;
		r = config_rig_load(refused[i].text, CONFIG_SYSTEM, &c, err, sizeof(err));
		at = strstr(err, refused[i].expect);
		if (r != TSR_CONFIG || c != NULL || at == NULL ||
		    (refused[i].expect[0] == ':' && at != err + strlen(config_rig_conf)))
			fail_msg("%s: %d \"%s\" (expected \"%s\")", refused[i].name, r, err, refused[i].expect);
	}
}

static void
test_sizes(void **state)
{
	char text[4096], name[300];
	struct config *c;
	char err[512];

	(void)state;
	memset(name, 'a', 256);
	name[255] = '\0';
	(void)snprintf(text, sizeof(text), SSH("principals = {\"%s\"}"), name);
	load(text, &c);
	config_free(&c);
	name[255] = 'a';
	name[256] = '\0';
	(void)snprintf(text, sizeof(text), SSH("principals = {\"%s\"}"), name);
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	(void)snprintf(text, sizeof(text), SSH("namespaces = {\"%s\"}"), name);
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
}

static void
test_many(void **state)
{
	char text[4096], err[512];
	struct config *c = NULL;
	size_t n, i;

	(void)state;
	n = (size_t)snprintf(text, sizeof(text), "%sssh { audience = ssh principals = {", AUD);
	for (i = 0; i < 64; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "p%zu, ", i);
	(void)snprintf(text + n, sizeof(text) - n, "} }\n");
	load(text, &c);
	config_free(&c);
	(void)snprintf(text + n, sizeof(text) - n, "} principal \"x\" { any-user = true } }\n");
	assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_CONFIG);
	assert_non_null(strstr(err, "more than 64 principals"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_whole), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
