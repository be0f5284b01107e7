/*
 * test_epochs_race.c - verifying processes beside an agent that revokes, grows,
 * dies, starts again, finds its file cut or gone, or in another boot: a token
 * whose end was acknowledged before a verification began is never accepted.
 *
 * TESSERA_INTERLEAVINGS says how many steps the agent takes (1,000);
 * TESSERA_SEED repeats a run.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/store.h"
#include "tests/agent/epochs_rig.h"

#define READERS		3
#define STEPS		1000
#define STEPS_ROUND	50	/* then new keys, tokens and verifiers */
#define FILLERS		64	/* sids of nobody that a step may kill */

/* Shared with the verifying processes. */
struct shared {
	unsigned char dead[EPOCHS_RIG_TOKENS];	/* its end was acknowledged */
	int stop, hold, held[READERS];
	uint64_t accepted[READERS], refused[READERS], wrong[READERS];
};

static struct shared *shared;
static struct epochs_rig rig;
static uint64_t seed;

static unsigned
draw(uint64_t *s, unsigned n)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (unsigned)((*s >> 20) % n);
}

static int
flag(const int *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* Two verifiers that keep what they have mapped, one of which stays as it is. */
static void
read_on(unsigned me)
{
	struct tsr_verifier *v[2] = { epochs_rig_verifier(&rig), epochs_rig_verifier(&rig) };
	uint64_t s = seed * 31 + me + 1;
	unsigned i;
	int dead, r;

	while (!flag(&shared->stop)) {
		if (flag(&shared->hold)) {
			__atomic_store_n(&shared->held[me], 1, __ATOMIC_RELEASE);
			(void)sched_yield();
			continue;
		}
		__atomic_store_n(&shared->held[me], 0, __ATOMIC_RELEASE);
		if (draw(&s, 500) == 0) {
			tsr_verifier_free(&v[1]);
			v[1] = epochs_rig_verifier(&rig);
		}
		i = draw(&s, EPOCHS_RIG_TOKENS);
		dead = __atomic_load_n(&shared->dead[i], __ATOMIC_ACQUIRE);
		r = epochs_rig_verify(v[draw(&s, 2)], &rig, i);
		if (r == TSR_OK && dead)
			shared->wrong[me]++;
		else if (r == TSR_OK)
			shared->accepted[me]++;
		else
			shared->refused[me]++;
	}
	tsr_verifier_free(&v[0]);
	tsr_verifier_free(&v[1]);
	_exit(0);
}

/* --- what the agent does --- */

static void
acknowledge(size_t token)
{
	__atomic_store_n(&shared->dead[token], 1, __ATOMIC_RELEASE);
}

static void
acknowledge_until(int64_t epoch)
{
	size_t i;

	for (i = 0; i < EPOCHS_RIG_TOKENS; i++)
		if (rig.claims[i].iat <= epoch)
			acknowledge(i);
}

static int64_t
second_of(unsigned most)
{
	return rig.claims[4 * draw(&seed, most)].iat;
}

/* Tokens were issued until then, those at least that were revoked: the others come
 * later. */
static int64_t
issued_until(void)
{
	int64_t latest = second_of(4);
	size_t i;

	for (i = 0; i < EPOCHS_RIG_TOKENS; i++)
		if (shared->dead[i] && rig.claims[i].iat > latest)
			latest = rig.claims[i].iat;
	return latest;
}

static void
step_kill(void)
{
	size_t i = draw(&seed, EPOCHS_RIG_TOKENS) / (1 + draw(&seed, 4));	/* the early ones first */

	if (epochs_kill(rig.epochs, rig.sid[i]) == TSR_OK)
		acknowledge(i);
}

static void
step_fill(void)
{
	char sid[STORE_ID_LEN + 1];
	unsigned n = draw(&seed, FILLERS);

	while (n-- > 0) {
		store_make_id(sid);
		(void)epochs_kill(rig.epochs, sid);
	}
}

static void
step_raise(void)
{
	int64_t epoch = second_of(4);

	if (epochs_raise(rig.epochs, epoch) == TSR_OK)
		acknowledge_until(epoch);
}

static void
restart(void)
{
	int64_t latest = issued_until();

	epochs_rig_restart(&rig, latest);
	if (epochs_wait(rig.epochs, latest) > 0)	/* the file could not be gone on from */
		acknowledge_until(latest);
}

/* The agent is killed in the middle of a write; what it acknowledged stays. */
static void
step_crash(void)
{
	struct timespec pause = { 0, 1000 * (long)draw(&seed, 2000) };
	pid_t pid;

	if ((pid = fork()) == 0)
		for (;;) {
			step_kill();
			step_fill();
			if (draw(&seed, 4) == 0)
				step_raise();
		}
	assert_true(pid > 0);
	(void)nanosleep(&pause, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	restart();
}

static void
hold(int on)
{
	unsigned i;

	__atomic_store_n(&shared->hold, on, __ATOMIC_RELEASE);
	for (i = 0; on && i < READERS; i++)
		while (!flag(&shared->held[i]))
			(void)sched_yield();
}

/* Nobody reads in that very tick: see epochfile.h. */
static void
step_cut(void)
{
	static const struct timespec pause = { 0, 15000000 };

	hold(1);
	assert_int_equal(truncate(rig.file, (off_t)draw(&seed, 8192)), 0);
	(void)nanosleep(&pause, NULL);
	hold(0);
	step_kill();
	if (draw(&seed, 2) == 0)
		epochs_rig_beat(&rig);
	else
		restart();
}

static void
step_taken(void)
{
	(void)unlink(rig.file);
	if (draw(&seed, 2) == 0)
		step_kill();
	else
		restart();
}

static void
step_reboot(void)
{
	char boot[EPOCHS_BOOT_LEN];
	int fd;

	memset(boot, (int)draw(&seed, 256), sizeof(boot));
	if ((fd = open(rig.file, O_RDWR)) == -1)
		return;
	assert_int_equal(pwrite(fd, boot, sizeof(boot), offsetof(struct epochs_head, boot)), sizeof(boot));
	(void)close(fd);
	restart();
}

static void
step(void)
{
	static const struct {
		void (*take)(void);
		unsigned weight;
	} steps[] = {
		{ step_kill, 40 }, { step_fill, 25 }, { step_raise, 2 }, { restart, 15 },
		{ step_crash, 12 }, { step_cut, 2 }, { step_taken, 3 }, { step_reboot, 1 },
	};
	unsigned at = draw(&seed, 100), i;

	for (i = 0; at >= steps[i].weight; i++)
		at -= steps[i].weight;
	steps[i].take();
}

static void
round_of(unsigned steps)
{
	static const struct timespec pause = { 0, 200000 };
	pid_t pid[READERS];
	unsigned i;
	int status;

	epochs_rig_new(&rig);
	memset(shared->dead, 0, sizeof(shared->dead));
	shared->stop = shared->hold = 0;
	for (i = 0; i < READERS; i++)
		if ((pid[i] = fork()) == 0)
			read_on(i);
	for (i = 0; i < steps; i++) {
		step();
		(void)nanosleep(&pause, NULL);
	}
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < READERS; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	epochs_rig_free(&rig);
}

static void
test_interleavings(void **state)
{
	const char *asked = getenv("TESSERA_INTERLEAVINGS"), *from = getenv("TESSERA_SEED");
	unsigned steps = asked != NULL ? (unsigned)strtoul(asked, NULL, 10) : STEPS, i;
	uint64_t accepted = 0, refused = 0, wrong = 0, first;
	struct timespec now;

	(void)state;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	first = seed = from != NULL ? strtoull(from, NULL, 10) : (uint64_t)now.tv_nsec * 2 + 1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	for (i = 0; i < steps; i += STEPS_ROUND)
		round_of(steps - i < STEPS_ROUND ? steps - i : STEPS_ROUND);
	for (i = 0; i < READERS; i++) {
		accepted += shared->accepted[i];
		refused += shared->refused[i];
		wrong += shared->wrong[i];
	}
	print_message("%u steps, seed %llu: %llu accepted, %llu refused, %llu dead ones accepted\n", steps,
	    (unsigned long long)first, (unsigned long long)accepted, (unsigned long long)refused,
	    (unsigned long long)wrong);
	assert_true(accepted > steps && refused > 0);
	assert_int_equal(wrong, 0);
	(void)munmap(shared, sizeof(*shared));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_interleavings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
