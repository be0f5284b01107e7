/*
 * jwt_mint.c - making access tokens.  See jwt.h.
 *
 * On the path of every request: written by hand, since the claims are ours and
 * few, and no memory is allocated but the caller's buffer.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/jwt.h"

#include <sodium.h>
#include <string.h>

#include "tessera.h"
#include "token/b64.h"
#include "token/json_text.h"

#define DECIMAL_MAX	20	/* digits of a 64-bit number */

/* Text that is being written; the first error sticks. */
struct text {
	char *p;
	size_t len, size;
	int error;
};

static void
text_put(struct text *t, const char *s, size_t n)
{
	if (t->error != TSR_OK)
		return;
	if (n > t->size - t->len) {
		t->error = TSR_TOO_LARGE;
		return;
	}
	memcpy(t->p + t->len, s, n);
	t->len += n;
}

#define TEXT_PUT(t, literal)	text_put((t), (literal), sizeof(literal) - 1)

static void
text_quote(struct text *t, const char *s)
{
	size_t n = 0;

	if (t->error != TSR_OK)
		return;
	t->error = json_quote(t->p + t->len, t->size - t->len, s, &n);
	t->len += n;
}

static void
text_number(struct text *t, int64_t v)
{
	char digits[DECIMAL_MAX];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
	} while ((v /= 10) > 0);
	text_put(t, digits + i, sizeof(digits) - i);
}

/* ,"name":"value" unless it is empty; before has the first half. */
#define TEXT_MEMBER(t, name, value) do {				\
	if ((value)[0] != '\0') {					\
		TEXT_PUT((t), ",\"" name "\":");			\
		text_quote((t), (value));				\
	}								\
} while (0)

static int
jwt_mintable(const struct jwt_claims *c)
{
	return c->iss[0] != '\0' && c->sub[0] != '\0' && c->aud[0] != '\0' &&
	    c->jti[0] != '\0' && c->client_id[0] != '\0' &&
	    c->exp > 0 && c->exp <= JWT_NUMBER_MAX &&
	    c->iat > 0 && c->iat <= JWT_NUMBER_MAX &&
	    c->nbf >= 0 && c->nbf <= JWT_NUMBER_MAX &&
	    c->auth_time >= 0 && c->auth_time <= JWT_NUMBER_MAX &&
	    c->n_amr <= JWT_AMR_MAX;
}

static void
jwt_put_amr(struct text *t, const struct jwt_claims *c)
{
	size_t i;

	for (i = 0; i < c->n_amr; i++) {
		if (i == 0)
			TEXT_PUT(t, ",\"amr\":[");
		else
			TEXT_PUT(t, ",");
		text_quote(t, c->amr[i]);
	}
	if (c->n_amr > 0)
		TEXT_PUT(t, "]");
}

/* RFC 9068 section 2.2, then 2.2.1 and what is ours. */
static void
jwt_put_claims(struct text *t, const struct jwt_claims *c)
{
	TEXT_PUT(t, "{\"iss\":");
	text_quote(t, c->iss);
	TEXT_MEMBER(t, "sub", c->sub);
	TEXT_MEMBER(t, "aud", c->aud);
	TEXT_PUT(t, ",\"exp\":");
	text_number(t, c->exp);
	TEXT_PUT(t, ",\"iat\":");
	text_number(t, c->iat);
	if (c->nbf != 0) {
		TEXT_PUT(t, ",\"nbf\":");
		text_number(t, c->nbf);
	}
	TEXT_MEMBER(t, "jti", c->jti);
	TEXT_MEMBER(t, "client_id", c->client_id);
	TEXT_MEMBER(t, "scope", c->scope);
	if (c->auth_time != 0) {
		TEXT_PUT(t, ",\"auth_time\":");
		text_number(t, c->auth_time);
	}
	TEXT_MEMBER(t, "acr", c->acr);
	jwt_put_amr(t, c);
	TEXT_MEMBER(t, "sid", c->sid);
	if (c->jkt[0] != '\0') {
		TEXT_PUT(t, ",\"cnf\":{\"jkt\":");
		text_quote(t, c->jkt);
		TEXT_PUT(t, "}");
	}
	TEXT_PUT(t, "}");
}

int
jwt_mint(struct buf *out, struct jws_key *k, const struct jwt_claims *c)
{
	uint8_t sig[JWS_SIGNATURE_LEN];
	char claims[JWT_PAYLOAD_MAX], *token;
	struct text t = { .p = claims, .size = sizeof(claims) };
	const char *head;
	size_t head_len, n, total;
	int r;

	if (!jwt_mintable(c))
		return TSR_INVALID;
	jwt_put_claims(&t, c);
	if (t.error != TSR_OK)
		return t.error;
	head = jws_key_head(k, &head_len);
	total = head_len + 1 + B64_LEN(t.len) + 1 + B64_LEN(sizeof(sig));
	if (total > JWT_MAX)
		return TSR_TOO_LARGE;
	if ((r = buf_reserve(out, total)) != TSR_OK)
		return r;
	token = (char *)out->data + out->len;
	memcpy(token, head, head_len);
	token[head_len] = '.';
	n = head_len + 1;
	n += b64_encode(token + n, claims, t.len);
	if ((r = jws_key_sign(k, token, n, sig)) != TSR_OK) {
		sodium_memzero(token, n);
		return r;
	}
	token[n++] = '.';
	n += b64_encode(token + n, sig, sizeof(sig));
	buf_added(out, n);
	return TSR_OK;
}
