/*
 * doc.c - reading JSON without a library.  See doc.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/doc.h"

#include <string.h>

#include "tessera.h"
#include "token/utf8.h"

#define DOC_REAL_MAX	308	/* decimal exponent of what a double holds */
#define DOC_POWER_MAX	100000	/* digits of an exponent count no further */

struct scan {
	struct doc *d;
	const char *p, *end;
};

int
doc_depth(const char *text, size_t n, unsigned max)
{
	unsigned depth = 0;
	int quoted = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = 0;
		} else if (text[i] == '"') {
			quoted = 1;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > max)
				return TSR_TOO_LARGE;
		} else if (text[i] == '}' || text[i] == ']') {
			if (depth-- == 0)
				return TSR_INVALID;
		}
	}
	return TSR_OK;
}

static void
doc_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static int
doc_literal(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return 0;
	s->p += n;
	return 1;
}

/* A new node at the present place; its number in *at. */
static int
doc_add(struct scan *s, enum doc_kind kind, uint32_t *at)
{
	struct doc *d = s->d;
	struct doc_node *v;

	if (d->n >= d->max)
		return TSR_TOO_LARGE;
	v = &d->node[d->n];
	memset(v, 0, sizeof(*v));
	v->kind = (uint32_t)kind;
	v->at = (uint32_t)(s->p - d->text);
	*at = (uint32_t)d->n++;
	return TSR_OK;
}

/* --- strings --- */

static int
doc_hex(const char *p, const char *end, unsigned *out)
{
	unsigned v = 0;
	int i;

	if (end - p < 4)
		return 0;
	for (i = 0; i < 4; i++) {
		if (p[i] >= '0' && p[i] <= '9')
			v = v << 4 | (unsigned)(p[i] - '0');
		else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f')
			v = v << 4 | (unsigned)((p[i] | 0x20) - 'a' + 10);
		else
			return 0;
	}
	*out = v;
	return 1;
}

/* The character at *pp, which is moved behind it: 1 to 4 bytes of UTF-8 in
 * out, 0 where there is none (RFC 8259 section 7).  Escapes are undone. */
static size_t
doc_character(const char **pp, const char *end, char out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = *pp, *found;
	unsigned v, low;
	size_t n;

	if (*p != '\\') {
		n = utf8_len(p, (size_t)(end - p));
		memcpy(out, p, n);
		*pp = p + n;
		return (unsigned char)*p < 0x20 ? 0 : n;
	}
	if (end - p < 2)
		return 0;
	if (p[1] != 'u') {
		if (p[1] == '\0' || (found = strchr(from, p[1])) == NULL)
			return 0;
		out[0] = to[found - from];
		*pp = p + 2;
		return 1;
	}
	if (!doc_hex(p + 2, end, &v) || v == 0 || (v >= 0xdc00 && v <= 0xdfff))
		return 0;
	p += 6;
	if (v >= 0xd800 && v <= 0xdbff) {
		if (end - p < 6 || p[0] != '\\' || p[1] != 'u' || !doc_hex(p + 2, end, &low) ||
		    low < 0xdc00 || low > 0xdfff)
			return 0;
		v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*pp = p;
	return utf8_put(v, out);
}

/* A string, its quotes included. */
static int
doc_string(struct scan *s, uint32_t *at)
{
	struct doc_node *v;
	char c[4];
	int r;

	s->p++;
	if ((r = doc_add(s, DOC_STRING, at)) != TSR_OK)
		return r;
	v = &s->d->node[*at];
	while (s->p < s->end && *s->p != '"') {
		if (*s->p == '\\')
			v->escaped = 1;
		if (*s->p > 0x1f && *s->p < 0x7f && *s->p != '\\')
			s->p++;
		else if (doc_character(&s->p, s->end, c) == 0)
			return TSR_INVALID;
	}
	if (s->p == s->end)
		return TSR_INVALID;
	v->len = (uint32_t)(s->p - s->d->text) - v->at;
	s->p++;
	return TSR_OK;
}

/* Both are strings that were accepted. */
static int
doc_same(const struct doc *d, const struct doc_node *a, const struct doc_node *b)
{
	const char *p = d->text + a->at, *q = d->text + b->at;
	const char *p_end = p + a->len, *q_end = q + b->len;
	char c[4], e[4];
	size_t n;

	if (!a->escaped && !b->escaped)
		return a->len == b->len && memcmp(p, q, a->len) == 0;
	while (p < p_end && q < q_end) {
		n = doc_character(&p, p_end, c);
		if (n == 0 || doc_character(&q, q_end, e) != n || memcmp(c, e, n) != 0)
			return 0;
	}
	return p == p_end && q == q_end;
}

/* --- numbers --- */

static size_t
doc_digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - from);
}

