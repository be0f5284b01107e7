/*
 * container.c - see container.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/container.h"

#include <pskc/pskc.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "tessera.h"

#define CONTAINER_TOTP	"urn:ietf:params:xml:ns:keyprov:pskc:totp"
#define CONTAINER_HOTP	"urn:ietf:params:xml:ns:keyprov:pskc:hotp"

struct container {
	pskc_t *pskc;
	unsigned at;
};

static void
container_quiet(const char *msg)
{
	(void)msg;	/* the library would write it to standard error */
}

/* What must not even be parsed, or never can be used. */
static const char *
container_unwanted(const char *text, size_t n)
{
	static const struct {
		const char *word, *why;
	} rows[] = {
		{ "<!DOCTYPE", "a container with a document type is not read" },
		{ "<!ENTITY", "a container with entities is not read" },
		{ "EncryptedValue", "the container is encrypted: have its maker's tool decrypt it first, or ask for a plain one or a table" },
		{ "EncryptionKey", "the container is encrypted: have its maker's tool decrypt it first, or ask for a plain one or a table" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (memmem(text, n, rows[i].word, strlen(rows[i].word)) != NULL)
			return rows[i].why;
	return NULL;
}

/* libpskc 2.6 reads what an empty Manufacturer has, which is nothing, and ends the
 * program. */
static int
container_no_maker(const char *text, size_t n)
{
	static const char word[] = "Manufacturer";
	const char *end = text + n, *p = text, *tag, *close;

	while ((p = memmem(p, (size_t)(end - p), word, strlen(word))) != NULL) {
		p += strlen(word);
		for (tag = p - 1; tag > text && *tag != '<'; tag--)
			;
		if (tag[0] != '<' || tag[1] == '/' || (close = memchr(p, '>', (size_t)(end - p))) == NULL)
			continue;
		if (close[-1] == '/' || close + 1 == end || close[1] == '<')
			return 1;
	}
	return 0;
}

int
container_open(const char *text, size_t n, struct container **out, const char **why)
{
	struct container *c;
	int rc;

	if ((*why = container_unwanted(text, n)) != NULL)
		return TSR_UNSUPPORTED;
	*why = "a Manufacturer in it is empty: take that element out, or name one";
	if (container_no_maker(text, n))
		return TSR_UNSUPPORTED;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return TSR_NOMEM;
	*why = "that is no PSKC container (RFC 6030)";
	pskc_global_log(container_quiet);
	if ((rc = pskc_global_init()) != PSKC_OK || (rc = pskc_init(&c->pskc)) != PSKC_OK ||
	    (rc = pskc_parse_from_memory(c->pskc, n, text)) != PSKC_OK) {
		container_free(&c);
		return rc == PSKC_MALLOC_ERROR ? TSR_NOMEM : TSR_INVALID;
	}
	*why = NULL;
	*out = c;
	return TSR_OK;
}

void
container_free(struct container **c)
{
	if (*c == NULL)
		return;
	if ((*c)->pskc != NULL)
		pskc_done((*c)->pskc);
	free(*c);
	*c = NULL;
}

static int
container_text(const char *from, char out[OTP_NAME_MAX + 1])
{
	size_t n = from != NULL ? strlen(from) : 0;

	if (n > OTP_NAME_MAX || (n > 0 && !escape_is_text(from, n)))
		return TSR_INVALID;
	if (n > 0)
		memcpy(out, from, n);
	out[n] = '\0';
	return TSR_OK;
}

/* RFC 6030 4.2 and 4.3: a user is a distinguished name; some write a login name. */
static void
container_user(const char *dn, char out[OTP_NAME_MAX + 1])
{
	size_t n;

	out[0] = '\0';
	if (dn == NULL)
		return;
	if (strncasecmp(dn, "uid=", 4) == 0)
		dn += 4;
	else if (strchr(dn, '=') != NULL)
		return;
	n = strcspn(dn, ",+");
	if (n == 0 || n > OTP_NAME_MAX || memchr(dn, '\\', n) != NULL || !escape_is_text(dn, n))
		return;
	memcpy(out, dn, n);
	out[n] = '\0';
}

static const char *
container_parameters(pskc_key_t *key, struct otp *o)
{
	const char *algorithm = pskc_get_key_algorithm(key), *suite = pskc_get_key_algparm_suite(key);
	int present = 0;
	uint32_t n;

	if (algorithm == NULL ||
	    (strcmp(algorithm, CONTAINER_TOTP) != 0 && strcmp(algorithm, CONTAINER_HOTP) != 0))
		return "its algorithm is neither TOTP nor HOTP";
	o->kind = strcmp(algorithm, CONTAINER_HOTP) == 0 ? OTP_HOTP : OTP_TOTP;
	if (suite != NULL && otp_hash_parse(suite, strlen(suite), &o->hash) != TSR_OK)
		return "its hash is none of SHA-1, SHA-256 and SHA-512";
	if (pskc_get_key_algparm_resp_encoding(key, &present) != PSKC_VALUEFORMAT_DECIMAL && present)
		return "its codes are not decimal";
	n = pskc_get_key_algparm_resp_length(key, &present);
	if (present)
		o->digits = n;
	n = pskc_get_key_data_timeinterval(key, &present);
	if (present && o->kind == OTP_TOTP)
		o->period = n;
	o->counter = pskc_get_key_data_counter(key, &present);
	if (!present || o->kind != OTP_HOTP)
		o->counter = 0;
	return NULL;
}

static const char *
container_read(pskc_key_t *key, struct otp *o)
{
	const char *serial = pskc_get_device_serialno(key), *user = pskc_get_key_userid(key), *why, *p;
	size_t n = 0;

	if (serial == NULL)
		serial = pskc_get_key_id(key);
	container_user(user != NULL ? user : pskc_get_device_userid(key), o->account);
	if (container_text(serial, o->serial) != TSR_OK)
		return "its serial number is too long, or no text";
	if ((why = container_parameters(key, o)) != NULL)
		return why;
	p = pskc_get_key_data_secret(key, &n);
	if (p == NULL || n == 0)
		return "it has no secret";
	if (n < HOTP_SEED_MIN)
		return "the secret is shorter than 128 bits";
	if (n > HOTP_SEED_MAX)
		return "the secret is longer than 128 bytes";
	if ((o->seed = secret_from(p, n)) == NULL)
		return "memory is out";
	(void)otp_check(o, &why);
	return why;
}

int
container_next(struct container *c, struct otp *o, unsigned *at, const char **why)
{
	struct otp read;
	pskc_key_t *key;

	*why = NULL;
	if ((key = pskc_get_keypackage(c->pskc, c->at)) == NULL)
		return TSR_NOT_FOUND;
	*at = ++c->at;
	otp_init(&read);
	if ((*why = container_read(key, &read)) != NULL) {
		otp_clear(&read);
		return TSR_INVALID;
	}
	*o = read;	/* the seed goes with it */
	return TSR_OK;
}
