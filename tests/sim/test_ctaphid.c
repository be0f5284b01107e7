/*
 * test_ctaphid.c - the framing of CTAP over HID (CTAP 2.1 section 11.2).
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/ctaphid.h"

#define ALL	0xffffffffu

struct rig {
	struct ctaphid hid;
	uint8_t sent[256][CTAP_REPORT];		/* to the host */
	size_t len[256], n;
	uint8_t request[CTAP_MESSAGE];
	size_t request_len, requests, messages, cancels, abandons;
	bool bad_nonce;
	int64_t now;
};

static void
rig_report(void *arg, const uint8_t *p, size_t n)
{
	struct rig *r = arg;

	assert_true(r->n < 256 && n <= CTAP_REPORT);
	memcpy(r->sent[r->n], p, n);
	r->len[r->n++] = n;
}

static void
rig_message(void *arg, uint8_t command)
{
	struct rig *r = arg;

	(void)command;
	r->messages++;
}

static void
rig_request(void *arg, const uint8_t *p, size_t n)
{
	struct rig *r = arg;

	memcpy(r->request, p, n);
	r->request_len = n;
	r->requests++;
}

static void
rig_cancel(void *arg, bool abandoned)
{
	struct rig *r = arg;

	if (abandoned)
		r->abandons++;
	else
		r->cancels++;
}

static bool
rig_bad_nonce(void *arg)
{
	return ((struct rig *)arg)->bad_nonce;
}

static const struct ctaphid_ops ops = {
	rig_report, rig_message, rig_request, rig_cancel, rig_bad_nonce,
};

static int
rig_new(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	ctaphid_init(&r->hid, &ops, r);
	*state = r;
	return 0;
}

static int
rig_free(void **state)
{
	free(*state);
	return 0;
}

static void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t
get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The first packet of a message that claims len bytes. */
static void
first(struct rig *r, uint32_t channel, uint8_t command, size_t len, const void *p, size_t n)
{
	uint8_t report[CTAP_REPORT] = { 0 };

	put_u32(report, channel);
	report[4] = (uint8_t)(command | 0x80);
	report[5] = (uint8_t)(len >> 8);
	report[6] = (uint8_t)len;
	if (n > 0)
		memcpy(report + 7, p, n);
	r->n = 0;
	ctaphid_report(&r->hid, report, r->now);
}

static void
more(struct rig *r, uint32_t channel, uint8_t sequence, const uint8_t *p, size_t n)
{
	uint8_t report[CTAP_REPORT] = { 0 };

	put_u32(report, channel);
	report[4] = sequence;
	memcpy(report + 5, p, n);
	ctaphid_report(&r->hid, report, r->now);
}

static uint32_t
channel_new(struct rig *r)
{
	first(r, ALL, CTAPHID_INIT, 8, "nonce123", 8);
	assert_int_equal(r->n, 1);
	assert_int_equal(get_u32(r->sent[0]), ALL);
	assert_int_equal(r->sent[0][4], CTAPHID_INIT | 0x80);
	assert_int_equal(r->sent[0][6], 17);
	assert_memory_equal(r->sent[0] + 7, "nonce123", 8);
	assert_int_equal(r->sent[0][7 + 16], 0x0d);	/* WINK, CBOR, no MSG */
	return get_u32(r->sent[0] + 15);
}

static void
expect_error(struct rig *r, const char *name, uint32_t channel, uint8_t code)
{
	if (r->n != 1 || get_u32(r->sent[0]) != channel || r->sent[0][4] != (CTAPHID_ERROR | 0x80) ||
	    r->sent[0][7] != code)
		fail_msg("%s: %zu reports, command 0x%02x, code %u", name, r->n, r->sent[0][4],
		    r->sent[0][7]);
}

static void
channels(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r), b = channel_new(r);

	assert_int_not_equal(a, b);
	assert_int_not_equal(a, 0);
	ctaphid_power_up(&r->hid);
	first(r, a, CTAPHID_PING, 1, "x", 1);
	expect_error(r, "a channel of before it was unplugged", a, CTAPHID_ERR_CHANNEL);
	r->bad_nonce = true;
	first(r, ALL, CTAPHID_INIT, 8, "nonce123", 8);
	assert_memory_not_equal(r->sent[0] + 7, "nonce123", 8);
}

