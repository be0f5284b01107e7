/*
 * cmd_verify.c - token verify: check an access token with public keys alone.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/api.h"
#include "client/command.h"
#include "client/lib/epochfile.h"
#include "client/lib/keyfile.h"
#include "client/output.h"
#include "client/token_file.h"
#include "tessera.h"
#include "token/b64.h"
#include "token/json.h"
#include "token/jwt.h"

#define VERIFY_JWKS		"/run/tesserad/jwks.json"
#define VERIFY_USER_JWKS	"tesserad/jwks.json"	/* below XDG_RUNTIME_DIR */
#define VERIFY_LEEWAY		30	/* s, for nbf and iat */
#define VERIFY_LIFETIME_MAX	3600	/* s, the longest that an agent may be told to give */

struct verify {
	struct client *c;
	struct jwk_set keys;
	char issuer[JWT_TEXT_MAX];	/* who must have issued it, "" for the token's own word */
	int issuer_known;
	struct epochfile epochs;	/* beside the keys' file; "": the keys came from the agent */
	int alive_known;		/* somebody could say that it was not revoked */
};

/* The token's own JSON, part 0 (header) or 1 (claims): to find words for a
 * refusal, never to decide one.  NULL where it is none. */
static json_t *
verify_peek(const char *token, int part)
{
	const char *end;
	uint8_t *raw;
	json_t *doc = NULL;
	size_t n, len;

	for (; part > 0; part--)
		if ((token = strchr(token, '.')) == NULL || *++token == '\0')
			return NULL;
	if ((end = strchr(token, '.')) == NULL)
		return NULL;
	n = (size_t)(end - token);
	if ((raw = malloc(n + 1)) == NULL)
		return NULL;
	if (b64_decode(raw, n + 1, token, n, &len) == TSR_OK)
		(void)json_read_object((const char *)raw, len, JWT_DEPTH_MAX, &doc);
	free(raw);
	return doc;
}

static void
verify_set_issuer(struct verify *v, const char *issuer)
{
	if (issuer == NULL || strlen(issuer) >= sizeof(v->issuer))
		return;
	(void)snprintf(v->issuer, sizeof(v->issuer), "%s", issuer);
	v->issuer_known = 1;
}

static int
verify_keys(struct verify *v, const char *text, size_t n, const char *from)
{
	int r;

	if ((r = jwk_set_parse(text, n, &v->keys)) != TSR_OK)
		return fail_set(&v->c->failure, "failed", "the key set in %s cannot be used: %s",
		    from, tsr_strerror(r));
	if (v->keys.n == 0)
		return fail_set(&v->c->failure, "failed",
		    "the key set in %s has no key of a kind that is accepted", from);
	return FAIL_NONE;
}

/* Open as libtessera does, for whom also the caller's own files are good.  A
 * file that was named may be so by a link or from here. */
static int
verify_open(struct verify *v, const char *file, int ours, int *fd)
{
	char real[PATH_MAX];
	struct keyfile_id id;
	int r;

	if (!ours && realpath(file, real) == NULL)
		return errno == ENOENT || errno == ENOTDIR ? TSR_NOT_FOUND : TSR_SYSTEM;
	if (!ours)
		file = real;
	v->epochs.owner = (int64_t)getuid();
	if ((r = epochfile_beside(&v->epochs, file)) != TSR_OK)
		return r;
	return keyfile_open(file, (int64_t)getuid(), fd, &id);
}

/* The file says who is to be believed: nobody else may have written it. */
static int
verify_keys_file(struct verify *v, const char *file, int ours)
{
	const char *hint = ours ? "; name one with --jwks, or the agent with --socket" : "";
	struct buf text;
	int fd = -1, r, status;

	buf_init(&text, JWK_SET_BYTES_MAX + 1);
	if ((r = verify_open(v, file, ours, &fd)) == TSR_UNTRUSTED)
		status = fail_set(&v->c->failure, "failed", "refused: %s is no plain file, or it or a "
		    "folder above it belongs to another than root, \"tessera\" and you, or may be written "
		    "by others%s", file, hint);
	else if (r != TSR_OK || (r = keyfile_read(fd, &text)) != TSR_OK)
		status = fail_set(&v->c->failure, r == TSR_NOT_FOUND ? "not_found" : "failed",
		    "the key set cannot be read from %s: %s%s", file, r == TSR_NOT_FOUND ?
		    "there is no such file" : r == TSR_SYSTEM ? strerror(errno) : tsr_strerror(r), hint);
	else
		status = verify_keys(v, (const char *)text.data, text.len, file);
	if (fd != -1)
		(void)close(fd);
	buf_free(&text);
	return status;
}

/* RFC 8414: the agent says its own issuer. */
static int
verify_agent_issuer(struct verify *v)
{
	json_t *meta = NULL;
	int status;

	status = api_get(v->c, REACH_API, "/.well-known/oauth-authorization-server", &meta);
	if (status == FAIL_NONE)
		verify_set_issuer(v, json_string_value(json_object_get(meta, "issuer")));
	json_decref(meta);
	return status;
}

