/*
 * module.c - a PKCS#11 module.  See module.h.
 *
 * What libp11 (0.4.12) is used for here, and what not, each found by trying:
 *
 * - It initialises every module with OS locking, with which opensc-pkcs11
 *   0.23 hangs for ever when a card goes away at a bad moment.  It accepts a
 *   module that is initialised already, so we do that first, without locking;
 *   this process has one thread.
 * - PKCS11_update_slots crashes with two or more slots: never called.
 * - PKCS11_enumerate_slots fails as a whole when one token cannot be read:
 *   then the slots are asked one by one.
 * - Releasing slots closes all sessions of those slots, also ours.
 * - PKCS11_login keeps a copy of the PIN: login is by raw calls (session.c).
 * - One Ed25519 key makes the enumeration of keys fail: keys are found by raw
 *   calls (keys.c); certificates are libp11's.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/module.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tessera.h"

/* All functions that are called, here or by libp11, are there. */
static int
module_complete(const CK_FUNCTION_LIST *fn)
{
	return fn->C_Initialize != NULL && fn->C_Finalize != NULL && fn->C_GetInfo != NULL &&
	    fn->C_GetSlotList != NULL && fn->C_GetSlotInfo != NULL && fn->C_GetTokenInfo != NULL &&
	    fn->C_GetMechanismList != NULL && fn->C_OpenSession != NULL &&
	    fn->C_CloseSession != NULL && fn->C_CloseAllSessions != NULL &&
	    fn->C_GetSessionInfo != NULL && fn->C_Login != NULL && fn->C_Logout != NULL &&
	    fn->C_GetAttributeValue != NULL && fn->C_FindObjectsInit != NULL &&
	    fn->C_FindObjects != NULL && fn->C_FindObjectsFinal != NULL &&
	    fn->C_SignInit != NULL && fn->C_Sign != NULL;
}