static void
refused(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r);
	const struct {
		const char *name;
		uint32_t channel;
		uint8_t command;
		size_t len;
		uint8_t code;
	} rows[] = {
		{ "a channel nobody gave", a + 1, CTAPHID_PING, 1, CTAPHID_ERR_CHANNEL },
		{ "a channel below all", a - 1, CTAPHID_PING, 1, CTAPHID_ERR_CHANNEL },
		{ "channel 0", 0, CTAPHID_CBOR, 1, CTAPHID_ERR_CHANNEL },
		{ "a ping to all", ALL, CTAPHID_PING, 1, CTAPHID_ERR_CHANNEL },
		{ "INIT of a channel nobody gave", a + 9, CTAPHID_INIT, 8, CTAPHID_ERR_CHANNEL },
		{ "INIT with 7 bytes", ALL, CTAPHID_INIT, 7, CTAPHID_ERR_LENGTH },
		{ "a U2F message", a, CTAPHID_MSG, 7, CTAPHID_ERR_COMMAND },
		{ "an unknown command", a, 0x22, 0, CTAPHID_ERR_COMMAND },
		{ "SYNC, which is no more", a, 0x3c, 0, CTAPHID_ERR_COMMAND },
		{ "CBOR of nothing", a, CTAPHID_CBOR, 0, CTAPHID_ERR_LENGTH },
		{ "longer than a message can be", a, CTAPHID_CBOR, 7610, CTAPHID_ERR_LENGTH },
		{ "the longest that can be claimed", a, CTAPHID_PING, 65535, CTAPHID_ERR_LENGTH },
		{ "WINK with data", a, CTAPHID_WINK, 1, CTAPHID_ERR_LENGTH },
		{ "LOCK of nothing", a, CTAPHID_LOCK, 0, CTAPHID_ERR_LENGTH },
		{ "LOCK of two bytes", a, CTAPHID_LOCK, 2, CTAPHID_ERR_LENGTH },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		first(r, rows[i].channel, rows[i].command, rows[i].len, "\x0b", 1);
		expect_error(r, rows[i].name, rows[i].channel, rows[i].code);
	}
	first(r, a, CTAPHID_LOCK, 1, "\x0b", 1);
	expect_error(r, "LOCK for 11 seconds", a, CTAPHID_ERR_LENGTH);
	assert_int_equal(r->requests, 0);
}

/* A ping of that many bytes, and what comes back. */
static void
ping(struct rig *r, uint32_t channel, size_t n)
{
	uint8_t data[CTAP_MESSAGE], back[CTAP_MESSAGE + CTAP_REPORT];
	size_t i, at, part, got;
	uint8_t sequence = 0;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	at = n < 57 ? n : 57;
	first(r, channel, CTAPHID_PING, n, data, at);
	for (; at < n; at += part) {
		assert_int_equal(r->n, 0);
		part = n - at < 59 ? n - at : 59;
		more(r, channel, sequence++, data + at, part);
	}
	assert_true(r->n > 0);
	assert_int_equal(r->sent[0][5] << 8 | r->sent[0][6], n);
	memcpy(back, r->sent[0] + 7, 57);
	for (got = 57, i = 1; i < r->n; i++, got += 59) {
		assert_int_equal(r->sent[i][4], i - 1);
		memcpy(back + got, r->sent[i] + 5, 59);
	}
	assert_true(got >= n && got < n + 59 + 57);
	assert_memory_equal(back, data, n);
}

static void
pings(void **state)
{
	static const size_t sizes[] = { 0, 1, 56, 57, 58, 116, 117, 1024, 7608, 7609 };
	struct rig *r = *state;
	uint32_t a = channel_new(r);
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ping(r, a, sizes[i]);
}

static void
sequences(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r), b = channel_new(r);
	uint8_t data[64] = { 0 };

	more(r, a, 0, data, 1);
	first(r, a, CTAPHID_PING, 100, data, 57);
	more(r, a, 1, data, 43);
	expect_error(r, "a packet is missing", a, CTAPHID_ERR_SEQUENCE);
	r->n = 0;
	more(r, a, 0, data, 43);
	assert_int_equal(r->n, 0);			/* it has been given up */
	first(r, a, CTAPHID_PING, 100, data, 57);
	first(r, a, CTAPHID_PING, 100, data, 57);
	expect_error(r, "a message inside another", a, CTAPHID_ERR_SEQUENCE);
	first(r, a, CTAPHID_PING, 100, data, 57);
	first(r, b, CTAPHID_PING, 1, data, 1);
	expect_error(r, "another channel in between", b, CTAPHID_ERR_BUSY);
	r->n = 0;
	more(r, b, 0, data, 43);
	assert_int_equal(r->n, 0);
	more(r, a, 0, data, 43);
	assert_int_equal(r->n, 2);			/* and the first one is whole */
	first(r, a, CTAPHID_PING, 100, data, 57);
	first(r, a, CTAPHID_INIT, 8, "nonce123", 8);
	assert_int_equal(get_u32(r->sent[0] + 15), a);	/* INIT brings it to order */
	r->n = 0;
	more(r, a, 0, data, 43);
	assert_int_equal(r->n, 0);
	ping(r, a, 100);
}

