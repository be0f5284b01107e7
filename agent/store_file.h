/*
 * store_file.h - the folder and the files of the store, looked at before
 * anything opens them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_STORE_FILE_H
#define AGENT_STORE_FILE_H

#include <stddef.h>

/* Make folder (and what is missing above it) 0700, then check that it is ours
 * and that nobody else may write in it.  TSR_CONFIG, TSR_STORE; err gets one
 * sentence that says what to do. */
int store_file_folder(const char *folder, char *err, size_t err_size);

/* A regular file, ours, not writable by others; links are not followed.
 * TSR_NOT_FOUND (err untouched), TSR_CONFIG, TSR_STORE. */
int store_file_check(const char *path, char *err, size_t err_size);

/* An empty file, 0600, durable in its folder.  TSR_STORE. */
int store_file_create(const char *path, char *err, size_t err_size);

/* Make the names in folder durable.  TSR_STORE. */
int store_file_sync_folder(const char *folder);

/* All n bytes.  TSR_SYSTEM with errno. */
int store_file_write(int fd, const void *p, size_t n);

/* The part before the last slash, for an absolute path: "/" at least.  Freed
 * by the caller, NULL when memory is out. */
char *store_file_parent(const char *path);

#endif
