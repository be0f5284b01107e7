/*
 * route.h - which request is answered by whom.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ROUTE_H
#define AGENT_ROUTE_H

#include "agent/http.h"

/* The endpoints by number, METRICS_ROUTES and on (metrics.h): how many, and
 * what each is called.  path has a "*" for an id. */
unsigned route_count(void);
void route_describe(unsigned endpoint, const char **socket, const char **method, const char **path);

/* For http_server_new; arg is a struct agent. */
void route_request(void *arg, const struct http_request *r);

#endif