static int
verify_append(const char *text, size_t n, void *arg)
{
	return buf_put(arg, text, n);
}

static int
verify_agent_keys(struct verify *v)
{
	json_t *set = NULL;
	struct buf text;
	int status;

	if ((status = api_get(v->c, REACH_API, "/.well-known/jwks.json", &set)) != FAIL_NONE)
		return status;
	buf_init(&text, JWK_SET_BYTES_MAX);
	if (json_dump_callback(set, verify_append, &text, JSON_COMPACT) != 0)
		status = api_broken(v->c, TSR_TOO_LARGE);
	else
		status = verify_keys(v, (const char *)text.data, text.len, "the agent's answer");
	buf_free(&text);
	json_decref(set);
	return status;
}

/* The public file of the agent that is found without being named: the
 * system's, or the one in user mode. */
static const char *
verify_public_file(const struct client *c, char *out, size_t size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char sock[SOCKET_PATH_MAX];

	(void)snprintf(out, size, "%s", VERIFY_JWKS);
	if (dir == NULL || *dir != '/' || reach_path(c, REACH_API, sock) != TSR_OK)
		return out;
	if (strncmp(sock, dir, strlen(dir)) == 0 && sock[strlen(dir)] == '/')
		(void)snprintf(out, size, "%s/" VERIFY_USER_JWKS, dir);
	return out;
}

/* Where keys and issuer come from: see tessera(1). */
static int
verify_trust(struct verify *v)
{
	struct client *c = v->c;
	const char *file = c->opt[OPT_JWKS], *sock = getenv("TESSERA_SOCK");
	int agent = file == NULL && (c->opt[OPT_SOCKET] != NULL || (sock != NULL && *sock != '\0'));
	char public[PATH_MAX];
	int status;

	if (c->opt[OPT_ISSUER] != NULL)
		verify_set_issuer(v, c->opt[OPT_ISSUER]);
	if (agent)
		status = verify_agent_keys(v);
	else
		status = verify_keys_file(v, file != NULL ? file :
		    verify_public_file(c, public, sizeof(public)), file == NULL);
	if (status != FAIL_NONE || v->issuer_known || file != NULL)
		return status;
	if ((status = verify_agent_issuer(v)) != FAIL_NONE && !agent) {
		fail_clear(&c->failure);	/* the public file is there for when the agent is not */
		status = FAIL_NONE;
	}
	return status;
}

/* A member as it stands: escaped with the whole sentence. */
static const char *
verify_word(const json_t *o, const char *name, char *out, size_t size)
{
	const json_t *v = json_object_get(o, name);
	const char *s;
	size_t i, at = 0;

	(void)snprintf(out, size, "%s", json_is_string(v) ? json_string_value(v) : "(none)");
	for (i = 0; i < json_array_size(v) && at < size; i++)
		if ((s = json_string_value(json_array_get(v, i))) != NULL)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at > 0 ? " " : "", s);
	return out;
}

/* A refusal in words that say what to look at. */
static int
verify_refuse(struct verify *v, int code, const char *token, time_t now)
{
	struct failure *f = &v->c->failure;
	json_t *head = verify_peek(token, 0), *claims = verify_peek(token, 1);
	char a[OUTPUT_TEXT_MAX], b[64];
	int64_t exp = json_integer_value(json_object_get(claims, "exp"));
	int64_t nbf = json_integer_value(json_object_get(claims, "nbf"));
	int64_t iat = json_integer_value(json_object_get(claims, "iat"));

	nbf = iat > nbf ? iat : nbf;
	switch (code) {
	case TSR_EXPIRED:
		(void)fail_set(f, "invalid_token", "expired %s ago", output_span(now - exp, b, sizeof(b)));
		break;
	case TSR_NOT_YET_VALID:
		(void)fail_set(f, "invalid_token", "not valid yet, only in %s; is the clock right?",
		    output_span(nbf - now, b, sizeof(b)));
		break;
	case TSR_UNKNOWN_KEY:
		(void)fail_set(f, "invalid_token", "signed by a key that is not in the set (kid %s)",
		    verify_word(head, "kid", a, sizeof(a)));
		break;
	case TSR_BAD_AUDIENCE:
		(void)fail_set(f, "invalid_token", "for the audience %s, not %s",
		    verify_word(claims, "aud", a, sizeof(a)), v->c->opt[OPT_AUDIENCE]);
		break;
	case TSR_BAD_ISSUER:
		(void)fail_set(f, "invalid_token", "from the issuer %s, not %s",
		    verify_word(claims, "iss", a, sizeof(a)), v->issuer);
		break;
	case TSR_BAD_TYPE:
		(void)fail_set(f, "invalid_token", "not an access token: its type is %s, not at+jwt",
		    verify_word(head, "typ", a, sizeof(a)));
		break;
	case TSR_BAD_ALGORITHM:
		(void)fail_set(f, "invalid_token", "signed with %s, which is not its key's algorithm",
		    verify_word(head, "alg", a, sizeof(a)));
		break;
	case TSR_INVALID:
		(void)fail_set(f, "invalid_token", "not a well-formed signed token");
		break;
	case TSR_STALE:
		(void)fail_set(f, "stale", "nobody can say whether it was revoked: %s is not there, not of "
		    "this boot, or its agent is gone; --allow-stale does without", v->epochs.path);
		break;
	default:
		(void)fail_set(f, "invalid_token", "%s", tsr_strerror(code));
		break;
	}
	json_decref(head);
	json_decref(claims);
	return fail_status(f->code);
}

