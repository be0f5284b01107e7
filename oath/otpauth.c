/*
 * otpauth.c - otpauth URIs.  See otpauth.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "oath/otpauth.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/hex.h"
#include "oath/seed.h"
#include "tessera.h"

#define OTPAUTH_VALUE_MAX	512	/* bytes of one value, decoded */

static const char otpauth_scheme[] = "otpauth://";

/* What is being read: the token so far, and which parameters were there. */
struct reading {
	struct otp o;
	unsigned seen;
	const char *why;
};

static int
otpauth_bad(struct reading *rd, const char *why)
{
	rd->why = why;
	return TSR_INVALID;
}

/* RFC 3986 2.1.  "+" is a plus sign: these are no forms. */
static int
otpauth_decode(struct reading *rd, const char *p, size_t n, char out[OTPAUTH_VALUE_MAX + 1],
    size_t *len)
{
	size_t i, m = 0;
	int hi, lo;

	for (i = 0; i < n; i++) {
		if (m == OTPAUTH_VALUE_MAX)
			return otpauth_bad(rd, "a part of the URI is too long");
		if (p[i] != '%') {
			out[m++] = p[i];
			continue;
		}
		if (n - i < 3 || (hi = hex_digit(p[i + 1])) < 0 ||
		    (lo = hex_digit(p[i + 2])) < 0)
			return otpauth_bad(rd, "a % is not followed by two hexadecimal digits");
		out[m++] = (char)(hi << 4 | lo);
		i += 2;
	}
	out[m] = '\0';
	*len = m;
	return TSR_OK;
}

static int
otpauth_name(struct reading *rd, char out[OTP_NAME_MAX + 1], const char *p, size_t n)
{
	while (n > 0 && *p == ' ') {	/* "Issuer: account" */
		p++;
		n--;
	}
	if (n > OTP_NAME_MAX)
		return otpauth_bad(rd, "a name is longer than 128 bytes");
	if (!escape_is_text(p, n))
		return otpauth_bad(rd, "a name has control characters or is not UTF-8");
	memcpy(out, p, n);
	out[n] = '\0';
	return TSR_OK;
}

/* The label: "account" or "issuer:account", where ":" may stand encoded. */
static int
otpauth_label(struct reading *rd, const char *p, size_t n)
{
	char text[OTPAUTH_VALUE_MAX + 1];
	const char *colon;
	size_t len = 0, head;
	int r;

	if ((r = otpauth_decode(rd, p, n, text, &len)) != TSR_OK)
		return r;
	if ((colon = memchr(text, ':', len)) == NULL)
		return otpauth_name(rd, rd->o.account, text, len);
	head = (size_t)(colon - text);
	if ((r = otpauth_name(rd, rd->o.issuer, text, head)) != TSR_OK)
		return r;
	return otpauth_name(rd, rd->o.account, colon + 1, len - head - 1);
}

static int
otpauth_secret(struct reading *rd, const char *v, size_t n)
{
	switch (seed_base32(v, n, &rd->o.seed)) {
	case TSR_OK:
		return TSR_OK;
	case TSR_NOMEM:
		return TSR_NOMEM;
	case TSR_DENIED:
		return otpauth_bad(rd, "the secret is shorter than 128 bits");
	case TSR_TOO_LARGE:
		return otpauth_bad(rd, "the secret is longer than 128 bytes");
	default:
		return otpauth_bad(rd, "the secret is not base32");
	}
}

static int
otpauth_issuer(struct reading *rd, const char *v, size_t n)
{
	return otpauth_name(rd, rd->o.issuer, v, n);
}

static int
otpauth_algorithm(struct reading *rd, const char *v, size_t n)
{
	if (otp_hash_parse(v, n, &rd->o.hash) != TSR_OK)
		return otpauth_bad(rd, "the algorithm is SHA1, SHA256 or SHA512");
	return TSR_OK;
}

static int
otpauth_digits(struct reading *rd, const char *v, size_t n)
{
	uint64_t x;

	if (otp_number(v, n, UINT32_MAX, &x) != TSR_OK)
		return otpauth_bad(rd, "digits is not a number");
	rd->o.digits = (unsigned)x;
	return TSR_OK;
}

static int
otpauth_period(struct reading *rd, const char *v, size_t n)
{
	uint64_t x;

	if (otp_number(v, n, UINT32_MAX, &x) != TSR_OK)
		return otpauth_bad(rd, "period is not a number");
	rd->o.period = (uint32_t)x;
	return TSR_OK;
}

static int
otpauth_counter(struct reading *rd, const char *v, size_t n)
{
	if (otp_number(v, n, INT64_MAX, &rd->o.counter) != TSR_OK)
		return otpauth_bad(rd, "counter is not a number");
	return TSR_OK;
}

static const struct parameter {
	const char *name;
	int (*read)(struct reading *rd, const char *v, size_t n);
} otpauth_parameters[] = {
#define OTPAUTH_SECRET	0
	{ "secret", otpauth_secret },
	{ "issuer", otpauth_issuer },
	{ "algorithm", otpauth_algorithm },
	{ "digits", otpauth_digits },
	{ "period", otpauth_period },
#define OTPAUTH_COUNTER	5
	{ "counter", otpauth_counter }
};

