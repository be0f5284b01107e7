/*
 * command.h - the table of subcommands and that of options, which drive
 * dispatch, usage, help and completion alike.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "client/client.h"

struct command {
	const char *noun;
	const char *verb;	/* NULL for a command of one word */
	const char *words;	/* its arguments as the usage shows them, or NULL */
	int min_words, max_words;
	option_set options;	/* OPT() bits besides the global ones */
	option_set required;	/* those that must be given */
	const char *complete;	/* what the first argument is: "file", "credential", words apart by blanks, or NULL */
	const char *summary;
	int (*run)(struct client *c);	/* an enum fail_status */
};

/* How often an option may be given, and with what. */
enum option_shape { OPTION_ONCE, OPTION_MAYBE /* --name[=arg] */, OPTION_MANY };

struct option_row {
	enum option_id id;
	int letter;		/* 0: none */
	const char *name;
	const char *arg;	/* what the value is, NULL for a flag */
	const char *complete;	/* as in struct command */
	const char *help;
	enum option_shape shape;	/* a command has at most one that is OPTION_MANY */
};

extern const struct command command_table[];
extern const size_t command_count;
extern const struct option_row option_table[];
extern const size_t option_count;

#define COMMAND_GLOBAL	(OPT(OPT_JSON) | OPT(OPT_SOCKET) | OPT(OPT_ADMIN_SOCKET) | OPT(OPT_HELP))

/* Whether the row belongs to the command (or to all). */
int command_takes(const struct command *cmd, const struct option_row *row);

/* "tessera token get -a AUDIENCE [options]": into out. */
void command_usage(const struct command *cmd, char *out, size_t size);

/* Read argv into c: options anywhere, then the command's words.  FAIL_USAGE
 * with the sentence in c->failure.  c->command stays NULL where only --help
 * or --version was given. */
int command_parse(struct client *c, int argc, char **argv);

/* Each subcommand, in the file of its noun. */
int cmd_login(struct client *c);
int cmd_logout(struct client *c);
int cmd_session_list(struct client *c);
int cmd_session_show(struct client *c);
int cmd_challenge_get(struct client *c);
int cmd_challenge_answer(struct client *c);
int cmd_token_get(struct client *c);
int cmd_token_verify(struct client *c);
int cmd_session_revoke(struct client *c);
int cmd_token_revoke(struct client *c);
int cmd_revoke(struct client *c);
int cmd_token_introspect(struct client *c);
int cmd_token_refresh(struct client *c);
int cmd_device_list(struct client *c);
int cmd_device_show(struct client *c);
int cmd_device_pin(struct client *c);
int cmd_device_watch(struct client *c);
int cmd_enroll_pkcs11(struct client *c);
int cmd_enroll_fido(struct client *c);
int cmd_enroll_webauthn(struct client *c);
int cmd_enroll_code(struct client *c);
int cmd_enroll_totp(struct client *c);
int cmd_enroll_hotp(struct client *c);
int cmd_enroll_confirm(struct client *c);
int cmd_credential_list(struct client *c);
int cmd_credential_show(struct client *c);
int cmd_credential_disable(struct client *c);
int cmd_credential_enable(struct client *c);
int cmd_credential_remove(struct client *c);
int cmd_credential_resync(struct client *c);
int cmd_credential_import(struct client *c);
int cmd_credential_replace(struct client *c);
int cmd_credential_recovery_codes(struct client *c);
int cmd_events(struct client *c);
int cmd_key_list(struct client *c);
int cmd_key_rotate(struct client *c);
int cmd_key_jwks(struct client *c);
int cmd_clock_show(struct client *c);
int cmd_clock_accept(struct client *c);
int cmd_ssh_cert(struct client *c);
int cmd_ssh_list(struct client *c);
int cmd_ssh_revoke(struct client *c);
int cmd_ssh_ca(struct client *c);
int cmd_ssh_setup(struct client *c);
int cmd_store_show(struct client *c);
int cmd_store_check(struct client *c);
int cmd_store_confirm(struct client *c);
int cmd_store_backup(struct client *c);
int cmd_store_restore(struct client *c);
int cmd_store_rekey(struct client *c);
int cmd_config_check(struct client *c);
int cmd_config_show(struct client *c);
int cmd_config_explain(struct client *c);
int cmd_audit_tail(struct client *c);
int cmd_audit_verify(struct client *c);
int cmd_audit_export(struct client *c);
int cmd_status(struct client *c);
int cmd_doctor(struct client *c);
int cmd_support_bundle(struct client *c);
int cmd_completion(struct client *c);
int cmd_help(struct client *c);

#endif