/* What a 64-bit integer holds.  *out may be NULL. */
static int
doc_value(const char *p, size_t n, int64_t *out)
{
	int negative = n > 0 && *p == '-';
	uint64_t v = 0, limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	size_t i;

	for (i = negative ? 1 : 0; i < n; i++) {
		if (v > (limit - (uint64_t)(p[i] - '0')) / 10)
			return TSR_INVALID;
		v = v * 10 + (uint64_t)(p[i] - '0');
	}
	if (out != NULL)
		*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return TSR_OK;
}

/* The decimal exponent of the first digit that is not 0 decides whether a
 * double holds it. */
static int
doc_real_fits(const char *p, const char *end)
{
	long place = 0, power = 0, sign = 1;
	int seen = 0, point = 0;

	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.')
			point = 1;
		else if (*p != '-') {
			seen = seen || *p != '0';
			place += !point && seen;
			place -= point && !seen;
		}
	}
	if (p < end) {		/* at least one digit follows it */
		p++;
		sign = *p == '-' ? -1 : 1;
		for (p += *p == '-' || *p == '+'; p < end && power < DOC_POWER_MAX; p++)
			power = power * 10 + (*p - '0');
	}
	return !seen || place - 1 + sign * power <= DOC_REAL_MAX;
}

static int
doc_number(struct scan *s, uint32_t *at)
{
	const char *from = s->p;
	size_t n;
	int r;

	if ((r = doc_add(s, DOC_INTEGER, at)) != TSR_OK)
		return r;
	if (*s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		n = 1, s->p++;	/* nothing follows a leading zero */
	else
		n = doc_digits(s);
	if (n == 0)
		return TSR_INVALID;
	if (s->p < s->end && *s->p == '.') {
		s->d->node[*at].kind = DOC_REAL;
		s->p++;
		if (doc_digits(s) == 0)
			return TSR_INVALID;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->d->node[*at].kind = DOC_REAL;
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		if (doc_digits(s) == 0)
			return TSR_INVALID;
	}
	n = (size_t)(s->p - from);
	s->d->node[*at].len = (uint32_t)n;
	if (s->d->node[*at].kind == DOC_REAL)
		return doc_real_fits(from, s->p) ? TSR_OK : TSR_INVALID;
	return doc_value(from, n, NULL);
}

/* --- values --- */

static int doc_any(struct scan *s, uint32_t *at);

/* A name that no member before it has. */
static int
doc_name(struct scan *s, uint32_t object, uint32_t *at)
{
	const struct doc *d = s->d;
	uint32_t i;
	int r;

	if (s->p == s->end || *s->p != '"')
		return TSR_INVALID;
	if (d->node[object].count == DOC_MEMBERS_MAX)
		return TSR_TOO_LARGE;
	if ((r = doc_string(s, at)) != TSR_OK)
		return r;
	for (i = d->node[object].count > 0 ? object + 1 : 0; i != 0; i = d->node[i].next)
		if (doc_same(d, &d->node[i], &d->node[*at]))
			return TSR_INVALID;
	doc_blanks(s);
	if (s->p == s->end || *s->p != ':')
		return TSR_INVALID;
	s->p++;
	doc_blanks(s);
	return TSR_OK;
}

/* What is between the brackets; the depth was counted before. */
static int
doc_inside(struct scan *s, uint32_t parent, char close)
{
	uint32_t last = 0, child = 0, value;
	int r;

	doc_blanks(s);
	if (s->p < s->end && *s->p == close)
		goto out;
	for (;;) {
		if (close == '}') {
			if ((r = doc_name(s, parent, &child)) != TSR_OK ||
			    (r = doc_any(s, &value)) != TSR_OK)
				return r;
		} else if ((r = doc_any(s, &child)) != TSR_OK)
			return r;
		if (last != 0)
			s->d->node[last].next = child;
		last = child;
		s->d->node[parent].count++;
		doc_blanks(s);
		if (s->p < s->end && *s->p == close)
			break;
		if (s->p == s->end || *s->p != ',')
			return TSR_INVALID;
		s->p++;
		doc_blanks(s);
	}
 out:
	s->p++;
	s->d->node[parent].len = (uint32_t)(s->p - s->d->text) - s->d->node[parent].at;
	return TSR_OK;
}

static int
doc_any(struct scan *s, uint32_t *at)
{
	int object, r;

	if (s->p == s->end)
		return TSR_INVALID;
	switch (*s->p) {
	case '"':
		return doc_string(s, at);
	case '{':
	case '[':
		object = *s->p == '{';
		if ((r = doc_add(s, object ? DOC_OBJECT : DOC_ARRAY, at)) != TSR_OK)
			return r;
		s->p++;
		return doc_inside(s, *at, object ? '}' : ']');
	case 't':
		r = doc_add(s, DOC_TRUE, at);
		return r != TSR_OK ? r : doc_literal(s, "true") ? TSR_OK : TSR_INVALID;
	case 'f':
		r = doc_add(s, DOC_FALSE, at);
		return r != TSR_OK ? r : doc_literal(s, "false") ? TSR_OK : TSR_INVALID;
	case 'n':
		r = doc_add(s, DOC_NULL, at);
		return r != TSR_OK ? r : doc_literal(s, "null") ? TSR_OK : TSR_INVALID;
	default:
		return *s->p == '-' || (*s->p >= '0' && *s->p <= '9') ? doc_number(s, at) : TSR_INVALID;
	}
}

int
doc_parse(struct doc *d, struct doc_node *nodes, size_t max, const char *text, size_t n,
    unsigned depth)
{
	struct scan s = { .p = text, .end = text + n };
	uint32_t root;
	int r;

	*d = (struct doc){ .text = text, .node = nodes, .max = max };
	s.d = d;
	if (n > DOC_TEXT_MAX)
		return TSR_TOO_LARGE;
	if ((r = doc_depth(text, n, depth)) != TSR_OK)
		return r;
	doc_blanks(&s);
	if (s.p == s.end || *s.p != '{')
		return TSR_INVALID;
	if ((r = doc_any(&s, &root)) != TSR_OK)
		return r;
	doc_blanks(&s);
	return s.p == s.end ? TSR_OK : TSR_INVALID;
}

/* --- what was read --- */

int
doc_is(const struct doc_node *v, enum doc_kind kind)
{
	return v != NULL && v->kind == (uint32_t)kind;
}

const struct doc_node *
doc_first(const struct doc *d, const struct doc_node *o)
{
	(void)d;
	return o != NULL && o->count > 0 ? o + 1 : NULL;
}

const struct doc_node *
doc_next(const struct doc *d, const struct doc_node *v)
{
	return v->next != 0 ? &d->node[v->next] : NULL;
}

int
doc_equal(const struct doc *d, const struct doc_node *v, const char *s)
{
	const char *p, *end;
	char c[4];
	size_t n;

	if (!doc_is(v, DOC_STRING))
		return 0;
	p = d->text + v->at;
	end = p + v->len;
	if (!v->escaped)
		return strlen(s) == v->len && memcmp(p, s, v->len) == 0;
	while (p < end) {
		n = doc_character(&p, end, c);
		if (n == 0 || strncmp(s, c, n) != 0)
			return 0;
		s += n;
	}
	return *s == '\0';
}

const struct doc_node *
doc_get(const struct doc *d, const struct doc_node *o, const char *name)
{
	const struct doc_node *v;

	if (!doc_is(o, DOC_OBJECT))
		return NULL;
	for (v = doc_first(d, o); v != NULL; v = doc_next(d, v))
		if (doc_equal(d, v, name))
			return v + 1;
	return NULL;
}

int
doc_text(const struct doc *d, const struct doc_node *v, char *out, size_t size, size_t *len)
{
	const char *p, *end;
	size_t n = 0, m;
	char c[4];

	out[0] = '\0';
	if (!doc_is(v, DOC_STRING))
		return TSR_INVALID;
	p = d->text + v->at;
	end = p + v->len;
	while (p < end) {
		m = doc_character(&p, end, c);
		if (m == 0 || size - n <= m) {
			out[0] = '\0';
			return TSR_TOO_LARGE;
		}
		memcpy(out + n, c, m);
		n += m;
	}
	out[n] = '\0';
	if (len != NULL)
		*len = n;
	return TSR_OK;
}

int
doc_integer(const struct doc *d, const struct doc_node *v, int64_t *out)
{
	if (!doc_is(v, DOC_INTEGER))
		return TSR_INVALID;
	return doc_value(d->text + v->at, v->len, out);
}
