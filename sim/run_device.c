/*
 * run_device.c - one virtual key as a hidraw device.  See run_device.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/run_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "sim/run_tree.h"
#include "sim/run_uevent.h"
#include "tessera.h"

#define VENDOR		"1209"		/* pid.codes */
#define PRODUCT		"5E55"
#define UNREAD_MAX	3500		/* bytes; a pty splits a report beyond 4,095 */
#define NAME		24		/* characters of "hidrawN" and the like */

void
run_device_init(struct run_device *d, const char *socket, int port)
{
	memset(d, 0, sizeof(*d));
	d->socket = socket;
	d->port = port;
	d->key = d->pty = d->watch = -1;
}

static int
run_device_connect(const char *path, int *out)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		return TSR_TOO_LARGE;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return TSR_SYSTEM;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1) {
		(void)close(fd);
		return TSR_UNREACHABLE;
	}
	*out = fd;
	return TSR_OK;
}

/* A raw pty of that owner; its node's path in name. */
static int
run_device_pty(struct run_device *d, const struct run_bus *bus, char *name, size_t size)
{
	struct termios t;
	struct stat st;
	int fd, lock = 0;

	if ((fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) == -1)
		return TSR_SYSTEM;
	if (ioctl(fd, TIOCSPTLCK, &lock) == -1 || ptsname_r(fd, name, size) != 0 ||
	    tcgetattr(fd, &t) == -1)
		goto fail;
	cfmakeraw(&t);
	if (tcsetattr(fd, TCSANOW, &t) == -1 || chmod(name, 0600) == -1 ||
	    (bus->owner != (uid_t)-1 && chown(name, bus->owner, (gid_t)-1) == -1) ||
	    stat(name, &st) == -1 ||
	    (d->watch = inotify_add_watch(bus->watch, name, IN_OPEN)) == -1)
		goto fail;
	d->rdev = st.st_rdev;
	d->dev = st.st_dev;
	d->pty = fd;
	return TSR_OK;
 fail:
	(void)close(fd);
	return TSR_SYSTEM;
}

/* The USB device, its interface and the HID device: d->sys is the last. */
static int
run_device_usb(struct run_device *d)
{
	char usb[64], interface[96];
	int r;

	(void)snprintf(usb, sizeof(usb), "/sys/devices/pci0000:00/usb1/1-%d", d->port);
	(void)snprintf(interface, sizeof(interface), "%s/1-%d:1.0", usb, d->port);
	(void)snprintf(d->sys, sizeof(d->sys), "%s/0003:" VENDOR ":" PRODUCT ".%04X", interface,
	    (unsigned)d->minor + 1);
	if ((r = run_tree_folder(d->sys)) != TSR_OK ||
	    (r = run_tree_file(usb, "uevent", "DEVTYPE=usb_device\nDRIVER=usb\n"
	    "PRODUCT=1209/5e55/100\n")) != TSR_OK ||
	    (r = run_tree_file(usb, "manufacturer", "Tessera\n")) != TSR_OK ||
	    (r = run_tree_file(usb, "product", "Virtual FIDO2 key %d\n", d->port)) != TSR_OK ||
	    (r = run_tree_file(usb, "idVendor", "1209\n")) != TSR_OK ||
	    (r = run_tree_file(usb, "idProduct", "5e55\n")) != TSR_OK ||
	    (r = run_tree_link("/sys/bus/usb", usb, "subsystem")) != TSR_OK ||
	    (r = run_tree_file(interface, "uevent", "DEVTYPE=usb_interface\n"
	    "DRIVER=usbhid\n")) != TSR_OK ||
	    (r = run_tree_link("/sys/bus/usb", interface, "subsystem")) != TSR_OK ||
	    (r = run_tree_link("/sys/bus/hid", d->sys, "subsystem")) != TSR_OK)
		return r;
	return run_tree_file(d->sys, "uevent", "DRIVER=hid-generic\n"
	    "HID_ID=0003:0000" VENDOR ":0000" PRODUCT "\nHID_NAME=Tessera Virtual FIDO2 key %d\n"
	    "HID_PHYS=usb-%d/input0\nHID_UNIQ=\n", d->port, d->port);
}

/* The hidraw device under it, and the ways that lead there. */
static int
run_device_hidraw(const struct run_device *d, const char *pty)
{
	char path[RUN_SYSPATH + 64], name[NAME], number[NAME];
	int r;

	(void)snprintf(name, sizeof(name), "hidraw%d", d->minor);
	(void)snprintf(number, sizeof(number), "%d:%d", RUN_MAJOR, d->minor);
	(void)snprintf(path, sizeof(path), "%s/hidraw/%s", d->sys, name);
	if ((r = run_tree_folder(path)) != TSR_OK ||
	    (r = run_tree_file(path, "uevent", "MAJOR=%d\nMINOR=%d\nDEVNAME=%s\n", RUN_MAJOR,
	    d->minor, name)) != TSR_OK ||
	    (r = run_tree_file(path, "dev", "%s\n", number)) != TSR_OK ||
	    (r = run_tree_link("/sys/class/hidraw", path, "subsystem")) != TSR_OK ||
	    (r = run_tree_link(path, "/sys/class/hidraw", name)) != TSR_OK ||
	    (r = run_tree_link(path, "/sys/dev/char", number)) != TSR_OK)
		return r;
	return run_tree_link(pty, "/dev", name);
}

