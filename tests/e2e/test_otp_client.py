# SPDX-License-Identifier: ISC
"""Disconnected tokens by the command line: enrolled on a terminal with a QR code, by
a script with descriptors, used, brought back in step."""
import json
import os
import pwd
import re
import unittest

import harness
from harness import DAEMON
from otp_codes import SECRET, hotp, secret_of, totp
from terminal import Terminal


class OtpClient(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def enrol(self, *args, secret=SECRET):
        done = self.m.tessera("enroll", "totp", "--user", "daemon", "--yes", "--json", *args,
                              secret=secret, check=True)
        return json.loads(done.out)["id"]

    def code(self, ahead=0):
        return totp(SECRET, self.m.clock.wall + 30 * ahead)

    # --- on a terminal ---

    def test_enrolment_on_a_terminal(self):
        t = Terminal(self.m, "enroll", "totp", "--user", "daemon", "--label", "phone")
        uri = t.expect("The code that it shows now: ")
        self.assertIn("\u2580", uri)				# the QR code
        self.assertIn("\033[30;107m", uri)
        secret = re.search(r"otpauth://totp/\S+secret=([A-Z2-7]+)", uri).group(1)
        t.type("12ab\n")
        t.expect("That is no code")
        t.expect("The code that it shows now: ")
        t.type("000000\n")
        t.expect("not the token's code")
        t.expect("The code that it shows now: ")
        code = totp(secret, self.m.clock.wall)
        t.type(code[:3] + " " + code[3:] + "\n")		# as phones show it
        status, out = t.end()
        self.assertEqual(status, 0, out)
        self.assertIn('Enrolled "phone" for daemon (otp)', out)

    def test_qr_only_where_it_fits(self):
        for name, more in (("narrow", dict(columns=40)), ("low", dict(rows=24)),
                           ("no UTF-8", dict(env={"LC_ALL": "C"}))):
            with self.subTest(name):
                t = Terminal(self.m, "enroll", "totp", "--user", "daemon", **more)
                shown = t.expect("The code that it shows now: ")
                self.assertNotIn("\u2580", shown)
                self.assertIn("otpauth://totp/", shown)
                t.type("\x04")
                self.assertEqual(t.end()[0], 7)

    def test_login_on_a_terminal(self):
        self.enrol()
        t = Terminal(self.m, "login", "--otp", uid=DAEMON)
        t.expect("Code: ")
        t.type("000000\n")
        t.expect("not accepted")
        t.expect("Code: ")
        t.type(self.code() + "\n")
        status, out = t.end()
        self.assertEqual(status, 0, out)
        self.assertIn("Logged in as daemon", out)

    # --- by a script ---

    def test_enrolment_by_a_script(self):
        m = self.m
        begun = m.tessera("enroll", "totp", "--user", "daemon", "--json", check=True)
        doc = json.loads(begun.out)
        self.assertEqual((doc["codes"], doc["expires_in"]), (1, 600))
        code = totp(secret_of(doc["uri"]), m.clock.wall)
        self.assertEqual(m.tessera("enroll", "confirm", doc["id"], otp="000000").status, 4)
        done = m.tessera("enroll", "confirm", doc["id"], otp=code, check=True)
        self.assertIn("credential " + doc["id"], done.out)

    def test_own_enrolment(self):
        """By an administrator's code, then by the first token's."""
        m = self.m
        given = json.loads(m.tessera("enroll", "code", "--user", "daemon", "--json", check=True).out)
        first = json.loads(m.tessera("enroll", "totp", "--code", given["code"], "--json", uid=DAEMON,
                                     check=True).out)
        secret = secret_of(first["uri"])
        m.tessera("enroll", "confirm", first["id"], uid=DAEMON, otp=totp(secret, m.clock.wall), check=True)
        m.clock.advance(30)
        second = json.loads(m.tessera("enroll", "hotp", "--otp", "--json", uid=DAEMON,
                                      otp=totp(secret, m.clock.wall), check=True).out)
        codes = "\n".join(hotp(secret_of(second["uri"]), n) for n in (0, 1))
        m.tessera("enroll", "confirm", second["id"], "--two", uid=DAEMON, otp=codes, check=True)
        listed = m.tessera("credential", "list", uid=DAEMON, check=True).out
        self.assertIn("HOTP SHA1, 6 digits", listed)
        self.assertIn("TOTP SHA1, 6 digits, 30 s", listed)
        shown = m.tessera("credential", "show", second["id"], uid=DAEMON, check=True).out
        self.assertRegex(shown, r"model: +HOTP SHA1, 6 digits")
        self.assertNotIn("manufacturer", shown)

    def test_secrets_and_parameters(self):
        m = self.m
        hexa = "3132333435363738393031323334353637383930"
        self.assertEqual(m.tessera("enroll", "totp", "--user", "daemon", "--yes", "--secret-format", "hex",
                                   "--algorithm", "SHA256", "--digits", "8", "--period", "60", "--serial",
                                   "T-1", secret=hexa, check=True).status, 0)
        code = totp(SECRET, m.clock.wall, 8, "SHA256", period=60)
        self.assertEqual(m.tessera("login", "--method", "otp", uid=DAEMON, otp=code).status, 0)
        rows = [
            (("enroll", "totp", "--user", "a", "--yes"), {}, "go with --secret-fd"),
            (("enroll", "totp"), {}, "--user is missing"),
            (("enroll", "totp", "--user", "a", "--otp"), {}, "own enrolment"),
            (("enroll", "totp", "--user", "a", "--digits", "six"), {}, "--digits wants a number"),
            (("enroll", "totp", "--user", "a", "--counter", "1"), {}, "no option --counter"),
            (("enroll", "totp", "--user", "a", "--secret-format", "b"), {"secret": SECRET}, "--secret-format"),
            (("enroll", "totp"), {"secret": SECRET, "uid": DAEMON}, "administrator"),
            (("enroll", "totp", "--user", "a", "--secret-fd", "99"), {}, "open descriptor"),
            (("login", "--otp", "--device", "x"), {}, "shows no code"),
            (("login", "--method", "pin"), {}, "--method wants"),
            (("login",), {"otp": "12345"}, "6 to 8 digits"),
            (("credential", "resync", "../x"), {"otp": "000000"}, "no credential id"),
        ]
        for args, more, says in rows:
            with self.subTest(args):
                ran = m.tessera(*args, **more)
                self.assertEqual(ran.status, 2, ran)
                self.assertIn(says, ran.err)

    def test_login_and_token(self):
        m = self.m
        self.enrol()
        code = self.code()
        first = m.tessera("token", "get", "-a", "demo", uid=DAEMON, otp=code)
        self.assertEqual((first.status, first.out.count(".")), (0, 2), first)
        # a session is there: no code is spent, nor asked for
        self.assertEqual(m.tessera("token", "get", "-a", "demo", "--otp", uid=DAEMON).status, 0)
        again = m.tessera("token", "get", "-a", "demo", "--fresh", uid=DAEMON, otp=code)
        self.assertEqual(again.status, 4, again)
        nobody = m.tessera("token", "get", "-a", "demo", "--fresh", "--otp", uid=DAEMON)
        self.assertEqual(nobody.status, 4)
        self.assertIn("--otp-fd", nobody.err)
        m.clock.advance(30)
        login = json.loads(m.tessera("login", "--json", uid=DAEMON, otp=self.code(), check=True).out)
        self.assertEqual((login["acr"], login["amr"]), ("otp", ["otp"]))

    def test_resync(self):
        m = self.m
        credential = self.enrol()
        far = "\n".join([self.code(100), self.code(101)])
        refused = m.tessera("credential", "resync", credential, otp="000000\n111111")
        self.assertEqual(refused.status, 4, refused)
        m.tessera("credential", "resync", credential, otp=far, check=True)
        m.clock.advance(60)
        near = "\n".join([self.code(105), self.code(106)])
        other = m.tessera("credential", "resync", credential, uid=harness.BIN, otp=near)
        self.assertEqual(other.status, 6, other)
        m.tessera("credential", "resync", credential, uid=DAEMON, otp=near, check=True)

    def test_nothing_secret_is_an_argument(self):
        for option in ("--secret", "--otp=123456"):
            ran = self.m.tessera("enroll", "totp", "--user", "daemon", option)
            self.assertEqual(ran.status, 2, ran)
            self.assertNotIn("123456", ran.err)


if __name__ == "__main__":
    harness.main()
