/*
 * journal.c - see journal.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/journal.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "agent/store_anchor.h"
#include "tessera.h"

#define JOURNAL_SOCKET	"/run/systemd/journal/socket"
#define JOURNAL_ENTRY	1024	/* bytes of an entry */
#define JOURNAL_TIME	24	/* bytes of a time in s, with NUL */
#define FIELD_HEAD	"TESSERA_AUDIT_HEAD"
#define FIELD_NOTE	"TESSERA_STORE_NOTE"
#define FIELD_TIME	"TESSERA_TIME"
#define FIELD_MAC	"TESSERA_MAC"
#define JOURNAL_LATE	300	/* s between what an entry says and the journal got it */
#define FIELD_STORE	"TESSERA_STORE"

/* One datagram of the journal's own protocol.  Not by sd_journal_sendv: it
 * waits while the journal's queue is full, and with it every client of ours. */
static int
journal_put(const char *entry, size_t n)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	ssize_t sent;
	int fd;

	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) == -1)
		return TSR_SYSTEM;
	sent = sendto(fd, entry, n, MSG_NOSIGNAL, (const struct sockaddr *)&sa, sizeof(sa));
	(void)close(fd);
	return sent == (ssize_t)n ? TSR_OK : TSR_SYSTEM;
}

/* Under the store's key: head and note as they belong together, and when. */
static int
journal_mac(const struct store *st, const char *when, const char *head, const char *note,
    char mac[STORE_ANCHOR_MAC])
{
	char text[JOURNAL_ENTRY];

	(void)snprintf(text, sizeof(text), "tessera-journal 1 %s %s %s", when, head, note);
	return store_anchor_mac(st, text, mac);
}

int
journal_send(const struct store *st, const char *head)
{
	char note[STORE_ANCHOR_MAX], store[STORE_ANCHOR_STORE], entry[JOURNAL_ENTRY];
	char when[JOURNAL_TIME], mac[STORE_ANCHOR_MAC];
	int n, r;

	/* the journal's own clock, also in a rehearsal */
	(void)snprintf(when, sizeof(when), "%lld", (long long)time(NULL));
	if ((r = store_anchor_text(st, note)) != TSR_OK ||
	    (r = journal_mac(st, when, head, note, mac)) != TSR_OK)
		return r;
	store_anchor_store(st, store);
	n = snprintf(entry, sizeof(entry), "MESSAGE=audit head %s\nMESSAGE_ID=" JOURNAL_MESSAGE_ID
	    "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=tesserad\n" FIELD_STORE "=%s\n" FIELD_HEAD "=%s\n"
	    FIELD_NOTE "=%s\n" FIELD_TIME "=%s\n" FIELD_MAC "=%s\n", head, LOG_NOTICE, store, head,
	    note, when, mac);
	if (n < 0 || n >= (int)sizeof(entry))
		return TSR_SYSTEM;
	return journal_put(entry, (size_t)n);
}

/* The value of a field of the entry at hand.  TSR_NOT_FOUND, also where it is
 * too long to be ours. */
static int
journal_field(sd_journal *j, const char *field, char *out, size_t size)
{
	const void *data;
	size_t n, skip = strlen(field) + 1;

	if (sd_journal_get_data(j, field, &data, &n) < 0 || n <= skip || n - skip >= size)
		return TSR_NOT_FOUND;
	memcpy(out, (const char *)data + skip, n - skip);
	out[n - skip] = '\0';
	return TSR_OK;
}

static int
journal_match(sd_journal *j, const struct store *st)
{
	char store[STORE_ANCHOR_STORE], uid[32], of[sizeof(FIELD_STORE) + STORE_ANCHOR_STORE];

	store_anchor_store(st, store);
	(void)snprintf(uid, sizeof(uid), "_UID=%u", (unsigned)geteuid());
	(void)snprintf(of, sizeof(of), FIELD_STORE "=%s", store);
	if (sd_journal_add_match(j, "MESSAGE_ID=" JOURNAL_MESSAGE_ID, 0) < 0 ||
	    sd_journal_add_match(j, uid, 0) < 0 || sd_journal_add_match(j, of, 0) < 0 ||
	    sd_journal_seek_tail(j) < 0)
		return TSR_SYSTEM;
	return TSR_OK;
}

/* Did we write it, and just then?  What we wrote once can be sent again. */
static int
journal_is_ours(sd_journal *j, const struct store *st, const char *head, const char *note)
{
	char when[JOURNAL_TIME], said[STORE_ANCHOR_MAC], mac[STORE_ANCHOR_MAC];
	uint64_t us;
	int64_t late;

	if (journal_field(j, FIELD_TIME, when, sizeof(when)) != TSR_OK ||
	    journal_field(j, FIELD_MAC, said, sizeof(said)) != TSR_OK ||
	    journal_mac(st, when, head, note, mac) != TSR_OK || strlen(said) != strlen(mac) ||
	    sodium_memcmp(said, mac, strlen(mac)) != 0 || sd_journal_get_realtime_usec(j, &us) < 0)
		return 0;
	late = (int64_t)(us / 1000000) - strtoll(when, NULL, 10);
	return late >= -JOURNAL_LATE && late <= JOURNAL_LATE;
}

/* A note that is not whole or not of this store's key says nothing: whoever
 * runs as our uid could write it to suspend what is enrolled. */
static void
journal_entry(sd_journal *j, const struct store *st, struct journal_seen *seen)
{
	char head[AUDIT_HEAD_TEXT], note[STORE_ANCHOR_MAX], err[JOURNAL_ERR];
	struct audit_head said;
	uint64_t at_least = 0;
	int r;

	if (journal_field(j, FIELD_NOTE, note, sizeof(note)) != TSR_OK ||
	    journal_field(j, FIELD_HEAD, head, sizeof(head)) != TSR_OK ||
	    !journal_is_ours(j, st, head, note) ||
	    (r = store_anchor_judge(st, note, "the journal", &at_least, err, sizeof(err))) == TSR_INVALID) {
		seen->noise++;
		return;
	}
	seen->entries++;
	/* not the newest's: an old entry may have been sent again */
	if (audit_head_read(head, strlen(head), &said) == TSR_OK && said.seq > seen->head.seq)
		seen->head = said;
	if (r == TSR_CORRUPT && at_least > seen->at_least) {
		seen->rolled_back = 1;
		seen->at_least = at_least;
		memcpy(seen->err, err, sizeof(seen->err));
	}
}

int
journal_look(const struct store *st, struct journal_seen *out)
{
	struct journal_seen seen;
	sd_journal *j = NULL;
	int r = TSR_SYSTEM;

	memset(&seen, 0, sizeof(seen));
	if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0)
		return TSR_SYSTEM;
	if (journal_match(j, st) != TSR_OK)
		goto out;
	/* what is not ours does not take the place of what is */
	while (seen.entries < JOURNAL_LOOK && seen.noise < JOURNAL_NOISE && sd_journal_previous(j) > 0)
		journal_entry(j, st, &seen);
	*out = seen;
	r = TSR_OK;
 out:
	sd_journal_close(j);
	return r;
}
