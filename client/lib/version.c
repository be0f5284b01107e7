/*
 * version.c - which version this is.  See tessera.h.
 *
 * SPDX-License-Identifier: ISC
 */
#include "tessera.h"

const char *
tsr_version(void)
{
	return TESSERA_VERSION;
}
