/*
 * key_twist.c - replies made false.  See key_twist.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/key_twist.h"

#include <string.h>

#include "sim/cbor.h"
#include "tessera.h"

#define ONE_REPORT	(CTAP_REPORT - 7)	/* bytes of a message that fit into one */

/* The reply is a map of n pairs, of n1 bytes the first of them: say it again,
 * leave the end open, or put it last. */
static int
key_twist_map(struct key_fault *f, struct buf *reply)
{
	struct cbor map, key, value;
	struct buf b;
	size_t first, rest;
	int r = TSR_OK;

	if (cbor_parse(reply->data + 1, reply->len - 1, &map) != TSR_OK || map.kind != CBOR_MAP ||
	    map.value == 0 || map.value > 22 || cbor_at(&map, 0, &key) != TSR_OK ||
	    cbor_at(&map, 1, &value) != TSR_OK)
		return TSR_OK;
	first = key.raw_len + value.raw_len;
	rest = map.n - first;
	buf_init(&b, CTAP_MESSAGE);
	if ((r = buf_put_u8(&b, reply->data[0])) != TSR_OK)
		goto out;
	if (key_fault_fires(f, FAULT_CBOR_DUPLICATE)) {
		if ((r = buf_put_u8(&b, (uint8_t)(0xa0 + map.value + 1))) != TSR_OK ||
		    (r = buf_put(&b, map.p, first)) != TSR_OK ||
		    (r = buf_put(&b, map.p, map.n)) != TSR_OK)
			goto out;
	} else if (key_fault_fires(f, FAULT_CBOR_INDEFINITE)) {
		if ((r = buf_put_u8(&b, 0xbf)) != TSR_OK ||
		    (r = buf_put(&b, map.p, map.n)) != TSR_OK || (r = buf_put_u8(&b, 0xff)) != TSR_OK)
			goto out;
	} else if (rest > 0 && key_fault_fires(f, FAULT_CBOR_UNSORTED)) {
		if ((r = buf_put_u8(&b, map.raw[0])) != TSR_OK ||
		    (r = buf_put(&b, map.p + first, rest)) != TSR_OK ||
		    (r = buf_put(&b, map.p, first)) != TSR_OK)
			goto out;
	} else
		goto out;
	buf_reset(reply);
	r = buf_put(reply, b.data, b.len);
 out:
	buf_free(&b);
	return r;
}

int
key_twist_cbor(struct key_fault *f, struct buf *reply)
{
	if (reply->len < 2 || reply->data[0] != CTAP_OK)
		return TSR_OK;
	if (key_fault_fires(f, FAULT_CBOR_TRUNCATED))
		buf_cut(reply, 1 + (reply->len - 1) / 2);
	else if (key_fault_fires(f, FAULT_CBOR_GARBAGE))
		memset(reply->data + 1, 0xff, reply->len - 1);
	else if (key_fault_fires(f, FAULT_CBOR_DEEP))
		memset(reply->data + 1, 0x81, reply->len - 1);
	else
		return key_twist_map(f, reply);
	return TSR_OK;
}

void
key_twist_frame(struct key_fault *f, size_t n, struct ctaphid_twist *twist)
{
	memset(twist, 0, sizeof(*twist));
	twist->huge_length = key_fault_fires(f, FAULT_HUGE_LENGTH);
	twist->wrong_channel = key_fault_fires(f, FAULT_WRONG_CHANNEL);
	twist->wrong_command = key_fault_fires(f, FAULT_WRONG_COMMAND);
	twist->no_response = key_fault_fires(f, FAULT_NO_RESPONSE);
	twist->short_report = key_fault_fires(f, FAULT_SHORT_REPORT);
	if (n > ONE_REPORT) {
		twist->bad_sequence = key_fault_fires(f, FAULT_BAD_SEQUENCE);
		twist->stop = key_fault_fires(f, FAULT_UNPLUG_MID_REPLY);
	}
}
