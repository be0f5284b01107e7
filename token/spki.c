/*
 * spki.c - SubjectPublicKeyInfo.  See spki.h.
 *
 * Read by hand: four fixed forms, of which OpenSSL's decoder would accept
 * several spellings each (BER lengths, compressed points, explicit curves).
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/spki.h"

#include <string.h>

#include "base/buf.h"
#include "tessera.h"
#include "token/ecdsa.h"

#define DER_INTEGER	0x02
#define DER_BITS	0x03
#define DER_NULL	0x05
#define DER_OID		0x06
#define DER_SEQUENCE	0x30
#define POINT_PLAIN	0x04	/* uncompressed, SEC 1 section 2.3.3 */

struct der_oid {
	uint8_t n;
	uint8_t v[9];
};

static const struct der_oid oid_rsa = {		/* 1.2.840.113549.1.1.1 */
	9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 }
};
static const struct der_oid oid_ec = {		/* 1.2.840.10045.2.1 */
	7, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 }
};
static const struct der_oid oid_p256 = {	/* 1.2.840.10045.3.1.7 */
	8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 }
};
static const struct der_oid oid_p384 = {	/* 1.3.132.0.34 */
	5, { 0x2b, 0x81, 0x04, 0x00, 0x22 }
};
static const struct der_oid oid_ed25519 = {	/* 1.3.101.112 */
	3, { 0x2b, 0x65, 0x70 }
};

/* One element of that tag with a length in its shortest form. */
static int
der_take(struct reader *rd, uint8_t tag, struct reader *content)
{
	struct reader at = *rd;
	uint8_t found = 0, len = 0, more = 0;
	uint16_t wide = 0;
	size_t n;

	if (reader_u8(&at, &found) != TSR_OK || found != tag ||
	    reader_u8(&at, &len) != TSR_OK)
		return TSR_INVALID;
	n = len;
	if (len == 0x81) {
		if (reader_u8(&at, &more) != TSR_OK || more < 0x80)
			return TSR_INVALID;
		n = more;
	} else if (len == 0x82) {
		if (reader_u16(&at, &wide) != TSR_OK || wide < 0x100)
			return TSR_INVALID;
		n = wide;
	} else if (len >= 0x80) {
		return TSR_INVALID;
	}
	if (n > at.left)
		return TSR_INVALID;
	reader_init(content, at.p, n);
	reader_init(rd, at.p + n, at.left - n);
	return TSR_OK;
}

static int
der_is_oid(const struct reader *content, const struct der_oid *oid)
{
	return content->left == oid->n && memcmp(content->p, oid->v, oid->n) == 0;
}

/* A positive integer without its sign byte. */
static int
der_take_positive(struct reader *rd, const uint8_t **p, size_t *n)
{
	struct reader c;

	if (der_take(rd, DER_INTEGER, &c) != TSR_OK || c.left == 0 ||
	    (c.p[0] & 0x80) != 0)
		return TSR_INVALID;
	if (c.p[0] == 0) {
		if (c.left < 2 || (c.p[1] & 0x80) == 0)
			return TSR_INVALID;	/* zero, or not the shortest */
		c.p++;
		c.left--;
	}
	*p = c.p;
	*n = c.left;
	return TSR_OK;
}

static int
spki_rsa(struct reader *params, struct reader *key, struct pubkey_parts *out)
{
	struct pubkey_parts p = { .kind = PUBKEY_RSA };
	struct reader null, numbers;

	if (der_take(params, DER_NULL, &null) != TSR_OK || null.left != 0 ||
	    reader_end(params) != TSR_OK ||
	    der_take(key, DER_SEQUENCE, &numbers) != TSR_OK ||
	    reader_end(key) != TSR_OK ||
	    der_take_positive(&numbers, &p.a, &p.a_len) != TSR_OK ||
	    der_take_positive(&numbers, &p.b, &p.b_len) != TSR_OK ||
	    reader_end(&numbers) != TSR_OK)
		return TSR_INVALID;
	*out = p;
	return TSR_OK;
}

static int
spki_ec(struct reader *params, const struct reader *key, struct pubkey_parts *out)
{
	struct pubkey_parts p = { 0 };
	struct reader curve;
	size_t size;

	if (params->left > 0 && params->p[0] != DER_OID)
		return TSR_KEY_UNUSABLE;	/* a curve by its numbers */
	if (der_take(params, DER_OID, &curve) != TSR_OK ||
	    reader_end(params) != TSR_OK)
		return TSR_INVALID;
	if (der_is_oid(&curve, &oid_p256)) {
		p.kind = PUBKEY_P256;
		size = ECDSA_P256;
	} else if (der_is_oid(&curve, &oid_p384)) {
		p.kind = PUBKEY_P384;
		size = ECDSA_P384;
	} else {
		return TSR_KEY_UNUSABLE;
	}
	if (key->left == 1 + size && (key->p[0] | 1) == 0x03)
		return TSR_KEY_UNUSABLE;	/* compressed: a second spelling */
	if (key->left != 1 + 2 * size || key->p[0] != POINT_PLAIN)
		return TSR_INVALID;
	p.a = key->p + 1;
	p.b = p.a + size;
	p.a_len = p.b_len = size;
	*out = p;
	return TSR_OK;
}

static int
spki_ed25519(const struct reader *params, const struct reader *key,
    struct pubkey_parts *out)
{
	if (reader_end(params) != TSR_OK || key->left != 32)
		return TSR_INVALID;
	*out = (struct pubkey_parts){ .kind = PUBKEY_ED25519, .a = key->p,
	    .a_len = key->left };
	return TSR_OK;
}

int
spki_parse(const uint8_t *der, size_t n, struct pubkey_parts *out)
{
	struct reader rd, spki, params, oid, key;
	uint8_t unused = 0;

	if (n > PROTO_SPKI_MAX)
		return TSR_TOO_LARGE;
	reader_init(&rd, der, n);
	if (der_take(&rd, DER_SEQUENCE, &spki) != TSR_OK ||
	    reader_end(&rd) != TSR_OK ||
	    der_take(&spki, DER_SEQUENCE, &params) != TSR_OK ||
	    der_take(&params, DER_OID, &oid) != TSR_OK ||
	    der_take(&spki, DER_BITS, &key) != TSR_OK ||
	    reader_end(&spki) != TSR_OK ||
	    reader_u8(&key, &unused) != TSR_OK || unused != 0)
		return TSR_INVALID;
	if (der_is_oid(&oid, &oid_rsa))
		return spki_rsa(&params, &key, out);
	if (der_is_oid(&oid, &oid_ec))
		return spki_ec(&params, &key, out);
	if (der_is_oid(&oid, &oid_ed25519))
		return spki_ed25519(&params, &key, out);
	return TSR_KEY_UNUSABLE;
}
