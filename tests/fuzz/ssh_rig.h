/*
 * ssh_rig.h - what the targets of SSH's wire form share.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FUZZ_SSH_RIG_H
#define TESTS_FUZZ_SSH_RIG_H

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "tessera.h"
#include "tests/fuzz/must.h"
#include "tests/token/ssh_rows.h"

#define RIG_MAX	65536	/* bytes of anything that is put together */

/* The bytes of a row in base64; to be freed. */
static inline struct buf
rig_row(const char *base64)
{
	uint8_t raw[4096];
	struct buf b;
	size_t n;

	buf_init(&b, RIG_MAX);
	must(sodium_base642bin(raw, sizeof(raw), base64, strlen(base64), NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == 0 && buf_put(&b, raw, n) == TSR_OK);
	return b;
}

#endif
