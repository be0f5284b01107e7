/*
 * run_device.h - one virtual key as a hidraw device: a raw pty behind
 * /dev/hidrawN, what /sys says of it, and the way between the two.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_DEVICE_H
#define SIM_RUN_DEVICE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sim/ctap.h"

#define RUN_SYSPATH	160		/* characters of a path in /sys */

struct run_bus {			/* what all devices share */
	int uevent;			/* run_uevent_open's */
	int watch;			/* inotify, for opens of the ptys */
	uid_t owner;			/* whose the ptys are; (uid_t)-1: as they come */
	int next_minor;			/* a device plugged in again gets a new one */
};

struct run_device {
	const char *socket;		/* the key's */
	int port;			/* of the virtual hub, from 1 */
	int key, pty;			/* -1: unplugged */
	int watch;			/* of the pty, in bus->watch */
	int minor;
	dev_t rdev, dev;		/* of the pty's node, and of its file system */
	char sys[RUN_SYSPATH];		/* its HID device in /sys */
	bool opened;			/* somebody may have it open */
	size_t unread;			/* bytes that may wait in the pty, at most */
	size_t got;
	uint8_t report[CTAP_REPORT + 1];	/* from a program, with its number */
};

void run_device_init(struct run_device *d, const char *socket, int port);

/* Connect to the key, and let it appear.  TSR_UNREACHABLE where it is not
 * plugged in; TSR_TOO_LARGE; TSR_SYSTEM with errno. */
int run_device_plug(struct run_device *d, struct run_bus *bus);

/* Let it vanish: those who have it open see it hang up. */
void run_device_unplug(struct run_device *d, struct run_bus *bus);

/* The pty was opened, says bus->watch. */
void run_device_opened(struct run_device *d);

/* Fill p[0] and p[1] with what to poll for, unplugged or not; true where it has
 * to be looked at again within some ms.  Then hand the same two over: TSR_OK,
 * or TSR_CLOSED where the key has been unplugged. */
bool run_device_poll(struct run_device *d, struct pollfd p[2]);
int run_device_serve(struct run_device *d, const struct pollfd p[2]);

#endif
