/*
 * test_config_place.c - where a configuration file may lie, whose it must be, and
 * the files beside it.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/base/config_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "tessera.h"

static void
test_place(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char other[128];
	int fd;

	(void)state;
	(void)setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	(void)setenv("XDG_STATE_HOME", "/state", 1);
	(void)unlink(config_rig_conf);
	config_rig_expect(CONFIG_SYSTEM, "t.conf: does not exist: create it");
	config_rig_path(other, sizeof(other), "other");
	config_rig_write_text("other", ISSUER);
	assert_int_equal(symlink(other, config_rig_conf), 0);
	config_rig_expect(CONFIG_SYSTEM, "is a symbolic link");
	config_rig_expect(CONFIG_USER, "is a symbolic link");
	assert_int_equal(unlink(config_rig_conf), 0);
	assert_int_equal(mkfifo(config_rig_conf, 0644), 0);
	config_rig_expect(CONFIG_SYSTEM, "is a FIFO");
	assert_int_equal(unlink(config_rig_conf), 0);
	assert_int_equal(mkdir(config_rig_conf, 0755), 0);
	config_rig_expect(CONFIG_SYSTEM, "is a folder");
	assert_int_equal(rmdir(config_rig_conf), 0);
	if (mknod(config_rig_conf, S_IFCHR | 0644, makedev(1, 3)) == 0) {
		config_rig_expect(CONFIG_SYSTEM, "is a device");
		assert_int_equal(unlink(config_rig_conf), 0);
	}
	assert_true((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0);
	assert_true(strlen(config_rig_conf) < sizeof(sun.sun_path));
	memcpy(sun.sun_path, config_rig_conf, strlen(config_rig_conf) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	config_rig_expect(CONFIG_SYSTEM, "is a socket");
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(config_rig_conf), 0);
}

static void
test_owner(void **state)
{
	(void)state;
	(void)setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	(void)setenv("XDG_STATE_HOME", "/state", 1);
	config_rig_write_text("t.conf", ISSUER);
	config_rig_expect(CONFIG_SYSTEM, NULL);
	config_rig_expect(CONFIG_USER, NULL);
	assert_int_equal(chmod(config_rig_conf, 0664), 0);
	config_rig_expect(CONFIG_SYSTEM, "t.conf: can be written by group or others: chmod go-w");
	assert_int_equal(chmod(config_rig_conf, 0646), 0);
	config_rig_expect(CONFIG_USER, "t.conf: can be written by group or others");
	assert_int_equal(chmod(config_rig_conf, 0644), 0);
	assert_int_equal(chown(config_rig_conf, 1, 0), 0);
	config_rig_expect(CONFIG_SYSTEM, "t.conf: belongs to another user: chown it to root");
	config_rig_expect(CONFIG_USER, "t.conf: belongs to another user: chown it to root or to yourself");
	/* to that user it is his own */
	assert_int_equal(seteuid(1), 0);
	config_rig_expect(CONFIG_USER, NULL);
	config_rig_expect(CONFIG_SYSTEM, "belongs to another user");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(config_rig_conf, 0, 0), 0);
	assert_int_equal(chmod(config_rig_conf, 0600), 0);
	assert_int_equal(seteuid(1), 0);
	config_rig_expect(CONFIG_SYSTEM, "may not be read: chmod a+r");
	assert_int_equal(seteuid(0), 0);
}

/* The complaint names the folder that is at fault. */
static void
expect_folder(enum config_mode mode, const char *where, const char *wrong)
{
	char text[256];

	(void)snprintf(text, sizeof(text), ": the folder %s above it %s", where, wrong);
	config_rig_expect(mode, text);
}

static void
test_folders(void **state)
{
	char inner[128], deep[160], link[128];

	(void)state;
	config_rig_write_text("t.conf", ISSUER);
	assert_int_equal(chmod(config_rig_folder, 0775), 0);
	expect_folder(CONFIG_SYSTEM, config_rig_folder, "can be written by group or others");
	assert_int_equal(chmod(config_rig_folder, 01777), 0);
	expect_folder(CONFIG_SYSTEM, config_rig_folder, "can be written");
	expect_folder(CONFIG_USER, config_rig_folder, "can be written");
	assert_int_equal(chmod(config_rig_folder, 0755), 0);
	assert_int_equal(chown(config_rig_folder, 1, 0), 0);
	expect_folder(CONFIG_SYSTEM, config_rig_folder, "belongs to another user");
	assert_int_equal(chown(config_rig_folder, 0, 0), 0);

	/* two levels above the file, and over symbolic links */
	config_rig_path(inner, sizeof(inner), "in");
	config_rig_path(link, sizeof(link), "link");
	(void)snprintf(deep, sizeof(deep), "%s/deep", inner);
	assert_int_equal(mkdir(inner, 0755), 0);
	assert_int_equal(mkdir(deep, 0755), 0);
	config_rig_write_text("in/deep/t.conf", ISSUER);
	assert_int_equal(symlink("in/deep", link), 0);
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "link/t.conf");
	config_rig_expect(CONFIG_SYSTEM, NULL);
	assert_int_equal(chmod(inner, 0777), 0);
	expect_folder(CONFIG_SYSTEM, inner, "can be written");
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "in/deep/t.conf");
	expect_folder(CONFIG_SYSTEM, inner, "can be written");
	assert_int_equal(chmod(inner, 0755), 0);
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "in/../in//./deep/t.conf");
	config_rig_expect(CONFIG_SYSTEM, NULL);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("link", link), 0);
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "link/t.conf");
	config_rig_expect(CONFIG_SYSTEM, "is a symbolic link");
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "none/t.conf");
	config_rig_expect(CONFIG_SYSTEM, "does not exist");
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "t.conf");
}

