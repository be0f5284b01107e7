/*
 * run_tree.h - files, folders and links of the generated /sys and /dev.
 *
 * All return TSR_OK, TSR_TOO_LARGE, or TSR_SYSTEM with errno.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SIM_RUN_TREE_H
#define SIM_RUN_TREE_H

/* A folder with those above it; it may be there already. */
int run_tree_folder(const char *path);

/* A file of that content at folder/name. */
int run_tree_file(const char *folder, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A symbolic link at folder/name, in place of any other. */
int run_tree_link(const char *to, const char *folder, const char *name);

/* Remove a folder with all that is in it; nothing where there is none. */
int run_tree_remove(const char *path);

#endif
