/*
 * card_rig.c - a virtual card for tests.  See card_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "card_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/card_make.h"
#include "tessera.h"

static char fixture[64];
static const char *const rig_files[] = { "contents", "pins", "ca.pem", "ca.key" };

int
rig_fixture(void **state)
{
	struct card_recipe recipe = { .has_serial = 1, .serial = 4711 };

	(void)state;
	(void)strcpy(fixture, "/tmp/tessera-card-XXXXXX");
	assert_non_null(mkdtemp(fixture));
	assert_int_equal(card_recipe_algorithms(&recipe, "p256,9c=rsa2048,9d=p384"), TSR_OK);
	assert_int_equal(card_make(fixture, &recipe), TSR_OK);
	return 0;
}

static void
rig_clear(const char *folder)
{
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(rig_files) / sizeof(rig_files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, rig_files[i]);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/.%s.new", folder, rig_files[i]);
		(void)unlink(path);		/* of one that was killed */
	}
	assert_int_equal(rmdir(folder), 0);
}

int
rig_fixture_remove(void **state)
{
	(void)state;
	rig_clear(fixture);
	return 0;
}

static void
rig_copy(const char *folder, const char *name)
{
	char path[128], data[32768];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", fixture, name);
	assert_non_null(f = fopen(path, "re"));
	n = fread(data, 1, sizeof(data), f);
	assert_true(n > 0 && n < sizeof(data));
	(void)fclose(f);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_non_null(f = fopen(path, "we"));
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

void
rig_new(struct rig *r, enum card_contact contact)
{
	memset(r, 0, sizeof(*r));
	(void)strcpy(r->folder, "/tmp/tessera-card-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	rig_copy(r->folder, rig_files[0]);
	rig_copy(r->folder, rig_files[1]);
	assert_int_equal(card_load(r->folder, contact, &r->card), TSR_OK);
}

void
rig_reload(struct rig *r, enum card_contact contact)
{
	card_free(&r->card);
	assert_int_equal(card_load(r->folder, contact, &r->card), TSR_OK);
}

void
rig_free(struct rig *r)
{
	card_free(&r->card);
	card_free(&r->card);
	rig_clear(r->folder);
}

static unsigned
rig_exchange(struct rig *r, const uint8_t *apdu, size_t n)
{
	struct buf answer;
	unsigned sw;

	buf_init(&answer, CARD_ANSWER_MAX);
	assert_int_equal(card_transmit(r->card, apdu, n, &answer), TSR_OK);
	assert_true(answer.len >= 2 && r->len + answer.len - 2 <= sizeof(r->answer));
	sw = (unsigned)answer.data[answer.len - 2] << 8 | answer.data[answer.len - 1];
	memcpy(r->answer + r->len, answer.data, answer.len - 2);
	r->len += answer.len - 2;
	buf_free(&answer);
	return sw;
}

unsigned
rig_bytes(struct rig *r, const uint8_t *apdu, size_t n)
{
	uint8_t more[] = { 0x00, 0xc0, 0x00, 0x00, 0x00 };
	unsigned sw;

	r->len = 0;
	sw = rig_exchange(r, apdu, n);
	while (sw >> 8 == 0x61) {
		more[4] = (uint8_t)sw;
		sw = rig_exchange(r, more, sizeof(more));
	}
	return sw;
}

static size_t
rig_hex(const char *hex, uint8_t *out, size_t size)
{
	unsigned byte;
	size_t n = 0;

	while (*hex != '\0') {
		if (*hex == ' ') {
			hex++;
			continue;
		}
		assert_true(n < size && sscanf(hex, "%2x", &byte) == 1);
		out[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}

unsigned
rig_send(struct rig *r, const char *hex)
{
	uint8_t apdu[1024];

	return rig_bytes(r, apdu, rig_hex(hex, apdu, sizeof(apdu)));
}

unsigned
rig_once(struct rig *r, const char *hex)
{
	uint8_t apdu[1024];

	r->len = 0;
	return rig_exchange(r, apdu, rig_hex(hex, apdu, sizeof(apdu)));
}
