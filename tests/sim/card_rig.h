/*
 * card_rig.h - a virtual card in a folder of its own, for tests.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_SIM_CARD_RIG_H
#define TESTS_SIM_CARD_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "sim/card.h"

#define RIG_ANSWER_MAX	9000	/* bytes */

/* Keys of the fixture: 9A P-256, 9C RSA 2048, 9D P-384, 9E P-256. */
struct rig {
	char folder[64];
	struct card *card;
	uint8_t answer[RIG_ANSWER_MAX];	/* of the latest command, without its status word */
	size_t len;
};

/* The fixture is made once for a program, rigs are copies of it. */
int rig_fixture(void **state);
int rig_fixture_remove(void **state);
void rig_new(struct rig *r, enum card_contact contact);
void rig_reload(struct rig *r, enum card_contact contact);	/* another process has it now */
void rig_free(struct rig *r);

/* One command in hexadecimal, blanks ignored; its status word.  The answer is
 * collected by GET RESPONSE where it says that there is more. */
unsigned rig_send(struct rig *r, const char *hex);
unsigned rig_bytes(struct rig *r, const uint8_t *apdu, size_t n);

/* One command, nothing more; its status word. */
unsigned rig_once(struct rig *r, const char *hex);

#define SELECT_PIV	"00a4040009 a00000030800001000 00"
#define VERIFY_RIGHT	"0020008008 313233343536ffff"
#define VERIFY_WRONG	"0020008008 363534333231ffff"
#define VERIFY_LOOK	"00200080"

#endif