/* All of the claims, and whether the issuer was more than the token's word. */
static json_t *
verify_document(const struct verify *v, const struct jwt_claims *k)
{
	json_t *doc, *amr = json_array();
	size_t i;

	for (i = 0; i < k->n_amr; i++)
		(void)json_array_append_new(amr, json_string(k->amr[i]));
	doc = json_pack("{s:b, s:s, s:b, s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:s, s:s, s:s*}",
	    "valid", 1, "iss", k->iss, "issuer_checked", v->issuer_known, "revocation_checked", v->alive_known,
	    "sub", k->sub, "aud", k->aud,
	    "scope", k->scope, "client_id", k->client_id, "iat", (json_int_t)k->iat,
	    "nbf", (json_int_t)k->nbf, "exp", (json_int_t)k->exp,
	    "auth_time", (json_int_t)k->auth_time, "acr", k->acr, "amr", amr, "sid", k->sid,
	    "jti", k->jti, "jkt", k->jkt[0] != '\0' ? k->jkt : NULL);
	return doc;
}

static int
verify_show(const struct verify *v, const struct jwt_claims *k, time_t now)
{
	static const struct output_column columns[] = {
		{ "subject", "sub", 0 }, { "audience", "aud", 0 }, { "scope", "scope", 0 },
		{ "client", "client_id", 0 }, { "issuer", "iss", 0 }, { "issued", "iat", 1 },
		{ "expires", "exp", 1 }, { "proved", "auth_time", 1 }, { "acr", "acr", 0 },
		{ "methods", "amr", 0 }, { "session", "sid", 0 }, { "id", "jti", 0 },
	};
	char left[64];
	json_t *doc;

	if ((doc = verify_document(v, k)) == NULL)
		return api_broken(v->c, TSR_NOMEM);
	if (v->c->opt[OPT_JSON] != NULL)
		output_json(doc);
	else {
		(void)printf("Valid for %s.%s%s%s\n", output_span(k->exp - now, left, sizeof(left)),
		    v->issuer_known ? "" : " The issuer was not checked: name it with --issuer.",
		    v->alive_known ? "" : " Whether it was revoked is not known.",
		    v->c->opt[OPT_AUDIENCE] != NULL ? "" :
		    " The audience was not checked: name it with --audience.");
		output_block(doc, columns, sizeof(columns) / sizeof(columns[0]));
	}
	json_decref(doc);
	return FAIL_NONE;
}

/* Was it revoked?  With keys from the agent alone that is not known: "token
 * introspect" asks it. */
static int
verify_alive(struct verify *v, const struct jwt_claims *k)
{
	uint64_t generation;
	int r;

	if (v->epochs.path[0] == '\0')
		return TSR_OK;
	r = epochfile_check(&v->epochs, k->sid, k->iat, &generation);
	epochfile_close(&v->epochs);
	v->alive_known = r == TSR_OK;
	return r == TSR_STALE && v->c->opt[OPT_ALLOW_STALE] != NULL ? TSR_OK : r;
}

static int
verify_token(struct verify *v, const struct buf *token)
{
	struct jwt_claims k;
	struct jwt_expect want = {
		.keys = &v->keys, .iss = v->issuer, .aud = v->c->opt[OPT_AUDIENCE],
		.leeway = VERIFY_LEEWAY, .max_lifetime = VERIFY_LIFETIME_MAX
	};
	const char *text = (const char *)token->data, *own;
	json_t *claims;
	time_t now = time(NULL);
	int r;

	want.now = now;
	if (!v->issuer_known && (claims = verify_peek(text, 1)) != NULL) {
		if ((own = json_string_value(json_object_get(claims, "iss"))) != NULL)
			(void)snprintf(v->issuer, sizeof(v->issuer), "%s", own);
		json_decref(claims);
	}
	if ((r = jwt_check(text, token->len, &want, &k)) != TSR_OK || (r = verify_alive(v, &k)) != TSR_OK)
		return verify_refuse(v, r, text, now);
	return verify_show(v, &k, now);
}

int
cmd_token_verify(struct client *c)
{
	struct verify *v;
	struct buf token;
	int status;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return api_broken(c, TSR_NOMEM);
	v->c = c;
	buf_init(&token, TOKEN_FILE_MAX + 1);
	if ((status = token_file_read(c, &token)) == FAIL_NONE &&
	    (status = verify_trust(v)) == FAIL_NONE)
		status = verify_token(v, &token);
	buf_free(&token);
	free(v);
	return status;
}
