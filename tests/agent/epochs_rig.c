/*
 * epochs_rig.c - see epochs_rig.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tests/agent/epochs_rig.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/store.h"
#include "base/buf.h"
#include "token/jwk.h"
#include "token/jws.h"

#define ISSUER	"https://desk7.example/tessera"

static void
rig_keys(const struct epochs_rig *g, struct jws_key **out)
{
	static struct jwk_set set;
	char fresh[96];
	struct buf b;
	FILE *f;

	assert_int_equal(jws_key_generate(JWK_EDDSA, out), TSR_OK);
	set.n = 1;
	set.key[0] = *jws_key_public(*out);
	buf_init(&b, JWK_SET_BYTES_MAX);
	assert_int_equal(jwk_set_write(&b, &set), TSR_OK);
	(void)snprintf(fresh, sizeof(fresh), "%s.new", g->keys);
	assert_non_null(f = fopen(fresh, "w"));
	assert_int_equal(fwrite(b.data, 1, b.len, f), b.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(fresh, 0644), 0);
	assert_int_equal(rename(fresh, g->keys), 0);
	buf_free(&b);
}

static void
rig_tokens(struct epochs_rig *g, struct jws_key *k)
{
	struct jwt_claims *c;
	struct buf b;
	size_t i;

	for (i = 0; i < EPOCHS_RIG_TOKENS; i++) {
		c = &g->claims[i];
		store_make_id(g->sid[i]);
		strcpy(c->iss, ISSUER);
		strcpy(c->sub, "alice");
		strcpy(c->aud, "vpn");
		strcpy(c->client_id, "uid:1000");
		strcpy(c->jti, g->sid[i]);
		strcpy(c->sid, g->sid[i]);
		c->iat = c->nbf = EPOCHS_RIG_NOW - EPOCHS_RIG_TOKENS / 4 + (int64_t)(i / 4);
		c->exp = EPOCHS_RIG_NOW + 300;
		buf_init(&b, sizeof(g->token[i]));
		assert_int_equal(jwt_mint(&b, k, c), TSR_OK);
		assert_int_equal(buf_put_u8(&b, 0), TSR_OK);
		memcpy(g->token[i], b.data, b.len);
		buf_free(&b);
	}
}

static void
rig_open(struct epochs_rig *g, int issued, int64_t latest)
{
	struct epochs_start s = { .folder = g->folder, .stored = g->stored, .latest = latest,
	    .issued = issued };

	assert_int_equal(epochs_open(&s, &g->epochs), TSR_OK);
	assert_int_equal(epochs_begin(g->epochs, g->timers), TSR_OK);
}

void
epochs_rig_new(struct epochs_rig *g)
{
	struct jws_key *k = NULL;

	memset(g, 0, sizeof(*g));
	(void)snprintf(g->folder, sizeof(g->folder), "/tmp/tessera-epochs.XXXXXX");
	assert_non_null(mkdtemp(g->folder));
	assert_int_equal(chmod(g->folder, 0755), 0);
	(void)snprintf(g->file, sizeof(g->file), "%s/epochs", g->folder);
	(void)snprintf(g->keys, sizeof(g->keys), "%s/jwks.json", g->folder);
	assert_int_equal(timers_new(&g->timers), TSR_OK);
	rig_keys(g, &k);
	rig_tokens(g, k);
	jws_key_free(&k);
	rig_open(g, 0, 0);
}

void
epochs_rig_free(struct epochs_rig *g)
{
	char path[sizeof(g->folder) + sizeof(((struct dirent *)0)->d_name) + 1];
	struct dirent *e;
	DIR *d;

	epochs_free(&g->epochs);
	timers_free(&g->timers);
	if ((d = opendir(g->folder)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", g->folder, e->d_name);
		(void)unlink(path);
	}
	(void)closedir(d);
	(void)rmdir(g->folder);
}

void
epochs_rig_restart(struct epochs_rig *g, int64_t latest)
{
	epochs_free(&g->epochs);
	rig_open(g, 1, latest);
}

void
epochs_rig_beat(struct epochs_rig *g)
{
	timers_run(g->timers, clock_boot_ms() + EPOCHS_BEAT_MS + 1);
}

void
epochs_rig_other_keys(struct epochs_rig *g)
{
	struct jws_key *k = NULL;

	rig_keys(g, &k);
	jws_key_free(&k);
}

struct tsr_verifier *
epochs_rig_verifier(const struct epochs_rig *g)
{
	struct tsr_verifier *v = NULL;

	assert_int_equal(tsr_verifier_new(g->keys, ISSUER, "vpn", &v), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_OWNER, geteuid()), TSR_OK);
	assert_int_equal(tsr_verifier_set(v, TSR_OPT_NOW, EPOCHS_RIG_NOW), TSR_OK);
	return v;
}

int
epochs_rig_verify(struct tsr_verifier *v, const struct epochs_rig *g, size_t token)
{
	struct tsr_claims *c = NULL;
	int r = tsr_verify(v, g->token[token], &c);

	tsr_claims_free(&c);
	return r;
}
