/*
 * run_ioctl.h - the two questions that libfido2 asks of a hidraw device and a
 * pty cannot answer, HIDIOCGRDESCSIZE and HIDIOCGRDESC: answered in place of
 * the kernel through a seccomp filter (seccomp_unotify(2)).
 *
 * Nothing is preloaded: the program is unmodified and may set up filters of
 * its own, but none with a listener.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_IOCTL_H
#define SIM_RUN_IOCTL_H

#include "sim/run_device.h"

/* Filter this thread and all that it starts.  *out is the listener, for
 * another process to serve: until it does, the two ioctls wait.  TSR_SYSTEM
 * with errno. */
int run_ioctl_filter(int *out);

/* Answer one question, for one of the n devices; all others go to the kernel. */
void run_ioctl_serve(int listener, const struct run_device *device, size_t n);

#endif
