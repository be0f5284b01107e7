/*
 * key_serve.h - a virtual key on its sockets: HID reports on one, commands on
 * the other.
 *
 * The listening socket is there while the key is plugged in.  It is of
 * SOCK_SEQPACKET: each packet from the host is a report of 64 bytes without its
 * number, each to the host a report, sent to all that are connected, as hidraw
 * does.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_SERVE_H
#define SIM_KEY_SERVE_H

#include "sim/control.h"
#include "sim/ctaphid.h"
#include "sim/key.h"

#define KEY_HOSTS_MAX	16		/* connected at a time */
#define KEY_LOG_LINES	256		/* kept */
#define KEY_LOG_WIDTH	80		/* characters of each */
#define KEY_WAITS_MAX	CONTROL_CONNS_MAX

/* What can be waited for; the commands of CTAP among it. */
enum key_event {
	KEY_INIT, KEY_MAKE_CREDENTIAL, KEY_GET_ASSERTION, KEY_GET_INFO, KEY_CLIENT_PIN, KEY_RESET,
	KEY_GET_NEXT_ASSERTION, KEY_CREDENTIAL_MANAGEMENT, KEY_SELECTION, KEY_OTHER,
	KEY_TOUCH_WANTED, KEY_CANCEL, KEY_REPLY, KEY_CONNECTED,
	KEY_EVENTS
};

struct key_wait {
	uint64_t ticket;		/* 0: free */
	enum key_event event;
	uint64_t count;			/* of such events since the start */
};

struct key_serve {
	struct key key;
	struct ctaphid hid;
	struct control *control;
	const char *path;
	int listener;			/* -1: unplugged */
	int host[KEY_HOSTS_MAX];	/* -1: free */
	int64_t since, next_alive;	/* ms, while a touch is waited for */
	bool waiting;			/* for a touch */
	bool armed;			/* the next touch is already there */
	bool quit;			/* end */
	bool pulled;			/* unplug as soon as this event is done with */
	enum key_event command;		/* at hand */
	uint64_t count[KEY_EVENTS];
	struct key_wait wait[KEY_WAITS_MAX];
	char log[KEY_LOG_LINES][KEY_LOG_WIDTH];
	size_t logged;			/* lines since the start */
	bool verbose;			/* to standard error as well */
};

/* Serve until SIGTERM or SIGINT comes, or "quit".  s->key is set up by the caller, who
 * frees it.  TSR_CONFLICT where somebody listens at one of the paths, TSR_TOO_LARGE
 * for a path beyond sun_path, TSR_NOMEM, TSR_SYSTEM with errno. */
int key_serve(struct key_serve *s, const char *path, const char *control);

/* What the control socket asks for, see key_control.c. */
int key_control(void *arg, int n, char **word, uint64_t ticket, struct buf *answer);

/* The name of an event, as "wait-for" has it. */
const char *key_event_name(enum key_event e);

/* A touch: for the request that waits, or for the next one. */
void key_serve_touch(struct key_serve *s);

/* Out and in; nothing happens where it is so already.  TSR_CONFLICT,
 * TSR_CRYPTO, TSR_SYSTEM with errno. */
void key_serve_unplug(struct key_serve *s);
int key_serve_plug(struct key_serve *s);

/* Something has happened: log it, and answer who waits for it. */
void key_serve_event(struct key_serve *s, enum key_event e);
void key_serve_log(struct key_serve *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
