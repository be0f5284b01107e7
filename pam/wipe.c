/*
 * wipe.c - the one function of libsodium that the agent's client calls, by libc:
 * who logs in gets no further library into his login manager.
 *
 * SPDX-License-Identifier: ISC
 */
#include <sodium.h>
#include <string.h>

void
sodium_memzero(void *const pnt, const size_t len)
{
	explicit_bzero(pnt, len);
}
