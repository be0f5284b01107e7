/*
 * card_make.c - a new virtual card.  See card_make.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sim/card_make.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/escape.h"
#include "sim/card_cert.h"
#include "sim/card_internal.h"
#include "sim/file.h"
#include "sim/tlv.h"
#include "tessera.h"

#define GUID_SIZE	16
#define EXPIRES		"20461231"	/* of the CHUID, YYYYMMDD */
#define WORD_MAX	32		/* bytes of one algorithm's word */

static const char *const make_slots[CARD_MAKE_SLOTS] = { "9a=", "9c=", "9d=", "9e=" };

static int
recipe_word(struct card_recipe *r, const char *word)
{
	uint8_t alg = 0;
	size_t i, first = 0, last = CARD_MAKE_SLOTS - 1;

	for (i = 0; i < CARD_MAKE_SLOTS; i++) {
		if (strncasecmp(word, make_slots[i], 3) == 0) {
			first = last = i;
			word += 3;
			break;
		}
	}
	if (strcmp(word, "none") != 0 && card_key_alg(word, &alg) != TSR_OK)
		return TSR_INVALID;
	for (i = first; i <= last; i++)
		r->alg[i] = alg;
	return TSR_OK;
}

int
card_recipe_algorithms(struct card_recipe *r, const char *text)
{
	struct card_recipe made = *r;
	char word[WORD_MAX];
	size_t n;

	for (;;) {
		n = strcspn(text, ",");
		if (n == 0 || n >= sizeof(word))
			return TSR_INVALID;
		memcpy(word, text, n);
		word[n] = '\0';
		if (recipe_word(&made, word) != TSR_OK)
			return TSR_INVALID;
		if (text[n] == '\0')
			break;
		text += n + 1;
	}
	memcpy(r->alg, made.alg, sizeof(r->alg));
	return TSR_OK;
}

/* Random (RFC 9562, version 4), or with the number that was asked for. */
static void
make_guid(const struct card_recipe *r, uint8_t guid[GUID_SIZE])
{
	static const uint8_t prefix[] = { 'T', 'E', 'S', 'S', 'E', 'R', 0x80, 0x00 };
	size_t i;

	randombytes_buf(guid, GUID_SIZE);
	guid[6] = (uint8_t)((guid[6] & 0x0f) | 0x40);
	guid[8] = (uint8_t)((guid[8] & 0x3f) | 0x80);
	if (!r->has_serial)
		return;
	memcpy(guid, prefix, sizeof(prefix));
	for (i = 0; i < 8; i++)
		guid[8 + i] = (uint8_t)(r->serial >> (56 - 8 * i));
}

/* SP 800-73-4 part 1, 3.1.2: a FASC-N of agency 9999 says that the GUID counts. */
static int
make_chuid(struct card *c, const uint8_t guid[GUID_SIZE])
{
	static const uint8_t fascn[] = {
		0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73, 0x9d, 0x83, 0x68,
		0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21, 0xc8, 0x42, 0x10, 0xc3, 0xeb,
	};
	struct buf b;
	int r;

	buf_init(&b, CARD_OBJECT_MAX);
	if ((r = tlv_put(&b, 0x30, fascn, sizeof(fascn))) == TSR_OK &&
	    (r = tlv_put(&b, 0x34, guid, GUID_SIZE)) == TSR_OK &&
	    (r = tlv_put(&b, 0x35, EXPIRES, 8)) == TSR_OK &&
	    (r = tlv_put(&b, 0x3e, NULL, 0)) == TSR_OK && (r = tlv_put(&b, 0xfe, NULL, 0)) == TSR_OK)
		r = card_object_set(c, TAG_CHUID, b.data, b.len);
	buf_free(&b);
	return r;
}

