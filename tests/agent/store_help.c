/*
 * store_help.c - see store_help.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "store_help.h"

#include <ftw.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tessera.h"

int
help_setup(void **state)
{
	struct place *p;

	if (sodium_init() == -1 || (p = calloc(1, sizeof(*p))) == NULL)
		return -1;
	/* In memory where possible: the disk's failures are simulated. */
	snprintf(p->dir, sizeof(p->dir), "%s/tessera-store.XXXXXX",
	    access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(p->dir) == NULL || (p->key = secret_new(STORE_KEY_BYTES)) == NULL) {
		free(p);
		return -1;
	}
	snprintf(p->db, sizeof(p->db), "%s/t.db", p->dir);
	snprintf(p->url, sizeof(p->url), "sqlite:%s", p->db);
	randombytes_buf(p->key->data, p->key->size);
	*state = p;
	return 0;
}

static int
unlink_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
help_teardown(void **state)
{
	struct place *p = *state;

	store_close(&p->st);
	secret_free(&p->key);
	nftw(p->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	free(p);
	return 0;
}

void
help_open(struct place *p)
{
	int r = store_open(p->url, p->key, &p->st, p->err, sizeof(p->err));

	if (r != TSR_OK)
		fail_msg("store_open: %d %s", r, p->err);
}

void
help_close(struct place *p)
{
	store_close(&p->st);
	assert_null(p->st);
}

void
help_sql(const char *db, const char *sql)
{
	char *say = NULL;
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(db, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, &say) != SQLITE_OK)
		fail_msg("%s: %s", sql, say);
	sqlite3_close(h);
}

static int
to_number(void *arg, int n, char **value, char **name)
{
	(void)n;
	(void)name;
	*(long long *)arg = value[0] == NULL ? -1 : strtoll(value[0], NULL, 10);
	return 0;
}

long long
help_number(const char *db, const char *sql)
{
	long long v = -2;
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(db, &h), SQLITE_OK);
	assert_int_equal(sqlite3_exec(h, sql, to_number, &v, NULL), SQLITE_OK);
	sqlite3_close(h);
	return v;
}

void
help_credential(struct credential *c, unsigned n, const char *subject, uid_t uid)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->id, sizeof(c->id), "credential-%011u", n);
	snprintf(c->kind, sizeof(c->kind), "pkcs11");
	snprintf(c->subject, sizeof(c->subject), "%s", subject);
	c->uid = uid;
	snprintf(c->label, sizeof(c->label), "card %u", n);
	snprintf(c->module, sizeof(c->module), "opensc");
	snprintf(c->token_serial, sizeof(c->token_serial), "%08x", n);
	snprintf(c->token_label, sizeof(c->token_label), "PIV");
	c->key_id[0] = 1;
	c->key_id_len = 1;
	c->algorithm = PROTO_ECDSA_P256_SHA256;
	snprintf((char *)c->spki, sizeof(c->spki), "public key %u", n);
	c->spki_len = 91;
	c->acr = ACR_SOFTWARE;
	c->state = CREDENTIAL_ACTIVE;
	c->created = 1700000000 + n;
}

int
help_add_kept(struct store *st, unsigned n)
{
	struct credential c;
	char subject[32];
	int r;

	snprintf(subject, sizeof(subject), "user%u", n / 8);
	help_credential(&c, n, subject, 1000 + n / 8);
	if ((r = store_begin(st)) != TSR_OK)
		return r;
	if ((r = store_credential_add(st, &c)) != TSR_OK) {
		store_undo(st);
		return r;
	}
	return store_keep(st);
}

void
help_add(struct place *p, unsigned n, char id[STORE_ID_LEN + 1])
{
	assert_int_equal(help_add_kept(p->st, n), TSR_OK);
	assert_int_equal(store_commit(p->st), TSR_OK);
	snprintf(id, STORE_ID_LEN + 1, "credential-%011u", n);
}

static int
one_more(void *arg, const struct credential *c)
{
	(void)c;
	++*(unsigned *)arg;
	return TSR_OK;
}

unsigned
help_count(struct store *st)
{
	unsigned n = 0;

	assert_int_equal(store_credential_each(st, NULL, 0, one_more, &n), TSR_OK);
	return n;
}

static int
count_active(void *arg, const struct credential *c)
{
	*(unsigned *)arg += c->state == CREDENTIAL_ACTIVE;
	return TSR_OK;
}

unsigned
help_active(struct store *st, const char *subject, uid_t uid)
{
	unsigned n = 0;
	int r;

	if ((r = store_credential_each(st, subject, uid, count_active, &n)) != TSR_OK)
		fail_msg("store_credential_each: %d", r);
	return n;
}

int
help_has(struct store *st, unsigned n)
{
	struct credential *c = NULL;
	char id[STORE_ID_LEN + 1];
	int r;

	snprintf(id, sizeof(id), "credential-%011u", n);
	r = store_credential_get(st, id, &c);
	credential_free(&c);
	if (r != TSR_OK && r != TSR_NOT_FOUND)
		fail_msg("store_credential_get: %d", r);
	return r == TSR_OK;
}