/* One "name=value". */
static int
otpauth_parameter(struct reading *rd, const char *p, size_t n)
{
	char value[OTPAUTH_VALUE_MAX + 1];
	const char *equals = memchr(p, '=', n);
	size_t i, len = 0, name_len = equals == NULL ? n : (size_t)(equals - p);
	int r;

	for (i = 0; i < sizeof(otpauth_parameters) / sizeof(otpauth_parameters[0]); i++)
		if (strlen(otpauth_parameters[i].name) == name_len &&
		    memcmp(otpauth_parameters[i].name, p, name_len) == 0)
			break;
	if (i == sizeof(otpauth_parameters) / sizeof(otpauth_parameters[0]))
		return TSR_OK;
	if ((rd->seen & 1u << i) != 0)
		return otpauth_bad(rd, "a parameter stands there twice");
	rd->seen |= 1u << i;
	if (equals == NULL)
		return otpauth_bad(rd, "a parameter has no value");
	if ((r = otpauth_decode(rd, equals + 1, n - name_len - 1, value, &len)) == TSR_OK)
		r = otpauth_parameters[i].read(rd, value, len);
	sodium_memzero(value, sizeof(value));
	return r;
}

/* After the scheme: type, label, parameters. */
static int
otpauth_rest(struct reading *rd, const char *p, size_t n)
{
	const char *slash, *query, *end = p + n, *next;
	int r;

	if ((slash = memchr(p, '/', n)) == NULL ||
	    (query = memchr(slash, '?', (size_t)(end - slash))) == NULL)
		return otpauth_bad(rd, "it has not the form otpauth://TYPE/LABEL?secret=...");
	if (slash - p == 4 && strncasecmp(p, "totp", 4) == 0)
		rd->o.kind = OTP_TOTP;
	else if (slash - p == 4 && strncasecmp(p, "hotp", 4) == 0)
		rd->o.kind = OTP_HOTP;
	else
		return otpauth_bad(rd, "the type is totp or hotp");
	if ((r = otpauth_label(rd, slash + 1, (size_t)(query - slash - 1))) != TSR_OK)
		return r;
	for (p = query + 1; p < end; p = next + 1) {
		if ((next = memchr(p, '&', (size_t)(end - p))) == NULL)
			next = end;
		if ((r = otpauth_parameter(rd, p, (size_t)(next - p))) != TSR_OK)
			return r;
		if (next == end)
			break;
	}
	if ((rd->seen & 1u << OTPAUTH_SECRET) == 0)
		return otpauth_bad(rd, "there is no secret");
	if (rd->o.kind == OTP_HOTP && (rd->seen & 1u << OTPAUTH_COUNTER) == 0)
		return otpauth_bad(rd, "a URI of type hotp needs a counter");
	return otp_check(&rd->o, &rd->why);
}

int
otpauth_parse(const char *text, size_t n, struct otp *o, const char **why)
{
	struct reading rd = { .seen = 0, .why = NULL };
	size_t scheme = sizeof(otpauth_scheme) - 1;
	int r;

	otp_init(&rd.o);
	if (n > OTPAUTH_MAX)
		r = otpauth_bad(&rd, "the URI is longer than 4096 bytes");
	else if (n < scheme || strncasecmp(text, otpauth_scheme, scheme) != 0)
		r = otpauth_bad(&rd, "it does not begin with otpauth://");
	else
		r = otpauth_rest(&rd, text + scheme, n - scheme);
	*why = rd.why;
	if (r == TSR_OK)
		*o = rd.o;	/* the seed goes with it */
	else
		otp_clear(&rd.o);
	return r;
}

/* Everything but RFC 3986's unreserved characters is encoded. */
static int
otpauth_encode(struct buf *out, const char *s)
{
	int r = TSR_OK;

	for (; *s != '\0' && r == TSR_OK; s++) {
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= '0' && *s <= '9') || strchr("-._~@", *s) != NULL)
			r = buf_put_u8(out, (uint8_t)*s);
		else
			r = buf_printf(out, "%%%02X", (unsigned)(uint8_t)*s);
	}
	return r;
}

int
otpauth_put(struct buf *out, const struct otp *o)
{
	size_t was = out->len;
	int r;

	if ((r = buf_printf(out, "%s%s/", otpauth_scheme,
	    o->kind == OTP_HOTP ? "hotp" : "totp")) == TSR_OK &&
	    (o->issuer[0] != '\0' || strchr(o->account, ':') != NULL) &&
	    (r = otpauth_encode(out, strchr(o->issuer, ':') == NULL ? o->issuer : "")) == TSR_OK)
		r = buf_put_cstr(out, ":");	/* the first one ends the issuer */
	if (r == TSR_OK && (r = otpauth_encode(out, o->account)) == TSR_OK &&
	    (r = buf_put_cstr(out, "?secret=")) == TSR_OK)
		r = seed_put_base32(out, o->seed);
	if (r == TSR_OK && o->issuer[0] != '\0' &&
	    (r = buf_put_cstr(out, "&issuer=")) == TSR_OK)
		r = otpauth_encode(out, o->issuer);
	if (r == TSR_OK)
		r = buf_printf(out, "&algorithm=%s&digits=%u", otp_hash_name(o->hash), o->digits);
	if (r == TSR_OK && o->kind == OTP_HOTP)
		r = buf_printf(out, "&counter=%llu", (unsigned long long)o->counter);
	else if (r == TSR_OK)
		r = buf_printf(out, "&period=%u", (unsigned)o->period);
	if (r != TSR_OK)
		buf_cut(out, was);
	return r;
}
