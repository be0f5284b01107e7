/*
 * ecdsa.c - the two forms of an ECDSA signature.  See ecdsa.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ecdsa.h"

#include <string.h>

#include "tessera.h"

#define DER_INTEGER	0x02
#define DER_SEQUENCE	0x30

/* FIPS 186-4 D.1.2.3 and D.1.2.4 */
static const uint8_t ecdsa_p256_n[ECDSA_P256] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
	0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};
static const uint8_t ecdsa_p384_n[ECDSA_P384] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
	0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
	0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73
};

int
ecdsa_scalar_ok(size_t size, const uint8_t *s)
{
	const uint8_t *n = size == ECDSA_P384 ? ecdsa_p384_n : ecdsa_p256_n;
	unsigned borrow = 0, any = 0, d;
	size_t i;

	/* s - n must borrow; no branch on s, which may be a private key */
	for (i = size; i-- > 0; any |= s[i]) {
		d = (unsigned)s[i] - n[i] - borrow;
		borrow = d >> 8 & 1;
	}
	return borrow == 1 && any != 0;
}

static size_t
ecdsa_put_integer(uint8_t *out, const uint8_t *v, size_t n)
{
	size_t pad;

	while (n > 1 && v[0] == 0) {
		v++;
		n--;
	}
	pad = v[0] >> 7;
	out[0] = DER_INTEGER;
	out[1] = (uint8_t)(n + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, v, n);
	return 2 + pad + n;
}

int
ecdsa_to_der(uint8_t der[ECDSA_DER_MAX], size_t *len, size_t size,
    const uint8_t *raw, size_t raw_len)
{
	size_t n;

	if (raw_len != 2 * size || !ecdsa_scalar_ok(size, raw) ||
	    !ecdsa_scalar_ok(size, raw + size))
		return TSR_BAD_SIGNATURE;
	n = ecdsa_put_integer(der + 2, raw, size);
	n += ecdsa_put_integer(der + 2 + n, raw + size, size);
	der[0] = DER_SEQUENCE;
	der[1] = (uint8_t)n;
	*len = n + 2;
	return TSR_OK;
}

/* One positive integer into size bytes; returns the bytes read, 0 where it is
 * malformed or too large. */
static size_t
ecdsa_get_integer(uint8_t *out, size_t size, const uint8_t *p, size_t left)
{
	size_t n, total;

	if (left < 3 || p[0] != DER_INTEGER || p[1] == 0 || p[1] > left - 2)
		return 0;
	n = p[1];
	total = n + 2;
	p += 2;
	if ((p[0] & 0x80) != 0)
		return 0;
	if (p[0] == 0) {
		p++;
		if (--n == 0 || (p[0] & 0x80) == 0)
			return 0;
	}
	if (n > size)
		return 0;
	memset(out, 0, size - n);
	memcpy(out + size - n, p, n);
	return total;
}

int
ecdsa_from_der(uint8_t *raw, size_t size, const uint8_t *der, size_t n)
{
	uint8_t rs[2 * ECDSA_P384];
	size_t r, s;

	if (n < 2 || n > ECDSA_DER_MAX || der[0] != DER_SEQUENCE ||
	    der[1] != n - 2)
		return TSR_BAD_SIGNATURE;
	if ((r = ecdsa_get_integer(rs, size, der + 2, n - 2)) == 0 ||
	    (s = ecdsa_get_integer(rs + size, size, der + 2 + r, n - 2 - r)) == 0 ||
	    r + s != n - 2)
		return TSR_BAD_SIGNATURE;
	memcpy(raw, rs, 2 * size);
	return TSR_OK;
}
