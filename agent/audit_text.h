/*
 * audit_text.h - the members of an audit line, as JSON.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_TEXT_H
#define AGENT_AUDIT_TEXT_H

#include "agent/audit.h"

/* All that rec says, in the order of struct audit_record, each member with a
 * comma before it.  Whatever the texts are, the result is printable and the
 * line shorter than AUDIT_LINE_MAX: long texts end in "...". */
void audit_text_record(const struct audit_record *rec, char out[AUDIT_LINE_MAX]);

#endif
