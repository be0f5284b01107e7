/*
 * run_arch.h - what seccomp calls the architecture that we are built for.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_ARCH_H
#define SIM_RUN_ARCH_H

#include <linux/audit.h>

#if defined(__x86_64__)
#define RUN_AUDIT_ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define RUN_AUDIT_ARCH	AUDIT_ARCH_AARCH64
#endif				/* another one has to be named here first */

#endif
