/*
 * metrics_text.h - GET /metrics: the counters of metrics.h and the state of the
 * agent's parts as OpenMetrics 1.0 text.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_METRICS_TEXT_H
#define AGENT_METRICS_TEXT_H

#include "agent/agent.h"
#include "base/buf.h"

#define METRICS_CONTENT_TYPE	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Uid 0, administrators, the callers of the section metrics of the
 * configuration; in user mode the user. */
void metrics_answer(struct agent *a, const struct http_request *r, const struct asker *who);

/* Append the whole text.  TSR_NOMEM, TSR_TOO_LARGE. */
int metrics_text(struct buf *out, struct agent *a);

/* Append a label's value between quotes: backslash, quote and newline escaped,
 * bytes that are not UTF-8 shown as escape_text() does. */
int metrics_label(struct buf *out, const char *value);

#endif
