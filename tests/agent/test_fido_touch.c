/*
 * test_fido_touch.c - whose touch pays for what.  A process that asks in a loop while
 * the key's owner asks once, in random interleavings: the owner touches the key when he
 * was told that it blinks for him, his finger takes its time, and sometimes he gives
 * up meanwhile.  No touch pays for the hostile request, whatever comes first.
 *
 * TESSERA_ROUNDS: how many (1,000); TESSERA_SEED: from which on (1).
 *
 * SPDX-License-Identifier: ISC
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/fido.h"
#include "agent/metrics.h"
#include "include/tessera.h"
#include "tests/agent/fido_bed.h"

#define ROUNDS		1000
#define HOSTILE		3		/* of its requests at once */
#define STEPS_MAX	400		/* of a round */
#define FINGER_MS	450		/* at most, from the decision to the touch */
#define LOOP_MS		20		/* a step's time, at most */

/* What can be asked for: a proof for each token, or one that any session pays. */
static const struct wish {
	const char *audience, *scope;
} wishes[] = { { "demo", "read" }, { "demo", "write" }, { "strict", "all" } };

static struct fido_bed_client owner, listener, hostile[HOSTILE];
static const struct wish *owners, *hostiles[HOSTILE];
static uint64_t finger_at;		/* 0: it rests */
static int asked, gave_up, touches, paid, lost, late;
static uint64_t state;

/* splitmix64 */
static unsigned
draw(unsigned n)
{
	uint64_t z = state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (unsigned)((z ^ z >> 31) % n);
}

static uint64_t
minted(enum metrics_grant grant)
{
	uint64_t n = metrics.other[grant];
	unsigned i;

	for (i = 0; i < metrics.n_audiences; i++)
		n += metrics.audience[i].minted[grant];
	return n;
}

/* Does the key blink for the owner, as far as he was told? */
static int
told(void)
{
	char want[128];
	const char *at, *last = NULL, *line;

	(void)fido_bed_status(&listener);
	for (at = listener.text; (at = strstr(at, "event: touch-")) != NULL; at++)
		last = at;
	if (last == NULL || strncmp(last, "event: touch-needed", 19) != 0)
		return 0;
	(void)snprintf(want, sizeof(want), "\"audience\":\"%s\",\"scope\":\"%s\"", owners->audience,
	    owners->scope);
	line = strstr(last, want);
	return line != NULL;
}

/* The key blinks for something of which nobody was told. */
static int
unannounced(void)
{
	const char *at;
	int needed = 0;

	(void)fido_bed_status(&listener);
	for (at = listener.text; (at = strstr(at, "event: touch-")) != NULL; at++)
		needed += strncmp(at, "event: touch-needed", 19) == 0 ? 1 : -1;
	return fido_bed_blinks() != NULL && needed < 1;
}

static void
hostile_step(size_t i)
{
	struct fido_bed_client *c = &hostile[i];

	assert_int_not_equal(fido_bed_status(c), 200);	/* there is no session yet */
	if (c->fd != -1 && fido_bed_status(c) == 0 && draw(4) != 0)
		return;		/* it waits */
	fido_bed_client_close(c);
	do
		hostiles[i] = &wishes[draw(3)];
	while (hostiles[i] == owners);
	fido_bed_ask(c, hostiles[i]->audience, hostiles[i]->scope);
}

/* The owner: asks once, touches when his key blinks, and may lose patience. */
static void
owner_step(void)
{
	if (!asked) {
		fido_bed_ask(&owner, owners->audience, owners->scope);
		asked = 1;
	} else if (finger_at == 0 && touches == 0 && told()) {
		finger_at = clock_boot_ms() + draw(FINGER_MS);
		if (draw(6) == 0) {	/* he pressed ^C, but his finger is on its way */
			fido_bed_client_close(&owner);
			gave_up = 1;
		}
	}
}

