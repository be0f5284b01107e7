/*
 * cmd_config.c - config check, config show.
 *
 * SPDX-License-Identifier: ISC
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "base/config_known.h"
#include "base/escape.h"
#include "client/api.h"
#include "client/command.h"
#include "client/config_path.h"
#include "client/output.h"
#include "tessera.h"
#include "token/json.h"

#define CONFIG_TEXT_MAX		(1024 * 1024)	/* bytes of a described configuration */
#define CONFIG_JSON_DEPTH	8

static int
config_read(struct client *c, struct config **conf)
{
	char path[PATH_MAX], err[FAIL_TEXT_MAX] = "";
	int r;

	config_path(c, c->n_words > 0 ? c->word[0] : NULL, path, sizeof(path));
	r = config_load(path, c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM, conf,
	    err, sizeof(err));
	if (r == TSR_OK)
		return FAIL_NONE;
	return fail_set(&c->failure, "invalid_config", "%s", err[0] != '\0' ? err : tsr_strerror(r));
}

static void
config_warning(void *arg, const char *sentence)
{
	json_t *all = arg;

	(void)json_array_append_new(all, json_string(sentence));
}

/* To stderr: the file is fine all the same. */
static void
config_warn(const json_t *all)
{
	char text[OUTPUT_TEXT_MAX];
	size_t i;

	for (i = 0; i < json_array_size(all); i++) {
		const char *s = json_string_value(json_array_get(all, i));

		escape_text(text, sizeof(text), s, strlen(s));
		(void)fprintf(stderr, "tessera: warning: %s\n", text);
	}
}

int
cmd_config_check(struct client *c)
{
	struct config *conf = NULL;
	json_t *doc, *warnings;
	int status;

	if ((status = config_read(c, &conf)) != FAIL_NONE)
		return status;
	warnings = json_array();
	(void)config_known(conf, c->opt[OPT_USER_MODE] != NULL ? CONFIG_USER : CONFIG_SYSTEM,
	    config_warning, warnings);
	if (c->opt[OPT_JSON] != NULL) {
		doc = json_pack("{s:b, s:s, s:O}", "valid", 1, "file", conf->file, "warnings", warnings);
		output_json(doc);
		json_decref(doc);
	} else {
		config_warn(warnings);
		(void)printf("%s is fine: %zu audience%s, %zu module%s.\n", conf->file,
		    conf->n_audiences, conf->n_audiences == 1 ? "" : "s",
		    conf->n_modules, conf->n_modules == 1 ? "" : "s");
	}
	json_decref(warnings);
	config_free(&conf);
	return FAIL_NONE;
}

int
cmd_config_show(struct client *c)
{
	struct config *conf = NULL;
	struct buf text;
	json_t *doc = NULL;
	int r, status;

	if ((status = config_read(c, &conf)) != FAIL_NONE)
		return status;
	buf_init(&text, CONFIG_TEXT_MAX);
	if ((r = config_describe(conf, &text)) != TSR_OK ||
	    (r = json_read_object((const char *)text.data, text.len, CONFIG_JSON_DEPTH, &doc)) != TSR_OK)
		status = fail_set(&c->failure, "failed", "the configuration cannot be shown: %s",
		    tsr_strerror(r));
	else if (c->opt[OPT_JSON] != NULL)
		output_json(doc);
	else {
		(void)json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);
		(void)putchar('\n');
	}
	json_decref(doc);
	buf_free(&text);
	config_free(&conf);
	return status;
}
