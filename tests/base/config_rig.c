/*
 * config_rig.c - see config_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/base/config_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera.h"

char config_rig_folder[64];
char config_rig_conf[128];

void
config_rig_path(char *out, size_t size, const char *name)
{
	assert_true((size_t)snprintf(out, size, "%s/%s", config_rig_folder, name) < size);
}

void
config_rig_write(const char *name, const void *text, size_t n)
{
	char path[128];
	int fd;

	config_rig_path(path, sizeof(path), name);
	(void)unlink(path);
	assert_true((fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644)) >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(close(fd), 0);
}

void
config_rig_write_text(const char *name, const char *text)
{
	config_rig_write(name, text, strlen(text));
}

int
config_rig_load(const char *text, enum config_mode mode, struct config **c, char *err, size_t size)
{
	config_rig_write_text("t.conf", text);
	memset(err, 0, size);
	return config_load(config_rig_conf, mode, c, err, size);
}

int
config_rig_setup(void **state)
{
	(void)state;
	(void)umask(022);
	(void)snprintf(config_rig_folder, sizeof(config_rig_folder), "/run/tessera-config-XXXXXX");
	if (mkdtemp(config_rig_folder) == NULL || chmod(config_rig_folder, 0755) != 0)
		return -1;
	config_rig_path(config_rig_conf, sizeof(config_rig_conf), "t.conf");
	return 0;
}

int
config_rig_teardown(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", config_rig_folder);
	return system(command);	/* NOLINT(cert-env33-c): a path made here */
}

void
config_rig_expect(enum config_mode mode, const char *sentence)
{
	struct config *c = NULL;
	char err[512] = "";
	int r;

	r = config_load(config_rig_conf, mode, &c, err, sizeof(err));
	config_free(&c);
	if (sentence == NULL)
		assert_string_equal(err, "");
	if (r != (sentence == NULL ? TSR_OK : TSR_CONFIG) ||
	    (sentence != NULL && strstr(err, sentence) == NULL))
		fail_msg("%d \"%s\" (expected \"%s\")", r, err,
		    sentence != NULL ? sentence : "none");
}
