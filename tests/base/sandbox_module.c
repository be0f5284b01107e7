/*
 * sandbox_module.c - real PKCS#11 modules at work inside their role.
 *
 * SPDX-License-Identifier: ISC
 */
#include "sandbox_work.h"

#include <dlfcn.h>
#include <errno.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN	"123456"

static CK_FUNCTION_LIST *p11;

int
work_softhsm_prepare(void)
{
	FILE *f;

	if (mkdir(work_path("tokens"), 0700) == -1 ||
	    (f = fopen(work_path("softhsm2.conf"), "we")) == NULL)
		return -1;
	fprintf(f, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
	    work_path("tokens"));
	return fclose(f) == 0 ? setenv("SOFTHSM2_CONF", work_path("softhsm2.conf"), 1) : -1;
}

/* The first of the names that is there. */
static enum jail_verdict
module_load(const char *const *paths, void *reserved)
{
	CK_C_INITIALIZE_ARGS args;
	CK_C_GetFunctionList list;
	void *lib = NULL, *sym;

	for (; *paths != NULL && lib == NULL; paths++)
		if (access(*paths, R_OK) == 0)
			if ((lib = dlopen(*paths, RTLD_NOW | RTLD_LOCAL)) == NULL) {
				fprintf(stderr, "%s\n", dlerror());
				return JAIL_BROKEN;
			}
	if (lib == NULL)
		return JAIL_SKIPPED;
	if ((sym = dlsym(lib, "C_GetFunctionList")) == NULL)
		return JAIL_BROKEN;
	memcpy(&list, &sym, sizeof(list));
	if (list(&p11) != CKR_OK)
		return JAIL_BROKEN;
	memset(&args, 0, sizeof(args));
	args.flags = CKF_OS_LOCKING_OK;
	args.pReserved = reserved;
	return p11->C_Initialize(&args) == CKR_OK ? JAIL_DONE : work_failed("C_Initialize");
}

static enum jail_verdict
module_sign(CK_SESSION_HANDLE session)
{
	static CK_BYTE curve[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
	static CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE pub[] = { { CKA_EC_PARAMS, curve, sizeof(curve) },
		{ CKA_TOKEN, &yes, sizeof(yes) }, { CKA_VERIFY, &yes, sizeof(yes) } };
	CK_ATTRIBUTE priv[] = { { CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) }, { CKA_SIGN, &yes, sizeof(yes) } };
	CK_MECHANISM generate = { CKM_EC_KEY_PAIR_GEN, NULL, 0 }, ecdsa = { CKM_ECDSA, NULL, 0 };
	CK_OBJECT_HANDLE a, b;
	CK_BYTE hash[32] = { 7 }, sig[128];
	CK_ULONG len = sizeof(sig);

	if (p11->C_GenerateKeyPair(session, &generate, pub, 3, priv, 3, &a, &b) != CKR_OK)
		return work_failed("C_GenerateKeyPair");
	if (p11->C_SignInit(session, &ecdsa, b) != CKR_OK ||
	    p11->C_Sign(session, hash, sizeof(hash), sig, &len) != CKR_OK || len != 64)
		return work_failed("C_Sign");
	return JAIL_DONE;
}

enum jail_verdict
work_softhsm(void *arg)
{
	static const char *const paths[] = { "/usr/lib/softhsm/libsofthsm2.so", NULL };
	static CK_UTF8CHAR pin[] = PIN, label[33] = "tessera                         ";
	enum jail_verdict v;
	CK_SLOT_ID slots[16];
	CK_ULONG n = 16;
	CK_SESSION_HANDLE session;

	(void)arg;
	if ((v = module_load(paths, NULL)) != JAIL_DONE)
		return v;
	if (p11->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK || n == 0 ||
	    p11->C_InitToken(slots[n - 1], pin, sizeof(pin) - 1, label) != CKR_OK)
		return work_failed("C_InitToken");
	if (p11->C_OpenSession(slots[n - 1], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &session) != CKR_OK || p11->C_Login(session, CKU_SO, pin, sizeof(pin) - 1) != CKR_OK ||
	    p11->C_InitPIN(session, pin, sizeof(pin) - 1) != CKR_OK ||
	    p11->C_Logout(session) != CKR_OK ||
	    p11->C_Login(session, CKU_USER, pin, sizeof(pin) - 1) != CKR_OK)
		return work_failed("C_Login");
	if ((v = module_sign(session)) != JAIL_DONE)
		return v;
	return p11->C_Logout(session) == CKR_OK && p11->C_Finalize(NULL) == CKR_OK ? JAIL_DONE :
	    work_failed("C_Finalize");
}

/* No reader here, or no pcscd: it must say so and live. */
enum jail_verdict
work_opensc(void *arg)
{
	static const char *const paths[] = { "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
		"/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so", NULL };
	enum jail_verdict v;
	CK_ULONG n = 0;

	(void)arg;
	if ((v = module_load(paths, NULL)) != JAIL_DONE)
		return v;
	if (p11->C_GetSlotList(CK_FALSE, NULL, &n) != CKR_OK)
		return work_failed("C_GetSlotList");
	return p11->C_Finalize(NULL) == CKR_OK ? JAIL_DONE : work_failed("C_Finalize");
}

/* NSS keeps its keys in SQLite. */
enum jail_verdict
work_softokn(void *arg)
{
	static const char *const paths[] = { "/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
		"/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/nss/libsoftokn3.so", NULL };
	static CK_UTF8CHAR pin[] = PIN, none[] = "";
	char parameters[512];
	enum jail_verdict v;
	CK_SESSION_HANDLE session;

	(void)arg;
	snprintf(parameters, sizeof(parameters), "configdir='sql:%s' certPrefix='' keyPrefix='' "
	    "secmod='secmod.db' flags= ", work_folder);
	if ((v = module_load(paths, parameters)) != JAIL_DONE)
		return v;
	if (p11->C_OpenSession(2, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
	    &session) != CKR_OK || p11->C_Login(session, CKU_SO, none, 0) != CKR_OK ||
	    p11->C_InitPIN(session, pin, sizeof(pin) - 1) != CKR_OK ||
	    p11->C_Logout(session) != CKR_OK ||
	    p11->C_Login(session, CKU_USER, pin, sizeof(pin) - 1) != CKR_OK)
		return work_failed("C_Login");
	if ((v = module_sign(session)) != JAIL_DONE)
		return v;
	return p11->C_Finalize(NULL) == CKR_OK ? JAIL_DONE : work_failed("C_Finalize");
}
