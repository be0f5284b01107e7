/*
 * tessera.h - libtessera: tokens from the agent, and their verification where
 * they arrive.  The error codes are those of all of Tessera.
 *
 * The library makes no threads, touches no signals, writes to no terminal and
 * keeps no state outside the objects below.  An object is for one thread at a
 * time; different objects are independent.  Each function has a manual page of
 * its name in section 3.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESSERA_H
#define TESSERA_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TSR_API	__attribute__((visibility("default")))
#else
#define TSR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One list of codes for the whole system.  0 is success, all others are
 * negative.  CK_RV, PC/SC, SQLite and errno values are folded into these where
 * they arise.  tsr_strerror() has the English line of each.
 */
enum tsr_error {
	TSR_OK = 0,
	TSR_NOMEM = -1,			/* out of memory */
	TSR_INVALID = -2,		/* malformed input */
	TSR_TOO_LARGE = -3,		/* a named limit was exceeded */
	TSR_AGAIN = -4,			/* incomplete: call again with more */
	TSR_CLOSED = -5,		/* the peer closed the connection */
	TSR_SYSTEM = -6,		/* a system call failed, see errno */
	TSR_TIMEOUT = -7,		/* a deadline passed */
	TSR_CANCELLED = -8,		/* the person or the caller cancelled */
	TSR_DENIED = -9,		/* policy says no */
	TSR_NOT_FOUND = -10,		/* no such record */
	TSR_CONFLICT = -11,		/* exists already, or the last one */
	TSR_CORRUPT = -12,		/* a stored record was altered */
	TSR_STORE = -13,		/* the store cannot be read or written */
	TSR_STORE_NEWER = -14,		/* the store has a newer schema */
	TSR_CONFIG = -15,		/* the configuration is wrong */
	TSR_CRYPTO = -16,		/* a cryptographic library failed */
	TSR_UNSUPPORTED = -17,		/* a kind we do not handle */

	/* tokens (RFC 7515, 7517, 7519, 8725, 9068) */
	TSR_BAD_SIGNATURE = -20,
	TSR_BAD_ALGORITHM = -21,	/* not the algorithm pinned to the key */
	TSR_BAD_TYPE = -22,		/* typ is not the one that is due */
	TSR_BAD_ISSUER = -23,
	TSR_BAD_AUDIENCE = -24,
	TSR_UNKNOWN_KEY = -25,		/* no key with that kid */
	TSR_EXPIRED = -26,
	TSR_NOT_YET_VALID = -27,
	TSR_BAD_CLAIM = -28,		/* a claim is absent or of the wrong kind */
	TSR_REVOKED = -29,		/* it was good, and was revoked */
	TSR_STALE = -30,		/* nobody can say what was revoked */

	/* devices */
	TSR_DEVICE_NOT_FOUND = -40,
	TSR_DEVICE_REMOVED = -41,
	TSR_DEVICE_BUSY = -42,
	TSR_PIN_REQUIRED = -43,
	TSR_PIN_WRONG = -44,
	TSR_PIN_LOCKED = -45,
	TSR_PIN_LENGTH = -46,		/* the token takes no PIN of this length */
	TSR_KEY_UNUSABLE = -47,		/* no algorithm we accept */
	TSR_MODULE = -48,		/* the PKCS#11 module failed or will not load */
	TSR_HELPER = -49,		/* the helper process died */
	TSR_BREAKER = -50,		/* the helper died too often, resting */
	TSR_NO_PROMPTER = -51,		/* nobody can be asked for the PIN */
	TSR_PIN_SEAT = -52,		/* few tries are left, for somebody at the machine alone */
	TSR_DEVICE_REPLUG = -53,	/* it refuses until it was unplugged and plugged in again */
	TSR_PIN_UNSET = -54,		/* the device has no PIN yet */
	TSR_DEVICE_FAILED = -55,	/* it does not answer as such a device does */
	TSR_TOUCH_TIMEOUT = -56,	/* nobody touched the key in time */

	/* requests */
	TSR_LOGIN_REQUIRED = -60,
	TSR_STEP_UP_REQUIRED = -61,
	TSR_BAD_SCOPE = -62,
	TSR_BAD_GRANT = -63,
	TSR_SLOW_DOWN = -64,
	TSR_UNAVAILABLE = -65,
	TSR_UNREACHABLE = -66,		/* the agent's socket cannot be reached */
	TSR_CLOCK = -67,		/* the wall clock is not trusted */
	TSR_UNCONFIRMED = -68,		/* the store awaits an administrator's word */
	TSR_UNTRUSTED = -69		/* a file or socket of somebody who is not trusted */
};

/* The English line of a code, never NULL; for an unknown code it says so. */
TSR_API const char *tsr_strerror(int code);

