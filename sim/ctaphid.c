/*
 * ctaphid.c - the framing of CTAP over HID.  See ctaphid.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/ctaphid.h"

#include <string.h>

#include <sodium.h>

#define BROADCAST	0xffffffffu
#define FIRST_DATA	(CTAP_REPORT - 7)	/* bytes in an initialization packet */
#define MORE_DATA	(CTAP_REPORT - 5)	/* in a continuation packet */
#define NONCE		8
#define LOCK_MAX	10			/* seconds */
#define CAP_WINK	0x01
#define CAP_CBOR	0x04
#define CAP_NMSG	0x08			/* no U2F */
#define HUGE_LENGTH	0xffff			/* that the twist claims */
#define WRONG_SEQUENCE	3			/* by which its numbers are off */

void
ctaphid_init(struct ctaphid *h, const struct ctaphid_ops *ops, void *arg)
{
	memset(h, 0, sizeof(*h));
	h->ops = ops;
	h->arg = arg;
	ctaphid_power_up(h);
}

void
ctaphid_power_up(struct ctaphid *h)
{
	/* not the ones of before: whoever still holds one shall be told */
	h->first = h->next = 0x01000000u + randombytes_uniform(0x70000000u);
	h->lock = 0;
	h->receiving = h->busy = false;
	memset(&h->twist, 0, sizeof(h->twist));
}

