/*
 * session.c - a session with a token.  See session.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "pkcs11/session.h"

#include <string.h>

#include "pkcs11/lease.h"
#include "tessera.h"

void
session_init(struct session *s, struct module *m)
{
	memset(s, 0, sizeof(*s));
	s->m = m;
	s->src.fn = m->fn;
	s->src.session = CK_INVALID_HANDLE;
	s->key.handle = CK_INVALID_HANDLE;
}

void
session_drop(struct session *s)
{
	int must_end = s->must_end, tried = s->tried;

	if (s->src.session != CK_INVALID_HANDLE)
		(void)s->src.fn->C_CloseSession(s->src.session);
	session_init(s, s->m);
	s->must_end = must_end;
	s->tried = tried;
}

/* What the token says of itself now.  Flags of a PIN change with every try. */
static CK_RV
session_look(struct session *s, CK_SLOT_ID slot, struct token *t)
{
	CK_TOKEN_INFO info;
	CK_RV rv;

	memset(&info, 0, sizeof(info));
	(void)lease_lost();			/* what was before has been dealt with */
	if ((rv = s->src.fn->C_GetTokenInfo(slot, &info)) != CKR_OK)
		return rv;
	if (lease_lost())
		return CKR_TOKEN_NOT_PRESENT;	/* OpenSC tells what it knew */
	token_from_info(t, slot, &info);
	s->pin_min = info.ulMinPinLen;
	s->pin_max = info.ulMaxPinLen;
	if (s->pin_min > s->pin_max)
		s->pin_max = 0;
	return CKR_OK;
}

/*
 * List the tokens and look for that one.  A module that has just been started
 * may have met its token while another process wrote it (SoftHSM2 reads its
 * files at C_Initialize, and leaves out what it cannot make sense of): where
 * the first one that is asked for is not there, it is looked for again, and
 * once more after another start.
 */
static int
session_find(struct session *s, const char *serial, const char *label, const struct token **out,
    struct fault *f)
{
	int r, fresh = s->m->fresh;

	s->m->fresh = 0;
	if ((r = module_list(s->m, f)) != TSR_OK)
		return r;
	if ((*out = module_find(s->m, serial, label)) != NULL || !fresh)
		return TSR_OK;
	if ((r = module_list(s->m, f)) != TSR_OK)
		return r;
	if ((*out = module_find(s->m, serial, label)) != NULL)
		return TSR_OK;
	if ((r = module_restart(s->m, f)) != TSR_OK || (r = module_list(s->m, f)) != TSR_OK) {
		s->must_end = 1;
		return r;
	}
	*out = module_find(s->m, serial, label);
	return TSR_OK;
}

int
session_open(struct session *s, const char *serial, const char *label, struct fault *f)
{
	const struct token *found;
	struct token t;
	CK_RV rv;
	int r;

	session_drop(s);
	if ((r = session_find(s, serial, label, &found, f)) != TSR_OK)
		return r;
	if (found == NULL)
		return fault_set(f, TSR_DEVICE_NOT_FOUND,
		    "no token \"%s\" with serial number \"%s\"", label, serial);
	if ((rv = session_look(s, found->slot, &t)) != CKR_OK)
		return rv_fault(f, "C_GetTokenInfo", rv);
	t.p11 = found->p11;
	if ((r = mech_list(s->src.fn, t.slot, &s->mechs, f)) != TSR_OK)
		return r;
	rv = s->src.fn->C_OpenSession(t.slot, CKF_SERIAL_SESSION, NULL, NULL, &s->src.session);
	if (rv != CKR_OK) {
		s->src.session = CK_INVALID_HANDLE;
		return rv_fault(f, "C_OpenSession", rv);
	}
	s->token = t;
	return TSR_OK;
}

int
session_ready(struct session *s, const char *serial, const char *label, int *warm,
    struct fault *f)
{
	struct token t;
	int r, was;

	was = s->src.session != CK_INVALID_HANDLE && token_is(&s->token, serial, label);
	if (warm != NULL)
		*warm = 0;
	if (was && session_look(s, s->token.slot, &t) == CKR_OK && token_is(&t, serial, label)) {
		s->token.flags = t.flags;
		if (warm != NULL)
			*warm = 1;
		return TSR_OK;
	}
	r = session_open(s, serial, label, f);
	return r == TSR_DEVICE_NOT_FOUND && was ? TSR_DEVICE_REMOVED : r;
}

/* C_Login with the PIN, or without for a token that has a PIN pad. */
static CK_RV
session_call_login(struct session *s, CK_USER_TYPE user, const struct secret *pin)
{
	CK_FUNCTION_LIST *fn = s->src.fn;

	if (pin->size == 0)
		return fn->C_Login(s->src.session, user, NULL, 0);
	return fn->C_Login(s->src.session, user, pin->data, pin->size);
}

