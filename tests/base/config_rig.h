/*
 * config_rig.h - a folder that may hold a configuration, for its tests.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BASE_CONFIG_RIG_H
#define TESTS_BASE_CONFIG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/config.h"

#define ISSUER	"issuer = \"https://desk7.example/tessera\"\n"

extern char config_rig_folder[64];	/* root's, 0755, below folders of the same kind */
extern char config_rig_conf[128];	/* FOLDER/t.conf */

/* cmocka's setup and teardown of a group. */
int config_rig_setup(void **state);
int config_rig_teardown(void **state);

/* FOLDER/NAME into out. */
void config_rig_path(char *out, size_t size, const char *name);
/* A file of these bytes there, 0644. */
void config_rig_write(const char *name, const void *text, size_t n);
void config_rig_write_text(const char *name, const char *text);
/* config_load() of text as t.conf / of what lies at config_rig_conf now, which
 * must say sentence (NULL: which must be good). */
int config_rig_load(const char *text, enum config_mode mode, struct config **c, char *err,
    size_t size);
void config_rig_expect(enum config_mode mode, const char *sentence);

#endif