static void
test_conf_d(void **state)
{
	char d[128], many[32], link[160];
	int i;
	struct config *c = NULL;
	char err[256];

	(void)state;
	config_rig_path(d, sizeof(d), "conf.d");
	assert_int_equal(mkdir(d, 0755), 0);
	config_rig_write_text("t.conf", ISSUER "limits { connections = 7 }\naudience a { scopes = x }\n");
	config_rig_write_text("conf.d/20.conf", "# none\nrealm = second\nlimits { pending-per-uid = 5 }\naudience b { scopes = x }\n");
	config_rig_write_text("conf.d/10.conf", "audience c { scopes = x }\n");
	config_rig_write_text("conf.d/.hidden.conf", "rubbish");
	config_rig_write_text("conf.d/readme", "rubbish");
	assert_int_equal(config_load(config_rig_conf, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_OK);
	assert_string_equal(c->realm, "second");
	assert_int_equal(c->limits.connections, 7);
	assert_int_equal(c->limits.pending_per_uid, 5);
	assert_int_equal(c->n_audiences, 3);
	assert_string_equal(c->audiences[1].name, "c");
	config_free(&c);

	config_rig_write_text("conf.d/30.conf", "\nrealm = third\n");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf:2: realm is set twice, here and at /run/");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/20.conf:2: remove one");
	config_rig_write_text("conf.d/30.conf", "\nlimits {\nconnections = 8 }\n");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf:3: connections is set twice");
	config_rig_write_text("conf.d/30.conf", "\naudience b {\nscopes = y\n}\n");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf:2: audience \"b\" is there twice, here and at ");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/20.conf:4: remove one or rename it");
	config_rig_write_text("conf.d/30.conf", "\nwhat = 3");
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf:2: unknown key \"what\"");
	config_rig_path(link, sizeof(link), "conf.d/30.conf");
	assert_int_equal(chmod(link, 0666), 0);
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf: can be written by group or others");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("20.conf", link), 0);
	config_rig_expect(CONFIG_SYSTEM, "conf.d/30.conf: is a symbolic link");
	assert_int_equal(unlink(link), 0);
	assert_int_equal(chmod(d, 0777), 0);
	config_rig_expect(CONFIG_SYSTEM, "conf.d: can be written by group or others");
	assert_int_equal(chmod(d, 0755), 0);
	for (i = 0; i < 62; i++) {
		(void)snprintf(many, sizeof(many), "conf.d/m%d.conf", i);
		config_rig_write_text(many, "");
	}
	config_rig_expect(CONFIG_SYSTEM, "more than 63 files beside it in conf.d");
	assert_int_equal(rename(d, strcat(strcpy(link, d), "x")), 0);
	config_rig_write_text("conf.d", "");
	config_rig_expect(CONFIG_SYSTEM, "conf.d: is not a folder");
	assert_int_equal(unlink(d), 0);
	config_rig_expect(CONFIG_SYSTEM, NULL);
}

static void
test_module_file(void **state)
{
	char module[128], text[256];

	(void)state;
	config_rig_path(module, sizeof(module), "m.so");
	config_rig_write_text("m.so", "");
	(void)snprintf(text, sizeof(text), ISSUER "pkcs11-module m { path = \"%s\" }", module);
	config_rig_write_text("t.conf", text);
	config_rig_expect(CONFIG_SYSTEM, NULL);
	assert_int_equal(chmod(module, 0757), 0);
	config_rig_expect(CONFIG_SYSTEM, ":2: pkcs11-module \"m\": path = ");
	config_rig_expect(CONFIG_SYSTEM, "or a folder above it, can be written by group or others");
	config_rig_expect(CONFIG_USER, NULL);
	assert_int_equal(chmod(module, 0755), 0);
	assert_int_equal(chown(module, 1, 1), 0);
	config_rig_expect(CONFIG_SYSTEM, "belongs to another user");
	assert_int_equal(unlink(module), 0);
	config_rig_expect(CONFIG_SYSTEM, NULL);		/* told when it is used */
	assert_int_equal(symlink("/lib/x86_64-linux-gnu", module), 0);
	if (access(module, F_OK) == 0)
		config_rig_expect(CONFIG_SYSTEM, "is not a file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_conf_d),
		cmocka_unit_test(test_module_file),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "needs root: owners and modes are tested\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
