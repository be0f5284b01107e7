# SPDX-License-Identifier: ISC
"""What a FIDO2 key said and its helper says of it, and what becomes of the agent
without memory.  Rows as seeded.py explains."""

LIES = "e2e/fido_refusals Refusals.test_helper"
KEYS = "e2e/fido_refusals Refusals.test_keys"

ROWS = [
    ("a count that stays taken for one more", "agent/assertion.c",
     "a->counter <= p->counter)", "a->counter < p->counter)",
     "e2e/fido_refusals Refusals.test_counter"),
    ("a login without a touch", "agent/fido_verdict.c", ".presence = 1, ", "", LIES),
    ("a login without the person", "agent/fido_verdict.c",
     ".verification = r->verification,", ".verification = 0,", KEYS),
    ("reserved flags passed over", "agent/authdata.c", "(a.flags & ~AUTHDATA_FLAGS) != 0 ||", "0 ||",
     KEYS),
    ("a challenge but for its end", "agent/assertion.c", "crypto_hash_sha256(out, challenge, n);",
     "crypto_hash_sha256(out, challenge, n - 1);", "unit assertion"),
    ("frames of other answers taken", "agent/fido_call.c",
     "(f->type != a->part && f->type != a->last) || ++c->parts", "++c->parts", "corpus fido_frame"),
    ("libconfuse's memory given back", "base/config_read.c",
     "	(void)mallopt(M_TRIM_THRESHOLD, -1);\n", "", "unit base_config_memory"),
    ("a timer that could not be set", "agent/loop.c",
     "l->timer_failed || l->wake_failed ? LOOP_RETRY_US :\n		    UINT64_MAX", "UINT64_MAX",
     "fault/sweep Sweep.test_fido"),
]
