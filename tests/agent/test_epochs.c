/*
 * test_epochs.c - the agent's file of dead tokens and libtessera's reading of it:
 * what is dead is refused, whatever becomes of the file, and while it is written.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/store.h"
#include "tests/agent/epochs_rig.h"
#include "tessera.h"

static struct epochs_rig rig;
static int scarce;		/* 1: nothing more is to be had */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return scarce ? NULL : __real_calloc(n, size);
}

static void
patch(size_t at, const void *p, size_t n)
{
	int fd = open(rig.file, O_RDWR);

	assert_true(fd != -1);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), (ssize_t)n);
	(void)close(fd);
}

static struct epochs_head
head(void)
{
	struct epochs_head h;
	int fd = open(rig.file, O_RDONLY);

	assert_true(fd != -1);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), (ssize_t)sizeof(h));
	(void)close(fd);
	return h;
}

/* A verifier looks at the path once a tick. */
static void
tick(void)
{
	static const struct timespec pause = { 0, 15000000 };

	(void)nanosleep(&pause, NULL);
}

static int
begin(void **state)
{
	(void)state;
	epochs_rig_new(&rig);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	epochs_rig_free(&rig);
	return 0;
}

static void
test_sid(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);

	(void)state;
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
	assert_int_equal(epochs_rig_verify(v, &rig, 1), TSR_OK);
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[0]), TSR_OK);
	/* at once, and though it was seen before */
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 1), TSR_OK);
	assert_true(epochs_dead(rig.epochs, &rig.claims[0]) && !epochs_dead(rig.epochs, &rig.claims[1]));
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[0]), TSR_OK);
	assert_int_equal(head().dead, 1);
	assert_int_equal(epochs_kill(rig.epochs, "s1"), TSR_INVALID);
	tsr_verifier_free(&v);
}

/* A token of the epoch's own second is dead, one of the next is not. */
static void
test_epoch(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);
	int64_t iat = rig.claims[8].iat;

	(void)state;
	assert_int_equal(epochs_raise(rig.epochs, iat), TSR_OK);
	assert_int_equal(epochs_rig_verify(v, &rig, 8), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_REVOKED);
	assert_true(epochs_dead(rig.epochs, &rig.claims[8]));
	assert_int_equal(rig.claims[12].iat, iat + 1);
	assert_int_equal(epochs_rig_verify(v, &rig, 12), TSR_OK);
	assert_false(epochs_dead(rig.epochs, &rig.claims[12]));
	assert_int_equal(epochs_wait(rig.epochs, iat), 1);
	assert_int_equal(epochs_wait(rig.epochs, iat - 9), 10);
	assert_int_equal(epochs_wait(rig.epochs, iat + 1), 0);
	assert_int_equal(epochs_raise(rig.epochs, iat - 5), TSR_OK);	/* never back */
	assert_int_equal(epochs_rig_verify(v, &rig, 8), TSR_REVOKED);
	tsr_verifier_free(&v);
}

/* More than the table holds: who has the old file mapped sees the new one. */
static void
test_growth(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);
	char sid[STORE_ID_LEN + 1];
	uint64_t slots = head().slots;
	unsigned i, grown = 0;

	(void)state;
	for (i = 0; i < 5000; i++) {
		assert_int_equal(epochs_rig_verify(v, &rig, 63), TSR_OK);
		store_make_id(sid);
		assert_int_equal(epochs_kill(rig.epochs, sid), TSR_OK);
		if (head().slots == slots)
			continue;
		slots = head().slots;
		assert_int_equal(epochs_kill(rig.epochs, rig.sid[grown]), TSR_OK);
		assert_int_equal(epochs_rig_verify(v, &rig, grown++), TSR_REVOKED);
	}
	assert_int_equal(grown, 4);
	for (i = 0; i < grown; i++)
		assert_int_equal(epochs_rig_verify(v, &rig, i), TSR_REVOKED);
	assert_true(head().slots == 16384 && head().dead == 5000 + grown);
	tsr_verifier_free(&v);
}

/* --- what is not to be believed --- */

static void
cut(void)
{
	assert_int_equal(truncate(rig.file, 64), 0);
}

