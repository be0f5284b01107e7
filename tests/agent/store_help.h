/*
 * store_help.h - a folder, a key and sample records for the store's tests.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_AGENT_STORE_HELP_H
#define TESTS_AGENT_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "agent/store.h"

struct place {
	char dir[64];		/* made by help_setup, 0700 */
	char db[96];		/* DIR/t.db */
	char url[112];
	char err[512];		/* the last sentence */
	struct secret *key;
	struct store *st;
};

/* cmocka's setup and teardown: *state is a struct place. */
int help_setup(void **state);
int help_teardown(void **state);

/* Open the store, which must work / close it. */
void help_open(struct place *p);
void help_close(struct place *p);

/* Run sql on the closed file, as anybody with a database tool could. */
void help_sql(const char *db, const char *sql);
/* One number from the closed file. */
long long help_number(const char *db, const char *sql);

/* A credential whose members follow from n; nothing to free but by hand. */
void help_credential(struct credential *c, unsigned n, const char *subject, uid_t uid);
/* Add it in a request of its own, kept and committed; c->id is left in id. */
void help_add(struct place *p, unsigned n, char id[STORE_ID_LEN + 1]);
/* Add it in a request of its own that is kept, and hand back what went wrong. */
int help_add_kept(struct store *st, unsigned n);
/* How many credentials the store has. */
unsigned help_count(struct store *st);
/* How many of a subject are active. */
unsigned help_active(struct store *st, const char *subject, uid_t uid);
/* Is the n-th there? */
int help_has(struct store *st, unsigned n);

#endif
