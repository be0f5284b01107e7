/*
 * config_keys.c - every key: its kind, its default, its range.  See
 * tessera.conf(5).
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/config_internal.h"
#include "base/log.h"

#define MINUTE	60u
#define HOUR	3600u
#define DAY	86400u

/* Enums are filled through config_key.c's unsigned. */
_Static_assert(sizeof(enum acr) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum audience_class) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum audience_reuse) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum audience_presence) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum token_format) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum config_seat) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum config_verification) == sizeof(unsigned), "enum size");
_Static_assert(sizeof(enum config_pin_tries) == sizeof(unsigned), "enum size");

const struct config_word config_words_acr[] = {
	{ "self", ACR_SELF },
	{ "recovery", ACR_RECOVERY },
	{ "otp", ACR_OTP },
	{ "software", ACR_SOFTWARE },
	{ "hardware", ACR_HARDWARE },
	{ "hardware-pin", ACR_HARDWARE_PIN },
	{ NULL, 0 }
};

static const struct config_word words_class[] = {
	{ "interactive", CLASS_INTERACTIVE },
	{ "login", CLASS_LOGIN },
	{ "service", CLASS_SERVICE },
	{ NULL, 0 }
};

static const struct config_word words_reuse[] = {
	{ "never", REUSE_NEVER },
	{ "audience", REUSE_AUDIENCE },
	{ "session", REUSE_SESSION },
	{ NULL, 0 }
};

static const struct config_word words_format[] = {
	{ "jwt", FORMAT_JWT },
	{ "opaque", FORMAT_OPAQUE },	/* refused in words: config_section.c */
	{ NULL, 0 }
};

static const struct config_word words_seat[] = {
	{ "auto", SEAT_AUTO },
	{ "logind", SEAT_LOGIND },
	{ "any", SEAT_ANY },
	{ NULL, 0 }
};

static const struct config_word words_pin_tries[] = {
	{ "counted", PIN_TRIES_COUNTED },
	{ "unlimited", PIN_TRIES_UNLIMITED },
	{ NULL, 0 }
};

static const struct config_word words_verification[] = {
	{ "preferred", VERIFY_PREFERRED },
	{ "required", VERIFY_REQUIRED },
	{ NULL, 0 }
};

static const struct config_word words_presence[] = {
	{ "device", PRESENCE_DEVICE },
	{ "proof", PRESENCE_PROOF },
	{ NULL, 0 }
};

/* RFC 8037 and RFC 7518, 3.4. */
static const struct config_word words_algorithm[] = {
	{ "EdDSA", 0 },
	{ "ES256", 0 },
	{ NULL, 0 }
};

static const struct config_word words_level[] = {
	{ "error", LOG_ERROR },
	{ "warn", LOG_WARN },
	{ "notice", LOG_NOTICE },
	{ "detail", LOG_DETAIL },
	{ "trace", LOG_TRACE },
	{ NULL, 0 }
};

static const struct config_word words_key[] = {
	{ "sealed", 0 },
	{ NULL, 0 }
};

#define STRING(key, type, member, def, check) \
	{ key, CONFIG_STRING, offsetof(type, member), def, 0, 0, NULL, check }
#define LIST(key, type, member, check) \
	{ key, CONFIG_LIST, offsetof(type, member), NULL, 0, 0, NULL, check }
#define DURATION(key, type, member, def, min, max) \
	{ key, CONFIG_DURATION, offsetof(type, member), def, min, max, NULL, NULL }
#define NUMBER(key, type, member, def, min, max) \
	{ key, CONFIG_NUMBER, offsetof(type, member), def, min, max, NULL, NULL }
#define BOOL(key, type, member) \
	{ key, CONFIG_BOOL, offsetof(type, member), "false", 0, 0, NULL, NULL }
#define WORD(key, type, member, def, words) \
	{ key, CONFIG_WORD, offsetof(type, member), def, 0, 0, words, NULL }