/* The library's version, "0.1.0". */
TSR_API const char *tsr_version(void);

/* --- The agent's client --- */

#define TSR_SOCKET	"/run/tessera/tessera.sock"	/* of the system's agent */
#define TSR_PIN_MAX	255				/* bytes of a PIN */

struct tsr_client;
struct tsr_request;
struct tsr_token;
struct tsr_sessions;
struct tsr_event;
struct tsr_events;

/* Flags of tsr_client_new. */
#define TSR_SYSTEM_ONLY	1u	/* no environment variable counts, and the caller's own uid is not trusted */

/*
 * A client of the agent at that socket.  NULL: $TESSERA_SOCK, else TSR_SOCKET,
 * else (where that does not exist) $XDG_RUNTIME_DIR/tessera/tessera.sock; with
 * TSR_SYSTEM_ONLY it is TSR_SOCKET.  Variables are not read in a set-user-ID
 * program.  Nothing is connected yet.  Freed by tsr_client_free, which takes
 * NULL in *c.  TSR_NOMEM, TSR_INVALID, TSR_SYSTEM.
 */
TSR_API int tsr_client_new(const char *socket_path, unsigned flags, struct tsr_client **out);
TSR_API void tsr_client_free(struct tsr_client **c);

/*
 * What the agent asks for while a request of this client waits for a proof.
 * Called from tsr_client_step and those that wait, with each event (see
 * tsr_event_name): for "pin-needed" it writes the PIN into pin (size bytes,
 * terminated) and returns TSR_OK; or returns TSR_AGAIN and gives the answer
 * later by tsr_prompt_answer; anything else cancels.  "prompt-ended" takes the
 * question away.  What it returns for other events does not count.  The event
 * lives during the call.  A function of NULL is nobody to ask.
 */
typedef int tsr_prompt_fn(void *arg, const struct tsr_event *event, char *pin, size_t size);
TSR_API void tsr_client_prompter(struct tsr_client *c, tsr_prompt_fn *fn, void *arg);

/* What may be asked for, each with the value's form. */
enum tsr_parameter {
	TSR_AUDIENCE,		/* a name of the configuration */
	TSR_SCOPE,		/* scopes, apart by blanks */
	TSR_CREDENTIAL,		/* a credential's id */
	TSR_DEVICE,		/* a device's id */
	TSR_MAX_AGE,		/* seconds since the proof, at most */
	TSR_PIN,		/* from login helpers alone */
	TSR_SUBJECT,		/* the same */
	TSR_SERVICE,		/* the same */
	TSR_TTY,		/* the same */
	TSR_RHOST,		/* the same */
	TSR_OTP,		/* a code read off a token, which is the proof then; good once */
	TSR_OTP_NEXT,		/* the code after it, of a token that is out of step */
	TSR_MIN_VALID,		/* seconds: one given before will do that lives that long */
	TSR_TOKEN_FORMAT,	/* "jwt" or "opaque" */
	TSR_OFFLINE_ACCESS	/* "true": and a refresh token, by the command line alone */
};

/* Which proof will do. */
enum tsr_proof {
	TSR_PROOF_ANY,		/* that of a session, else a fresh one */
	TSR_PROOF_SESSION,	/* that of a session; nobody is asked */
	TSR_PROOF_FRESH		/* a fresh one */
};

/* What to ask for; empty at first.  tsr_request_set copies the value, NULL
 * takes it out.  TSR_NOMEM, TSR_INVALID, TSR_TOO_LARGE. */
TSR_API int tsr_request_new(struct tsr_request **out);
TSR_API void tsr_request_free(struct tsr_request **rq);
TSR_API int tsr_request_set(struct tsr_request *rq, enum tsr_parameter which, const char *value);
TSR_API int tsr_request_proof(struct tsr_request *rq, enum tsr_proof proof);

/*
 * Waiting calls: timeout_ms from now (negative: no limit), then TSR_TIMEOUT and
 * the request is dropped.  Every error leaves its details with the client, see
 * tsr_error_name.  *out is freed by the function below of its kind.  rq may be
 * NULL where nothing is to be said.
 */
TSR_API int tsr_token_get(struct tsr_client *c, const struct tsr_request *rq, int timeout_ms,
    struct tsr_token **out);
TSR_API int tsr_session_login(struct tsr_client *c, const struct tsr_request *rq, int timeout_ms,
    struct tsr_sessions **out);
TSR_API int tsr_session_list(struct tsr_client *c, int timeout_ms, struct tsr_sessions **out);
TSR_API int tsr_session_logout(struct tsr_client *c, int timeout_ms, unsigned *ended);

/* The same in a program's own event loop. */
enum tsr_operation {
	TSR_TOKEN_GET,
	TSR_SESSION_LOGIN,
	TSR_SESSION_LIST,
	TSR_SESSION_LOGOUT
};

