/*
 * cmd_ssh_cert.c - ssh cert: a certificate for a key of one's own, written beside
 * it where ssh looks for it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "client/command.h"
#include "client/home.h"
#include "client/input.h"
#include "client/lib/form.h"
#include "client/output.h"
#include "client/place.h"
#include "client/proof.h"
#include "client/span.h"
#include "tessera.h"

#define CERT_LINE_MAX	8192	/* bytes of a public key's file, with its end */
#define CERT_PUB	".pub"
#define CERT_SUFFIX	"-cert.pub"	/* where ssh looks for the certificate of a key */
#define CERT_TYPE	"-cert-v01@openssh.com"

struct cert {
	char key[PATH_MAX];	/* the public key's file, "-" for standard input */
	char out[PATH_MAX];	/* the certificate's, "-" for standard output */
	struct buf line;
};

static int
cert_ends(const char *s, size_t n, const char *end)
{
	size_t len = strlen(end);

	return n > len && memcmp(s + n - len, end, len) == 0;
}

/* --- which key --- */

/* The first ~/.ssh/id_*.pub that is no certificate. */
static int
cert_default(struct client *c, struct cert *ct)
{
	char pattern[PATH_MAX], home[PATH_MAX], shown[OUTPUT_TEXT_MAX];
	int found = 0, status;
	glob_t g;
	size_t i;

	if ((status = home_folder(c, home, sizeof(home))) != FAIL_NONE)
		return status;
	(void)snprintf(pattern, sizeof(pattern), "%.*s/.ssh/id_*" CERT_PUB, PATH_MAX - 32, home);
	memset(&g, 0, sizeof(g));
	if (glob(pattern, GLOB_ERR, NULL, &g) == 0)
		for (i = 0; i < g.gl_pathc && !found; i++)
			if (!cert_ends(g.gl_pathv[i], strlen(g.gl_pathv[i]), CERT_SUFFIX)) {
				(void)snprintf(ct->key, sizeof(ct->key), "%s", g.gl_pathv[i]);
				found = 1;
			}
	globfree(&g);
	if (!found)
		return fail_set(&c->failure, "not_found",
		    "there is no key %s that can be read; name one, or make one by \"ssh-keygen -t ed25519\"",
		    pattern);
	if (c->opt[OPT_JSON] == NULL)
		(void)fprintf(stderr, "Key: %s\n", escape_text(shown, sizeof(shown), ct->key, strlen(ct->key)));
	return FAIL_NONE;
}

/* KEY for KEY.pub is a slip that everybody makes: the private key is never read. */
static int
cert_named(struct client *c, struct cert *ct, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || name[n - 1] == '/')
		return fail_set(&c->failure, "usage", "\"%.64s\" is no name of a key", name);
	if (n + sizeof(CERT_SUFFIX) > sizeof(ct->key))
		return fail_set(&c->failure, "usage", "the name of the key is too long");
	if (cert_ends(name, n, CERT_SUFFIX))
		return fail_set(&c->failure, "usage", "%s is a certificate; name the key itself, %.*s" CERT_PUB,
		    name, (int)(n - strlen(CERT_SUFFIX)), name);
	(void)snprintf(ct->key, sizeof(ct->key), "%s%s", name,
	    strcmp(name, "-") == 0 || cert_ends(name, n, CERT_PUB) ? "" : CERT_PUB);
	return FAIL_NONE;
}

static int
cert_paths(struct client *c, struct cert *ct)
{
	const char *out = c->opt[OPT_OUT];
	int status;

	if ((status = c->n_words > 0 ? cert_named(c, ct, c->word[0]) : cert_default(c, ct)) != FAIL_NONE)
		return status;
	if (out != NULL && strlen(out) >= sizeof(ct->out))
		return fail_set(&c->failure, "usage", "the name of the file is too long");
	if (out != NULL || strcmp(ct->key, "-") == 0)
		(void)snprintf(ct->out, sizeof(ct->out), "%s", out != NULL ? out : "-");
	else
		(void)snprintf(ct->out, sizeof(ct->out), "%.*s" CERT_SUFFIX,
		    (int)(strlen(ct->key) - strlen(CERT_PUB)), ct->key);
	return FAIL_NONE;
}

/* --- the key --- */

/* One that was named may be anybody's; one that was found must be the caller's:
 * else who may write there would have his own key certified. */
