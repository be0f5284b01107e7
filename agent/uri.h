/*
 * uri.h - PKCS#11 URIs (RFC 7512), reduced to what names a key: token,
 * manufacturer, model, serial, object, id.  A pin-value, pin-source or
 * module-path is refused: PINs never travel in arguments and modules are named
 * by the configuration alone.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_URI_H
#define AGENT_URI_H

#include <stddef.h>
#include <stdint.h>

#define URI_TEXT_MAX	129	/* bytes of an attribute, with NUL */
#define URI_ID_MAX	255	/* bytes of an id */

struct uri {
	char token[URI_TEXT_MAX], manufacturer[URI_TEXT_MAX], model[URI_TEXT_MAX];
	char serial[URI_TEXT_MAX], object[URI_TEXT_MAX];	/* "" where not given */
	uint8_t id[URI_ID_MAX];
	size_t id_len;
	int has_id;
};

/* TSR_INVALID; err (128 bytes or more) then names the attribute. */
int uri_parse(const char *text, struct uri *u, char *err, size_t err_size);

/* Append "pkcs11:token=...;serial=...;id=...;object=..." with what is not
 * unreserved percent-encoded (RFC 7512 section 2.3). */
struct buf;
int uri_write(struct buf *out, const struct uri *u);

#endif
