/*
 * otp_throttle.h - how often somebody may guess a code (RFC 4226 7.3), as it is
 * kept with each credential.
 *
 * A source (a uid of this host, or a login helper's rhost) from which a right
 * code came in the last 30 days has a budget of its own; all others share one,
 * so that guesses from outside neither profit from changing their address nor
 * lock the owner out.  After OTP_FREE failures a budget rests, each time twice as
 * long.  At OTP_FAILURES_MAX failures of all sources the credential itself rests:
 * until a device, a recovery code or an administrator speaks for its owner.
 *
 * Delays are on the boot-time clock; after a reboot a budget that has failures
 * rests once more from the start.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_OTP_THROTTLE_H
#define AGENT_OTP_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

#define OTP_FREE		5	/* failures before the first delay */
#define OTP_DELAY_FIRST		2	/* s, after failure OTP_FREE; then doubling */
#define OTP_DELAY_MAX		3600	/* s */
#define OTP_FAILURES_MAX	100	/* across sources: then the credential rests */
#define OTP_KNOWN_MAX		8	/* sources with a budget of their own */
#define OTP_KNOWN_S		(30 * 24 * 3600)	/* s since their last right code */
#define OTP_SOURCE_LEN		16	/* bytes: a hash of the source's name */
#define OTP_BOOT_LEN		16	/* bytes: which boot */

struct otp_budget {
	uint32_t failures;		/* since the last right code */
	uint64_t until;			/* s of the boot-time clock: nothing before */
};

struct otp_known {
	uint8_t source[OTP_SOURCE_LEN];
	int64_t succeeded;		/* s of the epoch */
	struct otp_budget budget;
};

struct otp_throttle {
	uint32_t failures;		/* across sources */
	uint8_t boot[OTP_BOOT_LEN];	/* to which until belongs */
	struct otp_budget strangers;
	struct otp_known known[OTP_KNOWN_MAX];	/* the latest first */
	unsigned n_known;
};

/* When and from where a code comes. */
struct otp_now {
	const uint8_t *source;		/* OTP_SOURCE_LEN bytes */
	const uint8_t *boot;		/* OTP_BOOT_LEN bytes, of this boot */
	uint64_t boot_s;		/* the boot-time clock */
	uint64_t started_s;		/* the same when the agent began to look */
	int64_t wall;			/* s of the epoch */
};

/* The source's hash: "uid:1000", "rhost:192.0.2.1". */
void otp_source(const char *name, size_t n, uint8_t out[OTP_SOURCE_LEN]);

/* Does the credential rest? */
int otp_rests(const struct otp_throttle *t);
/* Seconds until this source may try again; 0: now. */
uint64_t otp_wait(const struct otp_throttle *t, const struct otp_now *now);

/* A wrong code was looked at (one that came too early was not, and does not
 * count) / a right one. */
void otp_failed(struct otp_throttle *t, const struct otp_now *now);
void otp_succeeded(struct otp_throttle *t, const struct otp_now *now);
/* Somebody spoke for the owner: all failures are forgotten, known sources stay. */
void otp_forgive(struct otp_throttle *t);

/* As it stands in the store: always OTP_THROTTLE_LEN bytes.  TSR_CORRUPT for
 * bytes that otp_throttle_put did not write. */
#define OTP_THROTTLE_LEN	(1 + 4 + OTP_BOOT_LEN + 12 + 1 + OTP_KNOWN_MAX * (OTP_SOURCE_LEN + 8 + 12))
void otp_throttle_put(const struct otp_throttle *t, uint8_t out[OTP_THROTTLE_LEN]);
int otp_throttle_get(const uint8_t *p, size_t n, struct otp_throttle *out);

#endif
