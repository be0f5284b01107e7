/*
 * misuse.c - see misuse.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/misuse.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "agent/audit_event.h"
#include "agent/clock.h"
#include "agent/rate.h"
#include "base/buf.h"
#include "include/tessera.h"
#include "token/json.h"

#define MISUSE_TOLD	30	/* cases of one kind by one uid that are told of in a minute */
#define MISUSE_EVENT_MAX	1024	/* bytes of an event */

/* Enough to tell two apart; whoever finds a pair shares his count. */
static uint64_t
misuse_number(const char *text)
{
	static const uint8_t fixed[crypto_shorthash_KEYBYTES];
	uint8_t h[crypto_shorthash_BYTES];
	uint64_t n;

	(void)crypto_shorthash(h, (const uint8_t *)text, strlen(text), fixed);
	memcpy(&n, h, sizeof(n));
	return n;
}

void
misuse_tell(struct agent *a, const struct caller *by, enum metrics_misuse what, uid_t uid,
    const char *subject, const char *audience, const char *detail)
{
	struct rate_key k = { RATE_TOLD, by != NULL ? by->uid : uid, (uint64_t)what };
	const char *kind = metrics_misuse_name(what);
	uint32_t wait_s;
	struct buf b;

	metrics.misuse[what]++;
	if (rate_admit(a->rates, &k, MISUSE_TOLD, clock_boot_ms(), &wait_s) != TSR_OK)
		return;			/* nobody fills the disk, or another's screen */
	audit_event_misuse(a, by, kind, uid, subject, audience, detail);
	buf_init(&b, MISUSE_EVENT_MAX);
	if (uid != (uid_t)-1 && buf_printf(&b, "{\"kind\":\"%s\"", kind) == TSR_OK &&
	    json_put_member(&b, "audience", audience != NULL ? audience : "") == TSR_OK &&
	    (by == NULL || buf_printf(&b, ",\"by\":%u", by->uid) == TSR_OK) &&
	    buf_put_cstr(&b, "}") == TSR_OK)
		events_send(a->events, uid, "misuse", (const char *)b.data, b.len);
	buf_free(&b);
	if (uid != (uid_t)-1 && policy_config(a->policy)->misuse.lock)
		(void)session_lock_user(a->sessions, uid, "misuse");
}

void
misuse_token(struct agent *a, const struct caller *by, uid_t uid, const char *subject,
    const char *audience)
{
	struct rate_key k = { RATE_TOKEN, by->uid, misuse_number(audience) };

	if (rate_burst(a->rates, &k, policy_config(a->policy)->misuse.tokens_per_minute, clock_boot_ms()))
		misuse_tell(a, by, METRICS_MISUSE_TOKENS, uid, subject, audience,
		    "more tokens in a minute than are usual");
}

void
misuse_use(struct agent *a, const struct caller *by, uid_t uid, const char *subject,
    const char *audience, const char *id)
{
	struct rate_key k = { RATE_USE, 0, misuse_number(id) };

	if (rate_burst(a->rates, &k, policy_config(a->policy)->misuse.uses_per_minute, clock_boot_ms()))
		misuse_tell(a, by, METRICS_MISUSE_USES, uid, subject, audience,
		    "one token was used more often in a minute than is usual");
}

int
misuse_admit(struct agent *a, uid_t uid, unsigned endpoint, uint32_t *wait_s)
{
	struct rate_key k = { RATE_REQUEST, uid, endpoint };

	return rate_admit(a->rates, &k, policy_config(a->policy)->limits.requests_per_minute,
	    clock_boot_ms(), wait_s);
}