static void
slow(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r);
	uint8_t data[64] = { 0 };

	assert_int_equal(ctaphid_tick(&r->hid, r->now), -1);
	first(r, a, CTAPHID_PING, 100, data, 57);
	assert_int_equal(ctaphid_tick(&r->hid, r->now), CTAPHID_RX_MS);
	r->now += CTAPHID_RX_MS - 1;
	assert_int_equal(ctaphid_tick(&r->hid, r->now), 1);
	r->now++;
	assert_int_equal(ctaphid_tick(&r->hid, r->now), -1);
	expect_error(r, "too slow", a, CTAPHID_ERR_TIMEOUT);
	first(r, a, CTAPHID_PING, 100, data, 57);
	r->now += CTAPHID_RX_MS;
	more(r, a, 0, data, 43);			/* the time is looked at here, too */
	expect_error(r, "too late", a, CTAPHID_ERR_TIMEOUT);
	ping(r, a, 3);
}

static void
requests(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r), b = channel_new(r);

	first(r, a, CTAPHID_CANCEL, 0, NULL, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->cancels, 0);
	first(r, a, CTAPHID_CBOR, 1, "\x04", 1);
	assert_int_equal(r->requests, 1);
	assert_int_equal(r->request_len, 1);
	assert_int_equal(r->n, 0);
	ctaphid_keepalive(&r->hid, CTAPHID_UP_NEEDED);
	assert_int_equal(r->sent[0][4], CTAPHID_KEEPALIVE | 0x80);
	assert_int_equal(r->sent[0][7], 2);
	first(r, b, CTAPHID_CBOR, 1, "\x04", 1);
	expect_error(r, "another channel", b, CTAPHID_ERR_BUSY);
	first(r, a, CTAPHID_CBOR, 1, "\x04", 1);
	expect_error(r, "the same channel", a, CTAPHID_ERR_BUSY);
	first(r, b, CTAPHID_CANCEL, 0, NULL, 0);
	assert_int_equal(r->cancels, 0);		/* not b's */
	first(r, a, CTAPHID_CANCEL, 0, NULL, 0);
	assert_int_equal(r->cancels, 1);
	ctaphid_reply(&r->hid, "\x2d", 1);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->sent[0][4], CTAPHID_CBOR | 0x80);
	ctaphid_reply(&r->hid, "\x2d", 1);
	ctaphid_keepalive(&r->hid, CTAPHID_UP_NEEDED);
	assert_int_equal(r->n, 1);			/* nothing is at hand any more */
	first(r, a, CTAPHID_CBOR, 1, "\x04", 1);
	assert_int_not_equal(channel_new(r), a);	/* others may come meanwhile */
	assert_int_equal(r->abandons, 0);
	first(r, a, CTAPHID_INIT, 8, "nonce123", 8);
	assert_int_equal(r->abandons, 1);
	r->n = 0;
	ctaphid_reply(&r->hid, "\x00", 1);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->requests, 2);
}

static void
locks(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r), b = channel_new(r);

	first(r, a, CTAPHID_LOCK, 1, "\x02", 1);
	assert_int_equal(r->sent[0][4], CTAPHID_LOCK | 0x80);
	first(r, b, CTAPHID_PING, 1, "x", 1);
	expect_error(r, "locked", b, CTAPHID_ERR_BUSY);
	ping(r, a, 1);
	r->now += 2000;
	ping(r, b, 1);
	first(r, a, CTAPHID_LOCK, 1, "\x0a", 1);
	first(r, a, CTAPHID_LOCK, 1, "\x00", 1);
	ping(r, b, 1);
	first(r, b, CTAPHID_WINK, 0, NULL, 0);
	assert_int_equal(r->sent[0][4], CTAPHID_WINK | 0x80);
}

static void
twists(void **state)
{
	struct rig *r = *state;
	uint32_t a = channel_new(r);
	uint8_t reply[100] = { 0 };
	size_t i;

	for (i = 0; i < 7; i++) {
		first(r, a, CTAPHID_CBOR, 1, "\x04", 1);
		r->hid.twist.bad_sequence = i == 0;
		r->hid.twist.huge_length = i == 1;
		r->hid.twist.wrong_channel = i == 2;
		r->hid.twist.wrong_command = i == 3;
		r->hid.twist.no_response = i == 4;
		r->hid.twist.short_report = i == 5;
		r->hid.twist.stop = i == 6;
		ctaphid_reply(&r->hid, reply, sizeof(reply));
		assert_int_equal(r->n, i == 4 ? 0 : i == 6 ? 1 : 2);
		assert_int_equal(r->n < 2 || r->sent[1][4] == 0, i != 0);
		assert_int_equal(r->n > 0 && r->sent[0][5] == 0xff, i == 1);
		assert_int_equal(r->n > 0 && get_u32(r->sent[0]) != a, i == 2);
		assert_int_equal(r->n > 0 && r->sent[0][4] == (CTAPHID_PING | 0x80), i == 3);
		assert_int_equal(r->n > 0 && r->len[0] != 64, i == 5);
	}
	ping(r, a, 100);				/* straight again */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(channels, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(refused, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(pings, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(sequences, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(slow, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(requests, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(locks, rig_new, rig_free),
		cmocka_unit_test_setup_teardown(twists, rig_new, rig_free),
	};

	return cmocka_run_group_tests_name("ctaphid", tests, NULL, NULL);
}
