/*
 * module.h - a PKCS#11 module, loaded: its functions, libp11's context over
 * it, and the tokens in its slots.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PKCS11_MODULE_H
#define PKCS11_MODULE_H

#include <stddef.h>

#include <libp11.h>
#include <p11-kit/pkcs11.h>

#include "pkcs11/rv.h"
#include "pkcs11/token.h"

#define MODULE_SLOTS_MAX	64	/* slots of a module */

struct module {
	const char *path, *init_args;	/* as given to module_load */
	int fresh;			/* no token was looked for yet: session_open */
	void *handle;			/* dlopen */
	CK_FUNCTION_LIST *fn;
	PKCS11_CTX *ctx;
	PKCS11_SLOT *slots;		/* libp11's, of the last listing; NULL */
	unsigned int n_slots;
	struct token token[MODULE_SLOTS_MAX];
	size_t n_tokens;
};

/*
 * Load the module at path and initialise it, init_args (NULL or text) as
 * pReserved.  TSR_MODULE where it cannot be loaded, is no PKCS#11 module or
 * will not start.  There is no unloading: a worker serves one module for life
 * and ends by _exit, since a module's destructors are not to be trusted.  The
 * texts live as long as m.
 */
int module_load(struct module *m, const char *path, const char *init_args, struct fault *f);

/*
 * List the tokens anew into m->token.  Every session that was open may be
 * closed by this.  One token that cannot be read does not hide the others.
 */
int module_list(struct module *m, struct fault *f);

/* C_Finalize and C_Initialize: some modules look for their tokens then alone.
 * All sessions are gone.  Codes as for module_load. */
int module_restart(struct module *m, struct fault *f);

/* Of the last listing, the token called so, or NULL. */
const struct token *module_find(const struct module *m, const char *serial, const char *label);

#endif
