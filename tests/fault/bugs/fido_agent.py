# SPDX-License-Identifier: ISC
"""What the agent makes of FIDO2 keys.  Rows as seeded.py explains."""

CALL, TURN, TOUCH = "unit fido_call", "unit fido_turn", "unit fido_touch"
PROOF, E2E = "unit fido_proof", "e2e/fido Fido."

ROWS = [
    # --- the verdict
    ("silent logins", "agent/fido_verdict.c", ".presence = 1", ".presence = 0", PROOF),
    ("UV as nobody enrolled it", "agent/fido_verdict.c", ".verification = r->verification",
     ".verification = 0", PROOF),
    ("a counter that is not looked at", "agent/fido_verdict.c", ".counter = r->counter",
     ".counter = 0", PROOF),
    ("a clone that stays active", "agent/fido_verdict.c", "if (v->fault == ASSERTION_COUNTER && (r",
     "if (0 && (r", PROOF),
    ("another request's challenge", "agent/fido_proof.c",
     "assertion_client_hash(p->challenge, sizeof(p->challenge), p->hash);", "memset(p->hash, 7, 32);", PROOF),
    ("a credential that was not asked for", "agent/fido_proof.c",
     "		    memcmp(p->holder[i].record.cred_id, v[1].p, v[1].n) == 0 &&\n", "", PROOF),
    # --- helpers that wait
    ("helpers of an earlier configuration", "agent/fido_spare.c",
     "		fido_call_cancel(&s->spare[i].call);\n	}\n	if (n > 0)", "	}\n	if (n > 0)", "unit fido_spare"),
    ("helpers that cannot live started without end", "agent/fido_spare.c",
     "static void\nspare_lost(void *arg)\n{\n	struct fido_spare *one = arg;\n\n	one->call = NULL;\n",
     "static void spare_fill(void *arg);\nstatic void\nspare_lost(void *arg)\n{\n	struct fido_spare *one = arg;\n\n"
     "	one->call = NULL;\n	spare_fill((char *)one - offsetof(struct fido_spares, spare));\n", "unit fido_spare"),
    ("an answer of a helper that nobody asked", "agent/fido_call.c",
     "	if (a == NULL || (f->type", "	if (a == NULL)\n		return 1;\n	if ((f->type", "unit fido_spare"),
    ("a helper's end that nobody has noticed an operation's", "agent/fido_spare.c",
     "		if (r != TSR_CLOSED)\n", "", "unit fido_spare"),
    # --- whose touch it is
    ("a PIN for a key that says much and proves nothing", "agent/fido_proof.c",
     "if (h->device[0] != '\\0' && !proved)", "if (h->device[0] != '\\0')", "unit fido_proof"),
    ("a touch of which nobody is told", "agent/fido_proof.c",
     "	if ((r = fido_touch_needed(p->fido, &show, &p->touch)) != TSR_OK ||",
     "	if ((r = show.label == NULL) != TSR_OK ||", TOUCH),
    ("told once it is asked for", "agent/fido_proof.c",
     "	if ((r = fido_touch_needed(p->fido, &show, &p->touch)) != TSR_OK ||",
     "	if ((r = proof_send(p)) == TSR_OK) return;\n	if ((r = show.label == NULL) != TSR_OK ||", TOUCH),
    ("two that blink", "agent/fido_turn.c", "if (ts->has != NULL || link_empty", "if (link_empty", TOUCH),
    ("a finger that comes too late", "agent/fido.c", "fido_turns_rest(&f->turns);", ";", TOUCH),
    ("a finger on its way to a key that was put out", "agent/fido_proof.c",
     "		fido_turns_rest(&p->fido->turns);", "		;", "unit fido_proof"),
    ("those who waited blink, too", "agent/fido_turn.c", "if (!t->login || t->uid != by->uid)",
     "if (t->uid == by->uid)", TOUCH),
    ("another user's touch", "agent/fido_turn.c", "if (!t->login || t->uid != by->uid)",
     "if (!t->login)", TURN),
    ("two turns in a row", "agent/fido_turn.c", "uid != ts->last)", "uid != 12345)", TURN),
    ("blinking for nobody", "agent/fido_proof.c", "static void\nproof_free(struct fido_proof *p, int code)\n{\n"
     "	fido_call_cancel(&p->call);\n", "static void\nproof_free(struct fido_proof *p, int code)\n{\n",
     E2E + "test_caller_vanishes"),
    # --- the helper
    ("another operation's frame", "agent/fido_call.c", "f->id != (c->opened ? CALL_ID : CALL_OPEN_ID)",
     "f->id == 0", CALL),
    ("a helper that denies", "agent/fido_call.c", "	default:\n		return TSR_HELPER;\n",
     "	default:\n		return code;\n", CALL),
    ("frames without end", "agent/fido_call.c", "++c->parts > FIDO_CALL_PARTS_MAX", "++c->parts == 0", CALL),
    ("an answer ahead of the question", "agent/fido_call.c", "if (f->type == PROTO_DONE && call_opened(c) == TSR_OK)",
     "if (call_opened(c) == TSR_OK)", CALL),
    ("no deadline", "agent/fido_call.c", "clock_boot_ms() + c->deadline_ms + FIDO_CALL_GRACE_MS",
     "clock_boot_ms() + 2 * c->deadline_ms + FIDO_CALL_GRACE_MS", CALL),
    # --- its PIN
    ("a right PIN taken for a wrong one", "agent/fido_pin.c", "	case TSR_PIN_LOCKED:\n		pin_guard",
     "	case TSR_DEVICE_REPLUG:\n	case TSR_PIN_LOCKED:\n		pin_guard", "unit fido_pin"),
    ("a last try that is hurried into", "agent/fido_pin.c", "p->asked < FIDO_PIN_ASKED && tries > 1;",
     "p->asked < FIDO_PIN_ASKED;", "unit fido_pin"),
    # --- who made it
    ("a chain of any length", "agent/attestation_read.c", "n == 0 || n > ATTESTATION_CHAIN_MAX", "n == 0",
     "unit attestation_read"),
    ("any member of a statement", "agent/attestation_read.c", "? read_chain(r, s) : TSR_INVALID;",
     "? read_chain(r, s) : TSR_OK;", "unit attestation_read"),
    ("any make", "agent/enrol_fido_judge.c", "if (!judge_allowed(f, &found))", "if (0)",
     E2E + "test_maker_and_make"),
    ("a make that nobody signed", "agent/enrol_fido_judge.c", "found->kind == ATTESTATION_TRUSTED",
     "found->kind <= ATTESTATION_TRUSTED", E2E + "test_maker_and_make"),
    ("a key twice", "agent/enrol_fido_make.c", "v[7] = proto_bytes(ids.data, ids.len);",
     "v[7] = proto_bytes(ids.data, 0);", E2E + "test_enrol_and_login"),
]
