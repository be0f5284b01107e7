/*
 * key.h - a virtual FIDO2 authenticator: CTAP 2.0 and 2.1 over whole messages,
 * with the time handed in.  How they are framed is ctaphid.h's, what carries
 * them key_serve.c's.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_KEY_H
#define SIM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "sim/cbor.h"
#include "sim/cbor_out.h"
#include "sim/ctap.h"
#include "sim/key_fault.h"
#include "sim/key_pair.h"
#include "sim/key_pin.h"
#include "sim/key_store.h"

enum key_touch { TOUCH_AUTO, TOUCH_MANUAL, TOUCH_NEVER, TOUCH_DENY };
enum key_uv { UV_NONE, UV_UNSET, UV_OK, UV_FAIL };
enum key_attestation { ATTEST_NONE, ATTEST_SELF, ATTEST_PACKED };
enum key_counter { COUNTER_GROW, COUNTER_ZERO, COUNTER_BACK, COUNTER_CREDENTIAL };

struct key_settings {
	enum key_touch touch;
	long touch_delay;		/* ms until an automatic touch */
	long timeout;			/* ms that a touch is waited for */
	long keepalive;			/* ms between two signs of life */
	long reset_window;		/* ms after power-up; 0: no limit */
	enum key_uv uv;
	unsigned protocols;		/* bit 0: PIN/UV auth protocol one, bit 1: two */
	bool ctap21;
	bool es256, eddsa;
	bool hmac_secret;
	long resident;			/* resident credentials at most */
	enum key_attestation attestation;
	uint8_t aaguid[16];
	enum key_counter counter;
};

/* Assertions that getNextAssertion still has to give. */
struct key_next {
	size_t n, i;
	uint8_t cred[KEY_RESIDENT_MAX][KEY_ID];
	uint8_t client_data[32];
	uint8_t flags;
	int64_t since;			/* ms */
};

/* What an enumeration of credential management still has to give. */
struct key_listing {
	bool rps;			/* relying parties, not credentials */
	size_t n, i;
	uint8_t index[KEY_RESIDENT_MAX];
};

struct key_attest {			/* made when it is first needed */
	struct key_pair pair;
	uint8_t *der;			/* the certificate */
	int der_len;
	uint8_t aaguid[16];		/* that it was made for */
};

struct key {
	struct key_settings set;
	struct key_fault fault;
	struct key_store store;
	struct key_pin pin;
	struct key_next next;
	struct key_listing list;
	struct key_attest attest;
	int64_t now;			/* ms of any clock; whoever calls keeps it up */
	int64_t powered;		/* when it was plugged in */
	bool touched;			/* for the request at hand */
};

struct key_span {			/* bytes in the request; p is NULL where absent */
	const uint8_t *p;
	size_t n;
};

/* A key with default settings.  folder as for key_store_open, whose errors it
 * has; TSR_CRYPTO. */
int key_init(struct key *k, const char *folder);
void key_free(struct key *k);

/* Plugged in: volatile state is gone.  TSR_CRYPTO. */
int key_power_up(struct key *k);

/*
 * Carry out one request: command byte and CBOR.  Returns the status, with the
 * reply in out for CTAP_OK; or CTAP_WAIT where a touch is missing: nothing has
 * changed then, and the request is made again when it has come (touched).
 */
int key_request(struct key *k, const uint8_t *p, size_t n, struct cbor_out *out);

/* A setting by name, as "tessera-sim ctl key set" has it.  TSR_NOT_FOUND for
 * an unknown one, TSR_INVALID for a wrong value; save's errors. */
int key_set(struct key *k, const char *name, const char *value);

/* The names of the settings and what they take, for a complaint. */
const char *key_set_help(void);

/* Each command, in the file of its name.  q is the parameters. */
int key_make(struct key *k, const struct cbor *q, struct cbor_out *out);
int key_assert(struct key *k, const struct cbor *q, struct cbor_out *out);
int key_assert_next(struct key *k, struct cbor_out *out);
int key_info(const struct key *k, struct cbor_out *out);
int key_client_pin(struct key *k, const struct cbor *q, struct cbor_out *out);
int key_manage(struct key *k, const struct cbor *q, struct cbor_out *out);

/* CTAP_OK with a touch, CTAP_WAIT without, CTAP_OPERATION_DENIED. */
int key_need_touch(const struct key *k);

/* Built-in user verification, after a touch: CTAP_OK or why not. */
int key_verify_user(struct key *k);

/* Whether a PIN or built-in verification guards the key. */
bool key_guarded(const struct key *k);

/* Parameters: CTAP_OK with an empty span where an optional one is absent,
 * else CTAP_MISSING_PARAMETER, CTAP_UNEXPECTED_TYPE, CTAP_INVALID_LENGTH. */
int key_param_bytes(const struct cbor *q, int64_t name, bool required, struct key_span *out);
int key_param_int(const struct cbor *q, int64_t name, bool required, int64_t *out);
int key_param_map(const struct cbor *q, int64_t name, bool required, struct cbor *out);
int key_param_text(const struct cbor *map, const char *name, bool required, char *out,
    size_t size);

/* An option of that map (kind 0 where the map is absent); or *out as it was. */
int key_param_option(const struct cbor *options, const char *name, bool *out);

/* The protocol of parameter name: 1 or 2, and switched on. */
int key_param_protocol(const struct key *k, const struct cbor *q, int64_t name, int *out);

/*
 * pinUvAuthParam in parameter auth over n bytes, with a token that has the
 * permission and is rp's, or nobody's (rp NULL: nobody's).  *uv is set where it
 * is there and right.  CTAP 2.1 section 6.1.2 steps 1 and 2, 11.1.
 */
int key_check_token(struct key *k, const struct cbor *q, int64_t auth, int64_t protocol,
    const uint8_t *p, size_t n, unsigned permission, const uint8_t rp[32], bool *uv);

#endif
