/*
 * config.h - /etc/tessera/tessera.conf and conf.d, read with libconfuse into
 * plain structs.  Read by the agent, by the helpers (which know their modules
 * from here and never from a request) and by "tessera config check".
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Strength of a proof, in order (stored and compared as numbers). */
enum acr {
	ACR_SELF = 1, ACR_RECOVERY, ACR_OTP, ACR_SOFTWARE, ACR_HARDWARE, ACR_HARDWARE_PIN
};
/* "self", "recovery", "otp", "software", "hardware", "hardware-pin". */
const char *acr_name(enum acr acr);
int acr_parse(const char *name, enum acr *acr);		/* TSR_INVALID */

enum audience_class { CLASS_INTERACTIVE = 1, CLASS_LOGIN, CLASS_SERVICE };
enum audience_reuse { REUSE_NEVER = 1, REUSE_AUDIENCE, REUSE_SESSION };
enum audience_presence { PRESENCE_DEVICE = 1, PRESENCE_PROOF };
enum token_format { FORMAT_JWT = 1, FORMAT_OPAQUE };
enum config_seat { SEAT_AUTO = 1, SEAT_LOGIND, SEAT_ANY };	/* agent/seat.h */
enum config_verification { VERIFY_PREFERRED = 1, VERIFY_REQUIRED };
enum config_pin_tries { PIN_TRIES_COUNTED = 1, PIN_TRIES_UNLIMITED };

/* A list of strings; n may be 0. */
struct strings {
	char **v;
	size_t n;
};

/* Who is meant: a caller matches any of them. */
struct config_callers {
	struct strings users;	/* names, or decimal uids */
	struct strings groups;	/* names, or decimal gids */
	struct strings units;	/* system units, "name.service" */
	int any_user;		/* every local user */
};

struct config_audience {
	char *name;
	enum audience_class class;	/* class = "interactive" */
	struct strings scopes;		/* explicit, at least one */
	uint32_t lifetime;		/* s, default 300, 10 to 3600 */
	enum token_format format;	/* default jwt; what a request gets that names none */
	enum acr acr;			/* default hardware */
	enum audience_reuse reuse;	/* default audience; never is forced for class login and for "tessera-admin" */
	uint32_t max_age;		/* s, default 8 h */
	enum audience_presence presence;	/* default device: no token once it was pulled */
	int inline_pin;			/* inline-pin = false */
	int local_only;			/* local-only = false; class login is: policy_local_only() */
	int refresh;			/* refresh = false */
	uint32_t refresh_idle;		/* s a refresh token may lie unused, default 1 h */
	uint32_t refresh_lifetime;	/* s from the proof that a family of them lives, default 12 h */
	struct config_callers callers;	/* users, groups, units, any-user; none given: nobody */
	struct config_callers verifiers;	/* verifiers { users groups units any-user } */
	char *file;			/* where it stands, and the lines: 0 where a key is not given */
	struct {
		unsigned section, users, groups, units, any_user, class, scopes;
	} line;
};

struct config_module {
	char *name;
	char *path;			/* absolute; root's, not writable by others */
	char *init_args;		/* NULL or what C_Initialize gets as pReserved */
	struct strings environment;	/* NAME=value */
	struct strings read_paths, write_paths;	/* Landlock, for this module's worker */
	enum acr acr;			/* cap, default hardware-pin */
	enum config_pin_tries pin_tries;	/* default counted; unlimited: it never locks a PIN */
};

/* A name that SSH certificates may bear, and who has it. */
struct config_principal {
	char *name;
	struct config_callers who;	/* its units stay empty */
};

struct config_login_helper {
	char *name;
	char *user;
	char *unit;
	int greeter;	/* greeter = false: the login screen of the devices' seat, also where it names no terminal */
};

