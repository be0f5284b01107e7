/*
 * apdu.h - command APDUs, short and extended (ISO/IEC 7816-4, 5.1), and the
 * status words of the answers.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_APDU_H
#define SIM_APDU_H

#include <stddef.h>
#include <stdint.h>

enum apdu_ins {
	INS_VERIFY = 0x20,
	INS_CHANGE_REFERENCE = 0x24,
	INS_RESET_RETRY = 0x2c,
	INS_GENERATE = 0x47,
	INS_AUTHENTICATE = 0x87,
	INS_SELECT = 0xa4,
	INS_GET_RESPONSE = 0xc0,
	INS_GET_DATA = 0xcb,
	INS_PUT_DATA = 0xdb,
	/* not in SP 800-73: what yubico-piv-tool asks for first */
	INS_SERIAL = 0xf8,
	INS_VERSION = 0xfd,
	INS_SET_MANAGEMENT = 0xff
};

enum apdu_sw {
	SW_OK = 0x9000,
	SW_MORE = 0x6100,		/* | bytes left, 0 for 256 and more */
	SW_TRIES = 0x63c0,		/* | tries left */
	SW_MEMORY = 0x6581,		/* the memory could not be written */
	SW_LENGTH = 0x6700,
	SW_CHAIN_END = 0x6883,		/* the last command of the chain is due */
	SW_SECURITY = 0x6982,		/* the security status is not satisfied */
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_DATA = 0x6a80,		/* the data field is wrong */
	SW_FUNCTION = 0x6a81,
	SW_NOT_FOUND = 0x6a82,
	SW_FULL = 0x6a84,
	SW_P1P2 = 0x6a86,
	SW_REFERENCE = 0x6a88,		/* no such key or PIN */
	SW_INS = 0x6d00,
	SW_CLA = 0x6e00,
	SW_FAILED = 0x6f00
};

#define APDU_CHAIN	0x10		/* of cla: more of this command follows */

struct apdu {
	uint8_t cla, ins, p1, p2;
	const uint8_t *data;		/* into what was parsed */
	size_t lc;
	size_t le;			/* bytes wanted, 1 to 65536; 0: none */
};

/* p[0..n) as a command.  TSR_INVALID where the lengths do not agree. */
int apdu_parse(const uint8_t *p, size_t n, struct apdu *out);

#endif
