# SPDX-License-Identifier: ISC
"""Tokens ended before their time: by their session, by RFC 7009, all at once;
refused by the agent and by a verifier that asks nobody."""
import os
import stat
import unittest

import harness
from harness import BIN, DAEMON

PIN = "123456"


class Base(unittest.TestCase):
    def machine(self, **more):
        m = harness.Machine(**more)
        self.addCleanup(m.__exit__, None, None, None)
        m.__enter__()
        m.make_token("card", PIN, ["p256"])
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
                  pin=PIN, check=True)
        return m

    def prove(self, m, audience="demo"):
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.DEVICE_GRANT, "audience": audience, "pin": PIN})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def again(self, m, audience="demo"):
        answer = m.request("POST", "/token", uid=DAEMON, form={
            "grant_type": harness.SESSION_GRANT, "audience": audience})
        self.assertEqual(answer.status, 200, answer)
        return answer.json["access_token"]

    def verdict(self, m, token, *more):
        """What the command says that asks nobody: "" is valid."""
        ran = m.tessera("token", "verify", "--json", "--jwks", m.public + "/jwks.json", "-a", "demo",
                        "--issuer", m.issuer, *more, stdin=token, uid=0)
        return "" if ran.status == 0 else ran.json["error_description"]

    def active(self, m, token):
        return m.request("POST", "/introspect", uid=BIN, form={"token": token}).json["active"]

    def dead(self, m, token):
        self.assertIn("revoked", self.verdict(m, token))
        self.assertFalse(self.active(m, token))

    def alive(self, m, token):
        self.assertEqual(self.verdict(m, token), "")
        self.assertTrue(self.active(m, token))

    def session(self, m):
        return m.request("GET", "/session", uid=DAEMON).json["sessions"][0]["sid"]


class Revoke(Base):
    def test_by_session(self):
        """Logout, one session by its owner and by an administrator, a token, a credential."""
        m = self.machine()
        about = os.stat(m.public + "/epochs")
        self.assertEqual((stat.S_IMODE(about.st_mode), about.st_uid),
                         (0o644, harness.pwd.getpwnam("tessera").pw_uid))

        def logout(token):
            m.tessera("logout", uid=DAEMON, check=True)

        def own(token):
            m.tessera("session", "revoke", self.session(m), uid=DAEMON, check=True)

        def admin(token):
            shown = m.tessera("session", "list", "--user", "daemon", "--json", uid=0, check=True).json
            self.assertEqual([s["subject"] for s in shown["sessions"]], ["daemon"])
            m.tessera("session", "revoke", shown["sessions"][0]["sid"], uid=0, check=True)

        def user(token):
            m.tessera("revoke", "--user", "daemon", uid=0, check=True)

        def credential(token):
            one = m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"]
            m.tessera("revoke", "--credential", one, uid=0, check=True)

        def token(token):
            m.tessera("token", "revoke", uid=DAEMON, stdin=token, check=True)

        for end in (logout, own, admin, user, credential, token):
            with self.subTest(end.__name__):
                first = self.prove(m)
                second = self.again(m)
                self.alive(m, first)
                end(second)
                self.dead(m, first)
                self.dead(m, second)
                self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        def audited():
            with open(m.state + "/audit.log", encoding="utf-8") as f:
                return len([1 for line in f if '"revoked"' in line]) == 5
        harness.until(audited, 20, "an audit line of each")

    def test_whose(self):
        """RFC 7009: nobody ends a token of another's; what is no good is answered alike."""
        m = self.machine()
        token = self.prove(m)
        answer = m.request("POST", "/revoke", uid=BIN, form={"token": token})
        self.assertEqual(answer.json["error"], "unauthorized_client")
        answer = m.request("DELETE", "/session/" + self.session(m), uid=BIN)
        self.assertEqual((answer.status, answer.json["error"]), (404, "not_found"))
        self.alive(m, token)
        for bad in (token[:-4] + "AAAA", "nonsense", "tsr_at_" + 43 * "x"):
            answer = m.request("POST", "/revoke", uid=BIN, form={
                "token": bad, "token_type_hint": "refresh_token"})
            self.assertEqual((answer.status, answer.json), (200, {"ended": 0}))
        answer = m.request("POST", "/revoke", uid=BIN, form={"x": "y"})
        self.assertEqual(answer.json["error"], "invalid_request")
        self.alive(m, token)
        for body in ({}, {"all": False}, {"all": True, "subject": "daemon"}, {"subject": 7}):
            answer = m.request("POST", "/admin/revoke", uid=0, admin=True, json=body)
            self.assertEqual(answer.status, 400, body)
        self.alive(m, token)
        told = m.request("GET", "/.well-known/oauth-authorization-server", uid=BIN).json
        self.assertTrue(told["revocation_endpoint"].endswith("/revoke"))

    def test_everything(self):
        """All at once; the next token waits for the next second; a restart forgets nothing."""
        m = self.machine()
        token = self.prove(m)
        m.tessera("revoke", "--all", uid=0, check=True)
        self.dead(m, token)
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        fresh = self.prove(m)
        self.alive(m, fresh)
        m.tessera("logout", uid=DAEMON, check=True)
        last = self.prove(m)
        m.stop()
        self.assertIn("revoked", self.verdict(m, token))
        m.start()
        for old in token, fresh:
            self.dead(m, old)
        self.alive(m, last)
        # without its file nobody knows what was revoked: nothing of before is good
        m.stop()
        os.unlink(m.public + "/epochs")
        self.assertIn("nobody can say", self.verdict(m, last))
        self.assertEqual(self.verdict(m, last, "--allow-stale"), "")
        m.start()
        self.dead(m, last)
        self.alive(m, self.prove(m))


if __name__ == "__main__":
    harness.main()
