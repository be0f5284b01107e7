# SPDX-License-Identifier: ISC
"""Codes of disconnected tokens: enrolled with one, good once, nothing for anybody
else, and the same answer for whatever is wrong.  oathtool makes the codes."""
import concurrent.futures
import pwd
import unittest

import harness
from harness import BIN, DAEMON, SESSION_GRANT
from otp_codes import SECRET, hotp, secret_of, totp

OTP_GRANT = "urn:tessera:grant:otp"


class Otp(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    # --- what the tests say ---

    def admin(self, path, **body):
        return self.m.request("POST", path, admin=True, json=body)

    def enrol_totp(self, user="daemon", **more):
        """A token whose secret is known; its id."""
        answer = self.admin("/admin/credentials", kind="totp", subject=user, secret=SECRET,
                            confirm=False, **more)
        self.assertEqual(answer.status, 201, answer)
        return answer.json["id"]

    def code(self, ahead=0, **more):
        return totp(SECRET, self.m.clock.wall + 30 * ahead, **more)

    def token(self, code, uid=DAEMON, **more):
        return self.m.request("POST", "/token", uid=uid, form={
            "grant_type": OTP_GRANT, "audience": "demo", "otp": code, **more})

    def refused(self, answer):
        self.assertEqual((answer.status, answer.json), (400, {
            "error": "invalid_grant",
            "error_description": "the code is not right, was used, or is not taken now"}), answer)

    # --- enrolment ---

    def test_enrolled_with_a_code(self):
        m = self.m
        begun = self.admin("/admin/credentials", kind="totp", subject="daemon", label="phone")
        self.assertEqual(begun.status, 202, begun)
        uri = begun.json["uri"]
        self.assertTrue(uri.startswith("otpauth://totp/test.example:daemon?secret="), uri)
        self.assertIn("&issuer=test.example&algorithm=SHA1&digits=6&period=30", uri)
        self.assertEqual(len(secret_of(uri)), 32)
        self.assertEqual(m.request("GET", "/credentials", uid=DAEMON).json, {"credentials": []})
        path = f"/admin/credentials/{begun.json['id']}/confirm"
        wrong = self.admin(path, code=totp(SECRET, m.clock.wall))
        self.assertEqual((wrong.status, wrong.json["error"]), (400, "invalid_grant"), wrong)
        code = totp(secret_of(uri), m.clock.wall)
        done = self.admin(path, code=code)
        self.assertEqual(done.status, 201, done)
        self.assertEqual((done.json["kind"], done.json["acr"], done.json["label"], done.json["state"]),
                         ("totp", "otp", "phone", "active"))
        self.assertNotIn("uri", done.json)
        self.assertEqual(self.admin(path, code=code).status, 404)
        # the code that ended the enrolment was spent by it
        self.refused(self.token(code))
        m.clock.advance(30)
        self.assertEqual(self.token(totp(secret_of(uri), m.clock.wall)).status, 200)
        # never shown again
        for answer in (m.request("GET", "/credentials", uid=DAEMON),
                       m.request("GET", f"/admin/credentials/{begun.json['id']}", admin=True)):
            self.assertNotIn(secret_of(uri), answer.body.decode())
        self.assertNotIn(secret_of(uri), m.log())

    def test_hotp_shows_two(self):
        begun = self.admin("/admin/credentials", kind="hotp", subject="daemon", counter=7)
        secret = secret_of(begun.json["uri"])
        self.assertIn("&counter=7", begun.json["uri"])
        path = f"/admin/credentials/{begun.json['id']}/confirm"
        self.assertEqual(self.admin(path, code=hotp(secret, 7)).json["error"], "invalid_request")
        self.assertEqual(self.admin(path, code=hotp(secret, 7), next=hotp(secret, 9)).json["error"],
                         "invalid_grant")
        self.assertEqual(self.admin(path, code=hotp(secret, 7), next=hotp(secret, 8)).status, 201)
        self.refused(self.token(hotp(secret, 8)))
        self.assertEqual(self.token(hotp(secret, 9)).status, 200)

    def test_five_wrong_codes_end_it(self):
        begun = self.admin("/admin/credentials", kind="totp", subject="daemon")
        path = f"/admin/credentials/{begun.json['id']}/confirm"
        for _ in range(5):
            self.assertEqual(self.admin(path, code="000000").status, 400)
        self.assertEqual(self.admin(path, code=totp(secret_of(begun.json["uri"]),
                                                    self.m.clock.wall)).status, 404)

    def test_ten_minutes_end_it(self):
        begun = self.admin("/admin/credentials", kind="totp", subject="daemon")
        path = f"/admin/credentials/{begun.json['id']}/confirm"
        self.m.clock.advance(600)
        self.assertEqual(self.admin(path, code=totp(secret_of(begun.json["uri"]),
                                                    self.m.clock.wall)).status, 404)

    def test_refused_enrolments(self):
        rows = [
            ("a short secret (RFC 4226 R6)", dict(secret="GEZDGNBVGY3TQOJQ"), "128 bits"),
            ("no base32", dict(secret="1" * 32), "base32"),
            ("no hexadecimal", dict(secret="x" * 32, secret_format="hex"), "hexadecimal"),
            ("a format", dict(secret=SECRET, secret_format="base64"), "secret_format"),
            ("five digits", dict(digits=5), "digits"), ("nine digits", dict(digits=9), "digits"),
            ("no period", dict(period=0), "period"), ("a day", dict(period=86400), "period"),
            ("an algorithm", dict(algorithm="MD5"), "algorithm"),
            ("a counter of a clock", dict(counter=1), "counter"),
            ("unconfirmed and drawn", dict(confirm=False), "confirm"),
            ("a user", dict(subject="nobody-of-that-name"), "there is no user"),
            ("a member", dict(seed=SECRET), "seed"),
        ]
        for name, more, says in rows:
            with self.subTest(name):
                answer = self.admin("/admin/credentials", **{
                    "kind": "totp", "subject": "daemon", **more})
                self.assertIn(answer.status, (400, 404), answer)
                self.assertIn(says, answer.json["error_description"])
        self.assertEqual(self.m.request("GET", "/admin/credentials", admin=True).json,
                         {"credentials": []})

    def test_own_token_by_another(self):
        """A further one is enrolled by a code of the first, and by nothing less."""
        m = self.m
        alone = m.request("POST", "/credentials", uid=DAEMON, json={"kind": "totp"})
        self.assertEqual(alone.json["error"], "step_up_required", alone)
        self.enrol_totp()
        self.refused(m.request("POST", "/credentials", uid=DAEMON, json={"kind": "totp", "otp": "000000"}))
        begun = m.request("POST", "/credentials", uid=DAEMON, json={"kind": "totp", "otp": self.code()})
        self.assertEqual(begun.status, 202, begun)
        path = f"/credentials/{begun.json['id']}/confirm"
        code = totp(secret_of(begun.json["uri"]), m.clock.wall)
        self.assertEqual(m.request("POST", path, uid=BIN, json={"code": code}).status, 404)
        self.assertEqual(self.admin("/admin" + path, code=code).status, 404)
        self.assertEqual(m.request("POST", path, uid=DAEMON, json={"code": code}).status, 201)
        self.assertEqual(len(m.request("GET", "/credentials", uid=DAEMON).json["credentials"]), 2)

    def test_own_token_by_enrolment_code(self):
        m = self.m
        code = self.admin("/admin/enrolment-codes", subject="daemon").json["code"]
        self.assertEqual(m.request("POST", "/credentials", uid=BIN, json={
            "kind": "totp", "code": code}).json["error"], "invalid_grant")
        begun = m.request("POST", "/credentials", uid=DAEMON, json={"kind": "totp", "code": code})
        self.assertEqual(begun.status, 202, begun)
        self.assertEqual(m.request("POST", f"/credentials/{begun.json['id']}/confirm", uid=DAEMON, json={
            "code": totp(secret_of(begun.json["uri"]), m.clock.wall)}).status, 201)
        # the code was spent by it
        self.assertEqual(m.request("POST", "/credentials", uid=DAEMON, json={
            "kind": "totp", "code": code}).json["error"], "invalid_grant")

    # --- codes ---

    def test_good_once(self):
        m = self.m
        self.enrol_totp()
        answer = self.token(self.code())
        self.assertEqual(answer.status, 200, answer)
        session = m.request("GET", "/session", uid=DAEMON).json["sessions"][0]
        self.assertEqual((session["amr"], session["acr"]), (["otp"], "otp"))
        self.refused(self.token(self.code()))
        m.stop()
        m.start()
        self.refused(self.token(self.code()))		# after a restart
        m.clock.advance(30)
        self.assertEqual(self.token(self.code()).status, 200)

    def test_clock_set_back(self):
        m = self.m
        self.enrol_totp()
        self.assertEqual(self.token(self.code()).status, 200)
        m.clock.set_wall(m.clock.wall - 3600)
        answer = self.token(self.code())
        self.assertEqual(answer.json["error"], "temporarily_unavailable")
        self.admin("/admin/clock")
        self.refused(self.token(self.code()))		# an hour of steps is spent

    def test_algorithms_and_digits(self):
        users = ["daemon", "bin", "sys", "games"]
        for user, (algorithm, digits) in zip(users, [("SHA256", 8), ("SHA512", 7), ("SHA1", 8)]):
            with self.subTest(algorithm):
                self.enrol_totp(user, algorithm=algorithm, digits=digits)
                self.assertEqual(self.token(self.code(algorithm=algorithm, digits=digits),
                                            uid=pwd.getpwnam(user).pw_uid).status, 200)

    def test_one_code_many_services(self):
        """A code proves a session; each audience takes its own token, or asks for more."""
        m = self.m
        self.enrol_totp()
        proved = m.request("POST", "/session", uid=DAEMON, json={"otp": self.code()})
        self.assertEqual((proved.status, proved.json["amr"]), (200, ["otp"]), proved)
        for audience, status, error in (("demo", 200, None), ("strict", 401, "step_up_required")):
            answer = m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": SESSION_GRANT, "audience": audience})
            self.assertEqual((answer.status, answer.json.get("error")), (status, error), answer)
        m.clock.advance(30)
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": OTP_GRANT, "audience": "strict", "otp": self.code()})
        self.assertEqual((answer.json["error"], answer.json["methods"]), ("step_up_required", ["device"]))
        self.assertEqual(self.token(self.code()).status, 200)	# and the code was not spent on it

    def test_form(self):
        self.enrol_totp()
        for code in ("", "12345", "123456789", "12345a", " 123456", "+12345",
                     "\u0661\u0662\u0663\u0664\u0665\u0666"):
            with self.subTest(code):
                self.assertEqual(self.token(code).json["error"], "invalid_request")
        self.refused(self.token("1234567"))

    def test_same_answer(self):
        """Wrong, spent, too early, of nobody: byte for byte the same."""
        self.enrol_totp()
        self.assertEqual(self.token(self.code()).status, 200)
        bodies = {self.token(self.code()).body, self.token("000000").body,
                  self.token(self.code(), uid=BIN).body, self.token(self.code(9)).body}
        for _ in range(8):
            bodies.add(self.token("111111").body)
        self.m.clock.advance(1)
        bodies.add(self.token(self.code(1)).body)	# right, but too early
        self.assertEqual(len(bodies), 1, bodies)

    def test_delays_survive_a_restart(self):
        m = self.m
        self.enrol_totp()
        for wait in (0, 0, 0, 0, 2, 4, 8, 16, 32):
            self.refused(self.token("111111"))
            self.refused(self.token("111111")) if wait else None	# too early: not counted
            m.clock.advance(wait)
        self.refused(self.token("111111"))		# the tenth: 64 s
        m.stop()
        m.start()
        self.refused(self.token(self.code()))
        m.clock.advance(62)
        self.refused(self.token(self.code()))
        m.clock.advance(2)
        self.assertEqual(self.token(self.code()).status, 200)

    def rest(self):
        """A hundred wrong codes, as fast as they are looked at."""
        for _ in range(100):
            self.refused(self.token("111111", uid=DAEMON))
            self.m.clock.advance(3600)
        self.refused(self.token(self.code()))

    def test_rests_until_an_administrator(self):
        credential = self.enrol_totp()
        self.rest()
        self.assertEqual(self.admin(f"/admin/credentials/{credential}/enable").status, 200)
        self.assertEqual(self.token(self.code()).status, 200)

    def test_rests_until_a_device(self):
        m = self.m
        m.make_token("card", "123456")
        self.enrol_totp()
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
                  "--vouch", "hardware", pin="123456", check=True)
        self.rest()
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.DEVICE_GRANT, "audience": "demo", "pin": "123456"})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.token(self.code()).status, 200)

    def test_resync(self):
        credential = self.enrol_totp()
        far = 100
        self.refused(self.token(self.code(far)))
        path = f"/admin/credentials/{credential}/resync"
        for codes, error in (({"code": self.code(far)}, "invalid_request"),
                             ({"code": self.code(far), "next": self.code(far)}, "invalid_grant"),
                             ({"code": self.code(501), "next": self.code(502)}, "invalid_grant")):
            answer = self.admin(path, **codes)
            self.assertEqual((answer.status, answer.json["error"]), (400, error), answer)
        both = {"code": self.code(far), "next": self.code(far + 1)}
        self.assertEqual(self.admin(path, **both).status, 200)
        self.assertEqual(self.admin(path, **both).json["error"], "invalid_grant")
        self.refused(self.token(self.code(far + 1)))	# spent by it
        self.m.clock.advance(60)
        self.assertEqual(self.token(self.code(far + 1)).status, 200)	# it is that far ahead
        # one's own: two codes in a row, within the usual window
        self.m.clock.advance(600)
        self.assertEqual(self.m.request("POST", "/session", uid=DAEMON, json={
            "otp": self.code(far + 9), "otp_next": self.code(far + 10)}).status, 200)

    def test_sixteen_at_once(self):
        """One good code, 16 times, over 1, 4 and 16 connections: one token."""
        m = self.m
        self.enrol_totp()
        for connections in (1, 4, 16):
            with self.subTest(connections):
                m.clock.advance(30)
                code = self.code()

                def several(n):
                    def run():
                        client = harness.Client(m.api)
                        return [client.request("POST", "/token", form={
                            "grant_type": OTP_GRANT, "audience": "demo", "otp": code}).status
                                for _ in range(n)]
                    return harness.as_user(DAEMON, run)

                with concurrent.futures.ThreadPoolExecutor(connections) as pool:
                    results = [s for part in pool.map(several, [16 // connections] * connections)
                               for s in part]
                self.assertEqual(sorted(results), [200] + [400] * 15)
                m.clock.advance(3600)

    def test_audit(self):
        m = self.m
        credential = self.enrol_totp()
        code = self.code()
        self.token(code)
        self.token("000000")
        m.stop()
        with open(m.state + "/audit.log", encoding="utf-8") as f:
            log = f.read()
        self.assertIn(credential, log)
        self.assertIn('"event":"proof"', log)
        self.assertIn("invalid_grant", log)
        for secret in (SECRET, code, "000000"):
            self.assertNotIn(f'"{secret}"', log)

    # --- credentials ---

    def test_disabled_and_removed(self):
        m = self.m
        credential = self.enrol_totp()
        last = m.request("POST", f"/credentials/{credential}/disable", uid=DAEMON, json={})
        self.assertEqual((last.status, last.json["error"]), (409, "conflict"))
        self.assertEqual(self.admin(f"/admin/credentials/{credential}/disable", force=True).status, 200)
        self.refused(self.token(self.code()))
        self.assertEqual(self.admin(f"/admin/credentials/{credential}/enable").status, 200)
        self.assertEqual(self.token(self.code()).status, 200)
        self.assertEqual(self.admin(f"/admin/credentials/{credential}/remove", force=True).status, 200)
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []})
        m.clock.advance(30)
        self.refused(self.token(self.code()))

    def test_four_at_most(self):
        for i in range(4):
            self.enrol_totp(label=str(i))
        fifth = self.admin("/admin/credentials", kind="totp", subject="daemon", secret=SECRET, confirm=False)
        self.assertEqual((fifth.status, fifth.json["error"]), (409, "conflict"), fifth)


if __name__ == "__main__":
    harness.main()