struct config {
	char *file;			/* what was read */
	char *issuer;			/* https:// or http:// URL without query and fragment, at most 200 bytes;
					 * no default in system mode, "https://localhost/tessera" in user mode */
	char *realm;			/* default "localhost", in user mode "user" */
	char *store;			/* "sqlite:/path", default "sqlite:STATE-DIR/tessera.db" */
	/* In user mode: XDG_STATE_HOME/tessera (else HOME/.local/state/tessera),
	 * XDG_RUNTIME_DIR/tessera, XDG_RUNTIME_DIR/tesserad. */
	char *state_dir;		/* default /var/lib/tessera */
	char *socket_dir;		/* default /run/tessera */
	char *public_dir;		/* default /run/tesserad */
	char *libexec_dir;		/* default the compiled-in one */
	char *helper_socket;		/* NULL: fork the helper; else connect here for PKCS#11 */
	char *watch_socket;		/* NULL: fork the watcher, or none where helper_socket is set */
	char *helper_user;		/* default "tessera-dev" */
	char *admin_group;		/* default "tessera-admin" */
	enum config_seat seat;		/* who is at the devices' seat, default auto */
	unsigned log_level;		/* enum log_level of log.h, default notice */
	char *store_key;		/* NULL: $CREDENTIALS_DIRECTORY/store-key, else STATE/store.key, made at first start */
	char *anchor;			/* NULL, or the file outside the store that knows its generation */
	struct {
		char *algorithm;	/* "EdDSA" or "ES256" */
		uint32_t rotate;	/* s, default 30 d */
	} signing;
	struct {
		uint32_t lifetime;	/* s, default 12 h: absolute */
		uint32_t per_user;	/* default 16 */
		int lock_on_logout, lock_on_suspend;	/* of their user; of the machine */
		uint32_t lock_after;	/* s from a device's removal to the lock, default 2 */
		uint32_t unwatched;	/* s that a device counts as there while nobody watches, default 10 */
	} session;
	struct {
		int watch;		/* watch readers and cards, default true */
		char *socket;		/* NULL, or where pcscd listens */
	} pcsc;
	struct {
		uint32_t connections;	/* of all, default 4096 */
		uint32_t connections_per_uid;	/* default 512 */
		uint32_t pending_per_uid;	/* requests for one user that wait for a device, default 8 */
		uint32_t requests_per_minute;	/* of one uid to one endpoint, default 3,000,000 */
	} limits;
	struct {
		uint32_t tokens_per_minute;	/* one caller's for one audience, default 6000; more is told of */
		uint32_t uses_per_minute;	/* of one token, as seen at /introspect, default 60000 */
		int lock;			/* misuse locks the sessions of the user, default false */
	} misuse;
	struct {
		uint32_t size;		/* MiB of one file, default 64 */
		uint32_t keep;		/* older files, default 16 */
	} audit;
	struct {
		struct strings environment;	/* NAME=value, of the FIDO2 helper's workers and watcher */
		char *socket;		/* NULL: fork the helper, or none where helper_socket is set */
		int watch;		/* watch which keys are plugged in, default true */
		char *watch_socket;	/* as socket, of its watcher */
		enum config_verification verification;	/* where an enrolment does not say, default preferred */
		struct strings attestation_roots;	/* PEM files: makers of keys */
		struct strings aaguids;		/* makes of keys that may be enrolled; none: all */
	} fido;
	struct {
		char *rp_id;		/* NULL: browsers prove nothing */
		struct strings origins;	/* whose pages may ask: at least one where rp_id is set */
	} webauthn;
	struct {
		int there;		/* 0: ssh.sock lists nothing, no certificates */
		char *audience;		/* whose rules hold; of class interactive */
		struct strings principals;	/* of everybody; %u is the user's name; default {"%u"} */
		struct strings extensions;	/* OpenSSH's, default pty, port forwarding and user's rc */
		struct strings source_address;	/* CIDR; none: any */
		struct strings namespaces;	/* of "ssh-keygen -Y sign", default file and git */
		char *force_command;	/* NULL: any */
		int forwarding;		/* sign for connections that are forwarded to other hosts */
		int unbound;		/* sign for clients that do not tell the host */
		struct config_principal *extra;
		size_t n_extra;
	} ssh;
	struct config_callers metrics;	/* who may read /metrics besides administrators */
	struct config_audience *audiences;
	size_t n_audiences;
	struct config_module *modules;
	size_t n_modules;
	struct config_login_helper *login_helpers;
	size_t n_login_helpers;
};

enum config_mode {
	CONFIG_SYSTEM,		/* files and folders up to / must be root's and writable by nobody else */
	CONFIG_USER		/* root's or ours, writable by nobody else; state under XDG folders */
};

/*
 * Read file and *.conf of the folder conf.d beside it, in name order.  The
 * first problem (unknown key, value out of range, key or name given twice,
 * wrong owner or mode, a symlink, FIFO or device in the place of a file, ...)
 * is TSR_CONFIG, and err (256 bytes or more) holds one sentence with file,
 * line where there is one, the value quoted, and what to do.  Also TSR_NOMEM,
 * TSR_SYSTEM, told in err as well.  *out is freed by config_free.  Not for
 * two threads at once: libconfuse's scanner is one for the process.
 */
int config_load(const char *file, enum config_mode mode, struct config **out,
    char *err, size_t err_size);

void config_free(struct config **c);

/* By name, or NULL. */
const struct config_audience *config_audience(const struct config *c, const char *name);
const struct config_module *config_module(const struct config *c, const char *name);

/* Append the whole configuration as one JSON object, with the names of
 * tessera.conf(5), durations in seconds and defaults filled in; there are no
 * secrets in it.  TSR_NOMEM, TSR_TOO_LARGE; what was appended before the error
 * stays. */
int config_describe(const struct config *c, struct buf *out_json);

/* "300", "90s", "5m", "8h", "30d" to seconds; TSR_INVALID. */
int config_duration(const char *text, uint32_t *seconds);

#endif
