/*
 * config_internal.h - shared by the files that make up config.h.
 *
 * A load goes file by file: config_file.c opens and checks, config_text.c
 * looks at every character, config_read.c lets libconfuse parse, config_key.c
 * turns the text of each key into a value.  config_keys.c is the one table of
 * keys: the parser, the values and the JSON all follow it, and config_check.c
 * holds its checks of texts.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_CONFIG_INTERNAL_H
#define BASE_CONFIG_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include <confuse.h>

#include "base/config.h"

#define CONFIG_FILES_MAX	64		/* files of one load */
#define CONFIG_FILE_MAX		1048576		/* bytes of one file, 1 MiB */
#define CONFIG_SECTIONS_MAX	1024		/* sections of one file */
#define CONFIG_VALUE_MAX	4096		/* bytes of one word or string */
#define CONFIG_LIST_MAX		256		/* entries of one list */
#define CONFIG_TITLE_MAX	128		/* bytes of a section's name */

/* One file that was read. */
struct config_source {
	char *name;		/* path, for complaints */
	char *text;		/* NUL-terminated; comments are blanks after config_text_scan */
	size_t size;		/* bytes without the NUL */
	cfg_t *cfg;		/* what libconfuse made of it */
};

/* One load under way. */
struct config_parse {
	enum config_mode mode;
	struct config_source source[CONFIG_FILES_MAX];
	size_t n;
	int code;		/* of the first complaint, else TSR_OK */
	char *err;
	size_t err_size;
};

/*
 * Write the first complaint of a load, "FILE:LINE: sentence"; source may be
 * NULL and line 0.  Later ones are dropped.  Returns TSR_CONFIG.
 */
int config_complain(struct config_parse *p, const struct config_source *source,
    unsigned line, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A text from outside, made fit to be shown in a complaint. */
struct config_shown {
	char text[160];
};
const char *config_show(struct config_shown *s, const char *text);

/* config.c */

/* From the texts in p->source to a configuration.  *out is freed by
 * config_free. */
int config_assemble(struct config_parse *p, struct config **out);

/* Release p and what its sources hold. */
void config_parse_free(struct config_parse *p);

/* config_file.c */

/* Read file and conf.d beside it into p->source; all but the text is left for
 * the caller. */
int config_file_read(struct config_parse *p, const char *file);

/* TSR_DENIED where path, or a folder on the way, is not root's or may be
 * written by others (a root's folder with the sticky bit will do), or is no
 * file; *advice says what is wrong.  TSR_OK also where it does not exist or
 * cannot be seen. */
int config_file_trusted(const char *path, const char **advice);

/* config_text.c */

/* Refuse what libconfuse would swallow, expand or misread, and blank out
 * comments, so that its line numbers are right. */
int config_text_scan(struct config_parse *p, struct config_source *source);

/* The line on which the outermost section that ends on close_line begins. */
unsigned config_text_block(const char *text, unsigned close_line);

/* config_keys.c */

enum config_kind {
	CONFIG_STRING,		/* char * */
	CONFIG_LIST,		/* struct strings */
	CONFIG_DURATION,	/* uint32_t, seconds */
	CONFIG_NUMBER,		/* uint32_t */
	CONFIG_BOOL,		/* int */
	CONFIG_WORD,		/* an enum */
	CONFIG_FIXED		/* one of the words, not stored */
};

struct config_word {
	const char *word;	/* NULL ends a list */
	unsigned value;
};

/* NULL, or what the text should have been: "write ...". */
typedef const char *(*config_check)(const char *text);

struct config_key {
	const char *name;	/* NULL ends a table */
	enum config_kind kind;
	size_t offset;		/* in the struct that the section fills */
	const char *fallback;	/* read where the key is absent; NULL: the member stays empty */
	uint32_t min, max;	/* seconds, number */
	const struct config_word *words;
	config_check check;	/* of a string, of each entry of a list */
};

extern const struct config_key config_keys_root[];
extern const struct config_key config_keys_signing[];
extern const struct config_key config_keys_session[];
extern const struct config_key config_keys_pcsc[];
extern const struct config_key config_keys_fido[];
extern const struct config_key config_keys_webauthn[];
extern const struct config_key config_keys_limits[];
extern const struct config_key config_keys_misuse[];
extern const struct config_key config_keys_audit[];
extern const struct config_key config_keys_module[];
extern const struct config_key config_keys_audience[];
extern const struct config_key config_keys_callers[];
extern const struct config_key config_keys_helper[];
extern const struct config_key config_keys_ssh[];
extern const struct config_key config_keys_principal[];	/* of struct config_callers */
extern const struct config_word config_words_acr[];

/* config_check.c: checks of the table. */
const char *config_check_text(const char *text);
const char *config_check_issuer(const char *text);
const char *config_check_realm(const char *text);
const char *config_check_store(const char *text);
const char *config_check_path(const char *text);
const char *config_check_socket(const char *text);	/* fits a sockaddr_un */
const char *config_check_socket_dir(const char *text);	/* so does a socket in it */
const char *config_check_name(const char *text);	/* user or group */
const char *config_check_unit(const char *text);
const char *config_check_scope(const char *text);	/* RFC 6749, 3.3 */
const char *config_check_aaguid(const char *text);
const char *config_check_rp_id(const char *text);	/* of browsers: a domain */
const char *config_check_origin(const char *text);	/* RFC 6454, as browsers write it */
const char *config_check_principal(const char *text);	/* may stand in an SSH certificate; %u */
const char *config_check_extension(const char *text);	/* of one */
const char *config_check_source(const char *text);	/* an address, or a network */
const char *config_check_line(const char *text);
const char *config_check_variable(const char *text);	/* NAME=value */
const char *config_check_label(const char *text);	/* name of a module or helper */

/* config_read.c */

/* Let libconfuse parse source->text into source->cfg. */
int config_read(struct config_parse *p, struct config_source *source);

/* Where a key may stand: one section of one file. */
struct config_scope {
	const struct config_source *source;
	cfg_t *sec;
};

/* The line on which a section begins. */
unsigned config_read_line(const struct config_scope *scope);

/* The option of a key and the scope that sets it, or NULL where none does.
 * Set in two scopes: a complaint, TSR_CONFIG. */
int config_read_find(struct config_parse *p, const char *key,
    const struct config_scope *scopes, size_t n, cfg_opt_t **opt,
    const struct config_scope **scope);

/* config_key.c */

/* Fill base from the first scope that has each key of the table, or from its
 * fallback.  where is put before the key in complaints ("limits: " or ""). */
int config_key_fill(struct config_parse *p, const struct config_key *keys,
    const struct config_scope *scopes, size_t n, const char *where, void *base);

/* Release what config_key_fill allocated in base. */
void config_key_free(const struct config_key *keys, void *base);

/* config_section.c */

/* A section without a name, or with NULL the keys outside sections: they may
 * be spread over the files. */
int config_section_plain(struct config_parse *p, const char *section,
    const struct config_key *keys, void *base);

/* webauthn: origins that a browser would not join to its rp-id are refused. */
int config_section_webauthn(struct config_parse *p, struct config *c);

/* config_ssh.c: ssh, after the audiences. */
int config_section_ssh(struct config_parse *p, struct config *c);
void config_ssh_free(struct config *c);

/* All modules, audiences and login helpers.  After an error c holds what was
 * filled so far, for config_free. */
int config_section_named(struct config_parse *p, struct config *c);

#endif