static void
taken(void)
{
	assert_int_equal(unlink(rig.file), 0);
}

static void
linked(void)
{
	char other[sizeof(rig.file) + 8];

	(void)snprintf(other, sizeof(other), "%s.other", rig.file);
	assert_int_equal(rename(rig.file, other), 0);
	assert_int_equal(symlink(other, rig.file), 0);
}

static void
rebooted(void)
{
	patch(offsetof(struct epochs_head, boot), "another boot's id", EPOCHS_BOOT_LEN);
}

static void
aged(void)
{
	uint64_t then = clock_boot_ms() - EPOCHS_STALE_MS - 1;

	patch(offsetof(struct epochs_head, heartbeat_ms), &then, sizeof(then));
}

static void
ahead(void)
{
	static const uint64_t never = UINT64_MAX;

	patch(offsetof(struct epochs_head, heartbeat_ms), &never, sizeof(never));
}

static void
half_written(void)
{
	uint64_t seq = head().seq | 1;

	patch(offsetof(struct epochs_head, seq), &seq, sizeof(seq));
}

static void
other_magic(void)
{
	patch(0, "not this", 8);
}

static void
shared(void)
{
	assert_int_equal(chmod(rig.file, 0666), 0);
}

static void
strangers(void)
{
	if (geteuid() == 0)
		assert_int_equal(chown(rig.file, 65533, 65533), 0);
	else
		shared();
}

static const struct {
	const char *name;
	void (*spoil)(void);
	int mapped;	/* seen by who has it mapped already, too */
	int kept;	/* an agent that starts afterwards goes on from it */
} spoils[] = {
	{ "cut", cut, 1, 0 },
	{ "taken away", taken, 1, 0 },
	{ "a link", linked, 1, 0 },
	{ "another boot's", rebooted, 0, 0 },
	{ "a dead agent's", aged, 1, 1 },
	{ "a heart that beats in the future", ahead, 1, 1 },
	{ "half written", half_written, 1, 0 },
	{ "another kind of file", other_magic, 0, 0 },
	{ "everybody's to write", shared, 0, 0 },
	{ "a stranger's", strangers, 0, 0 },
};

static void
spoil(size_t i)
{
	struct tsr_verifier *old = epochs_rig_verifier(&rig), *fresh = epochs_rig_verifier(&rig);

	assert_int_equal(epochs_rig_verify(old, &rig, 0), TSR_OK);
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[1]), TSR_OK);
	spoils[i].spoil();
	tick();
	if (epochs_rig_verify(fresh, &rig, 0) != TSR_STALE)
		fail_msg("%s: believed", spoils[i].name);
	if (spoils[i].mapped && epochs_rig_verify(old, &rig, 0) != TSR_STALE)
		fail_msg("%s: believed by who had it mapped", spoils[i].name);
	assert_int_not_equal(epochs_rig_verify(fresh, &rig, 1), TSR_OK);
	assert_int_equal(tsr_verifier_set(fresh, TSR_OPT_ALLOW_STALE, 1), TSR_OK);
	assert_int_equal(epochs_rig_verify(fresh, &rig, 0), TSR_OK);

	/* the agent ends and another one starts: what was dead stays so */
	epochs_rig_restart(&rig, rig.claims[4].iat);
	tick();
	assert_int_equal(epochs_rig_verify(old, &rig, 1), TSR_REVOKED);
	if (epochs_rig_verify(old, &rig, 0) != (spoils[i].kept ? TSR_OK : TSR_REVOKED))
		fail_msg("%s: %s by the next agent", spoils[i].name, spoils[i].kept ? "dropped" : "kept");
	assert_int_equal(epochs_rig_verify(old, &rig, 8), TSR_OK);
	tsr_verifier_free(&old);
	tsr_verifier_free(&fresh);
}

static void
test_spoiled(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spoils) / sizeof(spoils[0]); i++) {
		epochs_rig_free(&rig);
		epochs_rig_new(&rig);
		spoil(i);
	}
}

/* What an agent finds at its next heartbeat, it puts right: with all that it
 * knows, for nothing of it comes from the file. */