static void
finger_step(void)
{
	struct fido_bed_op *op;

	if (finger_at == 0 || clock_boot_ms() < finger_at)
		return;
	finger_at = 0;
	touches++;
	if ((op = fido_bed_blinks()) == NULL) {
		late++;			/* on a key that is dark */
		return;
	}
	fido_bed_sign(op, NULL);
}

static void
step(struct agent *a)
{
	unsigned what = draw(8);

	if (what < HOSTILE)
		hostile_step(what);
	else if (what == HOSTILE)
		owner_step();
	else if (what == HOSTILE + 1 && !asked)
		fido_bed_pass(a, FIDO_TOUCH_MS);	/* nobody touches for the hostile one */
	fido_bed_pass(a, draw(LOOP_MS));
	assert_int_equal(unannounced(), 0);
	finger_step();
	fido_bed_pass(a, 0);
}

/* What the hostile one got: never more than a session is worth. */
static void
check_hostile(uint64_t seed, uint64_t by_touch)
{
	size_t i;
	int own = !gave_up && fido_bed_status(&owner) == 200;

	paid += own;
	if (minted(METRICS_DEVICE) - by_touch != (uint64_t)own)
		fail_msg("seed %llu: %llu tokens for a touch, and the owner has %d",
		    (unsigned long long)seed, (unsigned long long)(minted(METRICS_DEVICE) - by_touch), own);
	if (own && fido_bed_blinks() != NULL)
		fail_msg("seed %llu: another touch is asked for", (unsigned long long)seed);
	for (i = 0; i < HOSTILE; i++)
		if (fido_bed_status(&hostile[i]) == 200 && (!own || strcmp(hostiles[i]->audience, "strict") == 0))
			fail_msg("seed %llu: a token for %s", (unsigned long long)seed, hostiles[i]->audience);
}

static void
play(struct agent *a, uint64_t seed)
{
	uint64_t by_touch = minted(METRICS_DEVICE);
	int i;

	state = seed;
	asked = gave_up = touches = 0;
	finger_at = 0;
	owners = &wishes[draw(3)];
	fido_bed_listen(&listener);
	fido_bed_pass(a, 0);
	for (i = 0; i < STEPS_MAX && touches == 0; i++)
		step(a);
	lost += touches == 0;
	for (i = 0; i < 4; i++)
		fido_bed_pass(a, LOOP_MS);	/* what waited would blink now */
	check_hostile(seed, by_touch);
	fido_bed_client_close(&owner);
	for (i = 0; i < HOSTILE; i++)
		fido_bed_client_close(&hostile[i]);
	fido_bed_client_close(&listener);
	fido_bed_pass(a, FIDO_TURN_REST_MS);
	assert_null(fido_bed_blinks());		/* who vanishes takes his touch with him */
	assert_int_equal(a->fido->proofs, 0);
	(void)session_end_credential(a->sessions, fido_bed_credential.id);
}

static void
drive(struct agent *a)
{
	const char *rounds = getenv("TESSERA_ROUNDS"), *from = getenv("TESSERA_SEED");
	uint64_t n = rounds != NULL ? strtoull(rounds, NULL, 10) : ROUNDS;
	uint64_t seed = from != NULL ? strtoull(from, NULL, 10) : 1, i;

	for (i = 0; i < n; i++)
		play(a, seed + i);
	print_message("%llu rounds: the owner's token %d times, given up with a finger on its way %d, "
	    "no touch %d\n", (unsigned long long)n, paid, late, lost);
	/* It was about something. */
	assert_true((uint64_t)paid > n / 2);
	assert_true(n < 100 || late > 0);
	assert_true((uint64_t)lost < n / 10 + 1);
}

static void
test_interleavings(void **unused)
{
	(void)unused;
	assert_int_equal(fido_bed_life(1, drive), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_interleavings) };
	size_t i;

	owner.fd = listener.fd = -1;
	for (i = 0; i < HOSTILE; i++)
		hostile[i].fd = -1;
	fido_bed_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
