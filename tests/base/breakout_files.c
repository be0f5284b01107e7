/*
 * breakout_files.c - ways out through the file system.
 *
 * SPDX-License-Identifier: ISC
 */
#include "breakout.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum jail_verdict
read_shadow(void *arg)
{
	(void)arg;
	return breakout_open("/etc/shadow", O_RDONLY);
}

static enum jail_verdict
read_out(void *arg)
{
	(void)arg;
	return breakout_open(breakout_path("out/file"), O_RDONLY);
}

static enum jail_verdict
list_out(void *arg)
{
	(void)arg;
	return breakout_open(breakout_path("out"), O_RDONLY | O_DIRECTORY);
}

static enum jail_verdict
list_root(void *arg)
{
	(void)arg;
	return breakout_open("/", O_RDONLY | O_DIRECTORY);
}

static enum jail_verdict
create_out(void *arg)
{
	(void)arg;
	return breakout_open(breakout_path("out/new"), O_WRONLY | O_CREAT);
}

static enum jail_verdict
write_ro(void *arg)
{
	(void)arg;
	return breakout_open(breakout_path("ro/file"), O_WRONLY);
}

static enum jail_verdict
create_ro(void *arg)
{
	(void)arg;
	return breakout_open(breakout_path("ro/new"), O_WRONLY | O_CREAT);
}

static enum jail_verdict
create_lib(void *arg)
{
	enum jail_verdict v = breakout_open("/usr/lib/tessera-escape", O_WRONLY | O_CREAT);

	(void)arg;
	unlink("/usr/lib/tessera-escape");
	return v;
}

static enum jail_verdict
delete_out(void *arg)
{
	(void)arg;
	return breakout_verdict(unlink(breakout_path("out/file")));
}

static enum jail_verdict
truncate_out(void *arg)
{
	(void)arg;
	return breakout_verdict(truncate(breakout_path("out/file"), 0));
}

static enum jail_verdict
move_in(void *arg)
{
	(void)arg;
	return breakout_verdict(rename(breakout_path("out/file"), breakout_path("in/taken")));
}

static enum jail_verdict
link_in(void *arg)
{
	(void)arg;
	return breakout_verdict(link(breakout_path("out/file"), breakout_path("in/link")));
}

static enum jail_verdict
symlink_in(void *arg)
{
	(void)arg;
	if (symlink(breakout_path("out/file"), breakout_path("in/symlink")) == -1)
		return JAIL_REFUSED;
	return breakout_open(breakout_path("in/symlink"), O_RDONLY);
}

static enum jail_verdict
make_node(void *arg)
{
	(void)arg;
	return breakout_verdict(mknod(breakout_path("in/node"), S_IFIFO | 0600, 0));
}

static enum jail_verdict
chmod_out(void *arg)
{
	struct stat st;

	(void)arg;
	if (chmod(breakout_path("out/file"), 0666) == -1 || stat(breakout_path("out/file"), &st) == -1)
		return JAIL_REFUSED;
	return (st.st_mode & 0777) == 0666 ? JAIL_DONE : JAIL_REFUSED;
}

static enum jail_verdict
chown_out(void *arg)
{
	(void)arg;
	return breakout_verdict(chown(breakout_path("out/file"), 1, 1));
}

static enum jail_verdict
fchmod_ro(void *arg)
{
	int fd = open(breakout_path("ro/file"), O_RDONLY | O_CLOEXEC);
	struct stat st;

	(void)arg;
	if (fd == -1)
		return JAIL_BROKEN;
	if (fchmod(fd, 04777) == -1 || fstat(fd, &st) == -1)
		return JAIL_REFUSED;
	return (st.st_mode & 07777) == 04777 ? JAIL_DONE : JAIL_REFUSED;
}

static enum jail_verdict
touch_out(void *arg)
{
	(void)arg;
	return breakout_verdict(utimensat(AT_FDCWD, breakout_path("out/file"), NULL, 0));
}

static enum jail_verdict
write_big(void *arg)
{
	static const char byte = 0;
	int fd = open(breakout_path("in/big"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)arg;
	signal(SIGXFSZ, SIG_IGN);
	return fd == -1 ? JAIL_BROKEN : breakout_verdict(pwrite(fd, &byte, 1, 64 * 1024 * 1024));
}

const struct breakout_row breakout_files[] = {
	/* names: uid 1 (daemon), as its rules let it read /etc */
	{ "read /etc/shadow", read_shadow, ALL, 1, 1, 1 },
	{ "read a file outside", read_out, ALL, 1, 1, 0 },
	{ "list a folder outside", list_out, ALL, 1, 1, 0 },
	{ "list /", list_root, ALL, 1, 1, 0 },
	{ "create a file outside", create_out, ALL, 1, 1, 0 },
	{ "write what is to be read", write_ro, ALL, 1, 1, 0 },
	{ "create in a folder to be read", create_ro, ALL, 1, 1, 0 },
	{ "create in /usr/lib", create_lib, ALL, 1, 1, 0 },
	{ "delete a file outside", delete_out, ALL, 1, 1, 0 },
	{ "truncate a file outside", truncate_out, ALL, 1, 0, 0 },
	{ "move a file in", move_in, ALL, 1, 1, 0 },
	{ "hard link into the folder", link_in, ALL, 1, 0, 0 },
	{ "symbolic link into the folder", symlink_in, ALL, 1, 0, 0 },
	{ "make a node", make_node, ALL, 1, 0, 0 },
	{ "chmod a foreign file", chmod_out, ALL, 1, 0, 0 },
	{ "chown a foreign file", chown_out, ALL, 1, 0, 0 },
	{ "fchmod", fchmod_ro, NAMES | KEEPER | MODULE, 1, 0, 0 },
	{ "touch a foreign file", touch_out, ALL, 1, 0, 0 },
	{ "write a big file", write_big, MODULE, 1, 0, 0 },
	{ NULL, NULL, 0, 0, 0, 0 },
};
