/*
 * evil.c - a PKCS#11 module with one token and one key that misbehaves in the
 * way that $EVIL names.  Without it, it is well-behaved, but for signatures
 * that are the digits 0 to 63.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list);

#define HUGE_LENGTH	0x7fffffffUL

static int initialised, ended, logged_in, sessions, finds, slot_calls, user_in;

/* P-256's base point: a valid public key. */
static const unsigned char point[67] = {
	0x04, 0x41, 0x04,
	0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
	0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
	0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
	0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
};
static const unsigned char params[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };

static int
evil(const char *what)
{
	const char *e = getenv("EVIL");

	return e != NULL && strcmp(e, what) == 0;
}

static void
hang(void)
{
	for (;;)
		pause();
}

static void
spin(void)
{
	volatile unsigned long n = 0;

	for (;;)
		n++;
}

__attribute__((constructor)) static void
loaded(void)
{
	if (evil("load-hang"))
		hang();
	if (evil("load-abort"))
		abort();
}

static CK_RV
initialize(void *args)
{
	(void)args;
	if (evil("init-hang"))
		hang();
	if (evil("init-fails") || (evil("init-once") && ended > 0))
		return CKR_DEVICE_ERROR;
	if (initialised++)
		return CKR_CRYPTOKI_ALREADY_INITIALIZED;
	return CKR_OK;
}

static CK_RV
finalize(void *args)
{
	(void)args;
	initialised = 0;
	ended++;
	return CKR_OK;
}

static CK_RV
get_info(CK_INFO *info)
{
	memset(info, ' ', sizeof(*info));
	return CKR_OK;
}

static CK_RV
get_slot_list(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	CK_ULONG count = evil("slot-bad") ? 2 : 1;

	(void)present;
	if (evil("slots-huge")) {
		*n = HUGE_LENGTH;
		return CKR_OK;
	}
	if (evil("slots-more") && list != NULL) {
		*n = HUGE_LENGTH;
		return CKR_OK;
	}
	/* a listing is four calls, two of them libp11's */
	slot_calls++;
	if ((evil("slots-later") && slot_calls > 2) || (evil("slots-once") && slot_calls > 4))
		return CKR_GENERAL_ERROR;
	if (evil("slots-blink") && (slot_calls == 5 || slot_calls == 6))
		count = 0;	/* the second listing ends after these two */
	if (evil("slots-at-init") && ended == 0)
		count = 0;	/* as SoftHSM2, when somebody wrote its files meanwhile */
	if (evil("slots-never") || evil("init-once"))
		count = 0;
	if (list != NULL) {
		if (*n < count)
			return CKR_BUFFER_TOO_SMALL;
		if (count > 0)
			list[0] = 7;
		if (count > 1)
			list[1] = 8;
	}
	*n = count;
	return CKR_OK;
}

static CK_RV
get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	(void)slot;
	memset(info, ' ', sizeof(*info));
	info->flags = CKF_TOKEN_PRESENT;
	return CKR_OK;
}

