/*
 * audit_chain.c - see audit_chain.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/audit_chain.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "tessera.h"

#define HEX		(2 * AUDIT_MAC)
#define TAIL_HEAD	",\"mac\":\""
#define TAIL_LEN	(sizeof(TAIL_HEAD) - 1 + HEX + 2)	/* ,"mac":"..."} */
#define DIGITS_MAX	18		/* of a number in a line */

_Static_assert(AUDIT_MAC >= crypto_generichash_BYTES_MIN, "size of a MAC");
_Static_assert(AUDIT_KEY <= crypto_generichash_KEYBYTES_MAX, "size of a key");

/* out = BLAKE2b(key, what); out may be key.  TSR_CRYPTO. */
static int
derive(uint8_t out[AUDIT_KEY], const uint8_t key[AUDIT_KEY], const char *what)
{
	struct hash_part part = { what, strlen(what) };

	return hash_parts(out, AUDIT_KEY, key, AUDIT_KEY, &part, 1);
}

/* From the key of an epoch: its first line's key, and the epoch after it. */
static int
enter_epoch(struct audit_chain *c)
{
	int r;

	if ((r = derive(c->line_key, c->epoch_key, "tessera audit line")) != TSR_OK)
		return r;
	return derive(c->epoch_key, c->epoch_key, "tessera audit epoch");
}

/* The chain after a line, in next: the line may still come to nothing. */
static int
step(const struct audit_chain *c, const uint8_t mac[AUDIT_MAC], struct audit_chain *next)
{
	*next = *c;
	memcpy(next->mac, mac, AUDIT_MAC);
	if (next->seq++ % AUDIT_EPOCH == 0)
		return enter_epoch(next);
	return derive(next->line_key, next->line_key, "tessera audit next");
}

int
audit_chain_at(struct audit_chain *c, const uint8_t first[AUDIT_KEY], uint64_t seq,
    const uint8_t mac[AUDIT_MAC])
{
	uint64_t i;
	int r = TSR_OK;

	if (seq == 0 || seq > AUDIT_SEQ_MAX)
		return TSR_INVALID;
	memset(c, 0, sizeof(*c));
	memcpy(c->epoch_key, first, AUDIT_KEY);
	for (i = 0; i < (seq - 1) / AUDIT_EPOCH && r == TSR_OK; i++)
		r = derive(c->epoch_key, c->epoch_key, "tessera audit epoch");
	if (r == TSR_OK)
		r = enter_epoch(c);
	for (i = 0; i < (seq - 1) % AUDIT_EPOCH && r == TSR_OK; i++)
		r = derive(c->line_key, c->line_key, "tessera audit next");
	if (r != TSR_OK)
		return r;
	c->seq = seq;
	if (seq > 1)
		memcpy(c->mac, mac, AUDIT_MAC);
	return TSR_OK;
}

static int
line_mac(const struct audit_chain *c, const void *p, size_t n, uint8_t mac[AUDIT_MAC])
{
	struct hash_part parts[] = { { c->mac, AUDIT_MAC }, { p, n } };

	return hash_parts(mac, AUDIT_MAC, c->line_key, AUDIT_KEY, parts, 2);
}

int
audit_chain_close(struct audit_chain *c, struct buf *b, size_t at)
{
	struct audit_chain next;
	uint8_t mac[AUDIT_MAC];
	char tail[TAIL_LEN + 2], hex[HEX + 1];
	int r;

	if (b->len - at + TAIL_LEN + 1 > AUDIT_LINE_MAX || c->seq >= AUDIT_SEQ_MAX)
		return TSR_TOO_LARGE;
	if ((r = line_mac(c, b->data + at, b->len - at, mac)) != TSR_OK)
		return r;
	audit_mac_write(mac, hex);
	(void)snprintf(tail, sizeof(tail), TAIL_HEAD "%s\"}\n", hex);
	if ((r = step(c, mac, &next)) == TSR_OK && (r = buf_put(b, tail, TAIL_LEN + 1)) == TSR_OK)
		*c = next;
	audit_chain_wipe(&next);
	return r;
}

