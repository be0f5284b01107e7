/*
 * card_device.h - a running virtual card: in a reader or in the hand, steered
 * by its control socket.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CARD_DEVICE_H
#define SIM_CARD_DEVICE_H

#include <stdint.h>

#include "sim/card.h"
#include "sim/card_fault.h"
#include "sim/card_trace.h"
#include "sim/control.h"
#include "sim/vpcd.h"

#define DEVICE_DELAY_MAX	600000		/* milliseconds */
#define DEVICE_TIMES_MAX	1000000000L	/* of a fault */

/* Where the reader is. */
struct device_reader {
	const char *pcscd;	/* folder of the pcscd, or NULL */
	unsigned number;	/* of its reader */
	uint16_t port;		/* where pcscd is NULL */
};

struct device {
	struct card *card;
	struct device_reader reader;
	struct vpcd vpcd;
	struct control *control;
	struct trace trace;
	struct faults faults;
	int inserted;		/* in the reader, even where that is away */
	int pulls, pull_ins;	/* 1: pulled by the next such command */
	int mute, quit;
	long delay_ms;
	struct buf request, answer;
	int held;		/* answer waits */
	uint64_t due_ms;	/* for this moment */
};

/* card and control become the device's; freed by device_free. */
void device_init(struct device *d, struct card *card, const struct device_reader *reader);
void device_free(struct device *d);

/* Into the reader.  TSR_UNREACHABLE; TSR_NOT_FOUND where pcscd has no such
 * reader.  A reader that goes away later is looked for until it is back. */
int device_insert(struct device *d);
void device_pull(struct device *d);

/* Serve until told to quit or stop_fd can be read.  TSR_SYSTEM. */
int device_run(struct device *d, int stop_fd);

/* A control_fn; arg is the device. */
int device_command(void *arg, int n, char **word, uint64_t ticket, struct buf *answer);

#endif
