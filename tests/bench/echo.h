/*
 * echo.h - what the kernel allows a server with one thread and one epoll set: it
 * reads requests of one length and answers each with as many bytes as agreed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <stddef.h>
#include <sys/types.h>

/* Serve on path in a child until it is killed or we end; its pid. */
pid_t echo_start(const char *path, size_t request_len, size_t reply_len);

#endif
