/*
 * uri.c - any text as a PKCS#11 URI.  What is accepted is text within its
 * bounds, and is read again as the same from what uri_write makes of it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/uri.h"
#include "base/buf.h"
#include "base/escape.h"
#include "include/tessera.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/scarce.h"

static void
check(const struct uri *u)
{
	const char *const texts[] = { u->token, u->manufacturer, u->model, u->serial, u->object };
	size_t i, n;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		n = strnlen(texts[i], URI_TEXT_MAX);
		must(n < URI_TEXT_MAX && escape_is_text(texts[i], n));
	}
	must(u->has_id ? u->id_len > 0 && u->id_len <= URI_ID_MAX : u->id_len == 0);
}

static void
run(const uint8_t *data, size_t size)
{
	struct uri u, again;
	struct buf b;
	char err[128], *text;

	if ((text = malloc(size + 1)) == NULL)
		return;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	memset(err, 0, sizeof(err));
	if (uri_parse(text, &u, err, sizeof(err)) != TSR_OK) {
		must(err[0] != '\0' && strlen(err) < sizeof(err));
	} else {
		check(&u);
		buf_init(&b, 8192);
		if (uri_write(&b, &u) != TSR_OK || buf_put_u8(&b, 0) != TSR_OK)
			must(scarce_hit());
		else if (strcmp((const char *)b.data, "pkcs11:") != 0) {	/* a type alone names nothing */
			must(uri_parse((const char *)b.data, &again, err, sizeof(err)) == TSR_OK);
			must(memcmp(&u, &again, sizeof(u)) == 0);
		}
		buf_free(&b);
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scarce_run(run, data, size);
	return 0;
}
