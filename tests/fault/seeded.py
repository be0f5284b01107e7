#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Bugs seeded into the security checks, each with the test that must notice it.

    tests/fault/seeded.py BUILD_DIR [WORD...]

A long check that is run by hand, as root, before a release and after work on a
check that is listed here; no part of "ctest".  Without WORDs all rows are
tried, else those with one of them in the file's name, the title or the test.

The tree is copied to BUILD_DIR/seeded/tree and built in BUILD_DIR/seeded/build
with the compiler and the build type of BUILD_DIR (both are kept: the next run
is quicker).  The tests named must pass there.  Then one row at a time is
applied to the copy: its old text, which must be in the file exactly once, gives
way to the new one, the programs are built, and the test is run, which must
fail.  A row that survives, has gone stale or does not build is a complaint, and
the exit status is 1.

Whoever adds a check that decides who may do something adds a row.
"""
import os
import re
import shutil
import subprocess
import sys

from seeded_revoked import REVOKED

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TEST_S = 180
NOT_COPIED = {".git", "build", "node_modules", "__pycache__"}

ENROL, LIFETIME, IMPOSTOR = "e2e/enrol Enrol.", "e2e/lifetime Lifetime.", "e2e/impostor Lies."
RECOVER, SHARING = "e2e/recover Recover.", "e2e/recover Sharing."
PRESENCE = "e2e/presence Presence."
CALLERS, TOKEN, HELPER = "e2e/callers Callers.", "e2e/token ", "e2e/helper Helper."
PIN = "e2e/pin "
DOCTOR = "e2e/doctor "
JOURNAL = "e2e/journal "
REFUSALS, RECOVERY = "e2e/otp_refusals Refusals.", "e2e/otp_recovery Recovery."

# title, file, old text, new text, the test: "FOLDER/NOUN CLASS.TEST", "unit NOUN", or
# "corpus TARGET" for the committed inputs of a fuzz target
SEEDED = REVOKED + [
    # --- doctor
    ("doctor: somebody else's socket", "client/doctor_agent.c",
     'if (strcmp(c->failure.code, "untrusted_socket") == 0)', "if (0)", DOCTOR + "Installed.test_sockets"),
    ("doctor: a denied socket is a fault", "client/doctor_agent.c",
     'strcmp(c->failure.code, "denied") == 0 &&', "0 &&", DOCTOR + "Installed.test_sockets"),
    ("doctor: modules nobody may read", "client/doctor_config.c",
     "doctor_unreadable(m->path, pw, part, &st) != NULL",
     "doctor_unreadable(m->path, pw, part, &st) == m->path", DOCTOR + "Installed.test_modules"),
    ("doctor: anybody's polkit rule", "client/doctor_pcscd.c",
     "strstr(text, quoted) != NULL", "1", DOCTOR + "Pcscd.test_polkit"),
    ("doctor: a pcscd for root alone", "client/doctor_pcscd.c",
     "pw != NULL && !doctor_may(&st, pw, S_IWOTH)", "pw == NULL", DOCTOR + "Pcscd.test_pcscd"),
    ("doctor: groups not asked", "client/doctor.c",
     "if (groups[i] == st->st_gid)", "if (groups[i] == (gid_t)-1)", DOCTOR + "Pcscd.test_rights"),
    ("doctor: every group is his", "client/doctor.c",
     "if (groups[i] == st->st_gid)", "if (groups[i] != (gid_t)-1)", DOCTOR + "Pcscd.test_rights"),
    ("doctor: others at the reader unseen", "client/doctor_holder.c",
     "found |= h->peer[i] == inode;", "found |= h->peer[i] == inode + 1;", DOCTOR + "Pcscd.test_holders"),
    # --- a proof
    ("signature not checked", "agent/verdict.c",
     "if (evidence == TSR_OK)", "if (evidence == TSR_OK || evidence == TSR_BAD_SIGNATURE)",
     IMPOSTOR + "test_signatures_that_are_not_of_this_proof"),
    ("nonce all zero", "agent/proof.c",
     "randombytes_buf(nonce, sizeof(nonce));", "memset(nonce, 0, sizeof(nonce));",
     IMPOSTOR + "test_challenges_are_fresh"),
    ("retry with the last try", "agent/proof_pin.c", "tries_left > 1 &&", "tries_left > 0 &&",
     HELPER + "test_last_try_is_not_spent"),
    ("prompt for a locked PIN", "agent/pin_guard.c",
     "if (tries == 0)", "if (0)",
     HELPER + "test_last_try_is_not_spent"),
    ("PIN asked for ever", "agent/proof_pin.c",
     "p->asked < PROOF_TRIES && tries_left", "p->asked < 100 && tries_left",
     TOKEN + "Prompts.test_two_wrong_pins_are_enough"),
    ("algorithms of the helper believed", "agent/enrol.c",
     "enrol_match_algorithm(k->algorithms & possible)", "enrol_match_algorithm(k->algorithms)",
     IMPOSTOR + "test_algorithms_are_the_keys"),

    # --- readers and cards
    ("reader kept after a request", "pkcs11/worker.c",
     "	lease_release(w->session.tried);\n", "", SHARING + "test_reader_is_let_go"),
    ("PIN for another card", "pkcs11/pcsc_lease.c",
     "(state >> COUNT_SHIFT) == l->count &&\n	    (active & l->active) != 0)", "1)",
     RECOVER + "test_another_card"),
    ("card of an earlier pcscd believed", "pkcs11/pcsc_calls.c",
     "if (states[i].szReader != NULL && lease_reader_gone(states[i].szReader))",
     "if (0 && lease_reader_gone(states[i].szReader))",
     RECOVER + "test_another_card_after_a_restart"),
    ("PIN given twice", "pkcs11/lease.c",
     "(!tried || !lease->sent()) &&", "(!tried || lease->used()) &&",
     RECOVER + "test_doubtful_worker_is_replaced"),
    ("doubtful worker kept", "agent/helper.c",
     "	if (helper_doubtful(code))", "	if (code == TSR_HELPER && helper_doubtful(code))",
     RECOVER + "test_doubtful_worker_is_replaced"),
    # --- a device that was taken out
    ("token after the removal", "agent/session.c",
     "a->presence == PRESENCE_PROOF || (!s->away && !s->locked)",
     "a->presence == PRESENCE_PROOF || !s->locked", PRESENCE + "test_pulled"),
    ("token from a locked session", "agent/session.c",
     "a->presence == PRESENCE_PROOF || (!s->away && !s->locked)",
     "a->presence == PRESENCE_PROOF || !s->away || s->locked", PRESENCE + "test_pulled"),
    ("lock forgotten", "agent/presence.c",
     "		p->owner.lock(p->owner.arg, &t->device, PRESENCE_REMOVED);", "		;",
     "unit presence"),
    ("a card that is back is believed", "agent/presence.c",
     "		p->owner.added(p->owner.arg, &t->device);\n		presence_prove(p, t);",
     "		p->owner.added(p->owner.arg, &t->device);\n		t->round = 1;\n"
     "		presence_proved(p, d->id, 1, TSR_OK);",
     PRESENCE + "test_no_card_key"),
    ("a false card's proof believed", "agent/presence_act.c",
     "presence_proved(p->presence, device, round, code);",
     "presence_proved(p->presence, device, round, TSR_OK);",
     PRESENCE + "test_another_card_of_that_name"),
    ("old proof of a card that went again", "agent/presence.c",
     "t == NULL || t->round != round", "t == NULL", "unit presence"),
    ("swap between two looks", "agent/presence_reader.c",
     "(was && !p->reporting && r->last.count != now->count)", "0", "unit presence"),
    ("list from before the removal", "agent/presence.c",
     "(r->changed > p->list_seq || (r->last.state & PROTO_READER_PRESENT) == 0)", "(0)",
     "unit presence"),
    ("nobody watches", "agent/presence.c",
     "			presence_forsake(p, t);\n	}\n	presence_arm(p);",
     "			;\n	}\n	presence_arm(p);", PRESENCE + "test_watcher_killed"),
    ("proof goes on without its card", "agent/presence_act.c",
     "proofs_removed(p->agent->proofs, d->module, d->serial, d->label);", ";",
     PRESENCE + "test_proof_under_way"),
    ("events of other people's devices", "agent/presence_act.c",
     "	if (act_of_device(c, e->device))\n		act_tell", "	act_tell", PRESENCE + "test_swap"),
    ("watcher's second service", "agent/watcher.c",
     "if (w->state != WATCHER_WATCHING || v[0].n == 0)", "if (v[0].n == 0)", "unit watcher"),

    # --- judged again when the proof is there
    ("dead caller, device grant", "agent/grant_device.c",
     "if (!caller_alive(d->request->caller))", "if (0)",
     LIFETIME + "test_caller_dies_in_the_proof"),
    ("dead caller, mint", "agent/mint.c", "if (!caller_alive(c))", "if (0)",
     LIFETIME + "test_caller_dies_before_he_asks"),
    ("caller of the new policy", "agent/grant_device.c",
     "policy_may_ask(p, *aud, c) != TSR_OK ||", "",
     LIFETIME + "test_policy_changes_meanwhile"),
    ("acr of the new policy", "agent/grant_device.c",
     "(*aud)->acr > d->acr || (*aud)->reuse", "(*aud)->reuse",
     LIFETIME + "test_policy_changes_meanwhile"),
    ("reuse of the new policy", "agent/grant_device.c",
     "|| (*aud)->reuse != d->reuse ||", "||",
     LIFETIME + "test_policy_changes_meanwhile"),
    ("class of the new policy", "agent/grant_device.c",
     " || (*aud)->class != d->class)", ")",
     LIFETIME + "test_policy_changes_meanwhile"),
    ("scope of the new policy", "agent/grant_device.c",
     "return r == TSR_OK ? TSR_OK : TSR_DENIED;", "return TSR_OK;",
     LIFETIME + "test_policy_changes_meanwhile"),
    ("login helper of the new policy", "agent/grant_device.c",
     "(d->helper && (!policy_login_helper", "(0 && (!policy_login_helper",
     LIFETIME + "test_login_helper_no_more"),
    ("credential disabled meanwhile", "agent/grant_device.c",
     "return r == TSR_CONFLICT || r == TSR_NOT_FOUND ? TSR_DENIED : r;", "return TSR_OK;",
     LIFETIME + "test_credential_disabled_meanwhile"),
    ("voucher disabled meanwhile", "agent/enrol.c",
     "if (e->voucher[0] != '\\0')\n", "if (0)\n",
     LIFETIME + "test_voucher_disabled_meanwhile"),
    ("cap lowered meanwhile", "agent/enrol.c",
     "if (enrol_acr(e) < e->credential->acr)", "if (0)",
     LIFETIME + "test_cap_lowered_meanwhile"),

    # --- who may ask whom
    ("prompter=self of another process", "agent/events.c",
     "(s->kind != EVENTS_SELF || events_same_process(s, requester));", "1;",
     LIFETIME + "test_prompter_of_another_process"),
    ("any unit matches", "agent/policy.c",
     "if (strcmp(who->units->v[i], unit) == 0)", "if (who->units->n > 0)",
     CALLERS + "test_unit_is_a_caller"),
    ("login helper asks any class", "agent/grant_device.c",
     "else if (helper && aud->class != CLASS_LOGIN)", "else if (0)",
     CALLERS + "test_login_helper"),
    ("a login leaves a session", "agent/grant_device.c",
     "aud == NULL || aud->class != CLASS_LOGIN, &passing,", "1, &passing,",
     CALLERS + "test_login_helper"),

    # --- tries of a PIN
    ("few tries off by one", "agent/pin_guard.c",
     "return tries <= PROTO_TRIES_FEW ? tries : 0;", "return tries < PROTO_TRIES_FEW ? tries : 0;",
     PIN + "Tries.test_who_is_at_the_seat"),
    ("few tries off by one in the helper", "pkcs11/pin.c",
     "f->tries <= PROTO_TRIES_FEW && f->tries != confirmed", "f->tries < PROTO_TRIES_FEW && f->tries != confirmed",
     PIN + "Tries.test_thousand_wrong_pins"),
    ("number not confirmed", "agent/pin_guard.c",
     "few > 0 && confirmed != few ?", "0 ?", PIN + "Tries.test_number_must_be_right"),
    ("seat ignored", "agent/pin_guard.c",
     "if (few > 0 && place != PIN_AT_SEAT)", "if (0)", PIN + "Tries.test_who_is_at_the_seat"),
    ("remote session at the seat", "agent/seat.c",
     "return here && !remote;", "return here;", PIN + "Tries.test_who_is_at_the_seat"),
    ("refused PIN tried again", "agent/proof_pin.c",
     "if (p->pin != NULL && pin_guard_knows(g, &p->of, p->pin))", "if (0)",
     PIN + "Tries.test_refused_is_not_tried_again"),
    ("no wait for those from elsewhere", "agent/pin_guard.c",
     "t->until_ms = now_ms + t->wait_ms;", "t->until_ms = 0;", PIN + "Tries.test_elsewhere_waits"),
    ("no wait after hanging up", "agent/proof_pin.c",
     "if (p->trying)		/* given up while the token was at it */", "if (0)",
     PIN + "Tries.test_hang_up_counts"),
    ("unblocking keeps what was refused", "agent/pin_change.c",
     "pin_guard_changed(g, &p->of);", "", PIN + "NewPin.test_change_and_unblock"),
    ("PIN changed from elsewhere", "agent/pin_change.c",
     "if (r == TSR_OK && !seat_has(a->seat, c))", "if (0)", PIN + "NewPin.test_refusals"),
    ("PIN with the request", "agent/grant_device.c",
     "!helper && !aud->inline_pin)", "0)", TOKEN + "Requests.test_rows"),
    ("introspection by anybody", "agent/introspect.c",
     "policy_may_verify(a->policy, aud, r->caller) == TSR_OK;", "1;",
     TOKEN + "Requests.test_introspection_is_for_verifiers"),
    ("credential of another user", "agent/api.c",
     "if (code == TSR_OK && (c->uid != r->caller->uid || strcmp(c->subject, who->name) != 0))",
     "if (0)",
     CALLERS + "test_user_cannot_see_or_change_others"),

    # --- administrators
    ("admin group not checked", "agent/policy.c",
     "return c->uid == 0 || (p->admin_gid", "return 1 || c->uid == 0 || (p->admin_gid",
     ENROL + "test_admin_socket_is_for_administrators"),
    ("enrolment without a proof", "agent/admin.c",
     "\tif (admin_may_change(a, r, who) == TSR_OK)\n", "\t(void)who;\n",
     ENROL + "test_every_change_takes_a_proof"),
    ("enrolment code without a proof", "agent/admin_code.c",
     "if (admin_may_change(a, r, who) != TSR_OK || body_read", "(void)who;\n\tif (body_read",
     ENROL + "test_every_change_takes_a_proof"),
    ("credential change without a proof", "agent/admin.c",
     "if (admin_may_change(a, r, who) != TSR_OK || body_read", "(void)who;\n\tif (body_read",
     ENROL + "test_every_change_takes_a_proof"),
    ("clock and store without a proof", "agent/admin_state.c",
     "(code = admin_may_change(a, r, who)) == TSR_OK && (code", "who != NULL && (code",
     ENROL + "test_every_change_takes_a_proof"),
    ("admin token: sub", "agent/admin.c", "strcmp(c.sub, who->name) == 0 &&", "who != NULL &&",
     ENROL + "test_admin_token_for_another_subject"),
    ("admin token: client_id", "agent/admin.c", "strcmp(c.client_id, client) == 0 &&", "",
     ENROL + "test_admin_token_of_a_unit"),
    ("admin token: acr", "agent/admin.c", "acr >= ACR_HARDWARE &&", "",
     ENROL + "test_admin_token_of_a_weak_proof"),
    ("admin token: auth_time", "agent/admin.c", "c.auth_time + ADMIN_PROOF_S >= want.now", "1",
     ENROL + "test_admin_token_of_an_old_proof"),

    # --- enrolment
    ("a weaker credential vouches", "agent/enrol.c",
     ".acr = e->credential->acr,", ".acr = ACR_SELF,", ENROL + "test_a_weaker_one_does_not_vouch"),
    ("cap of the module", "agent/enrol.c",
     "return m->acr < acr ? m->acr : acr;", "return acr;",
     ENROL + "test_strength_is_fixed_at_enrolment"),
    ("cap of user mode", "agent/enrol.c",
     "if (e->agent->mode == CONFIG_USER)\n", "if (0)\n", TOKEN + "WholeWay.test_user_mode"),
    ("user mode enrols others", "agent/enrol.c",
     "if (e->agent->mode == CONFIG_USER && uid != e->request->caller->uid)", "if (0)",
     TOKEN + "WholeWay.test_user_mode"),
    ("key enrolled twice", "agent/enrol_match.c", "s.found ? TSR_CONFLICT", "0 ? TSR_CONFLICT",
     ENROL + "test_further_credential_by_oneself"),
    ("last credential", "agent/credential_state.c", "o.found ? TSR_OK : TSR_DENIED",
     "TSR_OK",
     ENROL + "test_last_one_is_guarded"),

    # --- what is not durable did not happen
    ("failed commit called good", "agent/daemon_batch.c", "\tint r = daemon_durable(d);",
     "\tint r = daemon_durable(d) == TSR_NOMEM ? TSR_NOMEM : TSR_OK;",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("session of a failed commit", "agent/session.c",
     "if ((*at)->unsettled && !committed) {", "if ((*at)->unsettled && committed > 1) {",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),

    # --- tokens
    ("exp", "token/jwt_check.c", "if (c->exp <= want->now)", "if (0)", "unit jwt_refusals"),
    ("iss", "token/jwt_check.c", "if (strcmp(c->iss, want->iss) != 0)", "if (0)",
     "unit jwt_refusals"),
    ("alg of the key", "token/jwt_check.c", "if (k->alg != id)", "if (0)", "unit jwt_refusals"),
    ("session of another subject", "agent/session.c",
     " || strcmp(s->subject, subject) != 0)", " || subject == NULL)", "unit session"),
    ("session too weak", "agent/session.c", "if (s->acr < a->acr) {", "if (0) {", "unit session"),
    ("frame of another request", "agent/helper_conn.c", "|| f->id != h->id ||", "||",
     "unit helper_lies"),

    # --- the whole way of a request, and what happens while memory is out
    ("any evidence will do", "agent/verdict.c", "if (evidence == TSR_OK)",
     "if (evidence <= TSR_OK)", "corpus request"),
    ("answers may be stored", "agent/http_answer.c",
     "(r = buf_put_cstr(b, \"Cache-Control: no-store\\r\\n\"))", "(r = TSR_OK)",
     "corpus request"),
    ("pidfd of a connection stays", "agent/http_conn.c", "caller_clear(&c->caller);", "(void)c;",
     "corpus request"),
    ("a start that says nothing", "agent/daemon.c",
     '(void)snprintf(err, err_size, "%s", "the parts of the agent cannot be set up");', "",
     "corpus request"),
    ("a form without memory", "agent/http_form.c", "if ((f.memory = malloc(f.size)) == NULL)",
     "if ((f.memory = malloc(f.size)) == NULL && f.size == 0)", "corpus http_form"),
    ("a JSON string without memory", "token/json.c",
     "if ((text = malloc((size_t)v->len + 1)) == NULL)",
     "if ((text = malloc((size_t)v->len + 1)) == NULL && v == NULL)", "corpus body"),
    ("a member's name as it is", "client/audit_row.c",
     "escape_text(shown, sizeof(shown), name, strlen(name))", "name", "corpus audit_row"),
    ("a unit of a slice that is not its own", "agent/caller_unit.c", "t.p[outer.n - 6] != '-')",
     "t.n == 0)", "unit caller"),

    # --- the virtual card, on which others are tested
    ("9C: the PIN once is enough", "sim/card_auth.c",
     "ref == REF_SIGNATURE ? c->pin_fresh :", "ref == REF_SIGNATURE ? c->pin_verified :",
     "unit sim_card"),
    ("9A: no PIN", "sim/card_auth.c", "if (ref == REF_CARD_AUTH)", "if (ref == REF_CARD_AUTH || ref == 0x9a)",
     "unit sim_card"),
    ("a PIN attempt judged before it is paid", "sim/card_pin.c",
     "\tpin->tries--;\n\tif (card_store_pins(c) != TSR_OK) {", "\tpin->tries--;\n\tif (0) {",
     "unit sim_card_files"),
    ("a blocked PIN accepted", "sim/card_pin.c", "if (pin->tries == 0)", "if (0)", "unit sim_card"),
    ("a wrong PIN keeps the login", "sim/card_pin.c", "\tpin_status(c, sw == SW_OK);\n\treturn sw;\n}\n\n/* Old and new",
     "\tif (sw == SW_OK)\n\t\tpin_status(c, 1);\n\treturn sw;\n}\n\n/* Old and new", "unit sim_card"),
    ("a reset keeps the login", "sim/card.c", "c->selected = c->pin_verified = c->pin_fresh = c->admin = 0;",
     "c->selected = c->admin = 0;", "unit sim_card"),
    ("a challenge good twice", "sim/card_admin.c", "c->challenge_kind = CHALLENGE_NONE;", "(void)kind;",
     "unit sim_card"),
    ("objects written by anybody", "sim/card_data.c", "\tif (!c->admin)\n", "\tif (0)\n", "unit sim_card"),
    ("strict contactless card takes a PIN", "sim/card.c", "return c->contact == CARD_CONTACTLESS_STRICT;",
     "return c == NULL;", "unit sim_card"),
    ("control socket for everybody", "sim/control.c", "fchmod(fd, 0600)", "fchmod(fd, 0666)", "unit sim_control"),

    # --- the virtual FIDO2 key, on which others are tested
    ("a token for another relying party", "sim/key_param.c",
     "if (pin->bound && (rp == NULL ||", "if (0 && (rp == NULL ||", "unit sim_key_token"),
    ("a token beyond its permissions", "sim/key_param.c",
     "(pin->permissions & permission) == 0)", "0)", "unit sim_key_token"),
    ("a fourth wrong PIN in a row", "sim/key_client_pin.c",
     "if (k->pin.failed >= FAILED_MAX)", "if (0)", "unit sim_key_token"),
    ("PIN tries for ever", "sim/key_client_pin.c",
     "\tst->pin_tries--;\n", "", "unit sim_key_token"),
    ("a credential of another relying party", "sim/key_cred.c",
     "if (sodium_memcmp(mac, id + HEAD, sizeof(mac)) != 0)", "if (mac[0] == 0 && id[0] == 0 && n == 0)",
     "unit sim_key"),
    ("credProtect 3 without verification", "sim/key_assert.c", "(c.protect < 3 || uv)", "true",
     "unit sim_key"),
    ("made before the touch", "sim/key_param.c", "\t\treturn CTAP_WAIT;", "\t\treturn CTAP_OK;",
     "unit sim_key"),
    ("duplicate keys read", "sim/cbor.c", "if (i > 0 && !cbor_sorted(&key, &item))", "if (0)",
     "unit sim_cbor"),
    ("packets in any order", "sim/ctaphid.c", "if (p[4] != h->sequence) {", "if (0) {",
     "unit sim_ctaphid"),
    ("a full pty filled further", "sim/run_device.c", "if (poll(&p, 1, 0) == 0)", "if (p.fd != -1)",
     "e2e/key Plug.test_reports_are_not_split"),

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

    # --- a worker that has just started
    ("looks once for its token", "pkcs11/session.c", "!= NULL || !fresh)", "!= NULL || 1)",
     "unit pkcs11_evil"),
    ("goes on without a module", "pkcs11/session.c", "		s->must_end = 1;\n		return r;\n	}\n	*out",
     "		return r;\n	}\n	*out", "unit pkcs11_evil"),

    # --- what a failed commit must not say
    ("events before the commit", "agent/events.c", "else if (committed)\n", "else\n",
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("a session's event before the commit", "agent/grant_device.c",
     'events_hold(d->agent->events, d->uid, "session-started"',
     'events_send(d->agent->events, d->uid, "session-started"',
     "fault/disk Faulty.test_nothing_of_a_failed_commit"),
    ("any refused PIN is a try", "agent/proof_pin.c", 'last == TSR_PIN_WRONG ? "low"',
     'last != TSR_OK ? "low"', TOKEN + "Prompts.test_a_pin_of_no_length_was_no_try"),

    # --- codes of disconnected tokens
    ("watermark not conditional", "agent/store_otp.c",
     'WHERE credential = ?1 AND watermark < ?2"', 'WHERE credential = ?1"', "unit otp"),
    ("window of steps one wider", "agent/otp.c", "off <= OTP_STEPS;", "off <= OTP_STEPS + 1;",
     REFUSALS + "test_totp"),
    ("look-ahead one wider", "agent/otp.c", "off < OTP_LOOK_AHEAD;", "off <= OTP_LOOK_AHEAD;",
     REFUSALS + "test_hotp"),
    ("decoys skipped", "agent/otp.c", "\tt->n = t->slots;\n", "", REFUSALS + "test_same_time"),
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

    # --- the command line
    ("keys of a file that anybody writes", "client/cmd_verify.c",
     "keyfile_open(ours ? file : real, (int64_t)getuid(), fd, &id);",
     "(*fd = open(ours ? file : real, 0)) == -1 ? TSR_SYSTEM : TSR_OK;",
     "client/verify Verify.test_only_a_file_that_nobody_else_writes"),
    ("a fresh proof for any refusal", "client/lib/request.c",
     "proof == TSR_PROOF_ANY && (code ==", "proof == TSR_PROOF_ANY || (code ==",
     "lib/client Requests.test_the_command_asks_as_the_library_does"),
    # --- FIDO2 keys
    ("a PIN for whichever key", "fido/worker.c",
     "if (w->n > 1 && (request_has_pin(&w->q) ||", "if (w->n > 99 && (request_has_pin(&w->q) ||",
     "fido/fido Operations.test_make_on_the_touched_one"),
    ("the touch is not taken back", "fido/key.c",
     "	if (fault_transport(err)) {\n", "	if (0) {\n",
     "fido/fido_faults Faults.test_gone_while_waiting"),
    ("an address space without end", "base/sandbox_linux.c",
     "(role != SANDBOX_MODULE && role != SANDBOX_FIDO)", "role != SANDBOX_MODULE",
     "fido/fido_faults Faults.test_memory"),
    ("a held key is waited for", "fido/key.c",
     "while ((held = flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK) &&",
     "while ((held = fd < 0) &&", "fido/fido_faults Faults.test_held"),
    ("an assertion by any credential", "fido/ask_assert.c",
     "if (ids[i].n == len && memcmp(ids[i].p, p, len) == 0) {", "if (len > 0) {",
     "fido/fido Operations.test_look"),
    ("every kind of netlink", "base/sandbox_seccomp.c",
     "	    seccomp_when(2, SCMP_CMP_EQ, NETLINK_KOBJECT_UEVENT));\n	if (r == 0)",
     "	    seccomp_when(2, SCMP_CMP_GE, 0));\n	if (r != 0)",
     "unit base_sandbox_escape"),
]

assert len({(row[1], row[2], row[3]) for row in SEEDED}) == len(SEEDED)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def copy_tree(tree):
    """What differs is copied, so that only that is built."""
    wanted = set()
    for where, folders, files in os.walk(SOURCE):
        folders[:] = [n for n in folders if n not in NOT_COPIED]
        to = os.path.normpath(os.path.join(tree, os.path.relpath(where, SOURCE)))
        os.makedirs(to, exist_ok=True)
        for name in files:
            a, b = os.path.join(where, name), os.path.join(to, name)
            if not os.path.isfile(a):
                continue
            wanted.add(b)
            if not os.path.exists(b) or read(a) != read(b):
                shutil.copyfile(a, b)
                shutil.copymode(a, b)
    for where, _, files in os.walk(tree):
        for name in files:
            if os.path.join(where, name) not in wanted:
                os.unlink(os.path.join(where, name))


def run(command, env=None, timeout=3600):
    """Exit status and what it said; None for the status after timeout."""
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b"").decode("utf-8", "replace")
    return done.returncode, done.stdout.decode("utf-8", "replace")


class Kit:
    def __init__(self, build_dir):
        self.build_dir = os.path.abspath(build_dir)
        self.tree = self.build_dir + "/seeded/tree"
        self.build_to = self.build_dir + "/seeded/build"

    def prepare(self):
        cache = read(self.build_dir + "/CMakeCache.txt").decode()
        kept = ["-D%s=%s" % (k, re.search("^%s:[A-Z]+=(.*)$" % k, cache, re.M)[1])
                for k in ("CMAKE_BUILD_TYPE", "CMAKE_C_COMPILER")]
        copy_tree(self.tree)
        kept.append("-DCMAKE_C_FLAGS=-w")	# what a bug leaves unused is no error
        status, said = run(["cmake", "-G", "Ninja", "-S", self.tree, "-B", self.build_to, *kept])
        if status == 0:
            status, said = run(["ninja", "-C", self.build_to])
        if status != 0:
            sys.exit(said)

    def build(self, test):
        targets = ["tesserad", "tessera", "tessera-full", "tessera-pkcs11", "tessera-fido", "tessera-sim",
                   "tessera_shared"]
        if test.startswith("unit "):
            targets = ["test_" + test.split()[1]]
        if test.startswith("corpus "):
            targets = ["fuzz_" + test.split()[1]]
        return run(["ninja", "-C", self.build_to, *targets])

    def test(self, test):
        """Its exit status, and what it said."""
        env = dict(os.environ, TESSERA_BIN=self.build_to + "/bin", TESSERA_SOURCE=self.tree,
                   TESSERA_SHIM=self.build_to + "/tests/tessera_shim.so",
                   TESSERA_NODE_MODULES=SOURCE + "/build/node_modules")
        where, name = test.split()
        if where == "unit":
            command = [self.build_to + "/tests/test_" + name]
        elif where == "corpus":
            command = [self.build_to + "/fuzz/fuzz_" + name, self.tree + "/tests/fuzz/corpus/" + name]
        else:
            folder, noun = where.split("/")
            command = ["/usr/bin/python3", "-B",
                       "%s/tests/%s/test_%s.py" % (self.tree, folder, noun), name]
        return run(command, env, TEST_S)

    def seed(self, row):
        """None where the bug was noticed, else the complaint."""
        _, path, old, new, test = row
        path = os.path.join(self.tree, path)
        text = read(path)
        if text.count(old.encode()) != 1:
            return "STALE: its text is there %d times" % text.count(old.encode())
        try:
            with open(path, "wb") as f:
                f.write(text.replace(old.encode(), new.encode()))
            status, said = self.build(test)
            if status != 0:
                return "DOES NOT BUILD:\n" + said
            status, said = self.test(test)
            return "SURVIVED" if status == 0 else None
        finally:
            with open(path, "wb") as f:
                f.write(text)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    words = sys.argv[2:]
    rows = [r for r in SEEDED if not words or any(w in " ".join((r[0], r[1], r[4])) for w in words)]
    kit = Kit(sys.argv[1])
    kit.prepare()
    bad = 0
    for test in dict.fromkeys(r[4] for r in rows):
        status, said = kit.test(test)
        if status != 0:
            bad += 1
            print("%s fails without any bug:\n%s" % (test, said))
    if bad:
        return 1
    for row in rows:
        complaint = kit.seed(row)
        bad += complaint is not None
        print("%-36s %-24s %s" % (row[0], row[1], complaint or "noticed"), flush=True)
    kit.build("")		# no bug is left in the programs
    print("%d bugs, %d complaints" % (len(rows), bad))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