/* Begin; a client does one thing at a time: TSR_CONFLICT.  rq is not needed
 * afterwards. */
TSR_API int tsr_client_start(struct tsr_client *c, enum tsr_operation what,
    const struct tsr_request *rq);

/* One descriptor for the client's life, and the poll(2) events to wait for. */
TSR_API int tsr_client_fd(const struct tsr_client *c);
TSR_API short tsr_client_events(const struct tsr_client *c);

/* Go on without waiting.  TSR_AGAIN until it is done; then TSR_OK, and one of
 * tsr_client_token, tsr_client_sessions, tsr_client_ended takes the result;
 * or the error. */
TSR_API int tsr_client_step(struct tsr_client *c);

/* Step and poll until it is done, as the waiting calls do. */
TSR_API int tsr_client_wait(struct tsr_client *c, int timeout_ms);

/* Drop what was begun: the agent sees the connection close. */
TSR_API void tsr_client_cancel(struct tsr_client *c);

/* The result, once; TSR_NOT_FOUND where there is none of that kind. */
TSR_API int tsr_client_token(struct tsr_client *c, struct tsr_token **out);
TSR_API int tsr_client_sessions(struct tsr_client *c, struct tsr_sessions **out);
TSR_API int tsr_client_ended(struct tsr_client *c, unsigned *ended);

/* Why the last call failed: its code, the agent's name for it ("login_required";
 * "" while nothing failed), a sentence, which is not escaped for a terminal,
 * and the numbers that came with it, -1 where none did. */
TSR_API int tsr_error_code(const struct tsr_client *c);
TSR_API const char *tsr_error_name(const struct tsr_client *c);
TSR_API const char *tsr_error_text(const struct tsr_client *c);
TSR_API int tsr_error_retry_after(const struct tsr_client *c);	/* seconds */
TSR_API int tsr_error_tries_left(const struct tsr_client *c);	/* of a PIN */

/* A token as the agent gave it; wiped when it is freed. */
TSR_API const char *tsr_token_text(const struct tsr_token *t);
TSR_API const char *tsr_token_scope(const struct tsr_token *t);	/* "" where none */
TSR_API int tsr_token_expires_in(const struct tsr_token *t);	/* seconds from then, 0 not told */
TSR_API void tsr_token_free(struct tsr_token **t);

/* Sessions, counted from 0.  Members are named as in tessera-api(7): "sid",
 * "subject", "credential", "label", "acr", "auth_time", "expires", "locked".
 * TSR_NOT_FOUND, TSR_TOO_LARGE; a flag is 1 where it is true. */
TSR_API size_t tsr_session_count(const struct tsr_sessions *s);
TSR_API int tsr_session_text(const struct tsr_sessions *s, size_t i, const char *member, char *out,
    size_t size);
TSR_API int tsr_session_number(const struct tsr_sessions *s, size_t i, const char *member,
    int64_t *out);
TSR_API int tsr_session_flag(const struct tsr_sessions *s, size_t i, const char *member);
TSR_API void tsr_sessions_free(struct tsr_sessions **s);

/* --- Events --- */

/* What a listener answers. */
enum tsr_listen {
	TSR_LISTEN_WATCH,	/* nothing */
	TSR_LISTEN_SELF,	/* prompts of its own process */
	TSR_LISTEN_ALL		/* prompts of all of its user's processes */
};

/* Listen to the caller's own events, with c's socket; c keeps the error.  A
 * listener is apart from its client and may outlive it. */
TSR_API int tsr_events_open(struct tsr_client *c, enum tsr_listen what, int timeout_ms,
    struct tsr_events **out);
TSR_API void tsr_events_close(struct tsr_events **e);

/* To poll for reading.  After it, call tsr_events_next until TSR_TIMEOUT. */
TSR_API int tsr_events_fd(const struct tsr_events *e);

/* The next event: TSR_TIMEOUT where none came in time (0: none is there),
 * TSR_CLOSED when the agent ended the stream, TSR_INVALID. */
TSR_API int tsr_events_next(struct tsr_events *e, int timeout_ms, struct tsr_event **out);
TSR_API void tsr_event_free(struct tsr_event **e);

/* An event's name, and members of its data by path: "prompt", "device.label".
 * Texts are as they came: escape them for a terminal. */
TSR_API const char *tsr_event_name(const struct tsr_event *e);
TSR_API int tsr_event_text(const struct tsr_event *e, const char *path, char *out, size_t size);
TSR_API int tsr_event_number(const struct tsr_event *e, const char *path, int64_t *out);
TSR_API int tsr_event_flag(const struct tsr_event *e, const char *path);

