/*
 * span.c - lengths of time.  See span.h.  The configuration's own reader would
 * bring libconfuse into every start of the command.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/span.h"

#include <stddef.h>

#include "tessera.h"

int
span_parse(const char *text, uint32_t *seconds)
{
	static const struct {
		char letter;
		uint32_t factor;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t n = 0;
	const char *p = text;
	size_t i;

	for (; *p >= '0' && *p <= '9'; p++)
		if ((n = n * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
			return TSR_INVALID;
	for (i = 0; i < sizeof(units) / sizeof(units[0]) && p > text; i++) {
		if (*p != units[i].letter || (*p != '\0' && p[1] != '\0'))
			continue;
		if ((n *= units[i].factor) > UINT32_MAX)
			return TSR_INVALID;
		*seconds = (uint32_t)n;
		return TSR_OK;
	}
	return TSR_INVALID;
}