static int
module_functions(struct module *m, const char *path, struct fault *f)
{
	CK_C_GetFunctionList get = NULL;
	CK_RV rv;

	if ((m->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return fault_set(f, TSR_MODULE, "cannot load the module: %s", dlerror());
	*(void **)(&get) = dlsym(m->handle, "C_GetFunctionList");
	if (get == NULL)
		return fault_set(f, TSR_MODULE, "%s is not a PKCS#11 module: no C_GetFunctionList",
		    path);
	if ((rv = get(&m->fn)) != CKR_OK) {
		m->fn = NULL;
		(void)rv_fault(f, "C_GetFunctionList", rv);
		return TSR_MODULE;
	}
	if (m->fn == NULL || !module_complete(m->fn))
		return fault_set(f, TSR_MODULE, "%s lacks functions of PKCS#11", path);
	return TSR_OK;
}

/* Without locking, see above.  pReserved is how NSS takes its parameters, and
 * it may write to them. */
static int
module_initialise(struct module *m, const char *init_args, struct fault *f)
{
	CK_C_INITIALIZE_ARGS args;
	char *reserved = NULL;
	CK_RV rv;

	memset(&args, 0, sizeof(args));
	if (init_args != NULL && (reserved = strdup(init_args)) == NULL)
		return TSR_NOMEM;
	args.pReserved = reserved;
	rv = m->fn->C_Initialize(reserved != NULL ? &args : NULL);
	free(reserved);
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		(void)rv_fault(f, "C_Initialize", rv);
		return TSR_MODULE;
	}
	return TSR_OK;
}

/* The module, then libp11 over it. */
static int
module_start(struct module *m, struct fault *f)
{
	int r;

	if ((r = module_initialise(m, m->init_args, f)) != TSR_OK)
		return r;
	if ((m->ctx = PKCS11_CTX_new()) == NULL)
		return TSR_NOMEM;
	PKCS11_CTX_init_args(m->ctx, m->init_args);
	if (PKCS11_CTX_load(m->ctx, m->path) != 0) {
		ERR_clear_error();
		return fault_set(f, TSR_MODULE, "libp11 cannot use the module");
	}
	return TSR_OK;
}

int
module_load(struct module *m, const char *path, const char *init_args, struct fault *f)
{
	int r;

	memset(m, 0, sizeof(*m));
	m->path = path;
	m->init_args = init_args;
	m->fresh = 1;
	if ((r = module_functions(m, path, f)) != TSR_OK)
		return r;
	return module_start(m, f);
}

static void
module_forget(struct module *m)
{
	m->n_tokens = 0;
	if (m->slots != NULL)
		PKCS11_release_all_slots(m->ctx, m->slots, m->n_slots);
	m->slots = NULL;
	m->n_slots = 0;
}

int
module_restart(struct module *m, struct fault *f)
{
	module_forget(m);
	PKCS11_CTX_unload(m->ctx);	/* calls C_Finalize; our dlopen keeps the module */
	PKCS11_CTX_free(m->ctx);
	m->ctx = NULL;
	return module_start(m, f);
}

/* The slots' ids, *n of them.  The call without a list makes OpenSC look for
 * readers again, and without it the list lies. */
static int
module_slots(struct module *m, CK_SLOT_ID id[MODULE_SLOTS_MAX], size_t *n, struct fault *f)
{
	CK_ULONG count = 0;
	CK_RV rv;

	if ((rv = m->fn->C_GetSlotList(CK_FALSE, NULL, &count)) != CKR_OK)
		return rv_fault(f, "C_GetSlotList", rv);
	if (count > MODULE_SLOTS_MAX)
		return fault_set(f, TSR_MODULE, "C_GetSlotList: %lu slots, %d are taken", count,
		    MODULE_SLOTS_MAX);
	count = MODULE_SLOTS_MAX;
	if ((rv = m->fn->C_GetSlotList(CK_FALSE, id, &count)) != CKR_OK)
		return rv_fault(f, "C_GetSlotList", rv);
	if (count > MODULE_SLOTS_MAX)
		return fault_set(f, TSR_MODULE, "C_GetSlotList: %lu slots where %d fit", count,
		    MODULE_SLOTS_MAX);
	*n = count;
	return TSR_OK;
}

static void
module_add(struct module *m, const struct token *t)
{
	if (m->n_tokens < MODULE_SLOTS_MAX)
		m->token[m->n_tokens++] = *t;
}

/* Slot by slot, where libp11 gave up. */
static void
module_list_raw(struct module *m, const CK_SLOT_ID *id, size_t n)
{
	CK_TOKEN_INFO info;
	CK_SLOT_INFO slot;
	struct token t;
	size_t i;

	for (i = 0; i < n; i++) {
		memset(&info, 0, sizeof(info));
		memset(&slot, 0, sizeof(slot));
		if (m->fn->C_GetTokenInfo(id[i], &info) != CKR_OK ||
		    (info.flags & CKF_TOKEN_INITIALIZED) == 0)
			continue;
		token_from_info(&t, id[i], &info);
		if (m->fn->C_GetSlotInfo(id[i], &slot) == CKR_OK)
			token_from_slot(&t, &slot);
		module_add(m, &t);
	}
}

int
module_list(struct module *m, struct fault *f)
{
	CK_SLOT_ID id[MODULE_SLOTS_MAX];
	struct token t;
	unsigned int i;
	size_t n = 0;
	int r;

	module_forget(m);
	/* libp11 trusts the counts that the module gives: looked at first. */
	if ((r = module_slots(m, id, &n, f)) != TSR_OK || n == 0)
		return r;
	if (PKCS11_enumerate_slots(m->ctx, &m->slots, &m->n_slots) != 0) {
		ERR_clear_error();
		m->slots = NULL;
		m->n_slots = 0;
		module_list_raw(m, id, n);
		return TSR_OK;
	}
	for (i = 0; i < m->n_slots; i++) {
		if (m->slots[i].token == NULL || !m->slots[i].token->initialized)
			continue;
		token_from_p11(&t, &m->slots[i]);
		module_add(m, &t);
	}
	return TSR_OK;
}

const struct token *
module_find(const struct module *m, const char *serial, const char *label)
{
	size_t i;

	for (i = 0; i < m->n_tokens; i++)
		if (token_is(&m->token[i], serial, label))
			return &m->token[i];
	return NULL;
}