static void
pad(unsigned char *field, size_t size, const char *text)
{
	memset(field, ' ', size);
	memcpy(field, text, strlen(text));
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	if (slot == 8)
		return CKR_DEVICE_ERROR;
	memset(info, 0, sizeof(*info));
	pad(info->label, sizeof(info->label), "evil");
	pad(info->manufacturerID, sizeof(info->manufacturerID), "tests");
	pad(info->model, sizeof(info->model), "evil");
	pad(info->serialNumber, sizeof(info->serialNumber), "E1");
	if (evil("state") || evil("state-sign-fails"))
		pad(info->model, sizeof(info->model), user_in ? "logged in" : "logged out");
	if (evil("piv"))
		pad(info->manufacturerID, sizeof(info->manufacturerID), "piv_II");
	if (evil("text")) {
		memset(info->manufacturerID, 0xff, sizeof(info->manufacturerID));
		memset(info->model, 0x1b, sizeof(info->model));
	}
	if (evil("text-nul"))
		memset(info->manufacturerID + 5, 0, sizeof(info->manufacturerID) - 5);
	info->ulMinPinLen = 4;
	info->ulMaxPinLen = 8;
	if (evil("pin-lengths"))
		info->ulMinPinLen = HUGE_LENGTH;
	info->flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
	if (!evil("no-login"))
		info->flags |= CKF_LOGIN_REQUIRED;
	if (evil("pin-locked") || (evil("pin-locks") && logged_in < 0))
		info->flags |= CKF_USER_PIN_LOCKED;
	if (evil("pin-final"))
		info->flags |= CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_COUNT_LOW;
	if (evil("pin-low"))
		info->flags |= CKF_USER_PIN_COUNT_LOW;
	if (evil("pin-pad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (evil("swapped") && sessions > 0)
		pad(info->serialNumber, sizeof(info->serialNumber), "E2");
	return CKR_OK;
}

static CK_RV
get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *n)
{
	(void)slot;
	if (evil("mechanisms-huge") || (evil("mechanisms-more") && list != NULL)) {
		*n = HUGE_LENGTH;
		return CKR_OK;
	}
	if (list != NULL)
		list[0] = CKM_ECDSA;
	*n = 1;
	return CKR_OK;
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *h)
{
	(void)slot, (void)flags, (void)app, (void)notify;
	if (evil("session-none"))
		return CKR_SESSION_COUNT;
	*h = (CK_SESSION_HANDLE)++sessions;
	return CKR_OK;
}

static CK_RV
close_session(CK_SESSION_HANDLE h)
{
	(void)h;
	return CKR_OK;
}

static CK_RV
close_all_sessions(CK_SLOT_ID slot)
{
	(void)slot;
	return evil("logout-never") ? CKR_GENERAL_ERROR : CKR_OK;
}

static CK_RV
get_session_info(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
	(void)h;
	memset(info, 0, sizeof(*info));
	return CKR_OK;
}

static CK_RV
do_login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
	(void)user;
	if (evil("login-hang"))
		hang();
	if (evil("login-exit"))
		_exit(0);
	if (evil("login-fork")) {
		(void)fork();
		(void)fork();
		hang();
	}
	if (evil("login-strange"))
		return CKR_VENDOR_DEFINED + 0x1234;
	if (evil("login-nowhere"))
		return 0x1234567;
	if (evil("login-locked"))
		return CKR_PIN_LOCKED;
	if (evil("login-session") && h == 1 && logged_in++ > 0)
		return CKR_SESSION_HANDLE_INVALID;
	if (evil("login-already") && logged_in == 0) {
		logged_in = 1;		/* somebody else left it so */
		return CKR_USER_ALREADY_LOGGED_IN;
	}
	if (evil("pin-locked"))
		abort();		/* no try is to be spent */
	if (evil("pin-pad"))
		return pin == NULL ? CKR_OK : CKR_ARGUMENTS_BAD;
	if (n != 4 || memcmp(pin, "good", 4) != 0) {
		logged_in = -1;
		return CKR_PIN_INCORRECT;
	}
	user_in = 1;
	return CKR_OK;
}

static CK_RV
do_logout(CK_SESSION_HANDLE h)
{
	(void)h;
	if (evil("logout-hang"))
		hang();
	if (evil("logout-fails") || evil("logout-never"))
		return CKR_FUNCTION_FAILED;
	user_in = 0;
	return CKR_OK;
}

static CK_RV
find_init(CK_SESSION_HANDLE h, CK_ATTRIBUTE *tmpl, CK_ULONG n)
{
	CK_ULONG i;

	(void)h;
	finds = 1;
	for (i = 0; i < n; i++)		/* there are no certificates */
		if (tmpl[i].type == CKA_CLASS && *(CK_OBJECT_CLASS *)tmpl[i].pValue == CKO_CERTIFICATE)
			finds = 0;
	return evil("find-fails") ? CKR_GENERAL_ERROR : CKR_OK;
}

static CK_RV
find(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG max, CK_ULONG *n)
{
	CK_ULONG i;

	(void)h;
	if (evil("find-more")) {
		*n = HUGE_LENGTH;
		return CKR_OK;
	}
	if (evil("find-endless") && finds) {
		for (i = 0; i < max; i++)
			out[i] = i + 1;
		*n = max;
		return CKR_OK;
	}
	*n = 0;
	if (finds && max > 0) {
		out[0] = 1;
		*n = 1;
		finds = 0;
	}
	return CKR_OK;
}

static CK_RV
find_final(CK_SESSION_HANDLE h)
{
	(void)h;
	return CKR_OK;
}

static CK_RV
put(CK_ATTRIBUTE *a, const void *p, size_t n)
{
	if (evil("attribute-huge")) {
		a->ulValueLen = HUGE_LENGTH;
		return CKR_OK;
	}
	if (evil("attribute-none")) {
		a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_OK;
	}
	if (evil("attribute-pointer"))
		a->pValue = (void *)1;
	else if (a->pValue != NULL) {
		if (a->ulValueLen < n)
			return CKR_BUFFER_TOO_SMALL;
		memcpy(a->pValue, p, n);
	}
	a->ulValueLen = n;
	return CKR_OK;
}

