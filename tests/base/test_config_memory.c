/*
 * test_config_memory.c - libconfuse dies where its memory runs out: it has all of it
 * before it begins, whoever else takes memory then.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/base/config_rig.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tessera.h"

#define TEXT_MAX	400000
#define LITTLE		((rlim_t)1 << 16)	/* bytes of address space: fewer than we have */
#define STEP		((rlim_t)1 << 20)
#define STEPS		512

cfg_t *__real_cfg_init(cfg_opt_t *opts, cfg_flag_t flags);
cfg_t *__wrap_cfg_init(cfg_opt_t *opts, cfg_flag_t flags);
int __real_cfg_parse_buf(cfg_t *cfg, const char *buf);
int __wrap_cfg_parse_buf(cfg_t *cfg, const char *buf);

static int taken;		/* from here on, by somebody else */
static char text[TEXT_MAX];

static void
limit(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_AS, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_AS, &l), 0);
}

cfg_t *
__wrap_cfg_init(cfg_opt_t *opts, cfg_flag_t flags)
{
	if (taken)
		limit(LITTLE);
	return __real_cfg_init(opts, flags);
}

int
__wrap_cfg_parse_buf(cfg_t *cfg, const char *buf)
{
	int r = __real_cfg_parse_buf(cfg, buf);

	if (taken)
		limit(RLIM_INFINITY);
	return r;
}

/* Many sections with long lists. */
static void
write_text(unsigned audiences)
{
	size_t at = (size_t)snprintf(text, sizeof(text), ISSUER);
	unsigned i, k;

	for (i = 0; i < audiences; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at,
		    "audience a%u {\n any-user = true\n scopes = {", i);
		for (k = 0; k < 250; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%ss%u", k > 0 ? "," : "", k);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "}\n}\n");
	}
	assert_true(at < sizeof(text) - 1);
}

static void
test_taken_meanwhile(void **state)
{
	static const unsigned sizes[] = { 1, 2, 10, 100, 250 };
	struct config *c = NULL;
	char err[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_text(sizes[i]);
		taken = 1;
		assert_int_equal(config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err)), TSR_OK);
		taken = 0;
		assert_int_equal(c->n_audiences, sizes[i]);
		config_free(&c);
	}
}

/* With less than it takes there is an error, and that is all. */
static void
test_too_little(void **state)
{
	struct config *c = NULL;
	unsigned i, refused = 0;
	char err[512];
	int r = TSR_NOMEM;

	(void)state;
	write_text(50);
	for (i = 1; i < STEPS && r != TSR_OK; i++) {
		limit(i * STEP);
		r = config_rig_load(text, CONFIG_SYSTEM, &c, err, sizeof(err));
		limit(RLIM_INFINITY);
		assert_true(r == TSR_OK || r == TSR_NOMEM);
		refused += r != TSR_OK;
	}
	assert_int_equal(r, TSR_OK);
	assert_true(refused > 0);
	config_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_meanwhile),
		cmocka_unit_test(test_too_little)
	};

	return cmocka_run_group_tests(tests, config_rig_setup, config_rig_teardown);
}
