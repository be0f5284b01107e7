/*
 * fault_vfs.h - a disk that fails on demand: SQLite's own file layer with a
 * counter in front, made the default of this process.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_AGENT_FAULT_VFS_H
#define TESTS_AGENT_FAULT_VFS_H

enum fault_op { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_TRUNCATE = 4, FAULT_OPEN = 8 };

void fault_install(void);

/* Fail the n-th call from now (0: never) of the operations in ops with the
 * SQLite result rc, and with all 1 every later one too. */
void fault_arm(unsigned ops, unsigned n, int all, int rc);
/* No more failures. */
void fault_disarm(void);
/* How many calls failed / how many were counted since fault_arm. */
unsigned fault_hits(void);
unsigned fault_calls(void);

#endif
