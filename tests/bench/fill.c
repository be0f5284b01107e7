/*
 * fill.c - a store with many disconnected tokens, by the agent's own writers.
 *
 *	bench_fill STORE-URL KEY-FILE COUNT
 *
 * The agent must be stopped.  The users of the tokens are nobody's.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "agent/store_otp.h"
#include "meter.h"
#include "tessera.h"

#define FILL_BATCH	5000	/* tokens a commit */

static void
fill_one(struct store *st, unsigned n)
{
	struct otp_record r = { .kind = OTP_TOTP, .hash = HMAC_SHA1, .digits = 6, .period = 30,
	    .watermark = STORE_OTP_NONE, .expected = STORE_OTP_NONE };
	struct credential c;
	int code;

	memset(&c, 0, sizeof(c));
	store_make_id(c.id);
	(void)snprintf(c.kind, sizeof(c.kind), "totp");
	(void)snprintf(c.subject, sizeof(c.subject), "fill%u", n);
	(void)snprintf(r.credential, sizeof(r.credential), "%s", c.id);
	c.uid = 1000000 + n;
	c.acr = ACR_OTP;
	c.state = CREDENTIAL_ACTIVE;
	c.created = 1700000000;
	if ((r.seed = secret_from("12345678901234567890", 20)) == NULL)
		meter_die("out of memory");
	if ((code = store_begin(st)) != TSR_OK || (code = store_credential_add(st, &c)) != TSR_OK ||
	    (code = store_otp_add(st, &r)) != TSR_OK || (code = store_keep(st)) != TSR_OK)
		meter_die("token %u: %s", n, tsr_strerror(code));
	otp_record_clear(&r);
}

int
main(int argc, char **argv)
{
	struct secret *key = NULL;
	struct store *st = NULL;
	char err[512] = "";
	unsigned i, count;

	if (argc != 4)
		meter_die("usage: bench_fill STORE-URL KEY-FILE COUNT");
	count = meter_number(argv[3]);
	if (store_key_read(argv[2], 0, &key, err, sizeof(err)) != TSR_OK ||
	    store_open(argv[1], key, &st, err, sizeof(err)) != TSR_OK)
		meter_die("%s", err);
	for (i = 1; i <= count; i++) {
		fill_one(st, i);
		if ((i % FILL_BATCH == 0 || i == count) && store_commit(st) != TSR_OK)
			meter_die("the commit failed");
	}
	store_close(&st);
	secret_free(&key);
	return 0;
}