static CK_RV
get_attribute(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_KEY_TYPE type = CKK_EC;
	unsigned char id = (unsigned char)o, no = 0, off[67];

	(void)h;
	if (n != 1)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	switch (a->type) {
	case CKA_ID:
		return put(a, &id, 1);
	case CKA_LABEL:
		return put(a, "k\033[2J\xff", 6);
	case CKA_KEY_TYPE:
		return put(a, &type, sizeof(type));
	case CKA_EC_PARAMS:
		return put(a, params, sizeof(params));
	case CKA_EC_POINT:
		memcpy(off, point, sizeof(off));
		if (evil("point-off"))
			off[66] ^= 1;
		return put(a, off, sizeof(off));
	case CKA_ALWAYS_AUTHENTICATE:
		return put(a, &no, 1);
	default:
		return CKR_ATTRIBUTE_TYPE_INVALID;
	}
}

static CK_RV
sign_init(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	(void)h, (void)m, (void)key;
	return CKR_OK;
}

/* One byte a try: the errno that it met, 0 where it worked. */
static void
escape(unsigned char *out)
{
	const char *home;
	char *argv[] = { NULL }, path[64];
	pid_t pid;

	memset(out, 0xee, 64);
#define TRY(i, call)	(errno = 0, out[i] = (call) < 0 ? (unsigned char)errno : 0)
	TRY(0, open("/etc/passwd", O_RDONLY));
	TRY(1, open("/tmp", O_RDONLY | O_DIRECTORY));
	TRY(2, open("/tmp/tessera-evil", O_WRONLY | O_CREAT, 0600));
	TRY(3, execve("/bin/true", argv, argv));
	TRY(4, socket(AF_INET, SOCK_STREAM, 0));
	TRY(5, kill(getppid(), 0));
	TRY(6, ptrace(PTRACE_ATTACH, getppid(), 0, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
	TRY(7, open(path, O_RDWR));
	errno = 0;
	pid = fork();
	if (pid == 0)
		_exit(0);
	out[8] = pid < 0 ? (unsigned char)errno : 0;
	/* two left of the keeper's environment: nothing but ours */
	home = getenv("HOME");
	out[9] = getenv("PATH") == NULL && getenv("TESSERA_BIN") == NULL && home != NULL &&
	    strcmp(home, "/nonexistent") == 0;
	/* no file of the keeper's is open here */
	out[10] = fcntl(4, F_GETFD) == -1 && fcntl(5, F_GETFD) == -1;
}

static CK_RV
sign(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG n, CK_BYTE *out, CK_ULONG *out_len)
{
	CK_ULONG i;

	(void)h, (void)data, (void)n;
	if (evil("sign-spin"))
		spin();
	if (evil("sign-abort"))
		abort();
	if (evil("sign-crash"))
		raise(SIGSEGV);
	if (!user_in && (evil("state") || evil("state-sign-fails")))
		return CKR_USER_NOT_LOGGED_IN;
	if (evil("state-sign-fails"))
		return CKR_DEVICE_ERROR;
	if (evil("sign-removed"))
		return CKR_DEVICE_REMOVED;
	if (evil("sign-swapped"))
		return CKR_USER_NOT_LOGGED_IN;
	if (evil("sign-huge")) {
		*out_len = HUGE_LENGTH;
		return CKR_OK;
	}
	if (evil("sign-short")) {
		*out_len = 10;
		return CKR_OK;
	}
	if (*out_len < 64)
		return CKR_BUFFER_TOO_SMALL;
	for (i = 0; i < 64; i++)
		out[i] = (CK_BYTE)i;
	if (evil("escape"))
		escape(out);
	*out_len = 64;
	return CKR_OK;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	static CK_FUNCTION_LIST functions = {
		.version = { 2, 40 },
		.C_Initialize = initialize, .C_Finalize = finalize, .C_GetInfo = get_info,
		.C_GetFunctionList = C_GetFunctionList,
		.C_GetSlotList = get_slot_list, .C_GetSlotInfo = get_slot_info,
		.C_GetTokenInfo = get_token_info, .C_GetMechanismList = get_mechanism_list,
		.C_OpenSession = open_session, .C_CloseSession = close_session,
		.C_CloseAllSessions = close_all_sessions, .C_GetSessionInfo = get_session_info,
		.C_Login = do_login, .C_Logout = do_logout,
		.C_GetAttributeValue = get_attribute, .C_FindObjectsInit = find_init,
		.C_FindObjects = find, .C_FindObjectsFinal = find_final,
		.C_SignInit = sign_init, .C_Sign = sign,
	};

	if (evil("list-none"))
		return CKR_GENERAL_ERROR;
	if (evil("list-null")) {
		*list = NULL;
		return CKR_OK;
	}
	if (evil("list-holes"))
		functions.C_Sign = NULL;
	*list = &functions;
	return CKR_OK;
}
