/*
 * authdata.c - see authdata.h.
 *
 * A COSE key has one canonical spelling for each of the two kinds, so it is
 * compared with that and not parsed.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/authdata.h"

#include <string.h>

#include "agent/cbor.h"
#include "include/tessera.h"

#define HEAD_LEN	(AUTHDATA_RP_LEN + 1 + 4)
#define COORDINATE_LEN	32	/* bytes of x and of y */

/* {1: 2, 3: -7, -1: 1, -2: x, -3: y} */
static const uint8_t cose_es256[] = { 0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20 };
static const uint8_t cose_es256_y[] = { 0x22, 0x58, 0x20 };
/* {1: 1, 3: -8, -1: 6, -2: x} */
static const uint8_t cose_eddsa[] = { 0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20 };

/* RFC 5480 2.1.1.1, P-256, uncompressed; RFC 8410 4. */
static const uint8_t spki_p256[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04 };
static const uint8_t spki_ed25519[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03,
    0x21, 0x00 };

_Static_assert(sizeof(spki_p256) + 2 * COORDINATE_LEN <= AUTHDATA_SPKI_MAX, "a key fits");

/* What is left to be read. */
struct rest {
	const uint8_t *p;
	size_t n;
};

static const uint8_t *
rest_take(struct rest *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->n < n)
		return NULL;
	r->p += n;
	r->n -= n;
	return p;
}

/* Exactly these bytes, and COORDINATE_LEN after them. */
static const uint8_t *
rest_coordinate(struct rest *r, const uint8_t *prefix, size_t n)
{
	if (r->n < n + COORDINATE_LEN || memcmp(r->p, prefix, n) != 0)
		return NULL;
	(void)rest_take(r, n);
	return rest_take(r, COORDINATE_LEN);
}

static void
authdata_key(struct authdata *a, enum proto_algorithm algorithm, const uint8_t *prefix, size_t n,
    const uint8_t *x, const uint8_t *y)
{
	a->algorithm = algorithm;
	memcpy(a->spki, prefix, n);
	memcpy(a->spki + n, x, COORDINATE_LEN);
	a->spki_len = n + COORDINATE_LEN;
	if (y != NULL) {
		memcpy(a->spki + a->spki_len, y, COORDINATE_LEN);
		a->spki_len += COORDINATE_LEN;
	}
}

static int
authdata_cose(struct rest *r, struct authdata *a)
{
	const uint8_t *x, *y;

	if ((x = rest_coordinate(r, cose_eddsa, sizeof(cose_eddsa))) != NULL) {
		authdata_key(a, PROTO_ED25519, spki_ed25519, sizeof(spki_ed25519), x, NULL);
		return TSR_OK;
	}
	if ((x = rest_coordinate(r, cose_es256, sizeof(cose_es256))) == NULL ||
	    (y = rest_coordinate(r, cose_es256_y, sizeof(cose_es256_y))) == NULL)
		return TSR_INVALID;
	authdata_key(a, PROTO_ECDSA_P256_SHA256, spki_p256, sizeof(spki_p256), x, y);
	return TSR_OK;
}

/* Attested credential data (6.5.2). */
static int
authdata_credential(struct rest *r, struct authdata *a)
{
	const uint8_t *len;

	if ((a->aaguid = rest_take(r, AUTHDATA_AAGUID_LEN)) == NULL ||
	    (len = rest_take(r, 2)) == NULL)
		return TSR_INVALID;
	a->id_len = (size_t)len[0] << 8 | len[1];
	if (a->id_len == 0 || a->id_len > AUTHDATA_ID_MAX ||
	    (a->id = rest_take(r, a->id_len)) == NULL)
		return TSR_INVALID;
	return authdata_cose(r, a);
}

int
authdata_read(const uint8_t *p, size_t n, struct authdata *out)
{
	struct rest r = { p, n };
	struct authdata a;
	const uint8_t *head;
	size_t used = 0;

	memset(&a, 0, sizeof(a));
	if (n > AUTHDATA_MAX || (head = rest_take(&r, HEAD_LEN)) == NULL)
		return TSR_INVALID;
	a.rp = head;
	a.flags = head[AUTHDATA_RP_LEN];
	a.counter = (uint32_t)head[33] << 24 | (uint32_t)head[34] << 16 | (uint32_t)head[35] << 8 |
	    head[36];
	if ((a.flags & ~AUTHDATA_FLAGS) != 0 ||
	    ((a.flags & AUTHDATA_BS) != 0 && (a.flags & AUTHDATA_BE) == 0))
		return TSR_INVALID;
	if ((a.flags & AUTHDATA_AT) != 0 && authdata_credential(&r, &a) != TSR_OK)
		return TSR_INVALID;
	if ((a.flags & AUTHDATA_ED) != 0) {
		if (cbor_map(r.p, r.n, &used) != TSR_OK)
			return TSR_INVALID;
		(void)rest_take(&r, used);
	}
	if (r.n != 0)
		return TSR_INVALID;
	*out = a;
	return TSR_OK;
}
