/*
 * cacbridge.c - a CAC card that others wrote: libcacard's, plugged into a
 * virtual reader.
 *
 *	cacbridge FOLDER PORT NSS-DATABASE NICKNAME...
 *
 * It is steered as a tessera-sim card is: tessera-sim ctl --socket FOLDER card
 * pull|insert|pin-tries|quit.  The retry counter of the PIN is ours, because
 * libcacard has none.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libcacard.h>

#include "base/spawn.h"
#include "sim/apdu.h"
#include "sim/control.h"
#include "sim/sim.h"
#include "sim/vpcd.h"
#include "tessera.h"

#define READER		"Tessera"	/* libcacard's name for its own, not pcscd's */
#define TRIES		3
#define OPTIONS_MAX	2048		/* bytes of libcacard's options */
#define ATR_MAX		64

struct bridge {
	VReader *card;
	struct vpcd vpcd;
	struct control *control;
	uint16_t port;
	unsigned tries;
	int quit;
	struct buf request;
};

static int
bridge_insert(struct bridge *b)
{
	int r;

	if (b->vpcd.fd != -1)
		return TSR_OK;
	if ((r = vpcd_connect(&b->vpcd, b->port)) == TSR_OK)
		(void)vcard_emul_force_card_insert(b->card);
	return r;
}

static void
bridge_pull(struct bridge *b)
{
	if (b->vpcd.fd == -1)
		return;
	vpcd_close(&b->vpcd);
	(void)vcard_emul_force_card_remove(b->card);
}

static int
bridge_command(void *arg, int n, char **word, uint64_t ticket, struct buf *answer)
{
	struct bridge *b = arg;

	(void)n;
	(void)ticket;
	if (strcmp(word[0], "pull") == 0)
		bridge_pull(b);
	else if (strcmp(word[0], "insert") == 0)
		return bridge_insert(b);
	else if (strcmp(word[0], "pin-tries") == 0)
		return buf_printf(answer, "pin %u of %u", b->tries, TRIES);
	else if (strcmp(word[0], "quit") == 0)
		b->quit = 1;
	else
		return TSR_INVALID;
	return TSR_OK;
}

/* libcacard answers 6985 to each wrong PIN; a card that counts says how many
 * are left. */
static int
bridge_count(struct bridge *b, uint8_t *out, int n)
{
	if (n != 2)
		return n;
	if (out[0] == 0x90)
		b->tries = TRIES;
	else {
		b->tries--;
		out[0] = 0x63;
		out[1] = (uint8_t)(0xc0 | b->tries);
	}
	return n;
}

static int
bridge_apdu(struct bridge *b)
{
	static uint8_t out[VPCD_MESSAGE_MAX];
	int verify = b->request.len > 5 && b->request.data[1] == INS_VERIFY;
	int n = sizeof(out);

	if (verify && b->tries == 0)
		return vpcd_send(&b->vpcd, "\x69\x83", 2);
	if (vreader_xfr_bytes(b->card, b->request.data, (int)b->request.len, out, &n) != VREADER_OK)
		return TSR_CLOSED;
	return vpcd_send(&b->vpcd, out, (size_t)(verify ? bridge_count(b, out, n) : n));
}

static int
bridge_message(struct bridge *b)
{
	uint8_t atr[ATR_MAX];
	int n = sizeof(atr);

	if (b->request.len != 1)
		return bridge_apdu(b);
	switch (b->request.data[0]) {
	case VPCD_ATR:
		vcard_emul_get_atr(NULL, atr, &n);
		return vpcd_send(&b->vpcd, atr, (size_t)n);
	case VPCD_OFF:
		(void)vreader_power_off(b->card);
		break;
	default:
		(void)vreader_power_on(b->card, NULL, NULL);
	}
	return TSR_OK;
}

static void
bridge_receive(struct bridge *b)
{
	int r;

	while (b->vpcd.fd != -1 && (r = vpcd_receive(&b->vpcd, &b->request)) != TSR_AGAIN)
		if (r != TSR_OK || bridge_message(b) != TSR_OK) {
			bridge_pull(b);
			return;
		}
}

static int
bridge_run(struct bridge *b)
{
	struct pollfd p[CONTROL_POLL_MAX + 1];
	VEvent *event;
	size_t n;
	int fd;

	while (!b->quit) {
		while ((event = vevent_get_next_vevent()) != NULL)
			vevent_delete(event);
		n = control_poll(b->control, p);
		fd = b->vpcd.fd;
		p[n] = (struct pollfd){ .fd = fd, .events = POLLIN };
		if (poll(p, (nfds_t)n + 1, -1) == -1 && errno != EINTR)
			return SIM_FAILED;
		control_serve(b->control, p, n);
		if (p[n].revents != 0 && b->vpcd.fd == fd)
			bridge_receive(b);
	}
	return SIM_OK;
}

static int
bridge_card(struct bridge *b, const char *database, int n, char **nick)
{
	char text[OPTIONS_MAX];
	VCardEmulOptions *options;
	size_t at;
	int i;

	at = (size_t)snprintf(text, sizeof(text), "db=\"sql:%s\" use_hw=no soft=(,%s,CAC,", database, READER);
	for (i = 0; i < n && at < sizeof(text); i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ",%s", nick[i]);
	if (at + 2 > sizeof(text))
		return TSR_TOO_LARGE;
	(void)strcpy(text + at, ")");
	if ((options = vcard_emul_options(text)) == NULL || vcard_emul_init(options) != VCARD_EMUL_OK ||
	    (b->card = vreader_get_reader_by_name(READER)) == NULL ||
	    vreader_card_is_present(b->card) != VREADER_OK)
		return TSR_NOT_FOUND;
	return TSR_OK;
}

int
main(int argc, char **argv)
{
	struct bridge b = { .tries = TRIES };
	char path[256];
	char *end;
	int status;

	if (argc < 5 || spawn_fix_fds() != TSR_OK) {
		(void)fprintf(stderr, "usage: cacbridge FOLDER PORT NSS-DATABASE NICKNAME...\n");
		return SIM_USAGE;
	}
	b.port = (uint16_t)strtoul(argv[2], &end, 10);
	vpcd_init(&b.vpcd);
	buf_init(&b.request, VPCD_MESSAGE_MAX);
	(void)snprintf(path, sizeof(path), "%s/ctl.sock", argv[1]);
	if (bridge_card(&b, argv[3], argc - 4, argv + 4) != TSR_OK ||
	    control_open(path, bridge_command, &b, &b.control) != TSR_OK ||
	    vpcd_connect(&b.vpcd, b.port) != TSR_OK) {
		(void)fprintf(stderr, "cacbridge: no card, no control socket, or no reader\n");
		return SIM_FAILED;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	status = bridge_run(&b);
	vpcd_close(&b.vpcd);
	control_close(&b.control);
	buf_free(&b.request);
	return status;
}
