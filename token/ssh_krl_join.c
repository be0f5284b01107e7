/*
 * ssh_krl_join.c - revocation lists of several CAs in one.  See ssh_krl.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_krl.h"

#include <endian.h>
#include <string.h>

#include "tessera.h"

/* PROTOCOL.krl sections 1 to 5 */
#define JOIN_MAGIC	0x5353484b524c0a00ULL
#define JOIN_FORMAT	1
#define JOIN_VERSION_AT	12	/* bytes before the version; the date follows it */
#define JOIN_SHA1	20	/* bytes of a fingerprint */
#define JOIN_SHA256	32

/* A list taken apart; the pointer goes into its bytes. */
struct join_list {
	uint64_t version, date;
	const uint8_t *sections;
	size_t n;
};

/* What a string holds; cut short it is invalid, however long it says to be. */
static int
join_string(struct reader *r, struct reader *in)
{
	return reader_string(r, SIZE_MAX, &in->p, &in->left);
}

/* One string or more, each of size bytes; 0: of any but none. */
static int
join_strings(struct reader *r, size_t size)
{
	struct reader in;
	int e;

	do {
		if ((e = join_string(r, &in)) != TSR_OK)
			return e;
		if (in.left == 0 || (size != 0 && in.left != size))
			return TSR_INVALID;
	} while (r->left > 0);
	return TSR_OK;
}

/* Serial numbers; sshd takes no list with a 0 among them. */
static int
join_serials(struct reader *r)
{
	uint64_t v;

	do
		if (reader_u64(r, &v) != TSR_OK || v == 0)
			return TSR_INVALID;
	while (r->left > 0);
	return TSR_OK;
}

static int
join_range(struct reader *r)
{
	uint64_t first, last;

	if (reader_u64(r, &first) != TSR_OK || reader_u64(r, &last) != TSR_OK || first == 0 || first > last)
		return TSR_INVALID;
	return reader_end(r);
}

static int
join_bitmap(struct reader *r)
{
	struct reader bits;
	uint64_t first;

	if (reader_u64(r, &first) != TSR_OK || join_string(r, &bits) != TSR_OK)
		return TSR_INVALID;
	return reader_end(r);
}

/* What is revoked of one CA, or of all where there is no key. */
static int
join_certificates(struct reader *r)
{
	struct reader in;
	uint8_t type;
	int e, i;

	for (i = 0; i < 2; i++)		/* the CA's key, reserved */
		if (join_string(r, &in) != TSR_OK)
			return TSR_INVALID;
	do {
		if (reader_u8(r, &type) != TSR_OK || join_string(r, &in) != TSR_OK)
			return TSR_INVALID;
		e = type == 0x20 ? join_serials(&in) : type == 0x21 ? join_range(&in) :
		    type == 0x22 ? join_bitmap(&in) : type == 0x23 ? join_strings(&in, 0) : TSR_UNSUPPORTED;
		if (e != TSR_OK)
			return e;
	} while (r->left > 0);
	return TSR_OK;
}

/* Signed lists (4) are none to join: the signature is over a whole list. */
static int
join_section(struct reader *r)
{
	struct reader in;
	uint8_t type;
	int e;

	if ((e = reader_u8(r, &type)) != TSR_OK || (e = join_string(r, &in)) != TSR_OK)
		return e;
	switch (type) {
	case 1:
		return join_certificates(&in);
	case 2:
		return join_strings(&in, 0);
	case 3:
		return join_strings(&in, JOIN_SHA1);
	case 5:
		return join_strings(&in, JOIN_SHA256);
	default:
		return TSR_UNSUPPORTED;
	}
}

static int
join_read(const void *p, size_t n, struct join_list *l)
{
	struct reader r, reserved, comment;
	uint64_t magic, flags;
	uint32_t format;
	int e = TSR_OK;

	if (n > SSH_KRL_MAX)
		return TSR_TOO_LARGE;
	reader_init(&r, p, n);
	if (reader_u64(&r, &magic) != TSR_OK || magic != JOIN_MAGIC || reader_u32(&r, &format) != TSR_OK)
		return TSR_INVALID;
	if (format != JOIN_FORMAT)
		return TSR_UNSUPPORTED;
	if (reader_u64(&r, &l->version) != TSR_OK || reader_u64(&r, &l->date) != TSR_OK ||
	    reader_u64(&r, &flags) != TSR_OK || join_string(&r, &reserved) != TSR_OK ||
	    join_string(&r, &comment) != TSR_OK ||
	    (comment.left > 0 && memchr(comment.p, 0, comment.left) != NULL))
		return TSR_INVALID;
	if (flags != 0)
		return TSR_UNSUPPORTED;
	l->sections = r.p;
	l->n = r.left;
	while (e == TSR_OK && r.left > 0)
		e = join_section(&r);
	return e;
}

int
ssh_krl_join(struct buf *list, const void *other, size_t n)
{
	struct join_list a, b;
	uint64_t numbers[2];
	int r;

	if ((r = join_read(other, n, &b)) != TSR_OK)
		return r;
	if (list->len == 0)
		return buf_put(list, other, n);
	if ((r = join_read(list->data, list->len, &a)) != TSR_OK)
		return r;
	if (list->len + b.n > SSH_KRL_MAX)
		return TSR_TOO_LARGE;
	if ((r = buf_put(list, b.sections, b.n)) != TSR_OK)
		return r;
	/* the sum grows with either */
	numbers[0] = htobe64(a.version + b.version);
	numbers[1] = htobe64(a.date > b.date ? a.date : b.date);
	memcpy(list->data + JOIN_VERSION_AT, numbers, sizeof(numbers));
	return TSR_OK;
}
