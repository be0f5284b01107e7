/*
 * sandbox_sanitizer.h - what the run-time of a sanitizer needs on top of a
 * role.  Builds without one get nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SANDBOX_SANITIZER_H
#define BASE_SANDBOX_SANITIZER_H

#include <seccomp.h>
#include <stddef.h>

#include "base/sandbox.h"

/* 1 in a build with a sanitizer: its shadow needs all address space. */
int sandbox_sanitizer_on(void);

/* 1 where sandbox_sanitizer_calls allows the call nr whatever its arguments. */
int sandbox_sanitizer_needs(int nr);

/* Add the rules.  0 or a negative errno, as libseccomp has it. */
int sandbox_sanitizer_calls(scmp_filter_ctx ctx);

/* Its paths; *n of them. */
const struct sandbox_path *sandbox_sanitizer_paths(size_t *n);

#endif