int
audit_chain_check(struct audit_chain *c, const char *p, size_t n)
{
	struct audit_chain next;
	uint8_t mac[AUDIT_MAC];
	struct audit_line l;
	int r;

	if (audit_line_read(p, n, &l) != TSR_OK || l.seq != c->seq)
		return TSR_BAD_SIGNATURE;
	if ((r = line_mac(c, p, n - TAIL_LEN, mac)) != TSR_OK)
		return r;
	if (sodium_memcmp(mac, l.mac, AUDIT_MAC) != 0)
		return TSR_BAD_SIGNATURE;
	if ((r = step(c, mac, &next)) == TSR_OK)
		*c = next;
	audit_chain_wipe(&next);
	return r;
}

void
audit_chain_wipe(struct audit_chain *c)
{
	sodium_memzero(c, sizeof(*c));
}

void
audit_mac_write(const uint8_t mac[AUDIT_MAC], char hex[HEX + 1])
{
	(void)sodium_bin2hex(hex, HEX + 1, mac, AUDIT_MAC);
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
audit_mac_read(const char *hex, size_t n, uint8_t mac[AUDIT_MAC])
{
	uint8_t out[AUDIT_MAC];
	size_t i;
	int hi, lo;

	if (n != HEX)
		return TSR_INVALID;
	for (i = 0; i < AUDIT_MAC; i++) {
		if ((hi = digit(hex[2 * i])) < 0 || (lo = digit(hex[2 * i + 1])) < 0)
			return TSR_INVALID;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(mac, out, AUDIT_MAC);
	return TSR_OK;
}

/* A span of the line that is still to be read. */
struct span {
	const char *p;
	size_t n;
};

static int
take(struct span *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n) != 0)
		return TSR_INVALID;
	s->p += n;
	s->n -= n;
	return TSR_OK;
}

/* Digits as this program writes them: no leading zero. */
static int
take_number(struct span *s, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		if (i == DIGITS_MAX)
			return TSR_INVALID;
		v = v * 10 + (uint64_t)(s->p[i] - '0');
	}
	if (i == 0 || (s->p[0] == '0' && i > 1))
		return TSR_INVALID;
	s->p += i;
	s->n -= i;
	*out = v;
	return TSR_OK;
}

int
audit_line_read(const char *p, size_t n, struct audit_line *out)
{
	struct span s;
	struct audit_line l;
	uint64_t t;
	size_t i;

	if (n < TAIL_LEN || n >= AUDIT_LINE_MAX)
		return TSR_INVALID;
	for (i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
			return TSR_INVALID;
	s.p = p + n - TAIL_LEN;
	s.n = TAIL_LEN;
	if (take(&s, TAIL_HEAD) != TSR_OK || audit_mac_read(s.p, HEX, l.mac) != TSR_OK ||
	    memcmp(s.p + HEX, "\"}", 2) != 0)
		return TSR_INVALID;
	s.p = p;
	s.n = n - TAIL_LEN;
	if (take(&s, "{\"seq\":") != TSR_OK || take_number(&s, &l.seq) != TSR_OK ||
	    take(&s, ",\"time\":") != TSR_OK || take_number(&s, &t) != TSR_OK ||
	    take(&s, ",\"event\":\"") != TSR_OK)
		return TSR_INVALID;
	l.time = (int64_t)t;
	l.event = s.p;
	for (i = 0; i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '-'); i++)
		;
	if (i == 0 || i == s.n || s.p[i] != '"' || l.seq == 0 || l.seq > AUDIT_SEQ_MAX)
		return TSR_INVALID;
	l.event_len = i;
	*out = l;
	return TSR_OK;
}

int
audit_head_read(const char *text, size_t n, struct audit_head *h)
{
	struct span s = { text, n };
	struct audit_head got;

	if (take_number(&s, &got.seq) != TSR_OK || take(&s, ":") != TSR_OK ||
	    audit_mac_read(s.p, s.n, got.mac) != TSR_OK)
		return TSR_INVALID;
	*h = got;
	return TSR_OK;
}

void
audit_head_write(const struct audit_head *h, char text[AUDIT_HEAD_TEXT])
{
	char hex[HEX + 1];

	audit_mac_write(h->mac, hex);
	(void)snprintf(text, AUDIT_HEAD_TEXT, "%" PRIu64 ":%s", h->seq, hex);
}
