/*
 * http_form.h - application/x-www-form-urlencoded bodies and queries, read
 * strictly (RFC 6749 appendix B): every name once, UTF-8 without control
 * characters, no empty name or pair, "+" is a blank, "%00" refused.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_HTTP_FORM_H
#define AGENT_HTTP_FORM_H

#include <stddef.h>

#define FORM_FIELDS_MAX	32
#define FORM_MAX	65536	/* bytes in */

struct form_field {
	char *name, *value;	/* NUL-terminated, into struct form's memory */
};

struct form {
	char *memory;		/* wiped when freed */
	size_t size;
	struct form_field field[FORM_FIELDS_MAX];
	size_t n;
};

/* TSR_INVALID for anything malformed or a name given twice, TSR_TOO_LARGE,
 * TSR_NOMEM.  Freed (and wiped) by form_free. */
int form_parse(const char *in, size_t n, struct form *f);
void form_free(struct form *f);

/* The value of a field.  NULL where it is absent or empty, which is the same
 * (RFC 6749 section 3.1). */
const char *form_get(const struct form *f, const char *name);

#endif
