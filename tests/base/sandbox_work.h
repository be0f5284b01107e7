/*
 * sandbox_work.h - between the halves of the test that roles can do their work.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_BASE_SANDBOX_WORK_H
#define TESTS_BASE_SANDBOX_WORK_H

#include "jail.h"

/* A folder that the attempts may write; names below it. */
extern char work_folder[256];
const char *work_path(const char *name);

/* Say what went wrong, with errno. */
enum jail_verdict work_failed(const char *what);

/* PKCS#11 modules of this machine; JAIL_SKIPPED where one is not installed. */
enum jail_verdict work_softhsm(void *arg);
enum jail_verdict work_opensc(void *arg);
enum jail_verdict work_softokn(void *arg);

/* Before the role is entered: SOFTHSM2_CONF. */
int work_softhsm_prepare(void);

#endif
