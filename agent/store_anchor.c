/*
 * store_anchor.c - see store_anchor.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/store_anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/store_file.h"
#include "agent/store_sqlite.h"
#include "base/hash.h"
#include "tessera.h"

#define HEX(n)	(2 * (n) + 1)

/* The line up to its last hash, without it. */
static int
anchor_body(const struct store *st, char out[STORE_ANCHOR_MAX])
{
	const struct store_state *now = &st->tags.now;
	uint8_t digest[32];
	char store[HEX(STORE_NONCE_LEN)], hex[HEX(32)];
	struct hash_part parts[] = {
		{ &now->generation, sizeof(now->generation) }, { &now->sum, sizeof(now->sum) }
	};
	int r;

	if ((r = hash_parts(digest, sizeof(digest), st->tags.anchor_key->data,
	    st->tags.anchor_key->size, parts, 2)) != TSR_OK)
		return r;
	(void)sodium_bin2hex(store, sizeof(store), now->store, sizeof(now->store));
	(void)sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	(void)snprintf(out, STORE_ANCHOR_MAX, "tessera-anchor 1 %s %" PRIu64 " %s", store,
	    now->generation, hex);
	return TSR_OK;
}

int
store_anchor_mac(const struct store *st, const char *body, char hex[STORE_ANCHOR_MAC])
{
	struct hash_part part = { body, strlen(body) };
	uint8_t mac[32];
	int r;

	if ((r = hash_parts(mac, sizeof(mac), st->tags.anchor_key->data,
	    st->tags.anchor_key->size, &part, 1)) != TSR_OK)
		return r;
	(void)sodium_bin2hex(hex, HEX(32), mac, sizeof(mac));
	return TSR_OK;
}

/* The whole file; TSR_NOT_FOUND, TSR_STORE with errno. */
static int
anchor_read(const char *path, char out[STORE_ANCHOR_MAX])
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? TSR_NOT_FOUND : TSR_STORE;
	n = read(fd, out, STORE_ANCHOR_MAX - 1);
	(void)close(fd);
	if (n < 0)
		return TSR_STORE;
	out[n] = '\0';
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
	return TSR_OK;
}

/* Ours and whole?  Cuts the last hash off line. */
static int
anchor_parse(const struct store *st, char *line, uint64_t *generation)
{
	char *mac = strrchr(line, ' '), hex[HEX(32)], store[HEX(STORE_NONCE_LEN)];
	char said[HEX(STORE_NONCE_LEN)];
	int r;

	if (mac == NULL)
		return TSR_CORRUPT;
	*mac++ = '\0';
	if ((r = store_anchor_mac(st, line, hex)) != TSR_OK)
		return r;
	if (strlen(mac) != strlen(hex) || sodium_memcmp(mac, hex, strlen(hex)) != 0)
		return TSR_CORRUPT;
	/* NOLINTNEXTLINE(cert-err34-c): the line is ours, its MAC was right */
	if (sscanf(line, "tessera-anchor 1 %32s %" SCNu64 " ", said, generation) != 2)
		return TSR_CORRUPT;
	(void)sodium_bin2hex(store, sizeof(store), st->tags.now.store, STORE_NONCE_LEN);
	return strcmp(store, said) == 0 ? TSR_OK : TSR_CORRUPT;
}

