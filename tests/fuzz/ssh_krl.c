/*
 * ssh_krl.c - fuzz target: a list that is joined to one of ours adds its own sections
 * and nothing else, and the two make a list again; what is none changes nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/ssh_rig.h"
#include "token/ssh_krl.h"

static struct buf ours;

static void
rig(void)
{
	static const uint64_t serials[] = { 1, 7 };
	struct buf key;
	struct ssh_krl_ca ca = { .all = 1, .serials = serials, .n = 2 };

	if (ours.len > 0)
		return;
	must(sodium_init() >= 0);
	key = rig_row(ROW_CA_KEY);
	ca.key = key.data;
	ca.key_n = key.len;
	buf_init(&ours, SSH_KRL_MAX);
	must(ssh_krl_write(&ours, &ca, 1, 1, 1, "c") == TSR_OK);
	buf_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf list, again;
	uint8_t *copy;
	size_t more;
	int r;

	rig();
	must((copy = malloc(size + (size == 0))) != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	buf_init(&list, SSH_KRL_MAX);
	buf_init(&again, SSH_KRL_MAX);
	must(ssh_krl_join(&list, ours.data, ours.len) == TSR_OK);
	must(list.len == ours.len && memcmp(list.data, ours.data, ours.len) == 0);
	r = ssh_krl_join(&list, copy, size);
	if (r != TSR_OK)
		must(list.len == ours.len && memcmp(list.data, ours.data, ours.len) == 0);
	else {
		more = list.len - ours.len;
		must(size >= 44 && more <= size - 44);
		must(more == 0 || memcmp(list.data + ours.len, copy + size - more, more) == 0);
		must(memcmp(list.data + 28, ours.data + 28, ours.len - 28) == 0);
	}
	must(ssh_krl_join(&again, list.data, list.len) == TSR_OK && again.len == list.len);
	must((ssh_krl_join(&again, copy, size) == TSR_OK) == (r == TSR_OK));
	buf_free(&again);
	buf_free(&list);
	free(copy);
	return 0;
}
