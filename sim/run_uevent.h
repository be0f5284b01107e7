/*
 * run_uevent.h - events as udevd multicasts them to libudev's monitors.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_UEVENT_H
#define SIM_RUN_UEVENT_H

#define RUN_MAJOR	240		/* of the virtual hidraw devices */

/* The socket to send them by.  TSR_SYSTEM with errno. */
int run_uevent_open(int *out);

/* "add" or "remove" of /dev/hidrawMINOR, which is at syspath ("/sys/...").
 * TSR_TOO_LARGE, TSR_SYSTEM with errno; nobody to listen is no error. */
int run_uevent_send(int fd, const char *action, const char *syspath, int minor);

#endif
