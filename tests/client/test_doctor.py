# test_doctor.py - doctor: what it makes of an agent's answers, and its forms.
#
# SPDX-License-Identifier: ISC
import os
import unittest

from base import SOURCE, ClientTest
from fake_agent import FakeAgent

GOOD = {"store": "ok", "audit": "ok", "clock": "ok", "keys": "ok", "names": "ok", "helpers": {}}
CARD = {"id": "00ff", "kind": "pkcs11", "module": "opensc", "serial": "42", "label": "Card",
        "manufacturer": "M", "model": "X", "pin": "ok"}
JOURNAL = "journalctl -n 50 -u 'tessera-pkcs11@*' -u tesserad"
LOGIN = "tessera login --device 00ff"

# (check of the agent, state, part of the command that mends it)
HEALTH = [
    ("store", "full", "df -h /var/lib/tessera"), ("store", "read-only", "mount -o remount,rw"),
    ("store", "failing", "df -h /var/lib/tessera && journalctl -u tesserad"),
    ("store", "altered", "tessera store show"), ("store", "rolled-back", "tessera store confirm"),
    ("audit", "failing", "df -h /var/lib/tessera"), ("clock", "jumped", "tessera clock accept"),
    ("keys", "unpublished", "df -h /run"), ("keys", "stale", "systemctl restart tesserad"),
    ("ssh", "unpublished", "df -h /run"), ("ssh", "stale", "tessera store check"),
    ("names", "down", "systemctl restart tesserad"), ("tomorrow", "odd", "journalctl -u tesserad"),
]
# (state of the PIN, what the doctor says, the command)
TRIES = [
    ("ok", "ok", None), ("low", "warning", LOGIN), ("final", "warning", LOGIN),
    ("locked", "failure", "tessera device pin unblock --device 00ff"),
]
# (code of a module's error, the command)
ERRORS = [
    ("device_busy", "sudo tessera doctor"),
    ("temporarily_unavailable", "systemctl restart pcscd.socket pcscd.service"),
    ("server_error", JOURNAL),
]


KEY = {"id": "fido-0f", "kind": "fido", "pin": "ok", "state": "ready", "label": "Key", "manufacturer": "M",
       "node": "/dev/hidraw7", "pin_set": True, "pin_tries": 8, "uv_set": False}
# (what a key says of itself, what the doctor says, the command)
KEYS = [
    ({}, "ok", None), ({"pin": "unset", "pin_tries": None}, "ok", None),
    ({"pin": "low", "pin_tries": 2}, "warning", "tessera device pin change --device fido-0f"),
    ({"pin": "final", "pin_tries": 1}, "warning", "tessera device pin change --device fido-0f"),
    ({"pin": "locked", "pin_tries": 0}, "failure", "fido2-token -R /dev/hidraw7"),
    ({"pin_change_required": True}, "warning", "tessera device pin change --device fido-0f"),
    ({"state": "busy", "pin": "unknown"}, "warning", "fuser -v /dev/hidraw7"),
    ({"state": "failed", "pin": "unknown"}, "warning", "fido2-token -I /dev/hidraw7"),
]


