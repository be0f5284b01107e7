/*
 * audit_tail.h - where an audit log ended: what the agent needs to go on.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AGENT_AUDIT_TAIL_H
#define AGENT_AUDIT_TAIL_H

#include <stdint.h>

#include "base/audit_chain.h"

struct audit_tail {
	struct audit_head last;	/* the last good line; seq 0: there is none */
	uint64_t good;		/* bytes up to its end */
	uint64_t size;		/* bytes of the file */
	int altered;		/* what follows is no torn write */
};

/* Look at the end of the file fd.  first is the log's first key, head what is
 * known of its end (seq 0: nothing).  TSR_STORE, TSR_NOMEM,
 * TSR_CRYPTO. */
int audit_tail_read(int fd, const uint8_t first[AUDIT_KEY], const struct audit_head *head,
    struct audit_tail *out);

#endif
