# SPDX-License-Identifier: ISC
"""The command line and the doctor.  Rows as seeded.py explains."""
from bugs.tests import DOCTOR

ROWS = [
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

    # --- the command line
    ("keys of a file that anybody writes", "client/cmd_verify.c",
     "return keyfile_open(file, (int64_t)getuid(), fd, &id);",
     "return (*fd = open(file, 0)) == -1 ? TSR_SYSTEM : TSR_OK;",
     "client/verify Verify.test_only_a_file_that_nobody_else_writes"),
    ("a fresh proof for any refusal", "client/lib/request.c",
     "proof == TSR_PROOF_ANY && (code ==", "proof == TSR_PROOF_ANY || (code ==",
     "lib/client Requests.test_the_command_asks_as_the_library_does"),
    ("every word is meant for another", "client/near.c",
     "edits > (len + 1) / 3 ||", "edits > 3 * len ||", "client/hints Hints.test_mistyped"),
    ("two letters swapped are two mistakes", "client/near.c",
     "a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])", "a[i - 1] != a[i - 1])",
     "client/hints Hints.test_mistyped"),
    ("the value of an option repeated", "client/options.c",
     '(int)strcspn(word, "=")', "(int)strlen(word)", "client/hints Hints.test_mistyped"),
    ("a refusal without what was typed", "client/hint.c",
     "c->opt[h->option] == NULL", "c->opt[h->option] != NULL", "client/hints Hints.test_hints"),
    ("nothing revoked, and no word of it", "client/cmd_revoke.c",
     "n == 0 && c->opt[OPT_ALL] == NULL", "n < 0", "client/hints Hints.test_nothing_revoked"),
    ("an installation elsewhere is half a one", "client/light.c",
     '"../libexec/tessera/" };', '"../libexec/" };', "client/hints Elsewhere.test_finds_the_other_program"),
]
