/*
 * webauthn.c - fuzz target: what comes back from a browser or from a key elsewhere.
 * The first byte says what: 0 client data, 1 an assertion, 2 a registration, 3 an
 * attestation object.  What is accepted is what was asked for, and points into itself.
 *
 * SPDX-License-Identifier: ISC
 */
#include "agent/webauthn.h"

#include <stdlib.h>
#include <string.h>

#include "agent/attestation_read.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"
#include "token/json.h"

#define CHALLENGE	"the challenge of this request"
#define CHALLENGE_TEXT	"dGhlIGNoYWxsZW5nZSBvZiB0aGlzIHJlcXVlc3Q"
#define ORIGIN		"https://login.example"

static void
client(const char *text, size_t n)
{
	char origin[] = ORIGIN, *origins[] = { origin };
	const struct strings ours = { origins, 1 };
	const struct clientdata_policy p = {
		CLIENTDATA_GET, (const uint8_t *)CHALLENGE, strlen(CHALLENGE), &ours
	};
	enum clientdata_fault fault;
	json_t *o = NULL;
	int r;

	r = clientdata_check(&p, text, n, &fault);
	must((r == TSR_OK) == (fault == CLIENTDATA_GOOD) && strlen(clientdata_fault_text(fault)) > 3);
	/* another reader finds the same in it */
	if (r != TSR_OK || json_read_object(text, n, 16, &o) != TSR_OK) {
		must(r != TSR_OK || scarce_hit());
		return;
	}
	must(strcmp(json_string_value(json_object_get(o, "type")), CLIENTDATA_GET) == 0);
	must(strcmp(json_string_value(json_object_get(o, "challenge")), CHALLENGE_TEXT) == 0);
	must(strcmp(json_string_value(json_object_get(o, "origin")), ORIGIN) == 0);
	must(!json_is_true(json_object_get(o, "crossOrigin")));
	json_decref(o);
}

static void
object(const uint8_t *p, size_t n)
{
	struct attestation_statement s;
	struct attestation_object o;

	if (attestation_object_read(p, n, &o) != TSR_OK)
		return;
	must(o.format >= p && o.format + o.format_len <= p + n);
	must(o.statement >= p && o.statement + o.statement_len <= p + n);
	must(o.authdata >= p && o.authdata + o.authdata_len <= p + n);
	if (attestation_read(o.format, o.format_len, o.statement, o.statement_len, &s) == TSR_OK && s.packed)
		must(s.sig > p && s.sig + s.sig_len <= p + n);
}

static void
response(const char *text, size_t n, int registration)
{
	struct webauthn *w = NULL;
	const char *what = NULL;
	json_t *o;
	int r;

	if (json_read_object(text, n, 8, &o) != TSR_OK)
		return;
	r = registration ? webauthn_read_registration(o, &w, &what) : webauthn_read_assertion(o, &w, &what);
	json_decref(o);
	must((r == TSR_OK) == (w != NULL));
	if (r != TSR_OK) {
		must(r == TSR_INVALID ? what != NULL : r == TSR_NOMEM && scarce_hit());
		return;
	}
	must(w->id_len > 0 && w->browser == (w->client_len > 0));
	must(memchr(w->transports, '\0', sizeof(w->transports)) != NULL);
	if (registration)
		must(w->object_len > 0 && w->browser);
	else
		must(w->authdata_len > 0 && w->sig_len > 0);
	if (registration)
		object(w->object, w->object_len);
	free(w);
}

static void
check(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0 || (copy = malloc(size)) == NULL)
		return;
	memcpy(copy, data + 1, size - 1);	/* no byte behind it */
	switch (data[0] & 3) {
	case 0:
		client(copy, size - 1);
		break;
	case 3:
		object((const uint8_t *)copy, size - 1);
		break;
	default:
		response(copy, size - 1, (data[0] & 3) == 2);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scarce_run(check, data, size);
	return 0;
}
