/*
 * ctaphid.h - the framing of CTAP over HID (CTAP 2.1 section 11.2): reports of
 * 64 bytes on one side, whole messages on the other.
 *
 * It opens no descriptor and reads no clock.  Legacy U2F messages are refused.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_CTAPHID_H
#define SIM_CTAPHID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/ctap.h"

#define CTAPHID_RX_MS	500		/* until the rest of a message must be there */

enum ctaphid_command {
	CTAPHID_PING = 0x01,
	CTAPHID_MSG = 0x03,
	CTAPHID_LOCK = 0x04,
	CTAPHID_INIT = 0x06,
	CTAPHID_WINK = 0x08,
	CTAPHID_CBOR = 0x10,
	CTAPHID_CANCEL = 0x11,
	CTAPHID_KEEPALIVE = 0x3b,
	CTAPHID_ERROR = 0x3f
};

enum ctaphid_error {
	CTAPHID_ERR_COMMAND = 0x01,
	CTAPHID_ERR_LENGTH = 0x03,
	CTAPHID_ERR_SEQUENCE = 0x04,
	CTAPHID_ERR_TIMEOUT = 0x05,
	CTAPHID_ERR_BUSY = 0x06,
	CTAPHID_ERR_CHANNEL = 0x0b
};

enum ctaphid_status { CTAPHID_PROCESSING = 1, CTAPHID_UP_NEEDED = 2 };

/* What is done wrong in the next CBOR reply. */
struct ctaphid_twist {
	bool bad_sequence, huge_length, wrong_channel, wrong_command, no_response, short_report;
	bool stop;			/* after its first report */
};

struct ctaphid_ops {
	/* A report to the host; n is 64 but for a twist. */
	void (*report)(void *arg, const uint8_t *p, size_t n);
	/* A message has begun to count: called before anything is done with it. */
	void (*message)(void *arg, uint8_t command);
	/* A CBOR request: answered by ctaphid_reply, at once or later. */
	void (*request)(void *arg, const uint8_t *p, size_t n);
	/* The platform does not want the answer any more: CANCEL, whose answer is
	 * ctaphid_reply all the same, or an INIT on the channel (abandoned),
	 * which nothing answers. */
	void (*cancel)(void *arg, bool abandoned);
	/* Whether the nonce of this INIT is to come back wrong. */
	bool (*bad_nonce)(void *arg);
};

struct ctaphid {
	const struct ctaphid_ops *ops;
	void *arg;
	uint32_t first, next;		/* channels given out: [first, next) */
	uint32_t lock;			/* the channel that has locked, or 0 */
	int64_t lock_until;		/* ms */
	bool receiving, busy;
	uint32_t channel;		/* of the message below */
	uint8_t command, sequence;
	size_t len, got;
	int64_t since;			/* when it began */
	uint8_t data[CTAP_MESSAGE];
	struct ctaphid_twist twist;
};

void ctaphid_init(struct ctaphid *h, const struct ctaphid_ops *ops, void *arg);

/* Plugged in: no channel is known any more. */
void ctaphid_power_up(struct ctaphid *h);

/* A report from the host, without the report number; now in ms. */
void ctaphid_report(struct ctaphid *h, const uint8_t p[CTAP_REPORT], int64_t now);

/* Give up on a message that came too slowly.  How many ms until it has to be
 * called again, or -1. */
int ctaphid_tick(struct ctaphid *h, int64_t now);

/* The answer to the request at hand: nothing where there is none. */
void ctaphid_reply(struct ctaphid *h, const void *p, size_t n);

/* A sign of life while it is being worked on. */
void ctaphid_keepalive(struct ctaphid *h, enum ctaphid_status status);

#endif
