/*
 * key.c - finding and opening keys.  See key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fido/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "tessera.h"

#define BUSY_MS		600	/* that a key's other user has to let it go */
#define BUSY_STEP_MS	20
#define HANG_MS		(KEY_OPEN_MS + 1500)	/* libfido2 alone waits 21 s for a lock */

static volatile sig_atomic_t ended;

static void
key_on_term(int sig)
{
	(void)sig;
	ended = 1;
}

void
key_init(void)
{
	struct sigaction sa = { .sa_handler = key_on_term };
	sigset_t term;

	fido_init(FIDO_DISABLE_U2F_FALLBACK);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

int
key_ended(void)
{
	sigset_t pending;

	return ended || (sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1);
}

uint64_t
key_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The node's number on its file system: one that is plugged in again has another
 * even where it gets its old place. */
void
key_name(const char *path, char out[KEY_DEVICE_MAX])
{
	const char *slash = strrchr(path, '/');
	struct stat st;

	out[0] = '\0';
	if (slash == NULL || stat(path, &st) == -1 || !S_ISCHR(st.st_mode))
		return;
	if (snprintf(out, KEY_DEVICE_MAX, "%s-%llu", slash + 1,
	    (unsigned long long)st.st_ino) >= KEY_DEVICE_MAX || !escape_is_text(out, strlen(out)))
		out[0] = '\0';
}

static void
key_add(struct key_places *out, const fido_dev_info_t *info)
{
	const char *path = fido_dev_info_path(info), *text;
	struct key_place *p = &out->v[out->n];

	if (path == NULL || strlen(path) >= sizeof(p->path))
		return;
	memset(p, 0, sizeof(*p));
	memcpy(p->path, path, strlen(path));
	key_name(path, p->device);
	if ((text = fido_dev_info_manufacturer_string(info)) != NULL)
		escape_text(p->manufacturer, sizeof(p->manufacturer), text, strlen(text));
	if ((text = fido_dev_info_product_string(info)) != NULL)
		escape_text(p->product, sizeof(p->product), text, strlen(text));
	if (p->device[0] != '\0')
		out->n++;
}

/* A node that is a terminal becomes ours by being opened, and its end is told by
 * this signal. */
static void
key_no_hangup(void)
{
	(void)signal(SIGHUP, SIG_IGN);
}

/* udev takes longer to list than a key to sign. */
void
key_named(const char *device, struct key_places *out)
{
	static const char node[] = "hidraw";
	struct key_place *p = &out->v[0];
	size_t digits, n = sizeof(node) - 1;
	char name[KEY_DEVICE_MAX];

	key_no_hangup();
	out->n = 0;
	if (strncmp(device, node, n) != 0 || (digits = strspn(device + n, "0123456789")) == 0 ||
	    device[n + digits] != '-' || strlen(device) >= sizeof(p->device))
		return;
	memset(p, 0, sizeof(*p));
	(void)snprintf(p->path, sizeof(p->path), "/dev/%.*s", (int)(n + digits), device);
	key_name(p->path, name);
	if (strcmp(name, device) != 0)
		return;
	memcpy(p->device, name, sizeof(name));
	out->n = 1;
}

int
key_find(struct key_places *out)
{
	fido_dev_info_t *list;
	size_t i, n = 0;
	int err;

	key_no_hangup();
	out->n = 0;
	if ((list = fido_dev_info_new(PROTO_FIDO_KEYS_MAX)) == NULL)
		return TSR_NOMEM;
	/* Where there is no hidraw at all, that is an error of its own. */
	if ((err = fido_dev_info_manifest(list, PROTO_FIDO_KEYS_MAX, &n)) != FIDO_OK)
		n = 0;
	for (i = 0; i < n; i++)
		key_add(out, fido_dev_info_ptr(list, i));
	fido_dev_info_free(&list, PROTO_FIDO_KEYS_MAX);
	return err == FIDO_OK || err == FIDO_ERR_INTERNAL ? TSR_OK : TSR_SYSTEM;
}

/* Does nobody else hold it?  libfido2 takes the same lock. */
static int
key_probe(const struct key_place *p, struct fault *f)
{
	const struct timespec step = { 0, BUSY_STEP_MS * 1000000L };
	char device[KEY_DEVICE_MAX];
	uint64_t end = key_now() + BUSY_MS;
	int fd, held;

	if ((fd = open(p->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) == -1) {
		if (errno == EACCES || errno == EPERM)
			return fault_set(f, TSR_DENIED, "%s may not be opened: see the udev rules", p->path);
		return fault_set(f, TSR_DEVICE_REMOVED, "the key was unplugged");
	}
	while ((held = flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) &&
	    key_now() < end && !key_ended())
		(void)nanosleep(&step, NULL);
	(void)close(fd);
	key_name(p->path, device);
	if (strcmp(device, p->device) != 0)
		return fault_set(f, TSR_DEVICE_REMOVED, "the key was unplugged");
	return held ? fault_set(f, TSR_DEVICE_BUSY, "another program holds the key") : TSR_OK;
}

static int
key_left(const struct key *k)
{
	uint64_t now = key_now();

	return now >= k->end ? 1 : k->end - now > INT_MAX ? INT_MAX : (int)(k->end - now);
}

static void
key_hang_timer(long ms)
{
	struct itimerval t = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };

	(void)setitimer(ITIMER_REAL, &t, NULL);
}

/* Hello, and what it can do. */
static int
key_greet(struct key *k, struct fault *f)
{
	sigset_t none;
	int err;

	if ((k->dev = fido_dev_new()) == NULL || (k->info = fido_cbor_info_new()) == NULL)
		return TSR_NOMEM;
	(void)fido_dev_set_timeout(k->dev, KEY_OPEN_MS);
	key_hang_timer(HANG_MS);
	err = fido_dev_open(k->dev, k->place->path);
	if (err == FIDO_OK) {
		sigemptyset(&none);
		(void)fido_dev_set_sigmask(k->dev, &none);
	}
	if (err == FIDO_OK && !fido_dev_is_fido2(k->dev)) {
		key_hang_timer(0);
		return fault_set(f, TSR_UNSUPPORTED, "the key has U2F alone, not FIDO2");
	}
	if (err == FIDO_OK)
		err = fido_dev_get_cbor_info(k->dev, k->info);
	key_hang_timer(0);
	if (err != FIDO_OK)
		return key_fault(k, err, f);
	(void)fido_dev_set_timeout(k->dev, key_left(k));
	return TSR_OK;
}

int
key_open(struct key *k, const struct key_place *place, uint64_t end, struct fault *f)
{
	int r;

	memset(k, 0, sizeof(*k));
	k->place = place;
	k->end = end;
	if ((r = key_probe(place, f)) != TSR_OK)
		return r;
	if (key_ended())
		return fault_set(f, TSR_CANCELLED, "it was cancelled");
	if ((r = key_greet(k, f)) != TSR_OK)
		key_close(k);
	return r;
}

void
key_close(struct key *k)
{
	if (k->dev != NULL) {
		(void)fido_dev_close(k->dev);
		fido_dev_free(&k->dev);
	}
	fido_cbor_info_free(&k->info);
}

int
key_fault(struct key *k, int err, struct fault *f)
{
	char device[KEY_DEVICE_MAX];

	if (fault_transport(err)) {
		/* twice: the first one may reach it before it has begun to wait */
		(void)fido_dev_cancel(k->dev);
		(void)fido_dev_cancel(k->dev);
		key_name(k->place->path, device);
		if (strcmp(device, k->place->device) != 0)
			return fault_set(f, TSR_DEVICE_REMOVED, "the key was unplugged");
		if (key_ended())
			return fault_set(f, TSR_CANCELLED, "it was cancelled");
		if (key_now() + 1 >= k->end)
			return fault_set(f, TSR_TIMEOUT, "nobody touched the key in time");
	}
	return fault_fido(f, err);
}

int
key_option(const struct key *k, const char *name)
{
	char *const *names = fido_cbor_info_options_name_ptr(k->info);
	const bool *values = fido_cbor_info_options_value_ptr(k->info);
	size_t i, n = fido_cbor_info_options_len(k->info);

	for (i = 0; i < n; i++)
		if (names[i] != NULL && strcmp(names[i], name) == 0)
			return values[i] ? 1 : 0;
	return -1;
}