int
store_anchor_judge(const struct store *st, const char *text, const char *from, uint64_t *at_least,
    char *err, size_t err_size)
{
	char line[STORE_ANCHOR_MAX], body[STORE_ANCHOR_MAX];
	uint64_t noted = 0, now = st->tags.now.generation;
	int r;

	*at_least = 0;
	if (snprintf(line, sizeof(line), "%s", text) >= (int)sizeof(line))
		r = TSR_CORRUPT;
	else if ((r = anchor_parse(st, line, &noted)) == TSR_OK)
		r = anchor_body(st, body);
	if (r == TSR_CORRUPT) {
		(void)snprintf(err, err_size, "%s was altered or is not of this store", from);
		return TSR_INVALID;
	}
	if (r != TSR_OK) {
		(void)snprintf(err, err_size, "%s cannot be checked", from);
		return r;
	}
	*at_least = noted + 1;
	if (now > noted || (now == noted && strcmp(body, line) == 0))
		return TSR_OK;
	if (now == noted)
		(void)snprintf(err, err_size, "the store is not the one that %s knows", from);
	else
		(void)snprintf(err, err_size, "the store is of generation %" PRIu64 ", %s knows %" PRIu64
		    ": it was put back to an earlier day", now, from, noted);
	return TSR_CORRUPT;
}

int
store_anchor_check(struct store *st, const char *path, uint64_t *at_least, char *err, size_t err_size)
{
	char line[STORE_ANCHOR_MAX], from[PATH_MAX + sizeof("the anchor ")];
	int r;

	*at_least = 0;
	(void)snprintf(from, sizeof(from), "the anchor %s", path);
	if ((r = anchor_read(path, line)) == TSR_NOT_FOUND) {
		if (!st->tags.now.anchored)
			return TSR_OK;
		(void)snprintf(err, err_size, "%s is gone", from);
		return TSR_CORRUPT;
	}
	if (r != TSR_OK) {
		(void)snprintf(err, err_size, "%s cannot be read: %s", from, strerror(errno));
		return r;
	}
	r = store_anchor_judge(st, line, from, at_least, err, err_size);
	return r == TSR_INVALID ? TSR_CORRUPT : r;
}

void
store_anchor_store(const struct store *st, char out[STORE_ANCHOR_STORE])
{
	(void)sodium_bin2hex(out, STORE_ANCHOR_STORE, st->tags.now.store, sizeof(st->tags.now.store));
}

int
store_anchor_text(const struct store *st, char out[STORE_ANCHOR_MAX])
{
	char line[STORE_ANCHOR_MAX], mac[HEX(32)];
	int r;

	if (st->batch || st->db == NULL)
		return st->batch ? TSR_INVALID : TSR_STORE;
	if ((r = anchor_body(st, line)) != TSR_OK || (r = store_anchor_mac(st, line, mac)) != TSR_OK)
		return r;
	return snprintf(out, STORE_ANCHOR_MAX, "%s %s", line, mac) < STORE_ANCHOR_MAX ?
	    TSR_OK : TSR_STORE;
}

static int
anchor_put(const char *path, const char *text)
{
	char temporary[PATH_MAX], *folder = NULL;
	int fd = -1, r = TSR_STORE;

	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary) ||
	    (folder = store_file_parent(path)) == NULL)
		goto out;
	(void)unlink(temporary);
	if ((fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) == -1 ||
	    store_file_write(fd, text, strlen(text)) != TSR_OK || fdatasync(fd) == -1 ||
	    rename(temporary, path) == -1)
		goto out;
	r = store_file_sync_folder(folder);
 out:
	if (fd != -1)
		(void)close(fd);
	free(folder);
	return r;
}

static int
anchor_note(const struct store *st, const char *path)
{
	char line[STORE_ANCHOR_MAX], text[STORE_ANCHOR_MAX + 1];
	int r;

	if ((r = store_anchor_text(st, line)) != TSR_OK)
		return r;
	(void)snprintf(text, sizeof(text), "%s\n", line);
	return anchor_put(path, text);
}

int
store_anchor_write(struct store *st, const char *path)
{
	int r;

	if (st->batch || st->db == NULL)
		return TSR_INVALID;
	if ((r = anchor_note(st, path)) != TSR_OK || st->tags.now.anchored)
		return r;
	/* The file first: after a crash in between it is no surprise. */
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	st->tags.now.anchored = 1;
	st->dirty = 1;
	if ((r = store_keep(st)) != TSR_OK || (r = store_commit(st)) != TSR_OK)
		return r;
	return anchor_note(st, path);
}
