/*
 * challenge.c - the context of a challenge and its bytes.  See challenge.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/challenge.h"

#include <sodium.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"

#define CHALLENGE_NUMBER	8	/* bytes of an encoded number */

/* Its NUL is signed as well. */
static const char challenge_label[] = "tessera challenge v1";

_Static_assert(sizeof(challenge_label) + CHALLENGE_NONCE_LEN +
    crypto_hash_sha256_BYTES == CHALLENGE_LEN, "the parts of a challenge");

static int
challenge_purpose_ok(uint64_t purpose)
{
	return purpose == CHALLENGE_ENROL || purpose == CHALLENGE_LOGIN ||
	    purpose == CHALLENGE_REMOTE || purpose == CHALLENGE_PRESENT;
}

static int
challenge_put_number(struct buf *b, uint64_t v)
{
	int r;

	if ((r = buf_put_u32(b, CHALLENGE_NUMBER)) != TSR_OK)
		return r;
	return buf_put_u64(b, v);
}

static int
challenge_put_text(struct buf *b, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	if (n > CHALLENGE_FIELD_MAX)
		return TSR_TOO_LARGE;
	if (n > 0 && !escape_is_text(s, n))
		return TSR_INVALID;
	return buf_put_string(b, n == 0 ? "" : s, n);
}

int
challenge_context_encode(struct buf *out, const struct challenge_context *c)
{
	struct buf b;
	int r;

	if (!challenge_purpose_ok((uint64_t)c->purpose))
		return TSR_INVALID;
	buf_init(&b, CHALLENGE_CONTEXT_MAX);
	if ((r = challenge_put_number(&b, (uint64_t)c->purpose)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->issuer)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->credential)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->subject)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->audience)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->scope)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->client_id)) != TSR_OK ||
	    (r = challenge_put_number(&b, c->reuse)) != TSR_OK ||
	    (r = challenge_put_text(&b, c->jkt)) != TSR_OK ||
	    (r = challenge_put_number(&b, c->expiry)) != TSR_OK)
		goto out;
	r = buf_put(out, b.data, b.len);
 out:
	buf_free(&b);
	return r;
}

static int
challenge_get_number(struct reader *rd, uint64_t *v)
{
	const uint8_t *p = NULL;
	struct reader inner;
	size_t n = 0;
	int r;

	if ((r = reader_string(rd, CHALLENGE_NUMBER, &p, &n)) != TSR_OK)
		return r;
	if (n != CHALLENGE_NUMBER)
		return TSR_INVALID;
	reader_init(&inner, p, n);
	return reader_u64(&inner, v);
}

/* The text goes to *at, which moves on; its prefix was longer than its NUL, so
 * the texts of a context always fit where the context itself would. */
static int
challenge_get_text(struct reader *rd, char **at, const char **out)
{
	const uint8_t *p = NULL;
	size_t n = 0;
	int r;

	if ((r = reader_string(rd, CHALLENGE_FIELD_MAX, &p, &n)) != TSR_OK)
		return r;
	if (n > 0 && !escape_is_text(p, n))
		return TSR_INVALID;
	*out = *at;
	if (n > 0)
		memcpy(*at, p, n);
	(*at)[n] = '\0';
	*at += n + 1;
	return TSR_OK;
}

int
challenge_context_decode(const void *p, size_t n,
    struct challenge_memory *memory, struct challenge_context *c)
{
	char *at = memory->text;	/* cppcheck-suppress ctuuninitvar ; written only */
	uint64_t purpose = 0, reuse = 0, expiry = 0;
	struct challenge_context d;
	struct reader rd;
	int r;

	if (n > CHALLENGE_CONTEXT_MAX)
		return TSR_TOO_LARGE;
	reader_init(&rd, p, n);
	memset(&d, 0, sizeof(d));
	if ((r = challenge_get_number(&rd, &purpose)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.issuer)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.credential)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.subject)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.audience)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.scope)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.client_id)) != TSR_OK ||
	    (r = challenge_get_number(&rd, &reuse)) != TSR_OK ||
	    (r = challenge_get_text(&rd, &at, &d.jkt)) != TSR_OK ||
	    (r = challenge_get_number(&rd, &expiry)) != TSR_OK ||
	    (r = reader_end(&rd)) != TSR_OK)
		return r;
	if (!challenge_purpose_ok(purpose) || reuse > UINT8_MAX)
		return TSR_INVALID;
	d.purpose = (enum challenge_purpose)purpose;
	d.reuse = (uint8_t)reuse;
	d.expiry = expiry;
	*c = d;
	return TSR_OK;
}

int
challenge_bytes(uint8_t out[CHALLENGE_LEN],
    const uint8_t nonce[CHALLENGE_NONCE_LEN], const struct buf *context)
{
	uint8_t *p = out;

	memcpy(p, challenge_label, sizeof(challenge_label));
	p += sizeof(challenge_label);
	memcpy(p, nonce, CHALLENGE_NONCE_LEN);
	p += CHALLENGE_NONCE_LEN;
	return crypto_hash_sha256(p, context->data, context->len) == 0 ? TSR_OK : TSR_CRYPTO;
}
