/*
 * pcscd_conf.c - the readers of an isolated pcscd.  See pcscd_conf.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/pcscd_conf.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "sim/file.h"
#include "tessera.h"

#define DRIVER_MAX	(1u << 20)	/* bytes of the driver */
#define CONF_MAX	4096		/* bytes of a file of the configuration */
#define PORT_FIRST	20000		/* below what the kernel gives to clients */
#define PORT_COUNT	12000
#define PORT_TRIES	1000
#define FIELD_LOCAL	1		/* of a line of /proc/net/tcp */
#define FIELD_STATE	3
#define FIELD_INODE	9
#define STATE_LISTEN	0x0a

/* Both slots of a reader can be bound now. */
static int
conf_port_free(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int i, fd, one = 1, ok = 1;

	for (i = 0; i < 2 && ok; i++) {
		if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
			return 0;
		/* as the driver does it: remains of old connections do not matter */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		sin.sin_port = htons((uint16_t)(port + i));
		ok = bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 && listen(fd, 0) == 0;
		(void)close(fd);
	}
	return ok;
}

static int
conf_port_taken(const uint16_t *port, unsigned n, uint16_t wanted)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (port[i] == wanted)
			return 1;
	return 0;
}

static int
conf_port_new(const uint16_t *port, unsigned n, uint16_t *out)
{
	uint16_t draw, wanted;
	int i;

	for (i = 0; i < PORT_TRIES; i++) {
		if (getrandom(&draw, sizeof(draw), 0) != (ssize_t)sizeof(draw))
			return TSR_SYSTEM;
		wanted = (uint16_t)(PORT_FIRST + draw % PORT_COUNT / 2 * 2);
		if (!conf_port_taken(port, n, wanted) && conf_port_free(wanted)) {
			*out = wanted;
			return TSR_OK;
		}
	}
	errno = EADDRINUSE;
	return TSR_SYSTEM;
}

/* The ports of an earlier run: a card that is plugged in finds them again. */
static void
conf_ports_before(int dirfd, uint16_t port[PCSCD_READERS_MAX])
{
	struct buf b;
	char *p, *end;
	unsigned i;
	long n;

	memset(port, 0, PCSCD_READERS_MAX * sizeof(port[0]));
	buf_init(&b, CONF_MAX);
	if (file_read(dirfd, "readers", &b) == TSR_OK && buf_put_u8(&b, '\0') == TSR_OK) {
		p = (char *)b.data;
		for (i = 0; i < PCSCD_READERS_MAX; i++, p = end) {
			n = strtol(p, &end, 10);
			if (end == p || n < PORT_FIRST || n >= PORT_FIRST + PORT_COUNT)
				break;
			port[i] = (uint16_t)n;
		}
	}
	buf_free(&b);
}

static int
conf_reader(const struct pcscd_setup *s, int dirfd, unsigned i, uint16_t port, const struct buf *driver)
{
	char name[32];
	struct buf b;
	int r;

	/* a copy each: with one library for all, clients hang */
	(void)snprintf(name, sizeof(name), "driver-%u.so", i);
	if ((r = file_replace(dirfd, name, driver->data, driver->len)) != TSR_OK)
		return r;
	buf_init(&b, CONF_MAX);
	if ((r = buf_printf(&b, "FRIENDLYNAME \"Tessera %u\"\nDEVICENAME /dev/null:%u\n"
	    "LIBPATH %s/%s\nCHANNELID %u\n", i, port, s->folder, name, port)) == TSR_OK) {
		(void)snprintf(name, sizeof(name), "reader-%u", i);
		/* apart from ours: pcscd reads whatever lies in conf/ */
		r = mkdirat(dirfd, "conf", 0755) == -1 && errno != EEXIST ? TSR_SYSTEM : TSR_OK;
	}
	if (r == TSR_OK)
		r = file_replace(dirfd, name, b.data, b.len);
	if (r == TSR_OK) {
		char target[64];

		(void)snprintf(target, sizeof(target), "conf/%s", name);
		r = renameat(dirfd, name, dirfd, target) == -1 ? TSR_SYSTEM : TSR_OK;
	}
	buf_free(&b);
	return r;
}

/* What an earlier run with more readers left. */
static void
conf_forget(int dirfd, unsigned from)
{
	char name[32];
	unsigned i;

	for (i = from; i < PCSCD_READERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "conf/reader-%u", i);
		(void)unlinkat(dirfd, name, 0);
	}
}

int
pcscd_conf_write(const struct pcscd_setup *s, int dirfd, uint16_t port[PCSCD_READERS_MAX])
{
	struct buf driver, list;
	unsigned i;
	int r;

	buf_init(&driver, DRIVER_MAX);
	buf_init(&list, CONF_MAX);
	conf_ports_before(dirfd, port);
	conf_forget(dirfd, s->readers);
	if ((r = file_read(AT_FDCWD, s->driver, &driver)) != TSR_OK)
		goto out;
	for (i = 0; i < s->readers && r == TSR_OK; i++) {
		if ((port[i] == 0 || !conf_port_free(port[i])) &&
		    (r = conf_port_new(port, i, &port[i])) != TSR_OK)
			break;
		if ((r = conf_reader(s, dirfd, i, port[i], &driver)) == TSR_OK)
			r = buf_printf(&list, "%u\n", port[i]);
	}
	if (r == TSR_OK)
		r = file_replace(dirfd, "readers", list.data, list.len);
 out:
	buf_free(&driver);
	buf_free(&list);
	return r;
}

/* The inode in a line of /proc/net/tcp (proc_net(5)) where that is a socket
 * that listens on the port, else 0. */
static unsigned long
conf_line(char *line, uint16_t port)
{
	char *word, *save = NULL, *local = NULL;
	unsigned long state = 0, inode = 0;
	int i;

	word = strtok_r(line, " ", &save);
	for (i = 0; word != NULL && i <= FIELD_INODE; i++) {
		if (i == FIELD_LOCAL)
			local = strchr(word, ':');
		else if (i == FIELD_STATE)
			state = strtoul(word, NULL, 16);
		else if (i == FIELD_INODE)
			inode = strtoul(word, NULL, 10);
		word = strtok_r(NULL, " ", &save);
	}
	return state == STATE_LISTEN && local != NULL && strtoul(local + 1, NULL, 16) == port ? inode : 0;
}

/* The inode of the socket that listens on a port, or 0. */
static unsigned long
conf_listener(uint16_t port)
{
	unsigned long inode = 0;
	char line[512];
	FILE *f;

	if ((f = fopen("/proc/net/tcp", "re")) == NULL)
		return 0;
	while (inode == 0 && fgets(line, sizeof(line), f) != NULL)
		inode = conf_line(line, port);
	(void)fclose(f);
	return inode;
}

/* Whether the process holds that socket. */
static int
conf_holds(pid_t pid, unsigned long inode)
{
	char path[64], due[64], link[64];
	const struct dirent *e;
	ssize_t n;
	int found = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
	(void)snprintf(due, sizeof(due), "socket:[%lu]", inode);
	if ((d = opendir(path)) == NULL)
		return 0;
	while (!found && (e = readdir(d)) != NULL) {
		n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		found = strcmp(link, due) == 0;
	}
	(void)closedir(d);
	return found;
}

int
pcscd_conf_listens(pid_t pid, uint16_t port)
{
	unsigned long inode;
	int i;

	for (i = 0; i < 2; i++)
		if ((inode = conf_listener((uint16_t)(port + i))) == 0 || !conf_holds(pid, inode))
			return 0;
	return 1;
}
