# SPDX-License-Identifier: ISC
"""A user's way to a token, with the command under valgrind's memcheck.  (The agent
and its helpers are in sandboxes, which do not live with valgrind: see
tests/tree/memcheck.py.)"""
import unittest

import harness
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


if __name__ == "__main__":
    harness.main()
