/*
 * place.h - paths that root wrote down: nobody else may put something there.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PAM_PLACE_H
#define PAM_PLACE_H

#define PLACE_PATH_MAX	256	/* bytes of a path, with NUL */

/* Is every folder above the path's last part root's or "tessera"'s, writable by
 * nobody else, and no link?  TSR_NOT_FOUND, TSR_UNTRUSTED, TSR_INVALID (no plain
 * absolute path), TSR_SYSTEM. */
int place_check(const char *path);

#endif