static void
ctaphid_put_u32(uint8_t p[4], uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Cut a message into reports, by the twist. */
static void
ctaphid_send(struct ctaphid *h, uint32_t channel, uint8_t command, const uint8_t *p, size_t n,
    const struct ctaphid_twist *twist)
{
	uint8_t report[CTAP_REPORT];
	size_t at, part, claim;
	uint8_t sequence = 0;

	claim = twist->huge_length ? HUGE_LENGTH : n;
	memset(report, 0, sizeof(report));
	ctaphid_put_u32(report, channel);
	report[4] = (uint8_t)(command | 0x80);
	report[5] = (uint8_t)(claim >> 8);
	report[6] = (uint8_t)claim;
	at = n < FIRST_DATA ? n : FIRST_DATA;
	if (at > 0)
		memcpy(report + 7, p, at);
	h->ops->report(h->arg, report, twist->short_report ? 17 : sizeof(report));
	for (; at < n && !twist->stop; at += part) {
		memset(report, 0, sizeof(report));
		ctaphid_put_u32(report, channel);
		report[4] = (uint8_t)(sequence + (twist->bad_sequence ? WRONG_SEQUENCE : 0));
		sequence++;
		part = n - at < MORE_DATA ? n - at : MORE_DATA;
		memcpy(report + 5, p + at, part);
		h->ops->report(h->arg, report, sizeof(report));
	}
}

static void
ctaphid_say(struct ctaphid *h, uint32_t channel, uint8_t command, const uint8_t *p, size_t n)
{
	static const struct ctaphid_twist straight;

	ctaphid_send(h, channel, command, p, n, &straight);
}

static void
ctaphid_fail(struct ctaphid *h, uint32_t channel, enum ctaphid_error error)
{
	const uint8_t code = (uint8_t)error;

	ctaphid_say(h, channel, CTAPHID_ERROR, &code, 1);
}

void
ctaphid_reply(struct ctaphid *h, const void *p, size_t n)
{
	struct ctaphid_twist twist = h->twist;
	uint32_t channel = h->channel;
	uint8_t command = CTAPHID_CBOR;

	memset(&h->twist, 0, sizeof(h->twist));
	if (!h->busy)
		return;
	h->busy = false;
	if (twist.no_response)
		return;
	if (twist.wrong_channel)
		channel ^= 0x5a;
	if (twist.wrong_command)
		command = CTAPHID_PING;
	ctaphid_send(h, channel, command, p, n, &twist);
}

void
ctaphid_keepalive(struct ctaphid *h, enum ctaphid_status status)
{
	const uint8_t code = (uint8_t)status;

	if (h->busy)
		ctaphid_say(h, h->channel, CTAPHID_KEEPALIVE, &code, 1);
}

/* Hand out a channel, or bring one back to order (11.2.9.1.3). */
static void
ctaphid_hello(struct ctaphid *h, uint32_t channel, const uint8_t nonce[NONCE])
{
	uint8_t reply[NONCE + 9];
	uint32_t given = channel;

	if (channel == BROADCAST)
		given = h->next++;
	else if (h->channel == channel) {
		h->receiving = false;
		if (h->busy) {
			h->busy = false;
			h->ops->cancel(h->arg, true);
		}
	}
	memcpy(reply, nonce, NONCE);
	if (h->ops->bad_nonce(h->arg))
		reply[0] ^= 1;
	ctaphid_put_u32(reply + NONCE, given);
	reply[NONCE + 4] = 2;				/* protocol version */
	reply[NONCE + 5] = 1;				/* device version 1.0.0 */
	reply[NONCE + 6] = 0;
	reply[NONCE + 7] = 0;
	reply[NONCE + 8] = CAP_WINK | CAP_CBOR | CAP_NMSG;
	ctaphid_say(h, channel, CTAPHID_INIT, reply, sizeof(reply));
}

static void
ctaphid_lock(struct ctaphid *h, int64_t now)
{
	if (h->len != 1 || h->data[0] > LOCK_MAX) {
		ctaphid_fail(h, h->channel, CTAPHID_ERR_LENGTH);
		return;
	}
	h->lock = h->data[0] == 0 ? 0 : h->channel;
	h->lock_until = now + 1000 * (int64_t)h->data[0];
	ctaphid_say(h, h->channel, CTAPHID_LOCK, NULL, 0);
}

/* A message is whole. */
static void
ctaphid_message(struct ctaphid *h, int64_t now)
{
	h->ops->message(h->arg, h->command);
	switch (h->command) {
	case CTAPHID_PING:
		ctaphid_say(h, h->channel, CTAPHID_PING, h->data, h->len);
		break;
	case CTAPHID_WINK:
		if (h->len == 0)
			ctaphid_say(h, h->channel, CTAPHID_WINK, NULL, 0);
		else
			ctaphid_fail(h, h->channel, CTAPHID_ERR_LENGTH);
		break;
	case CTAPHID_LOCK:
		ctaphid_lock(h, now);
		break;
	case CTAPHID_CBOR:
		if (h->len == 0) {
			ctaphid_fail(h, h->channel, CTAPHID_ERR_LENGTH);
			break;
		}
		h->busy = true;
		h->ops->request(h->arg, h->data, h->len);
		break;
	default:				/* MSG among them: no U2F */
		ctaphid_fail(h, h->channel, CTAPHID_ERR_COMMAND);
	}
}

/* Whether that channel may begin a message now; else it has been told. */
static bool
ctaphid_may_begin(struct ctaphid *h, uint32_t channel, size_t len, int64_t now)
{
	if (channel == BROADCAST || channel - h->first >= h->next - h->first) {
		ctaphid_fail(h, channel, CTAPHID_ERR_CHANNEL);
		return false;
	}
	if (h->lock != 0 && now >= h->lock_until)
		h->lock = 0;
	if (h->busy || (h->receiving && h->channel != channel) ||
	    (h->lock != 0 && h->lock != channel)) {
		ctaphid_fail(h, channel, CTAPHID_ERR_BUSY);
		return false;
	}
	if (h->receiving) {
		h->receiving = false;
		ctaphid_fail(h, channel, CTAPHID_ERR_SEQUENCE);
		return false;
	}
	if (len > CTAP_MESSAGE) {
		ctaphid_fail(h, channel, CTAPHID_ERR_LENGTH);
		return false;
	}
	return true;
}

static void
ctaphid_first(struct ctaphid *h, uint32_t channel, const uint8_t p[CTAP_REPORT], int64_t now)
{
	size_t len = (size_t)p[5] << 8 | p[6];
	uint8_t command = p[4] & 0x7f;

	if (command == CTAPHID_INIT) {
		if (channel != BROADCAST && channel - h->first >= h->next - h->first)
			ctaphid_fail(h, channel, CTAPHID_ERR_CHANNEL);
		else if (len != NONCE)
			ctaphid_fail(h, channel, CTAPHID_ERR_LENGTH);
		else {
			h->ops->message(h->arg, command);
			ctaphid_hello(h, channel, p + 7);
		}
		return;
	}
	if (command == CTAPHID_CANCEL) {		/* no answer of its own, ever */
		if (h->busy && h->channel == channel) {
			h->ops->message(h->arg, command);
			h->ops->cancel(h->arg, false);
		}
		return;
	}
	if (!ctaphid_may_begin(h, channel, len, now))
		return;
	h->channel = channel;
	h->command = command;
	h->sequence = 0;
	h->len = len;
	h->got = len < FIRST_DATA ? len : FIRST_DATA;
	h->since = now;
	memcpy(h->data, p + 7, h->got);
	h->receiving = h->got < len;
	if (!h->receiving)
		ctaphid_message(h, now);
}

/* A continuation; one that belongs to nothing is passed over. */
static void
ctaphid_more(struct ctaphid *h, uint32_t channel, const uint8_t p[CTAP_REPORT], int64_t now)
{
	size_t part;

	if (!h->receiving || h->channel != channel)
		return;
	if (p[4] != h->sequence) {
		h->receiving = false;
		ctaphid_fail(h, channel, CTAPHID_ERR_SEQUENCE);
		return;
	}
	h->sequence++;
	part = h->len - h->got < MORE_DATA ? h->len - h->got : MORE_DATA;
	memcpy(h->data + h->got, p + 5, part);
	h->got += part;
	if (h->got == h->len) {
		h->receiving = false;
		ctaphid_message(h, now);
	}
}

void
ctaphid_report(struct ctaphid *h, const uint8_t p[CTAP_REPORT], int64_t now)
{
	uint32_t channel;

	(void)ctaphid_tick(h, now);
	channel = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	if ((p[4] & 0x80) != 0)
		ctaphid_first(h, channel, p, now);
	else
		ctaphid_more(h, channel, p, now);
}

int
ctaphid_tick(struct ctaphid *h, int64_t now)
{
	int64_t left;

	if (!h->receiving)
		return -1;
	if ((left = h->since + CTAPHID_RX_MS - now) > 0)
		return (int)left;
	h->receiving = false;
	ctaphid_fail(h, h->channel, CTAPHID_ERR_TIMEOUT);
	return -1;
}
