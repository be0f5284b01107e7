/*
 * home.h - the caller's home folder.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_HOME_H
#define CLIENT_HOME_H

#include <stddef.h>

#include "client/client.h"

/* $HOME where that is an absolute path, else what the user database says.  FAIL_*. */
int home_folder(struct client *c, char *out, size_t size);

#endif