static int
cert_open(struct client *c, struct cert *ct)
{
	struct stat st;
	int fd = STDIN_FILENO, there = 0, r, status = FAIL_NONE;

	if (c->n_words == 0) {
		status = place_read(c, ct->key, &ct->line, &there);
		return status == FAIL_NONE && !there ? fail_set(&c->failure, "not_found", "%s is gone", ct->key) :
		    status;
	}
	if (strcmp(ct->key, "-") != 0 && ((fd = open(ct->key, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) == -1 ||
	    fstat(fd, &st) == -1))
		status = fail_set(&c->failure, errno == ENOENT ? "not_found" : "failed",
		    "the key cannot be read from %s: %s", ct->key, strerror(errno));
	else if (fd != STDIN_FILENO && !S_ISREG(st.st_mode))
		status = fail_set(&c->failure, "failed", "%s is no plain file", ct->key);
	else if ((r = input_whole(fd, &ct->line)) != TSR_OK)
		status = r == TSR_SYSTEM ? fail_set(&c->failure, "failed", "the key cannot be read from %s: %s",
		    ct->key, strerror(errno)) :
		    fail_set(&c->failure, "invalid_request", "%s is larger than any public key", ct->key);
	if (fd > STDIN_FILENO)
		(void)close(fd);
	return status;
}

/* One line of text; what is in it the agent judges. */
static int
cert_key(struct client *c, struct cert *ct)
{
	const char *why = NULL, *text;
	int status;

	if ((status = cert_open(c, ct)) != FAIL_NONE)
		return status;
	while (ct->line.len > 0 && (ct->line.data[ct->line.len - 1] == '\n' ||
	    ct->line.data[ct->line.len - 1] == '\r'))
		buf_cut(&ct->line, ct->line.len - 1);
	text = (const char *)ct->line.data;
	if (ct->line.len == 0)
		why = "it is empty";
	else if (strncmp(text, "-----BEGIN", ct->line.len < 10 ? ct->line.len : 10) == 0)
		why = "it has a private key, which nobody else is to see";
	else if (memchr(text, '\n', ct->line.len) != NULL)
		why = "it has more than one line";
	else if (!escape_is_text(text, ct->line.len) || memchr(text, ' ', ct->line.len) == NULL)
		why = "a public key is one line such as \"ssh-ed25519 AAAA... comment\"";
	if (why != NULL)
		return fail_set(&c->failure, "invalid_request", "%s is no public key: %s",
		    strcmp(ct->key, "-") == 0 ? "standard input" : ct->key, why);
	return buf_put_u8(&ct->line, 0) == TSR_OK ? FAIL_NONE : api_broken(c, TSR_NOMEM);
}

/* --- where it goes --- */

/* "TYPE ..." where TYPE is a certificate's. */
static int
cert_is_one(const struct buf *b)
{
	const char *text = (const char *)b->data, *end;

	return b->len > 0 && (end = memchr(text, ' ', b->len)) != NULL &&
	    cert_ends(text, (size_t)(end - text), CERT_TYPE);
}

/* Asked before anybody has touched a key for it. */
static int
cert_place(struct client *c, const struct cert *ct)
{
	struct buf before;
	int there = 0, status;

	if (strcmp(ct->out, "-") == 0)
		return FAIL_NONE;
	buf_init(&before, PLACE_FILE_MAX);
	if ((status = place_read(c, ct->out, &before, &there)) == FAIL_NONE && there && !cert_is_one(&before))
		status = fail_set(&c->failure, "conflict", "%s is no certificate and is left alone; name another "
		    "by --out", ct->out);
	buf_free(&before);
	return status;
}

/* --- the request --- */

static int
cert_members(struct client *c, json_t *body)
{
	json_t *principals;
	uint32_t seconds;
	size_t i;

	if (c->opt[OPT_LIFETIME] != NULL) {
		if (span_parse(c->opt[OPT_LIFETIME], &seconds) != TSR_OK || seconds == 0)
			return fail_set(&c->failure, "usage", "\"%.32s\" is no time: write 90s, 10m or 8h",
			    c->opt[OPT_LIFETIME]);
		(void)json_object_set_new(body, "lifetime", json_integer(seconds));
	}
	if (c->n_many > 0) {
		principals = json_array();
		for (i = 0; i < c->n_many; i++)
			if (json_array_append_new(principals, json_string(c->many[i])) != 0) {
				json_decref(principals);
				return fail_set(&c->failure, "usage", "--principal: a name that is no text");
			}
		(void)json_object_set_new(body, "principals", principals);
	}
	if (c->opt[OPT_CREDENTIAL] != NULL)
		(void)json_object_set_new(body, "credential", json_string(c->opt[OPT_CREDENTIAL]));
	if (c->opt[OPT_DEVICE] != NULL)
		(void)json_object_set_new(body, "device", json_string(c->opt[OPT_DEVICE]));
	return FAIL_NONE;
}

static int
cert_ask(struct client *c, const struct cert *ct, json_t **answer)
{
	struct http_request rq = { .method = "POST", .target = "/ssh/certificate", .type = FORM_JSON_TYPE };
	json_t *body = json_pack("{s:s}", "public_key", (const char *)ct->line.data);
	struct buf text;
	int r, status;

	if (body == NULL)
		return api_broken(c, TSR_NOMEM);
	buf_init(&text, FORM_BODY_MAX);
	if ((status = cert_members(c, body)) == FAIL_NONE && (r = input_put(&text, body)) != TSR_OK)
		status = api_broken(c, r);
	if (status == FAIL_NONE) {
		rq.body = text.data;
		rq.body_len = text.len;
		status = proof_call(c, REACH_API, &rq, answer);
	}
	buf_free(&text);
	json_decref(body);
	return status;
}

/* --- the certificate --- */

static void
cert_tell(const struct client *c, const struct cert *ct, const json_t *answer)
{
	char principals[OUTPUT_TEXT_MAX], serial[OUTPUT_TEXT_MAX], until[32], span[32], path[OUTPUT_TEXT_MAX];
	int64_t after = json_integer_value(json_object_get(answer, "valid_after"));
	int64_t before = json_integer_value(json_object_get(answer, "valid_before"));
	int64_t left = before - time(NULL);
	uint32_t asked;

	if (left < 0 || left > before - after)	/* the agent's clock is another one */
		left = before - after;
	(void)printf("Wrote %s.\nGood for %s until %s (%s), serial %s.\n",
	    escape_text(path, sizeof(path), ct->out, strlen(ct->out)),
	    output_member(answer, "principals", principals, sizeof(principals)),
	    output_time(before, until, sizeof(until)), output_span(left, span, sizeof(span)),
	    output_member(answer, "serial", serial, sizeof(serial)));
	if (c->opt[OPT_LIFETIME] != NULL && span_parse(c->opt[OPT_LIFETIME], &asked) == TSR_OK &&
	    before - after < asked)
		(void)printf("That is less than %s: nothing outlives the \"lifetime\" of SSH's audience.\n",
		    output_span(asked, span, sizeof(span)));
}

static int
cert_take(struct client *c, const struct cert *ct, json_t *answer)
{
	const char *line = json_string_value(json_object_get(answer, "certificate"));
	int status = FAIL_NONE;
	struct buf b;

	buf_init(&b, HTTP_ANSWER_BODY_MAX);
	if (line == NULL || !escape_is_text(line, strlen(line)) ||
	    buf_printf(&b, "%s\n", line) != TSR_OK || !cert_is_one(&b))
		status = api_broken(c, TSR_INVALID);
	else if (strcmp(ct->out, "-") != 0)
		status = place_write(c, ct->out, b.data, b.len, 0644);
	else if (c->opt[OPT_JSON] == NULL)
		(void)fwrite(b.data, 1, b.len, stdout);
	buf_free(&b);
	if (status != FAIL_NONE)
		return status;
	if (c->opt[OPT_JSON] != NULL) {
		if (strcmp(ct->out, "-") != 0)
			(void)json_object_set_new(answer, "path", json_string(ct->out));
		output_json(answer);
	} else if (strcmp(ct->out, "-") != 0)
		cert_tell(c, ct, answer);
	output_pin_default(answer);
	return FAIL_NONE;
}

int
cmd_ssh_cert(struct client *c)
{
	struct cert ct;
	json_t *answer = NULL;
	int status;

	memset(&ct, 0, sizeof(ct));
	buf_init(&ct.line, CERT_LINE_MAX);
	if ((status = cert_paths(c, &ct)) == FAIL_NONE && (status = cert_key(c, &ct)) == FAIL_NONE &&
	    (status = cert_place(c, &ct)) == FAIL_NONE && (status = cert_ask(c, &ct, &answer)) == FAIL_NONE)
		status = cert_take(c, &ct, answer);
	json_decref(answer);
	buf_free(&ct.line);
	return status;
}
