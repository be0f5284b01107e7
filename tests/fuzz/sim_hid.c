/*
 * sim_hid.c - fuzz target: CTAPHID reports to the virtual FIDO2 key.
 *
 * The input is records: a byte that says what happens before (its low four
 * bits: hundreds of ms that pass, 0x10: the request at hand is answered, 0x20:
 * a sign of life, 0x40: the report goes to the channel given last), and a
 * report of 64 bytes, the last one filled up with zeros.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/ctaphid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
	uint8_t channel[4];		/* given last */
	size_t waiting;			/* requests not yet answered */
};

static void
host_report(void *arg, const uint8_t *p, size_t n)
{
	struct host *h = arg;

	if (n != CTAP_REPORT)
		abort();
	if (p[4] == (CTAPHID_INIT | 0x80))
		memcpy(h->channel, p + 15, sizeof(h->channel));
}

static void
host_message(void *arg, uint8_t command)
{
	(void)arg;
	(void)command;
}

static void
host_request(void *arg, const uint8_t *p, size_t n)
{
	struct host *h = arg;

	if (n == 0 || n > CTAP_MESSAGE || h->waiting++ > 0)
		abort();
	(void)p;
}

static void
host_cancel(void *arg, bool abandoned)
{
	struct host *h = arg;

	if (h->waiting == 0)
		abort();
	if (abandoned)
		h->waiting = 0;
}

static bool
host_bad_nonce(void *arg)
{
	(void)arg;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ctaphid_ops ops = {
		host_report, host_message, host_request, host_cancel, host_bad_nonce,
	};
	static uint8_t reply[CTAP_MESSAGE];
	struct host host = { { 0 }, 0 };
	uint8_t report[CTAP_REPORT];
	static struct ctaphid h;
	int64_t now = 0;
	uint8_t what;
	size_t n;

	ctaphid_init(&h, &ops, &host);
	while (size > 0) {
		what = *data++;
		size--;
		n = size < sizeof(report) ? size : sizeof(report);
		memset(report, 0, sizeof(report));
		memcpy(report, data, n);
		data += n;
		size -= n;
		now += 100 * (what & 0x0f);
		if (ctaphid_tick(&h, now) > CTAPHID_RX_MS)
			abort();
		if ((what & 0x20) != 0)
			ctaphid_keepalive(&h, CTAPHID_UP_NEEDED);
		if ((what & 0x10) != 0) {
			ctaphid_reply(&h, reply, (size_t)report[6] << 4);
			host.waiting = 0;
		}
		if ((what & 0x40) != 0)
			memcpy(report, host.channel, sizeof(host.channel));
		ctaphid_report(&h, report, now);
	}
	return 0;
}