#define END	{ NULL, CONFIG_STRING, 0, NULL, 0, 0, NULL, NULL }

/* Folders without a default here depend on the mode: config.c. */
const struct config_key config_keys_root[] = {
	STRING("issuer", struct config, issuer, NULL, config_check_issuer),
	STRING("realm", struct config, realm, NULL, config_check_realm),
	STRING("store", struct config, store, NULL, config_check_store),
	STRING("state-dir", struct config, state_dir, NULL, config_check_path),
	STRING("socket-dir", struct config, socket_dir, NULL, config_check_socket_dir),
	STRING("public-dir", struct config, public_dir, NULL, config_check_path),
	STRING("libexec-dir", struct config, libexec_dir, TESSERA_LIBEXEC, config_check_path),
	STRING("helper-socket", struct config, helper_socket, NULL, config_check_socket),
	STRING("watch-socket", struct config, watch_socket, NULL, config_check_socket),
	STRING("helper-user", struct config, helper_user, "tessera-dev", config_check_name),
	STRING("admin-group", struct config, admin_group, "tessera-admin", config_check_name),
	STRING("anchor", struct config, anchor, NULL, config_check_path),
	STRING("store-key", struct config, store_key, NULL, config_check_path),
	WORD("seat", struct config, seat, "auto", words_seat),
	WORD("log-level", struct config, log_level, "notice", words_level),
	END
};

const struct config_key config_keys_signing[] = {
	{ "algorithm", CONFIG_STRING, offsetof(struct config, signing.algorithm), "EdDSA",
	    0, 0, words_algorithm, NULL },
	DURATION("rotate", struct config, signing.rotate, "30d", MINUTE, 3650 * DAY),
	{ "key", CONFIG_FIXED, 0, "sealed", 0, 0, words_key, NULL },
	END
};

const struct config_key config_keys_session[] = {
	DURATION("lifetime", struct config, session.lifetime, "12h", 10, 30 * DAY),
	NUMBER("per-user", struct config, session.per_user, "16", 1, 1024),
	{ "lock-on-logout", CONFIG_BOOL, offsetof(struct config, session.lock_on_logout), "true",
	    0, 0, NULL, NULL },
	BOOL("lock-on-suspend", struct config, session.lock_on_suspend),
	DURATION("lock-after", struct config, session.lock_after, "2s", 0, MINUTE),
	DURATION("unwatched", struct config, session.unwatched, "10s", 0, HOUR),
	END
};

const struct config_key config_keys_pcsc[] = {
	{ "watch", CONFIG_BOOL, offsetof(struct config, pcsc.watch), "true", 0, 0, NULL, NULL },
	STRING("socket", struct config, pcsc.socket, NULL, config_check_socket),
	END
};

const struct config_key config_keys_fido[] = {
	LIST("environment", struct config, fido.environment, config_check_variable),
	STRING("socket", struct config, fido.socket, NULL, config_check_socket),
	{ "watch", CONFIG_BOOL, offsetof(struct config, fido.watch), "true", 0, 0, NULL, NULL },
	STRING("watch-socket", struct config, fido.watch_socket, NULL, config_check_socket),
	WORD("user-verification", struct config, fido.verification, "preferred", words_verification),
	LIST("attestation-roots", struct config, fido.attestation_roots, config_check_path),
	LIST("aaguids", struct config, fido.aaguids, config_check_aaguid),
	END
};

const struct config_key config_keys_webauthn[] = {
	STRING("rp-id", struct config, webauthn.rp_id, NULL, config_check_rp_id),
	LIST("origins", struct config, webauthn.origins, config_check_origin),
	END
};

