# SPDX-License-Identifier: ISC
"""The signing keys by hand: listed, rotated with overlap, replaced at once."""
import json
import subprocess
import unittest

import harness
from harness import DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
DEVICE = {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN}
SESSION = {"grant_type": SESSION_GRANT, "audience": "demo"}


class Signing(unittest.TestCase):
    def open(self, **more):
        self.m = harness.Machine(**more)
        self.addCleanup(self.m.abandon)
        self.m.make_token("card", PIN)
        self.m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                       "pkcs11:token=card;id=%01", pin=PIN, check=True)
        return self.m

    def token(self, form=None):
        answer = self.m.request("POST", "/token", uid=DAEMON, form=form or SESSION)
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def listed(self):
        return self.m.tessera("key", "list", "--json", check=True).json["keys"]

    def states(self):
        return [k["state"] for k in self.listed()]

    def become(self, states):
        """The agent looks at a clock that went on when its next tick comes."""
        harness.until(lambda: self.states() == states, 30, "keys that are " + ", ".join(states))

    def good(self, token):
        """Whether the offline verifier takes it, by the published file."""
        return self.m.tessera("token", "verify", "--audience", "demo", "--jwks",
                              self.m.public + "/jwks.json", stdin=token).status == 0

    def active(self, token):
        """Whether the agent does, by its own clock."""
        answer = self.m.request("POST", "/introspect", uid=DAEMON, form={"token": token})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["active"]

    def test_rotation_with_overlap(self):
        m = self.open(rehearse=True)
        first = self.token(DEVICE)
        self.assertEqual(self.states(), ["active"])
        begun = m.tessera("key", "rotate", "--json", check=True).json
        self.assertFalse(begun["at_once"])
        self.assertEqual(self.states(), ["active", "next"])
        self.assertEqual([k["changes"] for k in self.listed()], [begun["signs"]] * 2)
        again = m.tessera("key", "rotate")
        self.assertEqual(again.status, 9, again)
        self.assertIn("a next key is shown already, and signs in", again.err)
        wait = begun["signs"] - m.clock.wall
        self.assertGreater(wait, 0)
        m.clock.advance(wait - 30)
        late = self.token()
        m.clock.advance(91)
        self.become(["retired", "active"])
        self.assertTrue(self.active(self.token()))
        self.assertTrue(self.active(late))	# the retired key is shown as long as its tokens live
        self.assertFalse(self.active(first))
        m.clock.advance(600)
        self.become(["active"])

    def public(self):
        return self.m.request("GET", "/.well-known/jwks.json", uid=DAEMON).json["keys"]

    def test_replaced_at_once(self):
        m = self.open()
        old = self.token(DEVICE)
        self.assertTrue(self.good(old))
        said = m.tessera("key", "rotate", "--at-once", check=True)
        self.assertIn("Tokens of the old ones are refused", said.out)
        self.assertEqual(self.states(), ["active"])
        self.assertFalse(self.good(old))
        self.assertFalse(self.active(old))
        self.assertTrue(self.good(self.token()))	# the session goes on
        harness.until(lambda: "keys-replaced" in m.tessera("audit", "tail", "--config", m.conf).out, 20,
                      "the line in the audit log")

    def test_only_an_administrator(self):
        m = self.open(settings={"admin-group": "mail"})
        ran = m.tessera("key", "rotate", uid=DAEMON, groups=["mail"])
        self.assertIn(ran.status, (4, 5), ran)
        for body in ({"at_once": 1}, {"now": True}):
            answer = m.request("POST", "/admin/keys/rotate", admin=True, json=body)
            self.assertEqual(answer.status, 400, answer)
        self.assertEqual(self.states(), ["active"])

    def test_watched(self):
        m = self.open()
        p = subprocess.Popen([m.bin + "/tessera", "--socket", m.api, "key", "jwks", "--watch"],
                             stdout=subprocess.PIPE, text=True, user=DAEMON, cwd="/")
        self.addCleanup(p.stdout.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        self.assertEqual(len(json.loads(p.stdout.readline())["keys"]), 1)
        m.tessera("key", "rotate", check=True)
        self.assertEqual(len(json.loads(p.stdout.readline())["keys"]), 2)
        m.tessera("key", "rotate", "--at-once", check=True)
        self.assertEqual(json.loads(p.stdout.readline())["keys"], self.public())


if __name__ == "__main__":
    unittest.main(verbosity=2)
