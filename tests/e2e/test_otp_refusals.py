# SPDX-License-Identifier: ISC
"""What a verifier of codes refuses (RFC 4226 section 7, RFC 6238 section 5), row by row,
each with the same answer and, as far as can be told, in the same time.

Elsewhere: sixteen submissions at once and the throttle in test_otp.py; the same after
kill -9 and power cuts in tests/fault.  TESSERA_TRIES: how many tries of each kind are
timed, default 400 (the long form: 20000)."""
import json
import os
import pwd
import subprocess
import unittest

import harness
from harness import BIN, DAEMON, GAMES
from otp_codes import SECRET, hotp, totp
from test_callers import GDM, Unit, in_unit

OTP_GRANT = "urn:tessera:grant:otp"
TRIES = int(os.environ.get("TESSERA_TRIES", "400"))
BEYOND = 4.5			# Welch's t
REFUSED = {"error": "invalid_grant",
           "error_description": "the code is not right, was used, or is not taken now"}

# name, codes that are taken before (offsets), the offset that is refused, restart between
HOTP = [
    ("the same counter (RFC 4226 7.2)", [0], 0, False),
    ("a counter below the stored one", [5], 3, False),
    ("the same after a restart", [0], 0, True),
    ("one below after a restart", [5], 4, True),
    ("beyond the look-ahead window (7.4)", [0], 1 + 10, False),
    ("far beyond it", [0], 1 + 32, False),
    ("beyond what could be resynchronised", [0], 1000, False),
]
TOTP = [
    ("the same step (RFC 6238 5.2)", [0], 0, False),
    ("step t, then t - 1", [0], -1, False),
    ("step t + 1, then t", [1], 0, False),
    ("the same after a restart", [0], 0, True),
    ("two steps late (5.2)", [], -2, False),
    ("two steps early", [], 2, False),
    ("far away", [], 400, False),
]
FORMS = [
    ("nothing", ""), ("five digits", "12345"), ("nine digits", "123456789"), ("letters", "12345a"),
    ("hexadecimal", "0x1234"), ("a sign", "+12345"), ("a minus", "-12345"), ("spaces", "123 456"),
    ("a space before", " 123456"), ("a newline", "123456\n"), ("a point", "12345."),
    ("Arabic digits", "\u0661\u0662\u0663\u0664\u0665\u0666"), ("full width", "\uff11" * 6),
    ("overflow", "4294967297"), ("twenty digits", "1" * 20), ("a thousand", "1" * 1000),
]


