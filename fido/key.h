/*
 * key.h - the keys that are plugged in, and one of them opened.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FIDO_KEY_H
#define FIDO_KEY_H

#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include <fido.h>

#include "base/proto.h"
#include "fido/fault.h"

#define KEY_DEVICE_MAX	64	/* bytes of a device's name, with NUL */
#define KEY_TEXT_MAX	257	/* bytes of a maker's or product's name, escaped, with NUL */
#define KEY_OPEN_MS	2000	/* for a key to say hello */

/* One that is plugged in. */
struct key_place {
	char path[64];			/* of its node */
	char device[KEY_DEVICE_MAX];	/* its name: "hidraw3-417" */
	char manufacturer[KEY_TEXT_MAX], product[KEY_TEXT_MAX];
};

struct key_places {
	struct key_place v[PROTO_FIDO_KEYS_MAX];
	size_t n;
};

/* FIDO2 keys by udev, those that can be read by us.  SIGHUP is ignored from then
 * on.  TSR_NOMEM, TSR_SYSTEM. */
int key_find(struct key_places *out);

/* The one of that name by its node alone, if it is there still: out->n is 1 or 0.
 * For a name that key_find() once gave; maker and product are left empty.  SIGHUP
 * as above. */
void key_named(const char *device, struct key_places *out);

/* The device's name for a node, "" where there is none. */
void key_name(const char *path, char out[KEY_DEVICE_MAX]);

struct key {
	const struct key_place *place;
	fido_dev_t *dev;
	fido_cbor_info_t *info;
	uint64_t end;			/* ms, CLOCK_MONOTONIC: when time is over */
};

/* For every process that works with keys, first: libfido2 stays with FIDO2, and
 * SIGTERM arrives only while a key is waited for, where it ends the wait. */
void key_init(void);

/* SIGTERM came. */
int key_ended(void);

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t key_now(void);

/*
 * Open the key and ask what it can do.  TSR_DEVICE_BUSY within a second where
 * another program holds it, TSR_DEVICE_REMOVED, TSR_UNSUPPORTED for one that
 * has U2F only, TSR_DEVICE_FAILED.  In a process that a timer may end: SIGALRM
 * kills it where opening hangs.
 */
int key_open(struct key *k, const struct key_place *place, uint64_t end, struct fault *f);

/* Take back what the key still waits for, and close it. */
void key_close(struct key *k);

/* What err of libfido2 means now: nothing but removed, cancelled or out of time
 * where it is one of these.  Cancels after a transport error. */
int key_fault(struct key *k, int err, struct fault *f);

/* Is the option there, and on?  -1 where it is not there. */
int key_option(const struct key *k, const char *name);

#endif
