/*
 * enrol_fido_judge.c - see enrol_fido_judge.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/enrol_fido_judge.h"

#include <string.h>

#include "agent/attestation_read.h"
#include "agent/clock.h"
#include "base/escape.h"
#include "base/hex.h"
#include "include/tessera.h"

/* Makes that may be enrolled: what the key says of itself counts only where a maker
 * that is trusted has signed it. */
static int
judge_allowed(const struct fido *f, const struct attestation_found *found)
{
	const struct strings *list = &policy_config(f->agent->policy)->fido.aaguids;
	uint8_t aaguid[PROTO_FIDO_AAGUID_LEN];
	const char *p;
	size_t i, k;

	if (list->n == 0)
		return 1;
	for (i = 0; i < list->n && found->kind == ATTESTATION_TRUSTED; i++) {
		for (k = 0, p = list->v[i]; k < sizeof(aaguid); k++, p += 2) {
			p += *p == '-';
			aaguid[k] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
		}
		if (memcmp(aaguid, found->data.aaguid, sizeof(aaguid)) == 0)
			return 1;
	}
	return 0;
}

static void
judge_keep(const struct enrol_fido_wish *wish, const struct enrol_fido_evidence *e,
    const struct attestation_found *found)
{
	struct fido_record *rec = wish->record;
	struct credential *c = wish->credential;

	memcpy(rec->cred_id, found->data.id, found->data.id_len);
	rec->cred_id_len = found->data.id_len;
	memcpy(rec->aaguid, found->data.aaguid, sizeof(rec->aaguid));
	rec->counter = found->data.counter;
	rec->attestation = found->kind;
	escape_cut(rec->transports, sizeof(rec->transports), e->transports, e->transports_len);
	c->algorithm = found->data.algorithm;
	memcpy(c->spki, found->data.spki, found->data.spki_len);
	c->spki_len = found->data.spki_len;
}

int
enrol_fido_judge(const struct fido *f, const struct enrol_fido_wish *wish,
    const struct enrol_fido_evidence *e, enum assertion_fault *fault)
{
	const struct assertion_policy policy = {
		.rp_id = wish->record->rp_id, .presence = 1, .verification = wish->record->verification
	};
	struct attestation_statement s = { .packed = 0 };
	struct attestation_found found;
	int r;

	/* What was not asked for is not looked at, and not kept. */
	if (wish->direct && (r = attestation_read(e->format, e->format_len, e->statement,
	    e->statement_len, &s)) != TSR_OK)
		return r == TSR_UNSUPPORTED ? TSR_KEY_UNUSABLE : TSR_BAD_SIGNATURE;
	if ((r = attestation_judge(&policy, e->hash, e->authdata, e->authdata_len, &s, f->roots,
	    clock_wall(), &found, fault)) != TSR_OK)
		return r;
	if (!judge_allowed(f, &found))
		return TSR_KEY_UNUSABLE;
	judge_keep(wish, e, &found);
	return TSR_OK;
}
