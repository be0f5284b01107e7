/*
 * route.h - which request is answered by whom.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_ROUTE_H
#define AGENT_ROUTE_H

#include "agent/http.h"

/* For http_server_new; arg is a struct agent. */
void route_request(void *arg, const struct http_request *r);

#endif