class Doctor(ClientTest):
    def setUp(self):
        super().setUp()
        self.admin.close()
        os.unlink(self.admin.path)
        self.conf = os.path.join(self.dir, "none.conf")     # what needs one is in the e2e test
        self.serve()

    def serve(self, checks=None, devices=(CARD,), errors=()):
        checks = dict(GOOD, **(checks or {}))
        well = all(v in ("ok", {}) for v in checks.values())
        self.agent.routes["GET /healthz"] = (200 if well else 503, {
            "status": "ok" if well else "degraded", "version": "9.9.9", "uptime": 1, "checks": checks,
            **({} if well else {"error": "temporarily_unavailable", "error_description": "so"})})
        self.agent.routes["GET /devices"] = (200, {"devices": list(devices), "errors": list(errors)})

    def look(self, *args):
        r = self.run_client("doctor", "--config", self.conf, "--user-mode", "--json", *args)
        doc = self.document(r.stdout)
        self.assertEqual(r.stderr, b"")
        self.assertEqual(r.returncode, 1 if doc["status"] == "failure" else 0, doc)
        self.assertEqual(list(doc), ["status", "configuration", "checks"])
        for c in doc["checks"]:
            self.assertEqual(list(c), ["check", "state", "text", "mend"])
            self.assertIn(c["state"], ("ok", "skipped", "warning", "failure"))
            self.assertTrue(c["mend"] is None or c["state"] in ("warning", "failure"), c)
            if c["state"] == "failure":
                self.assertTrue(c["mend"], c)
        return doc["checks"]

    def of(self, check, *args):
        return [(c["state"], c["mend"]) for c in self.look(*args) if c["check"] == check]

    def test_every_check_says_something_in_order(self):
        seen = list(dict.fromkeys(c["check"] for c in self.look()))
        self.assertEqual(seen, ["configuration", "users", "sockets", "agent", "modules", "opensc", "pcscd",
                                "polkit", "rights", "readers", "holders", "tries", "keys", "breakers", "ssh"])
        with open(os.path.join(SOURCE, "man", "tessera.1"), encoding="utf-8") as f:
            page = f.read()
        for check in seen:
            self.assertIn(".It Li %s\n" % check, page)

    def test_health(self):
        self.assertEqual(self.of("agent"), [("ok", None)])
        for check, state, command in HEALTH:
            with self.subTest(check=check, state=state):
                self.serve({check: state})
                [(said, mend)] = self.of("agent")
                self.assertEqual(said, "failure")
                self.assertIn(command, mend)

    def test_tries(self):
        for state, said, command in TRIES:
            with self.subTest(state):
                self.serve(devices=[dict(CARD, pin=state)])
                self.assertEqual(self.of("tries"), [(said, command)])
        self.serve(devices=[])
        self.assertEqual(self.of("tries"), [("skipped", None)])

    def test_readers(self):
        self.assertEqual(self.of("readers"), [("ok", None)])
        for code, command in ERRORS:
            with self.subTest(code):
                self.serve(devices=[], errors=[{"error": code, "module": "opensc", "error_description": "so"}])
                self.assertEqual(self.of("readers"), [("failure", command)])
        self.serve(devices=[])
        self.assertEqual(self.of("readers"), [("warning", "opensc-tool --list-readers")])

    def test_keys(self):
        for said_by_it, said, command in KEYS:
            with self.subTest(said_by_it):
                self.serve(devices=[dict(KEY, **said_by_it)])
                self.assertEqual(self.of("keys"), [(said, command)])
        self.assertEqual((self.of("tries"), self.of("readers")), ([("skipped", None)],) * 2,
                         "a key is no card")
        self.serve(errors=[{"error": "temporarily_unavailable", "kind": "fido", "error_description": "so"}])
        self.assertEqual(self.of("keys"), [("failure", JOURNAL.replace("pkcs11", "fido"))])
        self.assertEqual(self.of("readers"), [("ok", None)])
        self.serve()
        self.assertEqual(self.of("keys"), [("skipped", None)])

    def test_breakers(self):
        self.assertEqual(self.of("breakers"), [("ok", None)])
        self.serve({"helpers": {"softhsm": "ok", "opensc": "resting"}})
        self.assertEqual(self.of("breakers"), [("failure", JOURNAL)])

    def test_breakers_for_administrators(self):
        admin = FakeAgent(self.admin.path)
        self.addCleanup(admin.close)
        admin.routes["GET /admin/status"] = (200, {"configuration": self.conf, "breakers": [
            {"module": "opensc", "serial": "42", "label": "Card", "deaths": 5, "retry_after": 60}]})
        self.serve({"helpers": {"opensc": "resting"}})
        self.assertEqual(self.of("breakers"), [("failure", JOURNAL)])
        self.assertIn("5 deaths", str(self.look()))

    def test_without_an_agent(self):
        self.agent.close()
        os.unlink(self.agent.path)
        checks = {c["check"]: c for c in self.look()}
        self.assertEqual((checks["sockets"]["state"], checks["sockets"]["mend"]),
                         ("failure", "systemctl --user restart tesserad"))
        for name in ("agent", "readers", "breakers"):
            self.assertEqual(checks[name]["state"], "skipped", name)
        self.assertEqual(checks["configuration"]["state"], "failure")
        self.assertIn("tessera.conf.example " + self.conf, checks["configuration"]["mend"])

    def test_text_of_others_is_harmless(self):
        self.serve(devices=[dict(CARD, label="\x1b[2Jx", pin="locked")])
        r = self.run_client("doctor", "--config", self.conf, "--user-mode")
        self.assertEqual(r.returncode, 1)
        self.assertNotIn(b"\x1b[2J", r.stdout)
        self.assertIn(b"mend: tessera device pin unblock --device 00ff\n", r.stdout)
        self.assertRegex(r.stdout.decode(), r"\n\d+ failures?, \d+ warnings?\.\n$")


if __name__ == "__main__":
    unittest.main()
