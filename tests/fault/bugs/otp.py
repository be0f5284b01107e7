# SPDX-License-Identifier: ISC
"""Codes of disconnected tokens.  Rows as seeded.py explains."""
from bugs.tests import RECOVERY, REFUSALS

ROWS = [
    # --- codes of disconnected tokens
    ("watermark not conditional", "agent/store_otp.c",
     'WHERE credential = ?1 AND watermark < ?2"', 'WHERE credential = ?1"', "unit otp"),
    ("window of steps one wider", "agent/otp.c", "off <= OTP_STEPS;", "off <= OTP_STEPS + 1;",
     REFUSALS + "test_totp"),
    ("look-ahead one wider", "agent/otp.c", "off < OTP_LOOK_AHEAD;", "off <= OTP_LOOK_AHEAD;",
     REFUSALS + "test_hotp"),
    ("decoys skipped", "agent/otp.c", "for (; t->n < t->slots; t->n++) {",
     "for (; t->n < (t->ask->credential != NULL ? 1 : n); t->n++) {", REFUSALS + "test_same_time"),
    ("a code for somebody else's token", "agent/otp.c", "c->uid != t->ask->uid ||", "0 ||",
     "unit otp"),
    ("throttle forgotten at restart", "agent/otp_throttle.c",
     "put(put(p, b->failures, 4), b->until, 8)", "put(put(p, 0, 4), b->until - b->until, 8)",
     "e2e/otp Otp.test_delays_survive_a_restart"),
    ("answers before the commit", "agent/loop.c",
     "\tcommitted = l->batch.commit == NULL",
     "\tif (l->batch.flush != NULL)\n\t\tl->batch.flush(l->batch.arg, TSR_OK);\n"
     "\tcommitted = l->batch.commit == NULL", "fault/power Power.test_nothing_acknowledged_is_lost"),

    # --- a lost token
    ("paper as good as an administrator's word", "agent/store_recovery.c", " AND kind >= ?3", " AND kind > ?3 - 9",
     RECOVERY + "test_replaced"),
    ("a day without an end", "agent/store_recovery.c", "OR ends > ?5)", "OR ends > ?5 - ?5)",
     RECOVERY + "test_replaced_for_a_day"),
    ("a session from a recovery code", "agent/grant_otp.c",
     "(aud->class == CLASS_LOGIN || c->acr == ACR_RECOVERY)", "(aud->class == CLASS_LOGIN)",
     RECOVERY + "test_good_once"),
    ("a weak code for a strong audience", "agent/grant_otp.c",
     "(recovery_is_code(g->code) ? ACR_RECOVERY : ACR_OTP)", "ACR_HARDWARE_PIN",
     RECOVERY + "test_too_weak"),
    ("recovery codes of an old copy", "agent/store_check.c", '"DELETE FROM recovery"',
     '"DELETE FROM recovery WHERE seq < 0"', RECOVERY + "test_rekey_and_old_copies"),

    # --- a box of tokens
    ("some of the rows, unasked", "agent/import_commit.c",
     "if (r == TSR_OK && !e->partial && commit_refused(e) > 0)", "if (0)",
     "e2e/otp_import Import.test_interface"),
    ("a dry run that stores", "agent/import_commit.c", "if (r != TSR_OK || e->dry_run) {",
     "if (r != TSR_OK) {", "e2e/otp_import Import.test_all_or_nothing"),
    ("entities in a container", "client/container.c", '{ "<!DOCTYPE",', '{ "<!DOCTIPE",',
     "e2e/otp_import Import.test_refused_containers"),
]