static void
test_put_right(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {	/* cut, taken away, a link */
		assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
		assert_int_equal(epochs_kill(rig.epochs, rig.sid[i + 1]), TSR_OK);
		spoils[i].spoil();
		tick();
		assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_STALE);
		epochs_rig_beat(&rig);
		tick();
		assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
		assert_int_equal(epochs_rig_verify(v, &rig, i + 1), TSR_REVOKED);
	}
	tsr_verifier_free(&v);
}

/* A restart keeps both; the store's epoch counts where it is the later one. */
static void
test_restart(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);

	(void)state;
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[20]), TSR_OK);
	assert_int_equal(epochs_raise(rig.epochs, rig.claims[0].iat), TSR_OK);
	assert_int_equal(epochs_rig_verify(v, &rig, 24), TSR_OK);
	epochs_rig_restart(&rig, rig.claims[40].iat);
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 20), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 24), TSR_OK);
	rig.stored = rig.claims[24].iat;
	epochs_rig_restart(&rig, 0);
	assert_int_equal(epochs_rig_verify(v, &rig, 24), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 28), TSR_OK);
	tsr_verifier_free(&v);
}

/* Keys that were replaced are read at once, not within a second. */
static void
test_keys(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);

	(void)state;
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
	epochs_rig_other_keys(&rig);
	assert_int_equal(epochs_keys(rig.epochs, 2), TSR_OK);
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_UNKNOWN_KEY);
	tsr_verifier_free(&v);
}

/* Nothing is lost where many are gathered, or where the folder is full. */
static void
test_gathered(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);
	struct epochs_state s;
	size_t i;

	(void)state;
	epochs_gather(rig.epochs);
	for (i = 0; i < 10; i++)
		assert_int_equal(epochs_kill(rig.epochs, rig.sid[i]), TSR_OK);
	assert_int_equal(epochs_gathered(rig.epochs), TSR_OK);
	for (i = 0; i < 10; i++)
		assert_int_equal(epochs_rig_verify(v, &rig, i), TSR_REVOKED);
	assert_int_equal(epochs_rig_verify(v, &rig, 10), TSR_OK);
	epochs_state(rig.epochs, &s);
	assert_true(s.dead == 10 && !s.failing);
	tsr_verifier_free(&v);
}

/* A table that cannot grow takes what it has room for, and then gives way to an
 * epoch: no end of a session is lost for want of memory. */
static void
test_memory(void **state)
{
	struct tsr_verifier *v = epochs_rig_verifier(&rig);
	char sid[STORE_ID_LEN + 1];
	struct epochs_state s;
	size_t i;

	(void)state;
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
	for (i = 0; i < EPOCHS_SLOTS_MIN - 1; i++) {
		store_make_id(sid);
		scarce = 1;
		assert_int_equal(epochs_kill(rig.epochs, sid), TSR_OK);
		scarce = 0;
	}
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_OK);
	scarce = 1;
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[0]), TSR_OK);
	scarce = 0;
	assert_int_equal(epochs_rig_verify(v, &rig, 0), TSR_REVOKED);
	epochs_state(rig.epochs, &s);
	assert_true(s.dead == EPOCHS_SLOTS_MIN && s.epoch == 0 && !s.failing);
	scarce = 1;
	assert_int_equal(epochs_kill(rig.epochs, rig.sid[1]), TSR_OK);
	scarce = 0;
	epochs_state(rig.epochs, &s);
	assert_true(s.dead == 0 && s.epoch != 0 && s.epoch <= clock_wall() && !s.failing);
	assert_int_equal(head().epoch, s.epoch);
	tsr_verifier_free(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sid, begin, end),
		cmocka_unit_test_setup_teardown(test_epoch, begin, end),
		cmocka_unit_test_setup_teardown(test_growth, begin, end),
		cmocka_unit_test_setup_teardown(test_spoiled, begin, end),
		cmocka_unit_test_setup_teardown(test_put_right, begin, end),
		cmocka_unit_test_setup_teardown(test_restart, begin, end),
		cmocka_unit_test_setup_teardown(test_keys, begin, end),
		cmocka_unit_test_setup_teardown(test_gathered, begin, end),
		cmocka_unit_test_setup_teardown(test_memory, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
