/*
 * enrol_card.c - see enrol_card.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_card.h"

#include <stdio.h>
#include <string.h>

#include "agent/enrol_match.h"
#include "include/tessera.h"
#include "token/sigcheck.h"

static int
card_take(const struct device_key *k, struct card_key *out)
{
	uint32_t possible;

	if ((k->flags & PROTO_KEY_NO_PIN) == 0 || k->id_len == 0 || k->id_len > sizeof(out->key_id) ||
	    sigcheck_algorithms(k->spki, k->spki_len, &possible) != TSR_OK ||
	    (out->algorithm = enrol_match_algorithm(k->algorithms & possible)) == 0)
		return 0;
	memcpy(out->key_id, k->id, k->id_len);
	out->key_id_len = k->id_len;
	memcpy(out->spki, k->spki, k->spki_len);
	out->spki_len = k->spki_len;
	return 1;
}

void
enrol_card_choose(const struct device_keys *keys, const struct credential *c, struct card_key *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < keys->n; i++)
		if (card_take(&keys->key[i], out))
			break;
	(void)snprintf(out->credential, sizeof(out->credential), "%s", c->id);
}
