/*
 * command.c - the tables and what is read by them.  See command.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/command.h"

#include <stdio.h>
#include <string.h>

#define AUDIT		(OPT(OPT_CONFIG) | OPT(OPT_USER_MODE))
#define PROMPTING	(OPT(OPT_PIN_FD) | OPT(OPT_PINENTRY))
#define CODES		(OPT(OPT_OTP) | OPT(OPT_OTP_FD))
#define ENROLS_OTP	(OPT(OPT_USER) | OPT(OPT_LABEL) | OPT(OPT_ALGORITHM) | OPT(OPT_DIGITS) | \
	OPT(OPT_SERIAL) | OPT(OPT_SECRET_FD) | OPT(OPT_SECRET_FORMAT) | OPT(OPT_YES) | OPT(OPT_CODE) | \
	OPT(OPT_RECOVERY_CODES) | CODES | PROMPTING)

const struct command command_table[] = {
	{ "status", NULL, NULL, 0, 0, 0, 0, NULL,
	  "show how the agent is, your sessions and devices", cmd_status },
	{ "login", NULL, NULL, 0, 0,
	  OPT(OPT_CREDENTIAL) | OPT(OPT_DEVICE) | OPT(OPT_METHOD) | CODES | PROMPTING, 0, NULL,
	  "prove yourself with a device or a code and open a session", cmd_login },
	{ "logout", NULL, NULL, 0, 0, 0, 0, NULL,
	  "end all your sessions", cmd_logout },
	{ "session", "list", NULL, 0, 0, OPT(OPT_USER) | OPT(OPT_ALL), 0, NULL,
	  "list sessions, your own unless told otherwise", cmd_session_list },
	{ "session", "show", "[SID]", 0, 1, 0, 0, NULL,
	  "show one session, or each of them", cmd_session_show },
	{ "session", "revoke", "[SID]", 0, 1, OPT(OPT_USER) | PROMPTING, 0, NULL,
	  "end one session, or all of a user's, with their tokens", cmd_session_revoke },
	{ "token", "get", NULL, 0, 0,
	  OPT(OPT_AUDIENCE) | OPT(OPT_SCOPE) | OPT(OPT_CREDENTIAL) | OPT(OPT_DEVICE) |
	  OPT(OPT_MAX_AGE) | OPT(OPT_NO_PROMPT) | OPT(OPT_FRESH) | OPT(OPT_METHOD) | OPT(OPT_ANSWER) |
	  CODES | PROMPTING | OPT(OPT_MIN_VALID) | OPT(OPT_TOKEN_FORMAT) | OPT(OPT_OFFLINE),
	  OPT(OPT_AUDIENCE), NULL,
	  "print an access token", cmd_token_get },
	{ "token", "refresh", "[FILE]", 0, 1, OPT(OPT_SCOPE), 0, "file",
	  "spend a refresh token read from a file or standard input for the next ones", cmd_token_refresh },
	{ "token", "verify", "[FILE]", 0, 1,
	  OPT(OPT_AUDIENCE) | OPT(OPT_JWKS) | OPT(OPT_ISSUER) | OPT(OPT_ALLOW_STALE), 0, "file",
	  "check a token read from a file or standard input", cmd_token_verify },
	{ "token", "introspect", "[FILE]", 0, 1, 0, 0, "file",
	  "ask the agent about a token read from a file or standard input", cmd_token_introspect },
	{ "token", "revoke", "[FILE]", 0, 1, 0, 0, "file",
	  "end a token read from a file or standard input, and its session", cmd_token_revoke },
	{ "revoke", NULL, NULL, 0, 0, OPT(OPT_USER) | OPT(OPT_CREDENTIAL) | OPT(OPT_ALL) | PROMPTING, 0, NULL,
	  "end the tokens of a user, of a credential, or of everybody", cmd_revoke },
	{ "challenge", "get", NULL, 0, 0, OPT(OPT_AUDIENCE) | OPT(OPT_SCOPE) | OPT(OPT_CREDENTIAL),
	  OPT(OPT_AUDIENCE), NULL,
	  "print a challenge for a FIDO2 key on another host, or for a browser", cmd_challenge_get },
	{ "challenge", "answer", "FILE [DEVICE]", 1, 2, OPT(OPT_ISSUER) | OPT(OPT_CREDENTIAL) | OPT(OPT_YES),
	  OPT(OPT_ISSUER), "file",
	  "answer another host's challenge with a FIDO2 key that is plugged in here", cmd_challenge_answer },
	{ "device", "list", NULL, 0, 0, OPT(OPT_KEYS), 0, NULL,
	  "list connected devices", cmd_device_list },
	{ "device", "show", "ID", 1, 1, 0, 0, "device",
	  "show what is known of a connected device", cmd_device_show },
	{ "device", "pin", "ACTION", 1, 1, OPT(OPT_URI) | PROMPTING, OPT(OPT_URI),
	  "set change unblock",
	  "change a device's PIN, set a key's first, unblock a card's with its PUK", cmd_device_pin },
	{ "device", "watch", NULL, 0, 0, 0, 0, NULL,
	  "tell of devices as they come and go", cmd_device_watch },
	{ "enroll", "pkcs11", NULL, 0, 0,
	  OPT(OPT_USER) | OPT(OPT_URI) | OPT(OPT_LABEL) | OPT(OPT_VOUCH) | OPT(OPT_CODE) | PROMPTING,
	  OPT(OPT_URI), NULL,
	  "enrol a key of a PKCS#11 token, for yourself or for a user", cmd_enroll_pkcs11 },
	{ "enroll", "fido", NULL, 0, 0,
	  OPT(OPT_USER) | OPT(OPT_LABEL) | OPT(OPT_RESIDENT) | OPT(OPT_UV) | OPT(OPT_ATTESTATION) |
	  OPT(OPT_VOUCH) | OPT(OPT_CODE) | PROMPTING, 0, NULL,
	  "enrol a FIDO2 key, for yourself or for a user", cmd_enroll_fido },
	{ "enroll", "webauthn", NULL, 0, 0,
	  OPT(OPT_USER) | OPT(OPT_LABEL) | OPT(OPT_RESIDENT) | OPT(OPT_UV) | OPT(OPT_ATTESTATION) |
	  OPT(OPT_VOUCH) | OPT(OPT_CODE) | PROMPTING, 0, NULL,
	  "begin to enrol a key in a browser: print what its page needs", cmd_enroll_webauthn },
	{ "enroll", "totp", NULL, 0, 0, ENROLS_OTP | OPT(OPT_PERIOD), 0, NULL,
	  "enrol a token or phone that shows codes by the clock", cmd_enroll_totp },
	{ "enroll", "hotp", NULL, 0, 0, ENROLS_OTP | OPT(OPT_COUNTER), 0, NULL,
	  "enrol a token that shows codes by a counter", cmd_enroll_hotp },
	{ "enroll", "confirm", "ID", 1, 1, OPT(OPT_TWO) | OPT(OPT_ADMIN) | OPT(OPT_ANSWER) | OPT(OPT_OTP_FD) |
	  PROMPTING, 0, NULL,
	  "end an enrolment that was begun with --json, by a code or a browser's answer", cmd_enroll_confirm },
	{ "enroll", "code", NULL, 0, 0, OPT(OPT_USER) | PROMPTING, OPT(OPT_USER), NULL,
	  "make a one-time code with which a user enrols his first token", cmd_enroll_code },
	{ "credential", "list", NULL, 0, 0, OPT(OPT_USER) | OPT(OPT_ALL), 0, NULL,
	  "list credentials, your own unless told otherwise", cmd_credential_list },
	{ "credential", "show", "ID", 1, 1, 0, 0, "credential",
	  "show one credential", cmd_credential_show },
	{ "credential", "disable", "ID", 1, 1, OPT(OPT_FORCE) | PROMPTING, 0, "credential",
	  "disable a credential", cmd_credential_disable },
	{ "credential", "enable", "ID", 1, 1, PROMPTING, 0, "credential",
	  "enable a credential again", cmd_credential_enable },
	{ "credential", "remove", "ID", 1, 1, OPT(OPT_FORCE) | PROMPTING, 0, "credential",
	  "remove a credential for good", cmd_credential_remove },
	{ "credential", "resync", "ID", 1, 1, OPT(OPT_ADMIN) | OPT(OPT_OTP_FD) | PROMPTING, 0, "credential",
	  "bring a token that shows codes back in step, by two codes in a row", cmd_credential_resync },
	{ "credential", "import", "FILE", 1, 1, OPT(OPT_FORMAT) | OPT(OPT_SECRET_FORMAT) |
	  OPT(OPT_USER_COLUMN) | OPT(OPT_PARTIAL) | OPT(OPT_DRY_RUN) | PROMPTING, 0, "file",
	  "enrol a box of tokens from their maker's file", cmd_credential_import },
	{ "credential", "replace", "ID", 1, 1, PROMPTING, 0, "credential",
	  "disable a lost credential and print a code for a day in its place", cmd_credential_replace },
	{ "credential", "recovery-codes", NULL, 0, 0, OPT(OPT_USER) | PROMPTING, OPT(OPT_USER), NULL,
	  "print ten codes, each good once, for a user who loses his token", cmd_credential_recovery_codes },
	{ "key", "list", NULL, 0, 0, 0, 0, NULL,
	  "list the keys that sign tokens", cmd_key_list },
	{ "key", "rotate", NULL, 0, 0, OPT(OPT_AT_ONCE) | PROMPTING, 0, NULL,
	  "begin a rotation of the signing keys, or replace them at once", cmd_key_rotate },
	{ "key", "jwks", NULL, 0, 0, OPT(OPT_WATCH), 0, NULL,
	  "print the public keys, for those who verify tokens", cmd_key_jwks },
	{ "events", NULL, NULL, 0, 0, OPT(OPT_PROMPT), 0, NULL,
	  "print your events as they happen, and answer PIN prompts with --prompt", cmd_events },
	{ "audit", "tail", NULL, 0, 0, AUDIT | OPT(OPT_FOLLOW), 0, NULL,
	  "show the last lines of the audit log", cmd_audit_tail },
	{ "audit", "verify", "[FILE]", 0, 1, AUDIT | OPT(OPT_HEAD) | OPT(OPT_STORE_KEY), 0, "file",
	  "check that no line of the audit log was altered, moved or taken away", cmd_audit_verify },
	{ "audit", "export", NULL, 0, 0,
	  AUDIT | OPT(OPT_SINCE) | OPT(OPT_UNTIL) | OPT(OPT_USER) | OPT(OPT_CSV), 0, NULL,
	  "print the audit log, or what of it concerns a time or a user", cmd_audit_export },
	{ "clock", "show", NULL, 0, 0, 0, 0, NULL,
	  "show whether the agent trusts the clock", cmd_clock_show },
	{ "clock", "accept", NULL, 0, 0, PROMPTING, 0, NULL,
	  "have the agent trust the clock as it is", cmd_clock_accept },
	{ "ssh", "cert", "[KEY.pub]", 0, 1, OPT(OPT_LIFETIME) | OPT(OPT_PRINCIPAL) | OPT(OPT_OUT) |
	  OPT(OPT_CREDENTIAL) | OPT(OPT_DEVICE) | PROMPTING, 0, "file",
	  "have a public key of yours certified for SSH", cmd_ssh_cert },
	{ "ssh", "list", NULL, 0, 0, OPT(OPT_USER) | OPT(OPT_ALL), 0, NULL,
	  "list SSH certificates, your own unless told otherwise", cmd_ssh_list },
	{ "ssh", "revoke", "[SERIAL]", 0, 1, OPT(OPT_USER) | PROMPTING, 0, NULL,
	  "revoke an SSH certificate, or all of a user", cmd_ssh_revoke },
	{ "ssh", "ca", "[ACTION] [ID|FILE]", 0, 2, OPT(OPT_TRUSTED) | OPT(OPT_REVOKE_ALL) |
	  OPT(OPT_JOIN) | PROMPTING, 0,
	  "show prepare rotate retire krl",
	  "show and change the keys that sign SSH certificates, or write the list of revoked ones", cmd_ssh_ca },
	{ "ssh", "setup", NULL, 0, 0, OPT(OPT_CLIENT) | OPT(OPT_SERVER) | OPT(OPT_HOST) |
	  OPT(OPT_IDENTITIES_ONLY) | OPT(OPT_INSTALL) | OPT(OPT_REMOVE) | OPT(OPT_CONFIG) | OPT(OPT_USER_MODE),
	  0, NULL, "print or install what ssh and sshd need", cmd_ssh_setup },
	{ "store", "show", NULL, 0, 0, 0, 0, NULL,
	  "show what is known of the store", cmd_store_show },
	{ "store", "check", NULL, 0, 0, PROMPTING, 0, NULL,
	  "look through the whole store now", cmd_store_check },
	{ "store", "confirm", NULL, 0, 0, PROMPTING, 0, NULL,
	  "confirm a store that was altered or put back", cmd_store_confirm },
	{ "store", "backup", "FILE", 1, 1, PROMPTING, 0, "file",
	  "write a copy of the store while it is used", cmd_store_backup },
	{ "store", "restore", "FILE", 1, 1, 0, 0, "file",
	  "put a backup back, while the agent is stopped", cmd_store_restore },
	{ "store", "rekey", NULL, 0, 0, 0, 0, NULL,
	  "take a new store key, while the agent is stopped", cmd_store_rekey },
	{ "config", "check", "[FILE]", 0, 1, OPT(OPT_USER_MODE), 0, "file",
	  "check a configuration", cmd_config_check },
	{ "config", "show", "[FILE]", 0, 1, OPT(OPT_USER_MODE), 0, "file",
	  "show a configuration with its defaults", cmd_config_show },
	{ "config", "explain", "[FILE]", 0, 1,
	  OPT(OPT_USER) | OPT(OPT_AUDIENCE) | OPT(OPT_UNIT) | OPT(OPT_USER_MODE),
	  OPT(OPT_USER) | OPT(OPT_AUDIENCE), "file",
	  "tell whether a user or unit may have a token, and by which line", cmd_config_explain },
	{ "doctor", NULL, NULL, 0, 0, OPT(OPT_CONFIG) | OPT(OPT_USER_MODE), 0, NULL,
	  "look for what is wrong, and name the commands that mend it", cmd_doctor },
	{ "support", "bundle", "FILE", 1, 1, 0, 0, "file",
	  "gather what a helper needs to know, without secrets and names", cmd_support_bundle },
	{ "completion", NULL, "bash|zsh|fish", 1, 1, 0, 0, "bash zsh fish",
	  "print a completion script for a shell", cmd_completion },
	{ "help", NULL, "[COMMAND]", 0, 2, 0, 0, "command",
	  "show the commands, or one of them", cmd_help },
};
const size_t command_count = sizeof(command_table) / sizeof(command_table[0]);

const struct option_row option_table[] = {
	{ OPT_AUDIENCE, 'a', "audience", "AUDIENCE", NULL, "whom the token is for", OPTION_ONCE },
	{ OPT_SCOPE, 's', "scope", "SCOPE", NULL,
	  "scopes apart by blanks (default: all of the audience)", OPTION_ONCE },
	{ OPT_CREDENTIAL, 0, "credential", "ID", "credential", "prove with this credential", OPTION_ONCE },
	{ OPT_DEVICE, 0, "device", "ID", "device", "prove with this device, an id of \"device list\"", OPTION_ONCE },
	{ OPT_MAX_AGE, 0, "max-age", "TIME", NULL, "the proof is at most that old, such as 10m", OPTION_ONCE },
	{ OPT_NO_PROMPT, 0, "no-prompt", NULL, NULL, "fail rather than ask for a proof", OPTION_ONCE },
	{ OPT_FRESH, 0, "fresh", NULL, NULL, "prove anew, whatever session there is", OPTION_ONCE },
	{ OPT_MIN_VALID, 0, "min-valid", "TIME", NULL,
	  "a token given before will do that lives that much longer, such as 1m", OPTION_ONCE },
	{ OPT_TOKEN_FORMAT, 0, "format", "FORMAT", "jwt opaque", "jwt or opaque (default: the audience's)", OPTION_ONCE },
	{ OPT_OFFLINE, 0, "offline-access", NULL, NULL, "and a refresh token, with --json", OPTION_ONCE },
	{ OPT_UNIT, 0, "unit", "UNIT", NULL, "as a process of this system unit", OPTION_ONCE },
	{ OPT_JWKS, 0, "jwks", "FILE", "file", "check with the key set in this file", OPTION_ONCE },
	{ OPT_ISSUER, 0, "issuer", "URL", NULL, "who must have issued it", OPTION_ONCE },
	{ OPT_ALLOW_STALE, 0, "allow-stale", NULL, NULL, "even where nobody can say what was revoked", OPTION_ONCE },
	{ OPT_KEYS, 0, "keys", NULL, NULL, "with the keys on them, for enrolment", OPTION_ONCE },
	{ OPT_USER, 'u', "user", "USER", "user", "of which user", OPTION_ONCE },
	{ OPT_URI, 0, "device", "URI", "device", "the device: an id of \"device list\", or a URI of \"device list --keys\"", OPTION_ONCE },
	{ OPT_LABEL, 'l', "label", "LABEL", NULL, "a name for people", OPTION_ONCE },
	{ OPT_VOUCH, 0, "vouch", "STRENGTH", "hardware hardware-pin",
	  "vouch that the key cannot leave its hardware: hardware or hardware-pin", OPTION_ONCE },
	{ OPT_CODE, 0, "code", "CODE", NULL, "a one-time code from an administrator", OPTION_ONCE },
	{ OPT_RESIDENT, 0, "resident", NULL, NULL, "keep the credential on the key", OPTION_ONCE },
	{ OPT_UV, 0, "uv", "WHEN", "required preferred",
	  "is its owner verified, by PIN or finger: required or preferred", OPTION_ONCE },
	{ OPT_ATTESTATION, 0, "attestation", "KIND", "none direct",
	  "is the key asked for its make: none or direct", OPTION_ONCE },
	{ OPT_ALL, 0, "all", NULL, NULL, "those of everybody", OPTION_ONCE },
	{ OPT_FORCE, 0, "force", NULL, NULL, "even the last usable one", OPTION_ONCE },
	{ OPT_PROMPT, 0, "prompt", "HOW", "terminal pinentry",
	  "answer PIN prompts: terminal (default) or pinentry", OPTION_MAYBE },
	{ OPT_FOLLOW, 'f', "follow", NULL, NULL, "go on with what comes", OPTION_ONCE },
	{ OPT_HEAD, 0, "head", "HEAD", NULL, "the head that the journal has of the log, NUMBER:MAC", OPTION_ONCE },
	{ OPT_CONFIG, 0, "config", "FILE", "file", "the agent's configuration", OPTION_ONCE },
	{ OPT_STORE_KEY, 0, "store-key", "FILE", "file", "the store key, where it is not by the configuration", OPTION_ONCE },
	{ OPT_SINCE, 0, "since", "TIME", NULL, "not before, such as 2026-01-31", OPTION_ONCE },
	{ OPT_UNTIL, 0, "until", "TIME", NULL, "not after", OPTION_ONCE },
	{ OPT_CSV, 0, "csv", NULL, NULL, "print comma separated values", OPTION_ONCE },
	{ OPT_USER_MODE, 0, "user-mode", NULL, NULL, "judge as \"tesserad --user\" does", OPTION_ONCE },
	{ OPT_METHOD, 0, "method", "METHOD", "device otp", "how: device or otp", OPTION_ONCE },
	{ OPT_OTP, 0, "otp", NULL, NULL, "by a code read off a token; the same as --method otp", OPTION_ONCE },
	{ OPT_OTP_FD, 0, "otp-fd", "N", NULL, "read each code, one line, from descriptor N", OPTION_ONCE },
	{ OPT_ALGORITHM, 0, "algorithm", "HASH", "SHA1 SHA256 SHA512", "SHA1 (default), SHA256 or SHA512", OPTION_ONCE },
	{ OPT_DIGITS, 0, "digits", "N", "6 7 8", "digits of a code: 6 (default), 7 or 8", OPTION_ONCE },
	{ OPT_PERIOD, 0, "period", "SECONDS", NULL, "how long a code is shown (default 30)", OPTION_ONCE },
	{ OPT_COUNTER, 0, "counter", "N", NULL, "of the code that is shown next (default 0)", OPTION_ONCE },
	{ OPT_SERIAL, 0, "serial", "SERIAL", NULL, "the serial number on the token", OPTION_ONCE },
	{ OPT_SECRET_FD, 0, "secret-fd", "N", NULL, "read the token's own secret from descriptor N", OPTION_ONCE },
	{ OPT_SECRET_FORMAT, 0, "secret-format", "FORMAT", "base32 hex", "how it is written: base32 (default) or hex", OPTION_ONCE },
	{ OPT_FORMAT, 0, "format", "FORMAT", "csv pskc", "of the file: csv or pskc (default: by its beginning)", OPTION_ONCE },
	{ OPT_USER_COLUMN, 0, "user-column", "NAME", NULL, "the column that says whose a token is", OPTION_ONCE },
	{ OPT_PARTIAL, 0, "partial", NULL, NULL, "leave out what is refused, rather than all", OPTION_ONCE },
	{ OPT_AT_ONCE, 0, "at-once", NULL, NULL,
	  "a new key signs now, and tokens of the old ones are refused", OPTION_ONCE },
	{ OPT_WATCH, 0, "watch", NULL, NULL, "and again whenever they change", OPTION_ONCE },
	{ OPT_DRY_RUN, 0, "dry-run", NULL, NULL, "store nothing, report what would be", OPTION_ONCE },
	{ OPT_RECOVERY_CODES, 0, "recovery-codes", NULL, NULL, "also print ten recovery codes, each good once", OPTION_ONCE },
	{ OPT_YES, 0, "yes", NULL, NULL, "ask for no confirmation", OPTION_ONCE },
	{ OPT_TWO, 0, "two", NULL, NULL, "two codes in a row, as a token that counts needs", OPTION_ONCE },
	{ OPT_ADMIN, 0, "admin", NULL, NULL, "as an administrator, for another user", OPTION_ONCE },
	{ OPT_ANSWER, 0, "answer", "FILE", "file", "what a key elsewhere or a browser answered", OPTION_ONCE },
	{ OPT_LIFETIME, 0, "lifetime", "TIME", NULL, "how long it is good, such as 5m (default: as long as may be)", OPTION_ONCE },
	{ OPT_PRINCIPAL, 0, "principal", "NAME", NULL, "for this account; may be repeated (default: all of yours)", OPTION_MANY },
	{ OPT_OUT, 0, "out", "FILE", "file", "where it is written, - for standard output", OPTION_ONCE },
	{ OPT_TRUSTED, 0, "trusted", NULL, NULL, "only the lines of TrustedUserCAKeys", OPTION_ONCE },
	{ OPT_REVOKE_ALL, 0, "at-once", NULL, NULL,
	  "a new key signs now, and certificates of the old ones are refused", OPTION_ONCE },
	{ OPT_JOIN, 0, "join", "FILE", "file", "with what this list of another agent revokes; may be repeated", OPTION_MANY },
	{ OPT_CLIENT, 0, "client", NULL, NULL, "for ssh (default)", OPTION_ONCE },
	{ OPT_SERVER, 0, "server", NULL, NULL, "for sshd", OPTION_ONCE },
	{ OPT_HOST, 0, "host", "PATTERN", NULL, "hosts of ssh that the agent's key is for; may be repeated", OPTION_MANY },
	{ OPT_IDENTITIES_ONLY, 0, "identities-only", NULL, NULL, "and no other key than the agent's", OPTION_ONCE },
	{ OPT_INSTALL, 0, "install", NULL, NULL, "put it in its place, rather than print it", OPTION_ONCE },
	{ OPT_REMOVE, 0, "remove", NULL, NULL, "take out what was installed", OPTION_ONCE },
	{ OPT_PIN_FD, 0, "pin-fd", "N", NULL, "read the PIN, one line, from descriptor N", OPTION_ONCE },
	{ OPT_PINENTRY, 0, "pinentry", "PROGRAM", NULL, "ask for the PIN with pinentry", OPTION_MAYBE },
	{ OPT_JSON, 0, "json", NULL, NULL, "print one JSON document", OPTION_ONCE },
	{ OPT_SOCKET, 0, "socket", "PATH", "file", "the agent's socket", OPTION_ONCE },
	{ OPT_ADMIN_SOCKET, 0, "admin-socket", "PATH", "file", "the agent's administration socket", OPTION_ONCE },
	{ OPT_HELP, 'h', "help", NULL, NULL, "show this help", OPTION_ONCE },
	{ OPT_VERSION, 'V', "version", NULL, NULL, "show the version", OPTION_ONCE },
};
const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

int
command_takes(const struct command *cmd, const struct option_row *row)
{
	option_set all = COMMAND_GLOBAL;

	all |= cmd != NULL ? cmd->options : OPT(OPT_VERSION);
	return (all & OPT(row->id)) != 0;
}

void
command_usage(const struct command *cmd, char *out, size_t size)
{
	const struct option_row *row;
	char req[128] = "";
	size_t i, at = 0;

	for (i = 0; i < option_count && at < sizeof(req); i++) {
		row = &option_table[i];
		if ((cmd->required & OPT(row->id)) == 0)
			continue;
		if (row->letter != 0)
			at += (size_t)snprintf(req + at, sizeof(req) - at, " -%c %s",
			    row->letter, row->arg);
		else
			at += (size_t)snprintf(req + at, sizeof(req) - at, " --%s %s",
			    row->name, row->arg);
	}
	(void)snprintf(out, size, "tessera %s%s%s%s [options]%s%s", cmd->noun,
	    cmd->verb != NULL ? " " : "", cmd->verb != NULL ? cmd->verb : "", req,
	    cmd->words != NULL ? " " : "", cmd->words != NULL ? cmd->words : "");
}
