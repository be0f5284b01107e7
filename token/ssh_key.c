/*
 * ssh_key.c - public keys in SSH's wire form.  See ssh_key.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "token/ssh_key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tessera.h"
#include "token/ssh_cert.h"
#include "token/ssh_fields.h"

#define SSH_KEY_NAME_MAX	64	/* bytes of a type's name */

const char *
ssh_key_name(enum ssh_key_kind kind)
{
	return ssh_kind(kind)->name;
}

int
ssh_key_read(const void *blob, size_t n, struct ssh_key *out)
{
	struct ssh_key k = { .blob = blob, .n = n };
	struct ssh_fields f;
	const uint8_t *name;
	struct reader r;
	size_t name_n;
	int cert, e;

	if (n > SSH_KEY_MAX)
		return TSR_TOO_LARGE;
	reader_init(&r, blob, n);
	if (reader_string(&r, n, &name, &name_n) != TSR_OK)
		return TSR_INVALID;
	if (ssh_kind_find(name, name_n, &k.kind, &cert) != TSR_OK || cert)
		return TSR_UNSUPPORTED;
	k.fields = r.p;
	k.fields_n = r.left;
	if ((e = ssh_fields_read(&r, k.kind, &f)) != TSR_OK)
		return e == TSR_TOO_LARGE ? TSR_INVALID : e;
	if (reader_end(&r) != TSR_OK)
		return TSR_INVALID;
	*out = k;
	return TSR_OK;
}

/* The next word of a line; *n is 0 where none is left. */
static const char *
ssh_key_word(const char **p, const char *end, size_t *n)
{
	const char *word;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	word = *p;
	while (*p < end && **p != ' ' && **p != '\t')
		(*p)++;
	*n = (size_t)(*p - word);
	return word;
}

/* What follows the two words, without the blanks around it. */
static int
ssh_key_comment(const char *p, const char *end, char comment[SSH_KEY_COMMENT_MAX])
{
	size_t n;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	n = (size_t)(end - p);
	if (!ssh_text_ok(p, n))
		return TSR_INVALID;
	if (n >= SSH_KEY_COMMENT_MAX)
		return TSR_TOO_LARGE;
	memcpy(comment, p, n);
	comment[n] = '\0';
	return TSR_OK;
}

int
ssh_key_parse(const char *line, size_t n, struct buf *blob, char comment[SSH_KEY_COMMENT_MAX])
{
	const char *p = line, *name, *text, *end, *stop = NULL;
	uint8_t raw[SSH_KEY_LINE_MAX];
	size_t name_n, text_n, len;
	struct ssh_key k;
	int r;

	buf_reset(blob);
	if (n >= SSH_KEY_LINE_MAX)
		return TSR_TOO_LARGE;
	if (n > 0 && line[n - 1] == '\n')
		n--;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	end = line + n;
	name = ssh_key_word(&p, end, &name_n);
	text = ssh_key_word(&p, end, &text_n);
	if (text_n == 0 || sodium_base642bin(raw, sizeof(raw), text, text_n, NULL, &len, &stop,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || stop != text + text_n)
		return TSR_INVALID;
	if ((r = ssh_key_read(raw, len, &k)) != TSR_OK)
		return r;
	if (!ssh_is((const uint8_t *)name, name_n, ssh_key_name(k.kind)))
		return TSR_INVALID;
	if ((r = buf_put(blob, raw, len)) != TSR_OK)
		return r;
	if ((r = ssh_key_comment(p, end, comment)) != TSR_OK)
		buf_reset(blob);
	return r;
}

/* The blob's own first string, where it may stand as a word. */
static int
ssh_key_own_name(const void *blob, size_t n, const uint8_t **name, size_t *name_n)
{
	struct reader r;
	size_t i;

	reader_init(&r, blob, n);
	if (reader_string(&r, SSH_KEY_NAME_MAX, name, name_n) != TSR_OK || *name_n == 0)
		return TSR_INVALID;
	for (i = 0; i < *name_n; i++)
		if ((*name)[i] <= ' ' || (*name)[i] >= 0x7f)
			return TSR_INVALID;
	return TSR_OK;
}

int
ssh_key_line(struct buf *out, const void *blob, size_t n, const char *comment)
{
	size_t was = out->len, room, name_n;
	const uint8_t *name;
	int r;

	if (n > SSH_CERT_MAX)
		return TSR_TOO_LARGE;
	if (ssh_key_own_name(blob, n, &name, &name_n) != TSR_OK ||
	    (comment != NULL && !ssh_text_ok(comment, strlen(comment))))
		return TSR_INVALID;
	room = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);	/* with NUL */
	if ((r = buf_put(out, name, name_n)) != TSR_OK ||
	    (r = buf_put_u8(out, ' ')) != TSR_OK ||
	    (r = buf_reserve(out, room)) != TSR_OK)
		goto out;
	(void)sodium_bin2base64((char *)out->data + out->len, room, blob, n,
	    sodium_base64_VARIANT_ORIGINAL);
	buf_added(out, room - 1);
	if (comment != NULL && comment[0] != '\0' &&
	    (r = buf_put_u8(out, ' ')) == TSR_OK)
		r = buf_put_cstr(out, comment);
 out:
	if (r != TSR_OK)
		buf_cut(out, was);
	return r;
}

/* "ssh-ed25519" and one string. */
static int
ssh_ed25519_put(struct buf *out, const uint8_t *p, size_t n)
{
	const char *name = ssh_key_name(SSH_ED25519);
	size_t was = out->len;
	int r;

	if ((r = buf_put_string(out, name, strlen(name))) != TSR_OK ||
	    (r = buf_put_string(out, p, n)) != TSR_OK)
		buf_cut(out, was);
	return r;
}

int
ssh_ed25519_blob(struct buf *out, const uint8_t pub[32])
{
	return ssh_ed25519_put(out, pub, crypto_sign_PUBLICKEYBYTES);
}

int
ssh_ed25519_signature(struct buf *out, const uint8_t sig[64])
{
	return ssh_ed25519_put(out, sig, crypto_sign_BYTES);
}
