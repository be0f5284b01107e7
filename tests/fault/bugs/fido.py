# SPDX-License-Identifier: ISC
"""FIDO2 keys.  Rows as seeded.py explains."""
from bugs.tests import PIN

ROWS = [
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
