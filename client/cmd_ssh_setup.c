/*
 * cmd_ssh_setup.c - ssh setup: what ssh and sshd need, printed or installed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/command.h"
#include "client/output.h"
#include "client/place.h"
#include "client/setup.h"
#include "tessera.h"

/* --- one file --- */

static int
setup_did(struct setup *s, const char *path, const char *did, const char *kept)
{
	json_t *row = json_pack("{s:s, s:s}", "path", path, "did", did);

	if (kept != NULL)
		(void)json_object_set_new(row, "kept", json_string(kept));
	s->changed += strcmp(did, "unchanged") != 0;
	return json_array_append_new(s->files, row) == 0 ? FAIL_NONE :
	    fail_set(&s->c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
}

static int
setup_begins(const struct buf *b, const char *mark)
{
	return b->len >= strlen(mark) && memcmp(b->data, mark, strlen(mark)) == 0;
}

int
setup_put(struct setup *s, const char *path, const struct buf *text, mode_t mode, enum setup_keep keep)
{
	char kept[PATH_MAX + 32] = "";
	struct buf old;
	int there = 0, status;

	buf_init(&old, PLACE_FILE_MAX);
	if ((status = place_read(s->c, path, &old, &there)) != FAIL_NONE)
		goto out;
	if (there && old.len == text->len && memcmp(old.data, text->data, old.len) == 0) {
		status = setup_did(s, path, "unchanged", NULL);
		goto out;
	}
	if (there && (keep == SETUP_KEEP_ALL || (keep == SETUP_KEEP_FOREIGN && !setup_begins(&old, SETUP_MARK))) &&
	    (status = place_keep(s->c, path, kept, sizeof(kept))) != FAIL_NONE)
		goto out;
	if ((status = place_write(s->c, path, text->data, text->len, mode)) == FAIL_NONE)
		status = setup_did(s, path, "written", kept[0] != '\0' ? kept : NULL);
 out:
	buf_free(&old);
	return status;
}

int
setup_take(struct setup *s, const char *path, const char *mark)
{
	struct buf old;
	int there = 0, status;

	buf_init(&old, PLACE_FILE_MAX);
	if ((status = place_read(s->c, path, &old, &there)) != FAIL_NONE || !there)
		goto out;
	if (!setup_begins(&old, mark))
		status = fail_set(&s->c->failure, "conflict", "%s was not made by \"tessera ssh setup\" and is left "
		    "alone", path);
	else if ((status = place_remove(s->c, path)) == FAIL_NONE)
		status = setup_did(s, path, "removed", NULL);
 out:
	buf_free(&old);
	return status;
}

void
setup_next(struct setup *s, const char *fmt, ...)
{
	char line[OUTPUT_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(s->next, json_string(line));
}

/* --- the command --- */

/* Both sides' texts are what is printed: nothing is asked of anybody. */
static int
setup_print(struct setup *s, int server)
{
	struct buf text;
	int r;

	buf_init(&text, SETUP_TEXT_MAX);
	if ((r = server ? setup_server_text(&text) : setup_client_text(s, &text)) == TSR_OK &&
	    s->c->opt[OPT_JSON] == NULL)
		(void)fwrite(text.data, 1, text.len, stdout);
	else if (r == TSR_OK) {
		json_t *doc = json_pack("{s:s%}", "text", (const char *)text.data, text.len);

		output_json(doc);
		json_decref(doc);
	}
	buf_free(&text);
	return r == TSR_OK ? FAIL_NONE : fail_set(&s->c->failure, "failed", "%s", tsr_strerror(r));
}

static void
setup_show(const struct setup *s)
{
	char path[OUTPUT_TEXT_MAX], did[OUTPUT_TEXT_MAX], kept[OUTPUT_TEXT_MAX];
	const json_t *row;
	size_t i;

	for (i = 0; i < json_array_size(s->files); i++) {
		row = json_array_get(s->files, i);
		(void)printf("%-10s %s\n", output_member(row, "did", did, sizeof(did)),
		    output_member(row, "path", path, sizeof(path)));
		if (json_object_get(row, "kept") != NULL)
			(void)printf("%-10s what was there, as %s\n", "kept",
			    output_member(row, "kept", kept, sizeof(kept)));
	}
	if (s->changed == 0)
		(void)printf("Nothing had to be changed.\n");
	for (i = 0; i < json_array_size(s->next); i++)
		(void)printf("%s %s\n", i == 0 ? "now:" : "    ", json_string_value(json_array_get(s->next, i)));
}

static int
setup_run(struct setup *s, int server)
{
	int remove = s->c->opt[OPT_REMOVE] != NULL, status;
	json_t *doc;

	status = server ? remove ? setup_server_remove(s) : setup_server_install(s) :
	    remove ? setup_client_remove(s) : setup_client_install(s);
	if (status != FAIL_NONE)
		return status;
	if (s->c->opt[OPT_JSON] == NULL) {
		setup_show(s);
		return FAIL_NONE;
	}
	doc = json_pack("{s:b, s:O, s:O}", "changed", s->changed > 0, "files", s->files, "next", s->next);
	output_json(doc);
	json_decref(doc);
	return FAIL_NONE;
}

static int
setup_options(struct client *c, int server)
{
	if (c->opt[OPT_SERVER] != NULL && c->opt[OPT_CLIENT] != NULL)
		return fail_set(&c->failure, "usage", "--client and --server exclude each other");
	if (c->opt[OPT_INSTALL] != NULL && c->opt[OPT_REMOVE] != NULL)
		return fail_set(&c->failure, "usage", "--install and --remove exclude each other");
	if (server && (c->n_many > 0 || c->opt[OPT_IDENTITIES_ONLY] != NULL))
		return fail_set(&c->failure, "usage", "--host and --identities-only are for ssh, not for sshd");
	return server || c->opt[OPT_REMOVE] != NULL ? FAIL_NONE : setup_hosts(c);
}

int
cmd_ssh_setup(struct client *c)
{
	int server = c->opt[OPT_SERVER] != NULL, status;
	struct setup s;

	memset(&s, 0, sizeof(s));
	s.c = c;
	if ((status = setup_options(c, server)) != FAIL_NONE || (status = setup_places(&s)) != FAIL_NONE)
		return status;
	s.files = json_array();
	s.next = json_array();
	if (s.files == NULL || s.next == NULL)
		status = fail_set(&c->failure, "failed", "%s", tsr_strerror(TSR_NOMEM));
	else
		status = c->opt[OPT_INSTALL] == NULL && c->opt[OPT_REMOVE] == NULL ? setup_print(&s, server) :
		    setup_run(&s, server);
	json_decref(s.files);
	json_decref(s.next);
	return status;
}
