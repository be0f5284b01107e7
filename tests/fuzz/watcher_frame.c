/*
 * watcher_frame.c - a watcher that was taken over: any bytes from it, into what
 * the agent makes of readers and tokens, and of FIDO2 keys.  What comes out is text, a token that is
 * away was told of, and a listing is asked for once at a time.
 *
 * The first byte says after how many bytes there is a pause, and in it a listing
 * is answered.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/plug.h"
#include "agent/presence.h"
#include "agent/watcher.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"

static struct loop *loop;
static struct presence *presence;
static struct plug *plug;
static char asked[WATCHER_DEVICE_LEN];	/* the key that look() is about; "" */
static int listener = -1;
static char path[108];
static int listing;		/* a list was asked for and not answered */
static struct device_list list;

static int
on_list(void *arg)
{
	(void)arg;
	must(!listing);
	listing = 1;
	return TSR_OK;
}

static void
on_device(void *arg, const struct device *d)
{
	(void)arg;
	must(strlen(d->id) == DEVICE_ID_LEN && escape_is_text(d->reader, strlen(d->reader)));
}

static void
on_away(void *arg, const struct device *d)
{
	on_device(arg, d);
}

static void
on_lock(void *arg, const struct device *d, enum presence_reason why)
{
	must(why >= PRESENCE_REMOVED && why <= PRESENCE_FALSE);
	on_device(arg, d);
}

static int
on_prove(void *arg, const struct device *d, unsigned round)
{
	must(round != 0);
	on_device(arg, d);
	return round % 2 != 0 ? TSR_NOT_FOUND : TSR_OK;
}

static void
on_service(void *arg, int available)
{
	(void)arg;
	presence_service(presence, available);
	plug_service(plug, available);
}

static void
on_reader(void *arg, const struct watcher_reader *r)
{
	(void)arg;
	must(r->name[0] != '\0' && escape_is_text(r->name, strlen(r->name)) &&
	    escape_is_text(r->slot, strlen(r->slot)));
	presence_reader(presence, r);
}

static void
on_ready(void *arg)
{
	(void)arg;
	presence_ready(presence);
	plug_ready(plug);
}

/* --- keys --- */

static void
is_key(const struct watcher_key *k)
{
	must(k->device[0] != '\0' && escape_is_text(k->device, strlen(k->device)) &&
	    escape_is_text(k->manufacturer, strlen(k->manufacturer)) &&
	    escape_is_text(k->product, strlen(k->product)));
}

static void
on_plugged(void *arg, const struct watcher_key *k)
{
	(void)arg;
	is_key(k);
	plug_plugged(plug, k);
}

static void
on_unplugged(void *arg, const char *device)
{
	(void)arg;
	plug_unplugged(plug, device);
}

static int
on_look(void *arg, const struct watcher_key *k)
{
	(void)arg;
	must(asked[0] == '\0');
	is_key(k);
	(void)snprintf(asked, sizeof(asked), "%s", k->device);
	return TSR_OK;
}

static void
on_key(void *arg, const struct watcher_key *k)
{
	(void)arg;
	is_key(k);
}

static void
on_credential(void *arg, const char *credential)
{
	(void)arg;
	must(strcmp(credential, "c") == 0);
}

static void
on_credential_lock(void *arg, const char *credential, enum presence_reason why)
{
	must(why >= PRESENCE_REMOVED && why <= PRESENCE_FALSE);
	on_credential(arg, credential);
}

/* Every key that is asked holds c, and some can prove it. */
static void
answer_key(size_t n)
{
	static const int codes[] = { TSR_OK, TSR_DEVICE_BUSY, TSR_DENIED };
	struct plug_found f = { "c", codes[n % 3] };
	char device[WATCHER_DEVICE_LEN];

	if (asked[0] == '\0')
		return;
	memcpy(device, asked, sizeof(device));
	asked[0] = '\0';
	plug_looked(plug, device, n % 5 == 0 ? TSR_DEVICE_BUSY : TSR_OK, &f, 1);
	if (n % 2 == 0) {
		plug_holds(plug, "c", device);
		plug_session(plug, "c");
	}
}

static void
add(const char *serial, const char *reader)
{
	struct device *d = &list.device[list.n++];

	(void)snprintf(d->module, sizeof(d->module), "m");
	(void)snprintf(d->serial, sizeof(d->serial), "%s", serial);
	(void)snprintf(d->reader, sizeof(d->reader), "%s", reader);
	(void)device_make_id(d->id, d->module, d->serial, d->label);
}

static void
setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	must(sodium_init() >= 0 && loop_new(&loop) == TSR_OK);
	(void)snprintf(path, sizeof(path), "/tmp/tessera-fuzz-w-%d.sock", (int)getpid());
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 64) == 0);
	add("1", "R");
	add("2", "S");
	add("3", "");
}

static void
remove_socket(void)
{
	(void)unlink(path);
}

static void
turn(int fd, const uint8_t *p, size_t n)
{
	int i;

	(void)send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	for (i = 0; i < 3; i++)
		must(sd_event_run(loop_event(loop), 0) >= 0);
	answer_key(n);
	while (listing) {
		listing = 0;
		presence_listed(presence, n % 2 != 0 ? &list : NULL);
		if (n % 2 == 0)
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct helpers_options o = { NULL, "/nonexistent", 0, path, 1 };
	struct presence_owner owner = { on_list, on_device, on_device, on_away, on_away, on_lock,
	    on_prove, NULL };
	struct watcher_client client = { .service = on_service, .reader = on_reader,
	    .plugged = on_plugged, .unplugged = on_unplugged, .ready = on_ready };
	struct plug_owner keys = { on_look, on_key, on_key, on_credential, on_credential,
	    on_credential_lock, NULL };
	struct watcher *w = NULL;
	size_t pause;
	int fd;

	if (loop == NULL) {
		setup();
		(void)atexit(remove_socket);
	}
	if (size < 1)
		return 0;
	listing = 0;
	pause = data[0] < size - 1 ? data[0] : size - 1;
	asked[0] = '\0';
	must(presence_new(loop_timers(loop), &owner, &presence) == TSR_OK &&
	    plug_new(loop_timers(loop), &keys, &plug) == TSR_OK &&
	    watcher_new(loop, &o, &client, &w) == TSR_OK);
	presence_limits(presence, 0, 0);
	presence_start(presence);
	plug_limits(plug, 0, 0);
	plug_start(plug);
	watcher_start(w);
	must((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1);
	turn(fd, data + 1, pause);
	turn(fd, data + 1 + pause, size - 1 - pause);
	(void)close(fd);
	turn(-1, NULL, 0);
	watcher_free(&w);
	presence_free(&presence);
	plug_free(&plug);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) != -1)
		(void)close(fd);
	return 0;
}
