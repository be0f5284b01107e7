# SPDX-License-Identifier: ISC
"""A lost token: ten codes on paper, or one for a day from an administrator; worth
little, for one audience, once, and never in silence."""
import base64
import json
import subprocess
import unittest

import harness
from harness import BIN, DAEMON, GAMES, SESSION_GRANT
from otp_codes import SECRET, secret_of, totp
from test_callers import GDM, Unit, in_unit
from wire import Client

OTP_GRANT = "urn:tessera:grant:otp"
REFUSED = {"error": "invalid_grant",
           "error_description": "the code is not right, was used, or is not taken now"}


class Recovery(unittest.TestCase):
    def setUp(self):
        self.m = harness.Machine(rehearse=True)
        self.addCleanup(self.m.abandon)
        done = self.m.tessera("enroll", "totp", "--user", "daemon", "--yes", "--json",
                              "--recovery-codes", secret=SECRET, check=True)
        doc = json.loads(done.out)
        self.credential, self.codes = doc["id"], doc["recovery_codes"]

    def tearDown(self):
        if not self.m.over:
            self.m.close()

    def token(self, code, uid=DAEMON, **more):
        return self.m.request("POST", "/token", uid=uid, form={
            "grant_type": OTP_GRANT, "audience": "demo", "otp": code, **more})

    def claims(self, answer):
        part = answer.json["access_token"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

    def refused(self, answer):
        self.assertEqual((answer.status, answer.json), (400, REFUSED), answer)

    def test_good_once(self):
        m = self.m
        self.assertEqual((len(self.codes), len(set(self.codes))), (10, 10))
        self.refused(self.token(self.codes[0], uid=BIN))		# another's
        answer = self.token(self.codes[0].lower().replace("-", ""))
        self.assertEqual(answer.status, 200, answer)
        claims = self.claims(answer)
        self.assertEqual(claims["acr"], "recovery")
        self.assertLessEqual(claims["exp"] - claims["iat"], 86400)
        self.refused(self.token(self.codes[0]))
        m.stop()
        m.start()
        self.refused(self.token(self.codes[0]))			# after a restart
        self.assertEqual(self.token(self.codes[1]).status, 200)
        # no session: nothing else comes from it
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []})
        self.assertEqual(m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": SESSION_GRANT, "audience": "demo"}).json["error"], "login_required")
        self.assertEqual(m.request("POST", "/session", uid=DAEMON, json={
            "otp": self.codes[2]}).json["error"], "invalid_request")
        self.assertEqual(self.token(self.codes[2]).status, 200)	# which did not spend it

    def test_too_weak(self):
        answer = self.token(self.codes[0], audience="strict")
        self.assertEqual(answer.json["error"], "step_up_required")
        self.assertEqual(self.token(self.codes[0]).status, 200)

    def test_a_new_list_voids_the_old(self):
        out = self.m.tessera("credential", "recovery-codes", "--user", "daemon", check=True).out
        new = out.split("\n")[:10]
        self.refused(self.token(self.codes[0]))
        self.assertEqual(self.token(new[9]).status, 200)
        self.assertEqual(self.m.tessera("credential", "recovery-codes", "--user", "nobody-like-this").status, 6)

    def test_told(self):
        m = self.m
        told = harness.as_user(DAEMON, lambda: self.told())
        self.assertIn("recovery-used", told)
        self.assertIn('"audience":"demo"', told)
        m.stop()
        with open(m.state + "/audit.log", encoding="utf-8") as f:
            log = f.read()
        self.assertIn('"event":"recovery-codes-made"', log)
        self.assertRegex(log, r'"event":"proof"[^\n]*"credential":"recovery"')
        self.assertNotIn(self.codes[0], log)
        self.assertNotIn(self.codes[0].replace("-", ""), log)

    def told(self):
        with Client(self.m.api) as listener:
            listener.sock.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            listener.sock.settimeout(30)
            got = b""
            while b"ready" not in got:
                got += listener.sock.recv(4096)
            with Client(self.m.api) as c:
                assert c.request("POST", "/token", form={
                    "grant_type": OTP_GRANT, "audience": "demo", "otp": self.codes[0]}).status == 200
            while b"recovery-used" not in got or not got.endswith(b"\n\n"):
                got += listener.sock.recv(4096)
            return got.decode()

    def test_lifts_a_rest(self):
        m = self.m
        for _ in range(100):
            self.refused(self.token("111111"))
            m.clock.advance(3600)
        self.refused(self.token(totp(SECRET, m.clock.wall)))
        self.assertEqual(self.token(self.codes[0]).status, 200)
        self.assertEqual(self.token(totp(SECRET, m.clock.wall)).status, 200)

    def test_replaced(self):
        m = self.m
        given = m.tessera("credential", "replace", self.credential, "--json", check=True)
        code = json.loads(given.out)["code"]
        self.refused(self.token(totp(SECRET, m.clock.wall)))		# it is lost
        self.refused(m.request("POST", "/credentials", uid=DAEMON, json={
            "kind": "totp", "otp": self.codes[0]}))			# paper is not enough
        begun = m.tessera("enroll", "totp", "--otp", "--json", uid=DAEMON, otp=code, check=True)
        doc = json.loads(begun.out)
        m.tessera("enroll", "confirm", doc["id"], uid=DAEMON,
                  otp=totp(secret_of(doc["uri"]), m.clock.wall), check=True)
        self.refused(self.token(code))					# it was spent on that
        m.clock.advance(30)
        self.assertEqual(self.token(totp(secret_of(doc["uri"]), m.clock.wall)).status, 200)

    def test_replaced_by_a_card(self):
        """The code stands where an enrolment code stands: for a credential of any kind."""
        m = self.m
        m.make_token("card", "123456")

        def own(code, pins="123456", uid=DAEMON):
            return m.answering(pins, "POST", "/credentials", uid=uid, json={
                "kind": "pkcs11", "device": "pkcs11:token=card;object=p256", "code": code})[0]

        code = json.loads(m.tessera("credential", "replace", self.credential, "--json", check=True).out)["code"]
        self.assertEqual(own(self.codes[0]).json["error"], "invalid_grant")	# paper is no administrator
        self.assertEqual(own(code, uid=BIN).json["error"], "invalid_grant")
        self.assertEqual(own(code, pins=None).json["error"], "cancelled")	# which did not spend it
        answer = own(code)
        self.assertEqual((answer.status, answer.json["acr"]), (201, "software"), answer)
        self.assertEqual(own(code).json["error"], "invalid_grant")
        self.refused(self.token(code))
        self.assertEqual(self.token(self.codes[0]).status, 200)	# nobody has spent that

    def test_login_with_one(self):
        """A login helper takes it where the audience asks for no more than that."""
        m = self.m
        for name, acr in (("desk", "recovery"), ("vault", "otp")):
            m.audiences = {**m.audiences, name: {"class": "login", "scopes": ["login"], "acr": acr,
                                                 "lifetime": "1m", "any-user": True}}
        m.write_conf(m.conf_text() + 'login-helper "gdm" { user = "games" unit = "%s" }\n' % GDM)
        m.stop()
        m.start()
        code = json.loads(m.tessera("credential", "replace", self.credential, "--json", check=True).out)["code"]
        form = {"grant_type": OTP_GRANT, "audience": "desk", "subject": "daemon", "otp": code}
        with Unit("system.slice", GDM) as gdm:
            answer = in_unit(m, gdm, GAMES, {**form, "audience": "vault"})
            self.assertEqual(answer.json["error"], "step_up_required", answer)
            self.refused(in_unit(m, gdm, GAMES, {**form, "subject": "bin"}))
            answer = in_unit(m, gdm, GAMES, form)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(self.claims(answer)["acr"], "recovery")
            self.refused(in_unit(m, gdm, GAMES, form))

    def test_replaced_for_a_day(self):
        m = self.m
        codes = [json.loads(m.tessera("credential", "replace", self.credential, "--json",
                                      check=True).out)["code"] for _ in range(2)]
        self.refused(self.token(codes[0]))				# void by the second
        m.clock.advance(86401)
        self.refused(self.token(codes[1]))
        third = json.loads(m.tessera("credential", "replace", self.credential, "--json", check=True).out)
        m.clock.advance(86000)
        self.assertEqual(self.token(third["code"]).status, 200)
        self.assertEqual(m.tessera("credential", "replace", "A" * 22).status, 6)

    def test_rekey_and_old_copies(self):
        """Under another store key codes are as they were; in a copy that is put back they
        are void: they may have been spent since."""
        m = self.m
        copy = m.request("POST", "/admin/store/backup", admin=True, json={}).json["path"]
        m.stop()
        done = subprocess.run([m.bin + "/tesserad", "--config", m.conf, "--rekey"], env=m.environment(),
                              cwd="/", capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        m.start()
        self.assertEqual(self.token(self.codes[0]).status, 200)
        m.request("POST", "/admin/store/backup", admin=True, json={})
        newest = m.request("POST", "/admin/store/backup", admin=True, json={}).json["path"]
        self.assertNotEqual(copy, newest)
        m.stop()
        done = subprocess.run([m.bin + "/tesserad", "--config", m.conf, "--restore", newest],
                              env=m.environment(), cwd="/", capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        m.start()
        self.assertEqual(m.request("POST", "/admin/store/confirm", admin=True, json={}).status, 200)
        self.refused(self.token(self.codes[1]))


if __name__ == "__main__":
    harness.main()