/* Card capability container (part 1, 3.1.1). */
static int
make_ccc(struct card *c, const uint8_t guid[GUID_SIZE])
{
	static const uint8_t rest[] = {
		0xf1, 1, 0x21, 0xf2, 1, 0x21, 0xf3, 0, 0xf4, 1, 0, 0xf5, 1, 0x10, 0xf6, 0, 0xf7, 0,
		0xfa, 0, 0xfb, 0, 0xfc, 0, 0xfd, 0, 0xfe, 0,
	};
	uint8_t id[21] = { 0xa0, 0, 0, 1, 0x16, 0xff, 2 };
	struct buf b;
	int r;

	memcpy(id + 7, guid + 2, 14);
	buf_init(&b, CARD_OBJECT_MAX);
	if ((r = tlv_put(&b, 0xf0, id, sizeof(id))) == TSR_OK &&
	    (r = buf_put(&b, rest, sizeof(rest))) == TSR_OK)
		r = card_object_set(c, TAG_CCC, b.data, b.len);
	buf_free(&b);
	return r;
}

static int
make_slot(struct card *c, struct card_slot *s, const struct card_ca *ca, struct card_cert *cert)
{
	static const uint8_t uncompressed = 0;
	struct buf der, object;
	int r;

	buf_init(&der, CARD_OBJECT_MAX);
	buf_init(&object, CARD_OBJECT_MAX);
	if ((r = card_key_generate(cert->alg, &s->key)) != TSR_OK)
		goto out;
	s->alg = cert->alg;
	cert->key = s->key;
	cert->ref = s->ref;
	if ((r = card_cert_issue(ca, cert, &der)) == TSR_OK &&
	    (r = tlv_put(&object, 0x70, der.data, der.len)) == TSR_OK &&
	    (r = tlv_put(&object, 0x71, &uncompressed, 1)) == TSR_OK &&
	    (r = tlv_put(&object, 0xfe, NULL, 0)) == TSR_OK)
		r = card_object_set(c, s->cert_tag, object.data, object.len);
 out:
	buf_free(&der);
	buf_free(&object);
	return r;
}

static int
make_contents(struct card *c, const struct card_recipe *recipe, const struct card_ca *ca)
{
	char subject[CARD_MAKE_SUBJECT_MAX + 1], serial[CARD_SERIAL_SIZE];
	uint8_t guid[GUID_SIZE];
	struct card_cert cert = { .subject = subject, .guid = guid };
	size_t i;
	int r;

	make_guid(recipe, guid);
	if ((r = make_chuid(c, guid)) != TSR_OK || (r = make_ccc(c, guid)) != TSR_OK)
		return r;
	card_serial(c, serial);
	(void)snprintf(subject, sizeof(subject), "%s%s",
	    recipe->subject != NULL ? recipe->subject : "Virtual card ",
	    recipe->subject != NULL ? "" : serial + GUID_SIZE);
	for (i = 0; i < CARD_SLOTS; i++) {
		cert.alg = recipe->alg[i];
		if (cert.alg != 0 && (r = make_slot(c, &c->slot[i], ca, &cert)) != TSR_OK)
			return r;
	}
	return TSR_OK;
}

int
card_make(const char *folder, const struct card_recipe *recipe)
{
	struct card_ca *ca = NULL;
	struct card *c = NULL;
	int r;

	if (recipe->subject != NULL && (recipe->subject[0] == '\0' ||
	    strlen(recipe->subject) > CARD_MAKE_SUBJECT_MAX ||
	    !escape_is_text(recipe->subject, strlen(recipe->subject))))
		return TSR_INVALID;
	if ((r = card_blank(&c)) != TSR_OK)
		return r;
	if ((r = file_folder(folder, 1, &c->dirfd)) != TSR_OK)
		goto out;
	if ((r = card_store_load(c)) != TSR_NOT_FOUND) {
		r = r == TSR_OK ? TSR_CONFLICT : r;
		goto out;
	}
	/* contents last: a card that was not finished is none */
	if ((r = card_ca_open(recipe->ca != NULL ? recipe->ca : folder, &ca)) == TSR_OK &&
	    (r = make_contents(c, recipe, ca)) == TSR_OK && (r = card_store_pins(c)) == TSR_OK)
		r = card_store_contents(c);
 out:
	card_ca_free(&ca);
	card_free(&c);
	return r;
}
