/*
 * sandbox_sanitizer.c - what the run-time of a sanitizer needs.  See
 * sandbox_sanitizer.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/sandbox_sanitizer.h"

#include <sched.h>
#include <stdint.h>

#ifdef TESSERA_SANITIZED

/* At exit the leak check clones a tracer that shares our memory, makes us
 * dumpable, stops us by ptrace and reads our maps. */
static const int calls[] = {
	SCMP_SYS(prctl), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(personality),
};

int
sandbox_sanitizer_on(void)
{
	return 1;
}

int
sandbox_sanitizer_needs(int nr)
{
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return 1;
	return 0;
}

int
sandbox_sanitizer_calls(scmp_filter_ctx ctx)
{
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]) && r == 0; i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (r == 0)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM | CLONE_VFORK, CLONE_VM));
	return r;
}

const struct sandbox_path *
sandbox_sanitizer_paths(size_t *n)
{
	static const struct sandbox_path paths[] = { { "/proc", SANDBOX_READ } };

	*n = 1;
	return paths;
}

#else

int
sandbox_sanitizer_on(void)
{
	return 0;
}

int
sandbox_sanitizer_needs(int nr)
{
	(void)nr;
	return 0;
}

int
sandbox_sanitizer_calls(scmp_filter_ctx ctx)
{
	(void)ctx;
	return 0;
}

const struct sandbox_path *
sandbox_sanitizer_paths(size_t *n)
{
	*n = 0;
	return NULL;
}

#endif