class Refusals(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def enrol(self, kind, user="daemon", **more):
        answer = self.m.request("POST", "/admin/credentials", admin=True, json={
            "kind": kind, "subject": user, "secret": SECRET, "confirm": False, **more})
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def token(self, code, uid=DAEMON):
        return self.m.request("POST", "/token", uid=uid, form={
            "grant_type": OTP_GRANT, "audience": "demo", "otp": code})

    def rows(self, rows, kind, code):
        base = 1000
        for name, taken, offset, restart in rows:
            with self.subTest(name):
                ident = self.enrol(kind)
                self.assertEqual(self.token(code(base, 0)).status, 200)	# no more from a shelf
                self.m.clock.advance(300)
                base += 1
                for at in taken:
                    self.assertEqual(self.token(code(base, at)).status, 200)
                if restart:
                    self.m.stop()
                    self.m.start()
                answer = self.token(code(base, offset))
                self.assertEqual((answer.status, answer.json), (400, REFUSED))
                self.m.request("POST", f"/admin/credentials/{ident}/remove", admin=True, json={"force": True})
                self.m.clock.advance(30 * 1000)
                base = 1000

    def test_hotp(self):
        self.rows(HOTP, "hotp", lambda base, n: hotp(SECRET, base - 1000 + n))

    def test_totp(self):
        self.rows(TOTP, "totp", lambda base, n: totp(SECRET, self.m.clock.wall + 30 * n))

    def test_clock_set_back(self):
        """An hour: steps that have passed stay refused."""
        m = self.m
        self.enrol("totp")
        passed = [totp(SECRET, m.clock.wall + 30 * n) for n in (-2, -1, 0)]
        self.assertEqual(self.token(passed[2]).status, 200)
        m.clock.set_wall(m.clock.wall - 3600)
        m.request("POST", "/admin/clock", admin=True)
        for code in passed + [totp(SECRET, m.clock.wall)]:
            answer = self.token(code)
            self.assertEqual((answer.status, answer.json), (400, REFUSED))

    def test_forms(self):
        m = self.m
        self.enrol("totp")
        begun = m.request("POST", "/admin/credentials", admin=True, json={"kind": "totp", "subject": "bin"})
        confirm = f"/admin/credentials/{begun.json['id']}/confirm"
        for name, code in FORMS:
            with self.subTest(name):
                for answer in (self.token(code),
                               m.request("POST", "/session", uid=DAEMON, json={"otp": code}),
                               m.request("POST", confirm, admin=True, json={"code": code})):
                    self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"), answer)

    def test_short_seeds(self):
        for bits in (0, 8, 64, 120):
            answer = self.m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "totp", "subject": "daemon", "secret": "00" * (bits // 8), "secret_format": "hex",
                "confirm": False})
            self.assertEqual((answer.status, answer.json["error"]), (400, "invalid_request"), answer)
        self.enrol("totp", secret="00" * 16, secret_format="hex")

    def rest(self, code=token):
        for _ in range(100):
            code(self, "111111")
            self.m.clock.advance(3600)

    def wrong(self, **more):
        """A file with the request that a wrong code comes in."""
        path = "%s/wrong-%s" % (self.m.folder, more.get("subject", "own"))
        with open(path, "wb") as f:
            f.write(harness.request_bytes("POST", "/token", {
                "grant_type": OTP_GRANT, "audience": "demo", "otp": "111111", **more}))
        return path

    def same_time(self, words, enter=None):
        """words: for each kind of refusal who asks, and the file of what is asked."""
        tool = os.path.join(os.path.dirname(os.environ["TESSERA_BIN"]), "bench", "bench_same")
        for last in (False, False, True):		# other programs disturb
            done = subprocess.run([tool, self.m.api, str(TRIES), *words], check=False,
                                  capture_output=True, timeout=1200, preexec_fn=enter)
            self.assertEqual(done.returncode, 0, done.stderr)
            said = json.loads(done.stdout)
            print(said)
            if said["t"] < BEYOND:
                break
            self.assertFalse(last, said)

    @unittest.skipIf(harness.sanitized(), "a sanitizer has its own time")
    def test_same_time(self):
        """A wrong code, a user without a token, a token that rests: in turns."""
        m = self.m
        self.enrol("totp")
        self.enrol("totp", "bin")
        self.rest()
        self.assertEqual(self.token(totp(SECRET, m.clock.wall)).json, REFUSED)	# it rests
        request = self.wrong()
        self.same_time([w for uid in (BIN, pwd.getpwnam("sys").pw_uid, DAEMON) for w in (str(uid), request)])

    @unittest.skipIf(harness.sanitized(), "a sanitizer has its own time")
    def test_same_time_of_a_login(self):
        """The same for a login helper, who may also name somebody who does not exist."""
        m = self.m
        m.audiences = {"demo": {"class": "login", "scopes": ["login"], "acr": "self", "any-user": True}}
        m.write_conf(m.conf_text() + 'login-helper "gdm" { user = "games" unit = "%s" }\n' % GDM)
        m.stop()
        m.start()
        self.enrol("totp")
        self.enrol("totp", "bin")
        with Unit("system.slice", GDM) as gdm:
            form = {"grant_type": OTP_GRANT, "audience": "demo"}
            self.rest(lambda _, code: in_unit(m, gdm, GAMES, {**form, "otp": code, "subject": "daemon"}))
            answer = in_unit(m, gdm, GAMES, {**form, "otp": totp(SECRET, m.clock.wall), "subject": "daemon"})
            self.assertEqual(answer.json, REFUSED)		# it rests
            answer = in_unit(m, gdm, GAMES, {**form, "otp": totp(SECRET, m.clock.wall), "subject": "bin"})
            self.assertEqual(answer.status, 200, answer)	# a helper it is
            # of one length: the kernel takes longer for more bytes
            self.same_time([w for subject in ("zyx", "bin", "daemon", "sys")
                            for w in (str(GAMES), self.wrong(subject=subject))], gdm.enter)


if __name__ == "__main__":
    harness.main()