/* Lists without an entry get their default in config_ssh.c. */
const struct config_key config_keys_ssh[] = {
	STRING("audience", struct config, ssh.audience, NULL, config_check_scope),
	LIST("principals", struct config, ssh.principals, config_check_principal),
	LIST("extensions", struct config, ssh.extensions, config_check_extension),
	STRING("force-command", struct config, ssh.force_command, NULL, config_check_line),
	LIST("source-address", struct config, ssh.source_address, config_check_source),
	BOOL("forwarding", struct config, ssh.forwarding),
	BOOL("unbound", struct config, ssh.unbound),
	LIST("namespaces", struct config, ssh.namespaces, config_check_line),
	END
};

const struct config_key config_keys_principal[] = {
	LIST("users", struct config_callers, users, config_check_name),
	LIST("groups", struct config_callers, groups, config_check_name),
	BOOL("any-user", struct config_callers, any_user),
	END
};

const struct config_key config_keys_limits[] = {
	NUMBER("connections", struct config, limits.connections, "4096", 1, 65536),
	NUMBER("connections-per-uid", struct config, limits.connections_per_uid, "512", 1, 65536),
	NUMBER("pending-per-uid", struct config, limits.pending_per_uid, "8", 1, 256),
	NUMBER("requests-per-minute", struct config, limits.requests_per_minute, "3000000", 1, 1000000000),
	END
};

const struct config_key config_keys_misuse[] = {
	NUMBER("tokens-per-minute", struct config, misuse.tokens_per_minute, "6000", 1, 1000000000),
	NUMBER("uses-per-minute", struct config, misuse.uses_per_minute, "60000", 1, 1000000000),
	BOOL("lock", struct config, misuse.lock),
	END
};

const struct config_key config_keys_audit[] = {
	NUMBER("size", struct config, audit.size, "64", 1, 4096),
	NUMBER("keep", struct config, audit.keep, "16", 1, 1000),
	END
};

const struct config_key config_keys_module[] = {
	STRING("path", struct config_module, path, NULL, config_check_path),
	STRING("init-args", struct config_module, init_args, NULL, config_check_text),
	LIST("environment", struct config_module, environment, config_check_variable),
	LIST("read-paths", struct config_module, read_paths, config_check_path),
	LIST("write-paths", struct config_module, write_paths, config_check_path),
	WORD("acr", struct config_module, acr, "hardware-pin", config_words_acr),
	WORD("pin-tries", struct config_module, pin_tries, "counted", words_pin_tries),
	END
};

const struct config_key config_keys_audience[] = {
	WORD("class", struct config_audience, class, "interactive", words_class),
	LIST("scopes", struct config_audience, scopes, config_check_scope),
	DURATION("lifetime", struct config_audience, lifetime, "300", 10, HOUR),
	WORD("format", struct config_audience, format, "jwt", words_format),
	WORD("acr", struct config_audience, acr, "hardware", config_words_acr),
	WORD("reuse", struct config_audience, reuse, "audience", words_reuse),
	DURATION("max-age", struct config_audience, max_age, "8h", 1, 30 * DAY),
	WORD("presence", struct config_audience, presence, "device", words_presence),
	BOOL("inline-pin", struct config_audience, inline_pin),
	BOOL("local-only", struct config_audience, local_only),
	BOOL("refresh", struct config_audience, refresh),
	DURATION("refresh-idle", struct config_audience, refresh_idle, "1h", 10, 30 * DAY),
	DURATION("refresh-lifetime", struct config_audience, refresh_lifetime, "12h", 10, 30 * DAY),
	END
};

const struct config_key config_keys_callers[] = {
	LIST("users", struct config_callers, users, config_check_name),
	LIST("groups", struct config_callers, groups, config_check_name),
	LIST("units", struct config_callers, units, config_check_unit),
	BOOL("any-user", struct config_callers, any_user),
	END
};

const struct config_key config_keys_helper[] = {
	STRING("user", struct config_login_helper, user, NULL, config_check_name),
	STRING("unit", struct config_login_helper, unit, NULL, config_check_unit),
	BOOL("greeter", struct config_login_helper, greeter),
	END
};
