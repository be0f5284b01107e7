# SPDX-License-Identifier: ISC
"""What is durable, and what an audit log must say.  Rows as seeded.py explains."""
from bugs.tests import JOURNAL, PIN, TOKEN

ROWS = [
    # --- what is not durable did not happen
    ("replaced keys still shown", "agent/keys.c",
     "	for (i = 0; i < k->ring->set.n; i++)\n		if ((r = store_signing_remove(",
     "	for (i = 1; i < k->ring->set.n; i++)\n		if ((r = store_signing_remove(", "unit keys"),
    ("a key signs before it was shown", "agent/keys.c",
     "int64_t)k->rotate, shown = next->created + (int64_t)k->overlap;",
     "int64_t)k->rotate, shown = next->created;", "unit keys"),
    ("failed commit called good", "agent/daemon_batch.c", "\tint r = daemon_durable(d);",
     "\tint r = daemon_durable(d) == TSR_NOMEM ? TSR_NOMEM : TSR_OK;",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("session of a failed commit", "agent/session.c",
     "if ((*at)->unsettled && !committed) {", "if ((*at)->unsettled && committed > 1) {",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),

    # --- the journal as witness
    ("heads of anybody believed", "agent/journal.c",
     "sd_journal_add_match(j, uid, 0) < 0 ||", "",
     JOURNAL + "Believed.test_only_our_uid_counts"),
    ("rollback seen and forgotten", "agent/journal.c", "seen->rolled_back = 1;", "",
     JOURNAL + "Believed.test_a_store_put_back"),
    ("head of the journal not compared", "agent/audit_file.c",
     "else if (o->known.seq > head.seq)", "else if (0)",
     JOURNAL + "Believed.test_a_cut_log"),
    ("forged note believed", "agent/store_anchor.c",
     "if (strlen(mac) != strlen(hex) || sodium_memcmp(mac, hex, strlen(hex)) != 0)",
     "if (strlen(mac) != strlen(hex))",
     "unit store_tag"),
    ("code given back by another", "agent/enrol_code.c", " && c->spent == by)", ")",
     "unit enrol_code"),
    ("forged head believed", "agent/journal.c",
     "sodium_memcmp(said, mac, strlen(mac)) != 0 ||", "",
     JOURNAL + "Believed.test_a_forged_head_is_none"),
    ("old entries believed again", "agent/journal.c", "&& late <= JOURNAL_LATE",
     "|| late <= JOURNAL_LATE", JOURNAL + "Believed.test_old_entries_sent_again_hide_nothing"),
    ("noise takes places", "agent/journal.c", "seen->noise++;", "seen->entries++;",
     JOURNAL + "Believed.test_noise_hides_nothing"),
    ("waits for the journal", "agent/journal.c", "SOCK_DGRAM | SOCK_NONBLOCK |", "SOCK_DGRAM |",
     JOURNAL + "Told.test_a_journal_that_does_not_read_keeps_nobody_waiting"),
    ("another's journal stream", "base/log.c", "return strcmp(stream, ours) == 0;", "return 1;",
     JOURNAL + "Untold.test_stderr_is_another_file"),

    # --- the audit log's disk
    ("tokens beside a log that fails", "agent/audit.c", "return a->broken || audit_file_pending",
     "return audit_file_pending", "fault/audit Errors.test_sync_fails"),
    ("torn write not cut off", "agent/audit_file.c", "|| ftruncate(f->fd, (off_t)f->synced) == -1)",
     "|| (f->synced = (uint64_t)sb.st_size) == 0)", "fault/audit Errors.test_write_is_torn"),
    ("lines of a batch not in its commit", "agent/audit.c",
     "if (audit_file_seq(a->file) > a->batch && pending > 0) {", "if (0) {",
     "fault/audit Power.test_nothing_acknowledged_lacks_its_line"),
    ("good health without a log", "agent/health.c",
     "if (out->refusal == TSR_OK && audit_ready(a->audit) != TSR_OK)", "if (0)",
     "fault/audit Disks.test_full"),

    # --- what a failed commit must not say
    ("events before the commit", "agent/events.c", "else if (committed)\n", "else\n",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("a session's event before the commit", "agent/grant_device.c",
     'events_hold(d->agent->events, d->uid, "session-started"',
     'events_send(d->agent->events, d->uid, "session-started"',
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("any refused PIN is a try", "agent/proof_pin.c", 'last == TSR_PIN_WRONG ? "low"',
     'last != TSR_OK ? "low"', TOKEN + "Prompts.test_a_pin_of_no_length_was_no_try"),
]