/*
 * Answer a prompt by its id ("prompt" of the event).  While c has a request
 * that waits, the answer goes beside it, sent by tsr_client_step, and what
 * becomes of it shows in the request.  On an idle client it is the request:
 * tsr_client_wait or tsr_client_step end it; TSR_NOT_FOUND where it came too
 * late.  The PIN is 1 to TSR_PIN_MAX bytes of UTF-8.
 */
TSR_API int tsr_prompt_answer(struct tsr_client *c, const char *id, const char *pin);

/* The same where the event has a number "confirm": few tries are left, and the
 * person was shown how many, and wants to spend one.  (A tsr_prompt_fn that gives
 * a PIN at once cannot say so: it calls this and returns TSR_AGAIN, or calls it
 * later.) */
TSR_API int tsr_prompt_confirm(struct tsr_client *c, const char *id, const char *pin,
    unsigned tries);
TSR_API int tsr_prompt_cancel(struct tsr_client *c, const char *id);

/* --- The verifier --- */

#define TSR_JWKS	"/run/tesserad/jwks.json"	/* of the system's agent */
#define TSR_EPOCHS	"/run/tesserad/epochs"		/* the same: what was revoked */

struct tsr_verifier;
struct tsr_claims;

enum tsr_option {
	TSR_OPT_LEEWAY,		/* s that another clock may be ahead: 0 to 300; 5 */
	TSR_OPT_MAX_LIFETIME,	/* s from iat to exp at most: 1 to 31536000; 86400 */
	TSR_OPT_OWNER,		/* a uid that is trusted like root and "tessera"; none */
	TSR_OPT_CACHE,		/* tokens remembered: 0 to 4096; 64 */
	TSR_OPT_NOW,		/* s of the epoch instead of the clock, for tests; 0 the clock */
	TSR_OPT_ALLOW_STALE	/* 1: accept where nobody can say what was revoked; 0 */
};

/*
 * A verifier of access tokens (RFC 9068) of that issuer for that audience, by
 * the keys in a file (NULL: TSR_JWKS).  Each folder of its path and the file
 * must be root's or "tessera"'s, and no link.  The file is read by the first
 * tsr_verify, and again where it was replaced, which is looked for at most once
 * a second.  TSR_NOMEM, TSR_INVALID.
 */
TSR_API int tsr_verifier_new(const char *jwks, const char *issuer, const char *audience,
    struct tsr_verifier **out);
TSR_API int tsr_verifier_set(struct tsr_verifier *v, enum tsr_option which, int64_t value);

/* Where the agent says what was revoked, see tessera-epochs(5): an absolute
 * path; at first it is "epochs" in the folder of the keys.  The same rules hold
 * for who may have written it.  TSR_INVALID. */
TSR_API int tsr_verifier_epochs(struct tsr_verifier *v, const char *path);
TSR_API void tsr_verifier_free(struct tsr_verifier **v);

/*
 * Check the token and give its claims.  Its refusals are TSR_INVALID,
 * TSR_TOO_LARGE, TSR_BAD_SIGNATURE to TSR_REVOKED, and TSR_STALE, where the file of
 * epochs is not there, not to be believed, of another boot, or its agent has been
 * gone for 15 s (unless TSR_OPT_ALLOW_STALE was set).  Where the keys cannot be had nothing is accepted: TSR_NOT_FOUND (no file), TSR_UNTRUSTED (a link, no
 * plain file, or another owner), TSR_CORRUPT (no key set), TSR_SYSTEM.
 * A token with a cnf claim is good only together with its key: see tsr_claims_text
 * of TSR_CLAIM_JKT.
 */
TSR_API int tsr_verify(struct tsr_verifier *v, const char *token, struct tsr_claims **out);
TSR_API void tsr_claims_free(struct tsr_claims **c);

enum tsr_claim {
	TSR_CLAIM_ISS, TSR_CLAIM_SUB, TSR_CLAIM_AUD, TSR_CLAIM_CLIENT_ID, TSR_CLAIM_JTI,
	TSR_CLAIM_SID, TSR_CLAIM_SCOPE, TSR_CLAIM_ACR, TSR_CLAIM_JKT,
	TSR_CLAIM_EXP, TSR_CLAIM_IAT, TSR_CLAIM_NBF, TSR_CLAIM_AUTH_TIME
};

/* A text, "" where it is absent; a time in seconds of the epoch, 0 where it is
 * absent; the i-th method, NULL beyond the last; 1 where the scope is among
 * those granted. */
TSR_API const char *tsr_claims_text(const struct tsr_claims *c, enum tsr_claim which);
TSR_API int64_t tsr_claims_time(const struct tsr_claims *c, enum tsr_claim which);
TSR_API const char *tsr_claims_amr(const struct tsr_claims *c, size_t i);
TSR_API int tsr_claims_has_scope(const struct tsr_claims *c, const char *scope);

#ifdef __cplusplus
}
#endif

#endif
