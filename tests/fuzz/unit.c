/*
 * unit.c - any bytes as /proc/PID/cgroup.  What is taken for a unit is a service
 * of the one path there, what is taken for a user's slice is nobody's service.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/caller_unit.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char unit[CALLER_UNIT_MAX], want[CALLER_UNIT_MAX + 32], *text;
	uid_t uid = (uid_t)-1;
	size_t n;
	int r;

	if ((text = malloc(size + 1)) == NULL)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	r = caller_unit_parse(text, size, unit);
	if (r == TSR_OK) {
		n = strlen(unit);
		must(n > 8 && strcmp(unit + n - 8, ".service") == 0 && strchr(unit, '/') == NULL);
		(void)snprintf(want, sizeof(want), "/%s\n", unit);
		must(memmem(text, size, "0::/system.slice/", 17) != NULL &&
		    memmem(text, size, want, strlen(want)) != NULL);
	} else {
		must(r == TSR_NOT_FOUND);
	}
	if (caller_user_slice_parse(text, size, &uid) == TSR_OK) {
		(void)snprintf(want, sizeof(want), "0::/user.slice/user-%u.slice", uid);
		must(r != TSR_OK && uid != (uid_t)-1 && memmem(text, size, want, strlen(want)) != NULL);
	}
	free(text);
	return 0;
}
