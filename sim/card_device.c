/*
 * card_device.c - a running virtual card.  See card_device.h.
 *
 * Nothing here sleeps: an answer that is delayed waits for its moment while
 * the control socket is served.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_device.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "sim/apdu.h"
#include "sim/pcscd.h"
#include "tessera.h"

#define LOOK_MS	100	/* between two looks for a reader that is away */

static uint64_t
device_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
device_init(struct device *d, struct card *card, const struct device_reader *reader)
{
	memset(d, 0, sizeof(*d));
	d->card = card;
	d->reader = *reader;
	vpcd_init(&d->vpcd);
	buf_init(&d->request, VPCD_MESSAGE_MAX);
	buf_init(&d->answer, VPCD_MESSAGE_MAX);
}

void
device_free(struct device *d)
{
	vpcd_close(&d->vpcd);
	control_close(&d->control);
	card_free(&d->card);
	buf_free(&d->request);
	buf_free(&d->answer);
}

static int
device_plug(struct device *d)
{
	uint16_t port = d->reader.port;
	int r;

	if (d->reader.pcscd != NULL &&
	    (r = pcscd_port(d->reader.pcscd, d->reader.number, &port)) != TSR_OK)
		return r;
	return vpcd_connect(&d->vpcd, port);
}

int
device_insert(struct device *d)
{
	int r;

	if (d->inserted)
		return TSR_OK;
	if ((r = device_plug(d)) == TSR_OK)
		d->inserted = 1;
	return r;
}

/* Without power nothing is remembered, and no answer comes. */
static void
device_unplug(struct device *d)
{
	vpcd_close(&d->vpcd);
	card_reset(d->card);
	d->held = 0;
	buf_reset(&d->answer);
}

void
device_pull(struct device *d)
{
	device_unplug(d);
	d->inserted = 0;
	d->pulls = 0;
}

static void
device_wake(struct device *d)
{
	uint64_t ticket;

	while ((ticket = trace_due(&d->trace)) != 0)
		control_answer(d->control, ticket, TSR_OK, NULL);
}

/* Send the answer when its moment has come.  TSR_CLOSED. */
static int
device_answer(struct device *d)
{
	int r;

	if (!d->held || d->mute || device_now() < d->due_ms)
		return TSR_OK;
	if (d->answer.len >= 2)
		trace_answered(&d->trace, (uint16_t)(d->answer.data[d->answer.len - 2] << 8 |
		    d->answer.data[d->answer.len - 1]));
	r = vpcd_send(&d->vpcd, d->answer.data, d->answer.len);
	d->held = 0;
	buf_reset(&d->answer);
	return r;
}

static int
device_apdu(struct device *d)
{
	uint8_t ins = d->request.len > 1 ? d->request.data[1] : 0;
	int value, r = TSR_OK;

	trace_command(&d->trace, d->request.data, d->request.len);
	if (d->pulls && (d->pull_ins == TRACE_ANY || d->pull_ins == ins)) {
		device_pull(d);
		device_wake(d);
		return TSR_OK;
	}
	buf_reset(&d->answer);
	if (fault_take(d->faults.word, ins, &value) == TSR_OK)
		r = buf_put_u16(&d->answer, (uint16_t)value);
	else
		r = card_transmit(d->card, d->request.data, d->request.len, &d->answer);
	if (r == TSR_OK && fault_take(d->faults.malformed, ins, &value) == TSR_OK)
		r = fault_apply(&d->faults, (enum fault_kind)value, ins, &d->answer);
	if (r != TSR_OK)
		return r;
	d->held = 1;
	d->due_ms = device_now() + (uint64_t)d->delay_ms;
	/* after it was held: who waited may pull now, or find it held by mute */
	device_wake(d);
	return device_answer(d);
}

static int
device_message(struct device *d)
{
	uint8_t atr[CARD_ATR_MAX];
	size_t n;

	if (d->request.len != 1)
		return device_apdu(d);
	if (d->request.data[0] == VPCD_ATR) {
		n = card_atr(d->card, atr);
		return vpcd_send(&d->vpcd, atr, n);
	}
	card_reset(d->card);
	return TSR_OK;
}

static void
device_receive(struct device *d)
{
	int r;

	while (d->vpcd.fd != -1 && (r = vpcd_receive(&d->vpcd, &d->request)) != TSR_AGAIN) {
		if (r == TSR_OK)
			r = device_message(d);
		if (r != TSR_OK) {
			device_unplug(d);	/* the reader has gone: the card stays in it */
			return;
		}
	}
}

/* How long poll may wait. */
static int
device_timeout(const struct device *d)
{
	uint64_t now;

	if (d->held && !d->mute) {
		now = device_now();
		return d->due_ms > now ? (int)(d->due_ms - now) : 0;
	}
	return d->inserted && d->vpcd.fd == -1 ? LOOK_MS : -1;
}

static void
device_look(struct device *d)
{
	if (d->inserted && d->vpcd.fd == -1)
		(void)device_plug(d);
	if (device_answer(d) != TSR_OK)
		device_unplug(d);
}

int
device_run(struct device *d, int stop_fd)
{
	struct pollfd p[CONTROL_POLL_MAX + 2];
	size_t n;
	int fd;

	while (!d->quit) {
		n = control_poll(d->control, p);
		fd = d->vpcd.fd;
		p[n] = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
		p[n + 1] = (struct pollfd){ .fd = fd, .events = POLLIN };
		if (poll(p, (nfds_t)n + 2, device_timeout(d)) == -1) {
			if (errno == EINTR)
				continue;
			return TSR_SYSTEM;
		}
		if (p[n].revents != 0)
			break;
		control_serve(d->control, p, n);
		if (p[n + 1].revents != 0 && d->vpcd.fd == fd)
			device_receive(d);
		device_look(d);
	}
	return TSR_OK;
}
