/*
 * vpcd.h - the card's side of a virtual reader (vsmartcard's driver vpcd):
 * TCP, each message a length of two bytes and a body; a body of one byte is
 * the reader's own command, any other an APDU.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_VPCD_H
#define SIM_VPCD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define VPCD_MESSAGE_MAX	65535	/* bytes of a body */

enum vpcd_control { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_ATR = 4 };

struct vpcd {
	int fd;			/* -1: not connected */
	int claim;		/* says that the reader is taken; -1 */
	struct buf in;
};

void vpcd_init(struct vpcd *v);

/* Plug into the reader at that port of this host.  TSR_DEVICE_BUSY where another
 * card of ours is in it: the driver would let go of that one.  TSR_UNREACHABLE with
 * errno. */
int vpcd_connect(struct vpcd *v, uint16_t port);

/* Unplug; harmless twice. */
void vpcd_close(struct vpcd *v);

/* The next message into body, which is emptied first; never blocks.  TSR_AGAIN
 * where it is not whole yet, TSR_CLOSED, TSR_NOMEM. */
int vpcd_receive(struct vpcd *v, struct buf *body);

/* TSR_CLOSED; TSR_TOO_LARGE beyond VPCD_MESSAGE_MAX. */
int vpcd_send(struct vpcd *v, const void *body, size_t n);

#endif
