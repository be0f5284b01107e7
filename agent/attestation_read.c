/*
 * attestation_read.c - see attestation_read.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/attestation_read.h"

#include <string.h>

#include "agent/cbor.h"
#include "include/tessera.h"

#define MAJOR_BYTES	2u	/* RFC 8949 section 3.1 */
#define MAJOR_TEXT	3u
#define MAJOR_ARRAY	4u
#define MAJOR_MAP	5u
#define COSE_ES256	0x26u	/* -7, -8 as CBOR (RFC 9053 sections 2.1, 2.2) */
#define COSE_EDDSA	0x27u

/* What is left of the map. */
struct rest {
	const uint8_t *p;
	size_t n;
};

/* The head of the next item, which cbor_map() has found well-formed.  TSR_INVALID
 * where it is of another kind. */
static int
read_head(struct rest *r, unsigned major, size_t *value)
{
	size_t bytes, i;

	if (r->n == 0 || r->p[0] >> 5 != major)
		return TSR_INVALID;
	*value = r->p[0] & 31;
	bytes = *value < 24 ? 0 : (size_t)1 << (*value - 24);
	if (bytes > 2 || r->n < 1 + bytes)	/* nothing here is longer than 65,535 */
		return TSR_INVALID;
	if (bytes > 0)
		*value = 0;
	for (i = 1; i <= bytes; i++)
		*value = *value << 8 | r->p[i];
	r->p += 1 + bytes;
	r->n -= 1 + bytes;
	return TSR_OK;
}

static int
read_string(struct rest *r, unsigned major, const uint8_t **p, size_t *n)
{
	if (read_head(r, major, n) != TSR_OK || *n > r->n)
		return TSR_INVALID;
	*p = r->p;
	r->p += *n;
	r->n -= *n;
	return TSR_OK;
}

static int
read_algorithm(struct rest *r, struct attestation_statement *s)
{
	if (r->n == 0 || (r->p[0] != COSE_ES256 && r->p[0] != COSE_EDDSA))
		return TSR_INVALID;
	s->algorithm = r->p[0] == COSE_ES256 ? PROTO_ECDSA_P256_SHA256 : PROTO_ED25519;
	r->p++;
	r->n--;
	return TSR_OK;
}

static int
read_chain(struct rest *r, struct attestation_statement *s)
{
	size_t i, n;

	if (read_head(r, MAJOR_ARRAY, &n) != TSR_OK || n == 0 || n > ATTESTATION_CHAIN_MAX)
		return TSR_INVALID;
	for (i = 0; i < n; i++)
		if (read_string(r, MAJOR_BYTES, &s->cert[i], &s->cert_len[i]) != TSR_OK ||
		    s->cert_len[i] == 0 || s->cert_len[i] > ATTESTATION_CERT_MAX)
			return TSR_INVALID;
	s->n_certs = n;
	return TSR_OK;
}

static int
read_member(struct rest *r, struct attestation_statement *s)
{
	const uint8_t *name;
	size_t n;

	if (read_string(r, MAJOR_TEXT, &name, &n) != TSR_OK || n != 3)
		return TSR_INVALID;
	if (memcmp(name, "alg", n) == 0)
		return read_algorithm(r, s);
	if (memcmp(name, "sig", n) == 0)
		return read_string(r, MAJOR_BYTES, &s->sig, &s->sig_len);
	return memcmp(name, "x5c", n) == 0 ? read_chain(r, s) : TSR_INVALID;
}

int
attestation_read(const void *format, size_t format_len, const uint8_t *map, size_t map_len,
    struct attestation_statement *out)
{
	struct attestation_statement s = { .packed = 1 };
	struct rest r = { map, map_len };
	size_t used, i, n;

	if (format_len == 4 && memcmp(format, "none", 4) == 0) {
		s.packed = 0;
		*out = s;
		return TSR_OK;
	}
	if (format_len != 6 || memcmp(format, "packed", 6) != 0)
		return TSR_UNSUPPORTED;
	if (cbor_map(map, map_len, &used) != TSR_OK || used != map_len ||
	    read_head(&r, MAJOR_MAP, &n) != TSR_OK || n > 3)
		return TSR_INVALID;
	for (i = 0; i < n; i++)
		if (read_member(&r, &s) != TSR_OK)
			return TSR_INVALID;
	if (s.algorithm == 0 || s.sig == NULL)
		return TSR_INVALID;
	*out = s;
	return TSR_OK;
}

static int
object_member(struct rest *r, struct attestation_object *o)
{
	const uint8_t *name;
	size_t n;

	if (read_string(r, MAJOR_TEXT, &name, &n) != TSR_OK)
		return TSR_INVALID;
	if (n == 3 && memcmp(name, "fmt", n) == 0)
		return read_string(r, MAJOR_TEXT, &o->format, &o->format_len);
	if (n == 8 && memcmp(name, "authData", n) == 0)
		return read_string(r, MAJOR_BYTES, &o->authdata, &o->authdata_len);
	if (n != 7 || memcmp(name, "attStmt", n) != 0 ||
	    cbor_map(r->p, r->n, &o->statement_len) != TSR_OK)
		return TSR_INVALID;
	o->statement = r->p;
	r->p += o->statement_len;
	r->n -= o->statement_len;
	return TSR_OK;
}

int
attestation_object_read(const uint8_t *p, size_t n, struct attestation_object *out)
{
	struct attestation_object o;
	struct rest r = { p, n };
	size_t used, i, members;

	memset(&o, 0, sizeof(o));
	/* no name stands twice: three of three are all of them */
	if (cbor_map(p, n, &used) != TSR_OK || used != n ||
	    read_head(&r, MAJOR_MAP, &members) != TSR_OK || members != 3)
		return TSR_INVALID;
	for (i = 0; i < members; i++)
		if (object_member(&r, &o) != TSR_OK)
			return TSR_INVALID;
	*out = o;
	return TSR_OK;
}