int
run_device_plug(struct run_device *d, struct run_bus *bus)
{
	char pty[64];
	int key, r, e;

	if ((r = run_device_connect(d->socket, &key)) != TSR_OK)
		return r;
	d->key = key;
	d->minor = bus->next_minor++;
	d->got = d->unread = 0;
	d->opened = false;
	if ((r = run_device_pty(d, bus, pty, sizeof(pty))) != TSR_OK ||
	    (r = run_device_usb(d)) != TSR_OK || (r = run_device_hidraw(d, pty)) != TSR_OK ||
	    (r = run_uevent_send(bus->uevent, "add", d->sys, d->minor)) != TSR_OK) {
		e = errno;
		run_device_unplug(d, bus);
		errno = e;
	}
	return r;
}

void
run_device_unplug(struct run_device *d, struct run_bus *bus)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/dev/hidraw%d", d->minor);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "/sys/class/hidraw/hidraw%d", d->minor);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "/sys/dev/char/%d:%d", RUN_MAJOR, d->minor);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "/sys/devices/pci0000:00/usb1/1-%d", d->port);
	(void)run_tree_remove(path);
	if (d->watch != -1)
		(void)inotify_rm_watch(bus->watch, d->watch);
	if (d->pty != -1)
		(void)close(d->pty);		/* hangs up: EIO and POLLHUP */
	(void)close(d->key);
	d->key = d->pty = d->watch = -1;
	(void)run_uevent_send(bus->uevent, "remove", d->sys, d->minor);
}

void
run_device_opened(struct run_device *d)
{
	d->opened = true;
}

/* Whether more reports can go into the pty without being split.  Its other end
 * does not know of what is still on the way to it, but a poll that finds
 * nothing there waits for that first: empty is the one thing that is certain. */
static bool
run_device_room(struct run_device *d)
{
	struct pollfd p = { .events = POLLIN };

	if (d->unread < UNREAD_MAX)
		return true;
	if ((p.fd = ioctl(d->pty, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		return false;
	if (poll(&p, 1, 0) == 0)
		d->unread = 0;
	(void)close(p.fd);
	return d->unread == 0;
}

bool
run_device_poll(struct run_device *d, struct pollfd p[2])
{
	bool room = d->key == -1 || !d->opened || run_device_room(d);

	/* A pty that nobody has open is always ready to say so. */
	p[0] = (struct pollfd){ .fd = room ? d->key : -1, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = d->opened ? d->pty : -1, .events = POLLIN };
	return !room;
}

/* From a program: 65 bytes are a report with its number, 0. */
static int
run_device_out(struct run_device *d)
{
	ssize_t n;

	if ((n = read(d->pty, d->report + d->got, sizeof(d->report) - d->got)) <= 0) {
		if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
			d->opened = false;	/* EIO: the last who had it open has closed it */
			d->got = d->unread = 0;
		}
		return TSR_OK;
	}
	if ((d->got += (size_t)n) < sizeof(d->report))
		return TSR_OK;
	d->got = 0;
	if (send(d->key, d->report + 1, CTAP_REPORT, MSG_NOSIGNAL) == -1 && errno != EAGAIN)
		return TSR_CLOSED;
	return TSR_OK;
}

/* From the key: to whoever has it open, else to nobody. */
static int
run_device_in(struct run_device *d)
{
	struct pollfd hup = { .fd = d->pty };
	uint8_t report[CTAP_REPORT];
	ssize_t n;

	if ((n = recv(d->key, report, sizeof(report), 0)) <= 0)
		return n == -1 && (errno == EAGAIN || errno == EINTR) ? TSR_OK : TSR_CLOSED;
	if (poll(&hup, 1, 0) == 1 && (hup.revents & POLLHUP) != 0)
		return TSR_OK;
	d->opened = true;
	if (write(d->pty, report, (size_t)n) == n)
		d->unread += (size_t)n;
	return TSR_OK;
}

int
run_device_serve(struct run_device *d, const struct pollfd p[2])
{
	int r = TSR_OK;

	if (p[1].revents != 0 && p[1].fd == d->pty)
		r = run_device_out(d);
	if (r == TSR_OK && p[0].revents != 0 && p[0].fd == d->key)
		r = run_device_in(d);
	return r;
}
