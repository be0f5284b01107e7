/*
 * span.h - lengths of time as people write them: "90s", "10m", "8h", "30d".
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CLIENT_SPAN_H
#define CLIENT_SPAN_H

#include <stdint.h>

/* The notation of tessera.conf(5); no letter is seconds.  TSR_INVALID. */
int span_parse(const char *text, uint32_t *seconds);

#endif
