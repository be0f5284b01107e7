# SPDX-License-Identifier: ISC
"""A user's way to a token, with the command under valgrind's memcheck.  (The agent
and its helpers are in sandboxes, which do not live with valgrind: see
tests/tree/memcheck.py.)"""
import unittest

import harness
import pam
from harness import DAEMON, Machine

PIN = "123456"
VALGRIND = ["/usr/bin/valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite", "--show-leak-kinds=definite",
            "--trace-children=yes"]


@unittest.skipIf(harness.sanitized(), "valgrind and sanitizers exclude one another")
class Memcheck(unittest.TestCase):
    def checked(self, m, status, *args, **more):
        ran = m.tessera(*args, under=VALGRIND, timeout=120.0, **more)
        self.assertNotIn("==", ran.err, ran.err)
        self.assertEqual(ran.status, status, ran)
        return ran

    def test_to_a_token(self):
        with Machine() as m:
            m.make_token("card", PIN)
            self.checked(m, 0, "enroll", "pkcs11", "--user", "daemon", "--device",
                         "pkcs11:token=card;id=%01", pin=PIN)
            self.checked(m, 4, "login", uid=DAEMON, pin="000000")
            self.checked(m, 0, "login", uid=DAEMON, pin=PIN)
            token = self.checked(m, 0, "token", "get", "-a", "demo", uid=DAEMON).out.strip()
            self.assertEqual(token.count("."), 2)
            said = self.checked(m, 0, "token", "verify", "--jwks", m.public + "/jwks.json",
                                "--issuer", m.issuer, "-a", "demo", stdin=token + "\n")
            self.assertIn("daemon", said.out)
            self.checked(m, 0, "status", uid=DAEMON)
            self.checked(m, 0, "audit", "verify", "--config", m.conf)
            self.checked(m, 0, "logout", uid=DAEMON)

    def test_pam_module(self):
        """A screen locker's login, right and wrong, and tokens as passwords."""
        login = {"class": "login", "scopes": ["login"], "acr": "self", "any-user": True}
        with Machine(audiences={**harness.AUDIENCES, "login": login}) as m:
            m.make_token("card", PIN)
            m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
                      pin=PIN, check=True)
            token = m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": PIN}).json["access_token"]
            p = pam.Pam(m)
            for options, answers, want in [("cue debug", [PIN], 0), ("mode=token audience=demo", [token], 0),
                                           ("mode=token audience=demo", [token + "A"], pam.AUTH_ERR),
                                           ("methods=otp,device nouserok", ["1", ""], pam.AUTH_ERR)]:
                with self.subTest(options):
                    p.service("login", options)
                    ran = p.login("daemon", answers=answers, uid=DAEMON, under=VALGRIND)
                    self.assertEqual((ran.auth, ran.status), (want, 0), ran)
                    self.assertNotIn("==", ran.error, ran.error)


if __name__ == "__main__":
    harness.main()