/* A failed login, told with what the token says of its tries now. */
static int
session_refused(struct session *s, const char *call, CK_RV rv, struct fault *f)
{
	struct token t;
	int r = rv_fault(f, call, rv);

	if (r == TSR_PIN_UNSET)
		return fault_set(f, r, "the token has no PIN yet: set one with its maker's tool (%s)",
		    rv_name(rv));
	if (r != TSR_PIN_WRONG && r != TSR_PIN_LENGTH && r != TSR_PIN_LOCKED)
		return r;
	if (r == TSR_PIN_LOCKED)
		f->tries = 0;
	else if (session_look(s, s->token.slot, &t) == CKR_OK)
		f->tries = token_tries(t.flags);
	if (r == TSR_PIN_WRONG && f->tries == 0)
		return fault_set(f, TSR_PIN_LOCKED, "%s: %s, and the PIN is locked now", call,
		    rv_name(rv));
	return r;
}

/* What can be said before the token is asked. */
static int
session_pin_check(const struct session *s, const struct secret *pin, struct fault *f)
{
	f->tries = token_tries(s->token.flags);
	if (f->tries == 0)
		return fault_set(f, TSR_PIN_LOCKED, "the token says that its PIN is locked");
	if (pin->size == 0) {
		if ((s->token.flags & PROTO_TOKEN_PROTECTED_PATH) != 0)
			return TSR_OK;
		return fault_set(f, TSR_PIN_REQUIRED, "the token needs its PIN");
	}
	if (s->pin_max != 0 && (pin->size < s->pin_min || pin->size > s->pin_max))
		return fault_set(f, TSR_PIN_LENGTH, "the token takes %lu to %lu characters",
		    s->pin_min, s->pin_max);
	return TSR_OK;
}

int
session_login(struct session *s, const struct secret *pin, int *gone, struct fault *f)
{
	CK_RV rv;
	int r;

	if (gone != NULL)
		*gone = 0;
	if (pin->size == 0 && (s->token.flags & PROTO_TOKEN_LOGIN_REQUIRED) == 0)
		return TSR_OK;
	if ((r = session_pin_check(s, pin, f)) != TSR_OK)
		return r;
	lease_hold();		/* nobody else uses what our PIN opens */
	s->tried = 1;
	rv = session_call_login(s, CKU_USER, pin);
	if (rv == CKR_USER_ALREADY_LOGGED_IN || rv == CKR_USER_ANOTHER_ALREADY_LOGGED_IN) {
		(void)s->src.fn->C_Logout(s->src.session);
		rv = session_call_login(s, CKU_USER, pin);
	}
	if (rv == CKR_OK) {
		f->tries = PROTO_TRIES_UNKNOWN;
		return TSR_OK;
	}
	if (gone != NULL)
		*gone = rv_session_gone(rv);
	return session_refused(s, "C_Login", rv, f);
}

int
session_login_again(struct session *s, const struct secret *pin, struct fault *f)
{
	CK_RV rv;

	rv = session_call_login(s, CKU_CONTEXT_SPECIFIC, pin);
	return rv == CKR_OK ? TSR_OK : session_refused(s, "C_Login (context specific)", rv, f);
}

int
session_logout(struct session *s, struct fault *f)
{
	CK_RV rv;

	rv = s->src.fn->C_Logout(s->src.session);
	if (rv == CKR_OK || rv == CKR_USER_NOT_LOGGED_IN)
		return TSR_OK;
	s->key.handle = CK_INVALID_HANDLE;
	if (s->src.fn->C_CloseAllSessions(s->token.slot) == CKR_OK ||
	    rv_fold(rv) == TSR_DEVICE_REMOVED) {
		session_drop(s);
		return TSR_OK;
	}
	s->must_end = 1;
	(void)rv_fault(f, "C_Logout", rv);
	return TSR_MODULE;
}

int
session_find_key(struct session *s, const uint8_t *id, size_t id_len, CK_KEY_TYPE type,
    struct fault *f)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	struct session_key k;
	CK_ATTRIBUTE tmpl[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &k.type, sizeof(k.type) },
		{ CKA_ID, k.id, id_len },
	};
	size_t n = 0;
	int r;

	memset(&k, 0, sizeof(k));
	if (id_len == 0 || id_len > sizeof(k.id))
		return fault_set(f, TSR_NOT_FOUND, "a key has an id of 1 to %d bytes",
		    SESSION_ID_MAX);
	memcpy(k.id, id, id_len);
	k.id_len = id_len;
	k.type = type;
	s->key.handle = CK_INVALID_HANDLE;
	if ((r = object_find(&s->src, tmpl, 3, &k.handle, 1, &n, f)) != TSR_OK)
		return r;
	if (n == 0)
		return fault_set(f, TSR_NOT_FOUND,
		    "the token has no private key with that id and type");
	/* Absent is false (PKCS #11 2.40 section 4.9). */
	if (object_bool(&s->src, k.handle, CKA_ALWAYS_AUTHENTICATE,
	    &k.always_authenticate) != TSR_OK)
		k.always_authenticate = 0;
	s->key = k;
	return TSR_OK;
}
