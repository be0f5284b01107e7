/*
 * hide.c - see hide.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/hide.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "tessera.h"
#include "token/json.h"

#define HIDE_WORD_MAX	1024	/* bytes of a word in any of its forms */

struct hide_entry {
	char *word;
	size_t n;
	const char *as;
};

struct hide {
	struct hide_entry entry[HIDE_WORDS_MAX];
	size_t n;
};

int
hide_new(struct hide **out)
{
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return TSR_NOMEM;
	return TSR_OK;
}

void
hide_free(struct hide **h)
{
	size_t i;

	if (*h == NULL)
		return;
	for (i = 0; i < (*h)->n; i++)
		free((*h)->entry[i].word);
	free(*h);
	*h = NULL;
}

static int
hide_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || (unsigned char)c >= 0x80;
}

/* One form, once.  Longer words come first: a label may hold another. */
static int
hide_add(struct hide *h, const char *word, const char *as)
{
	size_t i, n = strlen(word);
	char *copy;

	for (i = 0; i < h->n; i++)
		if (h->entry[i].n == n && strcasecmp(h->entry[i].word, word) == 0)
			return TSR_OK;
	if (h->n == HIDE_WORDS_MAX)
		return TSR_TOO_LARGE;
	if ((copy = strdup(word)) == NULL)
		return TSR_NOMEM;
	for (i = h->n; i > 0 && h->entry[i - 1].n < n; i--)
		h->entry[i] = h->entry[i - 1];
	h->entry[i].word = copy;
	h->entry[i].n = n;
	h->entry[i].as = as;
	h->n++;
	return TSR_OK;
}

int
hide_word(struct hide *h, const char *word, const char *as)
{
	static const char *const common[] = { "root", "tessera", "tessera-dev", "localhost" };
	char shown[HIDE_WORD_MAX], json[HIDE_WORD_MAX];
	size_t i, n = strlen(word);
	int r;

	if (n == 0 || n >= HIDE_WORD_MAX / 4 || (n < 4 && strspn(word, "0123456789") == n))
		return TSR_OK;
	for (i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcasecmp(common[i], word) == 0)
			return TSR_OK;
	(void)escape_text(shown, sizeof(shown), word, n);
	if ((r = hide_add(h, word, as)) != TSR_OK || (r = hide_add(h, shown, as)) != TSR_OK)
		return r;
	if (json_quote(json, sizeof(json) - 1, word, &n) != TSR_OK || n < 3)
		return TSR_OK;
	json[n - 1] = '\0';		/* without its quotes */
	return hide_add(h, json + 1, as);
}

/* The word that stands at p, or NULL. */
static const struct hide_entry *
hide_find(const struct hide *h, const char *text, const char *p, size_t left)
{
	const struct hide_entry *e;

	for (e = h->entry; e < h->entry + h->n; e++) {
		if (e->n > left || strncasecmp(p, e->word, e->n) != 0)
			continue;
		if (p > text && hide_is_word(p[-1]) && hide_is_word(p[0]))
			continue;
		if (e->n < left && hide_is_word(p[e->n]) && hide_is_word(p[e->n - 1]))
			continue;
		return e;
	}
	return NULL;
}

/* How many characters at p look like an id, a token or a key; 0: none. */
static size_t
hide_run(const char *p, size_t left)
{
	size_t n, hex = 0;
	int lower = 0, upper = 0, digit = 0;

	for (n = 0; n < left; n++) {
		if (p[n] >= '0' && p[n] <= '9')
			digit = 1;
		else if (p[n] >= 'a' && p[n] <= 'z')
			lower = 1;
		else if (p[n] >= 'A' && p[n] <= 'Z')
			upper = 1;
		else if (p[n] != '_' && p[n] != '-')
			break;
		if (hex == n && ((p[n] >= '0' && p[n] <= '9') || (p[n] >= 'a' && p[n] <= 'f') ||
		    (p[n] >= 'A' && p[n] <= 'F')))
			hex++;
	}
	if ((n >= HIDE_RUN_MIN && lower && upper && digit) || hex >= HIDE_HEX_MIN)
		return n;
	return 0;
}

int
hide_text(const struct hide *h, const char *text, size_t n, struct buf *out)
{
	const struct hide_entry *e;
	const char *p = text, *end = text + n;
	size_t run;
	int r;

	while (p < end) {
		if ((e = hide_find(h, text, p, (size_t)(end - p))) != NULL) {
			r = buf_put_cstr(out, e->as);
			p += e->n;
		} else if ((p == text || !hide_is_word(p[-1])) &&
		    (run = hide_run(p, (size_t)(end - p))) > 0) {
			r = buf_put_cstr(out, "[secret]");
			p += run;
		} else {
			r = buf_put_u8(out, (uint8_t)*p);
			p++;
		}
		if (r != TSR_OK)
			return r;
	}
	return TSR_OK;
}
