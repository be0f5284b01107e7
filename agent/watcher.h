/*
 * watcher.h - the process that tells of readers and cards (tessera-pkcs11
 * --watch) or of FIDO2 keys (tessera-fido --watch), seen from the agent: one
 * connection, started again when it ends.
 * It is believed nothing but that something may have happened: what it sends is
 * checked against the protocol's table, and it is replaced at the first false
 * word.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_WATCHER_H
#define AGENT_WATCHER_H

#include <stdint.h>

#include "agent/helper.h"

#define WATCHER_TRY_MS		100	/* until it is started again, doubled each time */
#define WATCHER_TRY_MAX_MS	5000
#define WATCHER_FIRST_MS	5000	/* until it has to say something */
#define WATCHER_NAME_MAX	513	/* bytes, with NUL */
#define WATCHER_SLOT_MAX	257

struct watcher_reader {
	char name[WATCHER_NAME_MAX];
	char slot[WATCHER_SLOT_MAX];	/* as struct device's reader */
	uint32_t state;			/* PROTO_READER_* */
	uint32_t count;
};

#define WATCHER_DEVICE_LEN	65	/* bytes of a key's name, with NUL */
#define WATCHER_TEXT_LEN	257

/* A FIDO2 key. */
struct watcher_key {
	char device[WATCHER_DEVICE_LEN];	/* of one stay: plugged in again it has another */
	char manufacturer[WATCHER_TEXT_LEN], product[WATCHER_TEXT_LEN];
};

/* From the loop. */
struct watcher_client {
	/* PC/SC, or udev, can be reached (then each reader or key is told, and
	 * ready() after them), or it cannot be any more (nothing is known until it
	 * can). */
	void (*service)(void *arg, int available);
	void (*reader)(void *arg, const struct watcher_reader *r);	/* NULL: it may not tell of any */
	void (*plugged)(void *arg, const struct watcher_key *k);	/* NULL: nor of any */
	void (*unplugged)(void *arg, const char *device);
	void (*ready)(void *arg);
	void *arg;
};

enum watcher_state {
	WATCHER_OFF,		/* not started */
	WATCHER_STARTING,	/* or waiting for its next start */
	WATCHER_UNAVAILABLE,	/* it runs, PC/SC or udev cannot be reached */
	WATCHER_WATCHING,
	WATCHER_RESTING		/* HELPER_DEATHS in a row: started again after HELPER_REST_MS */
};

struct watcher;

/* o->watch is 1; its texts and the client's argument outlive the watcher. */
int watcher_new(struct loop *l, const struct helpers_options *o, const struct watcher_client *c,
    struct watcher **out);
void watcher_free(struct watcher **w);

/* Start it, at once. */
void watcher_start(struct watcher *w);
/* The configuration changed: it is started anew. */
void watcher_renew(struct watcher *w);

enum watcher_state watcher_state(const struct watcher *w);
/* "off", "starting", "unavailable", "watching", "resting"; detail, what it
 * said where it is unavailable, else "". */
const char *watcher_state_name(const struct watcher *w, const char **detail);

#endif
