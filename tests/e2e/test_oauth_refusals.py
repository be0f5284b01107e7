# SPDX-License-Identifier: ISC
"""What the standards of OAuth say must be refused: RFC 6749, 9700, 7009, 7662."""
import os
import re
import unittest

import harness
from harness import BIN, DAEMON, GAMES, SESSION_GRANT
from granted import PIN, SHAPES, active, ask, audit, family, machine, prove, refresh

FORM = "application/x-www-form-urlencoded"


class Shared(unittest.TestCase):
    """One machine for all tests of a class: each brings a proof of its own."""

    @classmethod
    def setUpClass(cls):
        cls.m = machine()

    @classmethod
    def tearDownClass(cls):
        cls.m.close()

    def refused(self, answer, error="invalid_grant", status=400):
        self.assertEqual((answer.status, answer.json.get("error")), (status, error), answer)
        self.assertNotIn("access_token", answer.json)
        self.assertNotIn("refresh_token", answer.json)
        self.assertEqual(answer.headers.get("cache-control"), "no-store")

    def good(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer.json["refresh_token"]


class Refresh(Shared):
    def test_rotation(self):
        """RFC 9700, 4.14.2: each use gives the next one, of the same shape."""
        first = family(self.m)
        second = self.good(refresh(self.m, first))
        third = self.good(refresh(self.m, second, scope="read"))
        self.assertEqual(len({first, second, third}), 3)
        for token in (first, second, third):
            self.assertRegex(token, SHAPES["refresh"])
        answer = refresh(self.m, third)	# a narrower one before takes nothing away
        self.assertEqual(answer.json["scope"], "read write")

    def test_rotated_again(self):
        """RFC 9700, 4.14.2: the whole family is dead, newest included."""
        first = family(self.m, "opaque")
        answer = refresh(self.m, first)
        newest, access = self.good(answer), answer.json["access_token"]
        self.assertTrue(active(self.m, access)["active"])
        self.refused(refresh(self.m, first))
        self.refused(refresh(self.m, newest))
        self.assertEqual(active(self.m, access), {"active": False}, "what came with it, too")
        lines = audit(self.m, "misuse")
        self.assertIn("refresh-reuse", [e["verdict"] for e in lines])
        self.assertTrue(audit(self.m, "family-ended"))

    def test_another_family_lives(self):
        one, other = family(self.m), family(self.m)
        next_one = self.good(refresh(self.m, one))
        self.refused(refresh(self.m, one))
        self.refused(refresh(self.m, next_one))
        self.good(refresh(self.m, other))

    def test_eight_at_once(self):
        """One success; and since it came back, no family any more."""
        token = family(self.m)

        def spend():
            answer = harness.one_request(self.m.api, "POST", "/token", form={
                "grant_type": "refresh_token", "refresh_token": token})
            return answer.status, answer.json.get("refresh_token")
        jobs = [harness.Job(DAEMON, spend) for _ in range(8)]
        results = [job.result() for job in jobs]
        self.assertEqual(sorted(status for status, _ in results), [200] + [400] * 7)
        self.refused(refresh(self.m, max(token for _, token in results if token)))

    def test_wrong(self):
        """By another uid; wider than given; rubbish.  Nothing of it spends the token."""
        token = family(self.m, scope="read")
        rows = [
            ("another uid", {"uid": BIN}, "invalid_grant"),
            ("uid 0", {"uid": 0}, "invalid_grant"),
            ("wider scope", {"scope": "read write"}, "invalid_scope"),
            ("another scope", {"scope": "write"}, "invalid_scope"),
            ("no such scope", {"scope": "rea"}, "invalid_scope"),
            ("empty word in the scope", {"scope": "read  read"}, "invalid_scope"),
            ("another audience", {"audience": "kept"}, "invalid_grant"),
            ("no such audience", {"audience": "none"}, "invalid_grant"),
            ("another format", {"token_format": "saml"}, "invalid_request"),
        ]
        for name, change, error in rows:
            with self.subTest(name):
                self.refused(refresh(self.m, token, **change), error)
        for name, text in [
                ("cut", token[:-1]), ("longer", token + "A"), ("padded", token + "="),
                ("another prefix", "tsr_at_" + token[7:]), ("no prefix", token[7:]),
                ("capital prefix", "TSR_RT_" + token[7:]), ("prefix alone", "tsr_rt_"),
                ("another alphabet", token[:20] + "+" + token[21:]),
                ("family unknown", "tsr_rt_" + ("B" if token[7] == "A" else "A") + token[8:]),
                ("64 KiB", "tsr_rt_" + "A" * 60000)]:
            with self.subTest(name):
                self.refused(refresh(self.m, text))
        self.refused(ask(self.m, "refresh_token"), "invalid_request")
        self.good(refresh(self.m, token))
        self.assertIn("refresh-stolen", [e["verdict"] for e in audit(self.m, "misuse")])

    def test_times(self):
        """Idle and absolute lifetime, on the boot-time clock, and the session's end."""
        token = family(self.m)
        self.m.clock.advance(599)
        token = self.good(refresh(self.m, token))
        self.m.clock.advance(601)
        self.refused(refresh(self.m, token))
        token = family(self.m)
        for _ in range(6):
            self.m.clock.advance(590)
            token = self.good(refresh(self.m, token))
        self.m.clock.advance(61)	# an hour after the proof
        self.refused(refresh(self.m, token))

    def test_ended_session(self):
        """It never outlives its session; locked by nothing but the session's end."""
        token, kept = family(self.m), family(self.m, "kept")
        opaque = prove(self.m, "opaque")["access_token"]
        self.assertEqual(self.m.request("DELETE", "/session", uid=DAEMON).status, 200)
        self.refused(refresh(self.m, token))
        self.refused(refresh(self.m, kept))
        self.assertEqual(active(self.m, opaque), {"active": False})
        prove(self.m)			# another session is no help
        self.refused(refresh(self.m, token))
        token = family(self.m)
        for session in self.m.request("GET", "/session", uid=DAEMON).json["sessions"]:
            self.m.tessera("session", "revoke", session["sid"], uid=DAEMON, check=True)
        self.refused(refresh(self.m, token))

    def test_off(self):
        """No refresh token unless the audience says so, and asked for."""
        self.refused(ask(self.m, SESSION_GRANT, audience="plain", offline_access="true"),
                     "invalid_request")
        self.refused(ask(self.m, SESSION_GRANT, audience="app", offline_access="yes"),
                     "invalid_request")
        self.assertNotIn("refresh_token", prove(self.m))


class Endpoints(Shared):
    TARGETS = ["/token", "/introspect", "/revoke"]

    def test_forms(self):
        """RFC 6749, 3.2 and 5.2; RFC 6750, 2: a token in one place, once, in the body."""
        token = prove(self.m)["access_token"]
        rows = [
            ("twice", {"body": b"token=a&token=a&grant_type=x", "headers": {"Content-Type": FORM}}),
            ("twice, once empty", {"body": b"token=a&token=&grant_type=x",
                                   "headers": {"Content-Type": FORM}}),
            ("query", {"query": "?token=" + token, "form": {"grant_type": "x"}}),
            ("query and body", {"query": "?token=" + token, "form": {"token": token}}),
            ("empty query", {"query": "?", "form": {"token": token}}),
            ("header and body", {"form": {"token": token},
                                 "headers": {"Authorization": "Bearer " + token}}),
            ("JSON", {"json": {"token": token, "grant_type": "refresh_token"}}),
            ("no type", {"body": b"token=a&grant_type=refresh_token"}),
            ("another type", {"body": b"token=a", "headers": {"Content-Type": "text/plain"}}),
            ("nothing", {"form": {}}),
        ]
        for target in self.TARGETS:
            for name, what in rows:
                with self.subTest(target + ": " + name):
                    more = dict(what)
                    answer = self.m.request("POST", target + more.pop("query", ""), uid=BIN, **more)
                    self.refused(answer, "invalid_request")

    def test_methods(self):
        for target in self.TARGETS:
            for method in ("GET", "DELETE"):
                answer = self.m.request(method, target, uid=DAEMON)
                self.assertEqual(answer.status, 405, (method, target, answer))
                self.assertEqual(answer.headers.get("cache-control"), "no-store")

    def test_no_store(self):
        """RFC 6749, 5.1: no answer with a token may be kept by anybody."""
        token = family(self.m)
        for answer in (refresh(self.m, token), ask(self.m, audience="app"),
                       ask(self.m, "client_credentials", uid=BIN, audience="backup"),
                       self.m.request("POST", "/introspect", uid=BIN, form={"token": token})):
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual(answer.headers.get("cache-control"), "no-store")
            self.assertEqual(answer.headers.get("content-type"), "application/json")

    def test_introspection(self):
        """RFC 7662, 2.2: for a verifier of the audience; inactive says nothing else."""
        jwt, opaque = prove(self.m)["access_token"], prove(self.m, "opaque")["access_token"]
        self.assertRegex(opaque, SHAPES["access"])
        for token in (jwt, opaque):
            said = active(self.m, token)
            self.assertEqual((said["active"], said["sub"], said["client_id"], said["scope"]),
                             (True, "daemon", "uid:1", "read write"))
            for uid in (DAEMON, GAMES):
                self.assertEqual(active(self.m, token, uid), {"active": False})
        for name, text in [
                ("cut", opaque[:-1]), ("longer", opaque + "A"),
                ("refresh token", family(self.m)), ("a byte changed",
                 opaque[:9] + ("B" if opaque[9] == "A" else "A") + opaque[10:]),
                ("prefix alone", "tsr_at_"), ("rubbish", "x"), ("dots", "..")]:
            with self.subTest(name):
                self.assertEqual(active(self.m, text), {"active": False})

    def test_verify(self):
        """GET /verify judges by the rules of introspection: opaque tokens, services' too."""
        def ask_for(token, audience, uid=BIN):
            return self.m.request("GET", "/verify?audience=" + audience, uid=uid,
                                  headers={"Authorization": "Bearer " + token})
        opaque = prove(self.m, "opaque")["access_token"]
        service = {"grant": "client_credentials", "uid": BIN, "audience": "backup"}
        rows = [(opaque, "opaque", "daemon", "uid:1", "read write"),
                (prove(self.m)["access_token"], "app", "daemon", "uid:1", "read write"),
                (ask(self.m, **service).json["access_token"], "backup", "uid:2", "uid:2", "run list"),
                (ask(self.m, token_format="opaque", **service).json["access_token"], "backup",
                 "uid:2", "uid:2", "run list")]
        for token, audience, *said in rows:
            with self.subTest(audience):
                answer = ask_for(token, audience)
                self.assertEqual((answer.status, *[answer.headers["tessera-" + name] for name in
                                                   ("subject", "client", "scope")]), (200, *said))
        for name, answer, status in [
                ("no verifier", ask_for(opaque, "opaque", DAEMON), 403),
                ("another audience", ask_for(opaque, "app"), 401),
                ("cut", ask_for(opaque[:-1], "opaque"), 401),
                ("refresh token", ask_for(family(self.m, "opaque"), "opaque"), 401),
                ("longer than any", ask_for(7000 * "x", "opaque"), 401)]:
            self.assertEqual(answer.status, status, name)
        self.m.request("DELETE", "/session", uid=DAEMON)
        for token, audience, *_ in rows[:2]:
            self.assertEqual(ask_for(token, audience).status, 401)
        self.assertEqual(ask_for(rows[2][0], "backup").status, 200)

    def test_opaque_time(self):
        token = prove(self.m, "opaque")["access_token"]
        self.m.clock.advance(299)
        self.assertTrue(active(self.m, token)["active"])
        self.m.clock.advance(1)
        self.assertEqual(active(self.m, token), {"active": False})

    def test_classes(self):
        """No class becomes another; nobody says who he is."""
        prove(self.m)
        denied = [
            ("session for a service", {"audience": "backup"}, BIN),
            ("service for a user", {"grant": "client_credentials", "audience": "app"}, BIN),
            ("service for a login", {"grant": "client_credentials", "audience": "login"}, BIN),
            ("service of another uid", {"grant": "client_credentials", "audience": "backup"}, DAEMON),
            ("device for a service", {"grant": harness.DEVICE_GRANT, "audience": "backup",
                                      "pin": PIN}, BIN),
            ("subject", {"audience": "app", "subject": "bin"}, DAEMON),
        ]
        for name, form, uid in denied:
            with self.subTest(name):
                self.refused(ask(self.m, uid=uid, **form), "unauthorized_client", 403)
        self.refused(ask(self.m, "client_credentials", uid=BIN, audience="backup",
                         offline_access="true"), "invalid_request")
        self.refused(ask(self.m, audience="opaque", token_format="jwt"), "invalid_request")
        self.assertTrue(re.match(SHAPES["access"], ask(
            self.m, audience="app", token_format="opaque").json["access_token"]))


class Revocation(Shared):
    """RFC 7009, of tokens that are looked up; and what ends them all."""

    def revoke(self, token, uid=DAEMON):
        answer = self.m.request("POST", "/revoke", uid=uid, form={"token": token})
        self.assertEqual(answer.status, 200, answer)

    def all(self, what):
        answer = self.m.request("POST", "/admin/revoke", admin=True, json=what)
        self.assertEqual(answer.status, 200, answer)
        self.m.clock.advance(2)		# the next token waits for the next second

    def test_access_token(self):
        token = prove(self.m, "opaque")["access_token"]
        self.revoke(token, BIN)
        self.revoke(token, 0)
        self.assertTrue(active(self.m, token)["active"], "another's stays as it is")
        for _ in range(2):
            self.revoke(token)
            self.assertEqual(active(self.m, token), {"active": False})
        for unknown in ("tsr_at_" + 43 * "A", "tsr_rt_" + 64 * "A", "tsr_at_", "tsr_rt_x"):
            self.revoke(unknown)
        self.assertTrue(audit(self.m, "token-revoked"))

    def test_refresh_token(self):
        """2.1: with it the access tokens of its grant, by whichever of its tokens."""
        other = family(self.m)
        for spent in (False, True):
            first = family(self.m, "opaque")
            answer = refresh(self.m, first)
            newest, access = self.good(answer), answer.json["access_token"]
            self.revoke(first if spent else newest, BIN)
            answer = refresh(self.m, newest)
            newest = self.good(answer)
            self.revoke(first if spent else newest)
            self.refused(refresh(self.m, newest))
            for token in (access, answer.json["access_token"]):
                self.assertEqual(active(self.m, token), {"active": False})
        self.good(refresh(self.m, other))

    def test_administrator(self):
        """Of a subject, of a credential, of everybody: also what an earlier start left."""
        def everything():
            kept, bare = family(self.m, "kept"), prove(self.m, "opaque")["access_token"]
            return kept, bare, ask(self.m, audience="kept", token_format="opaque",
                                   offline_access="true").json

        def dead(kept, bare, both):
            for token in (kept, both["refresh_token"]):
                self.refused(refresh(self.m, token))
            for token in (bare, both["access_token"]):
                self.assertEqual(active(self.m, token), {"active": False})
        credential = self.m.request("GET", "/credentials", uid=DAEMON).json["credentials"][0]["id"]
        for restart in (False, True):
            for what in ({"subject": "daemon"}, {"credential": credential}, {"all": True}):
                with self.subTest(what, restart=restart):
                    tokens = everything()
                    if restart:
                        self.m.stop()
                        self.m.start()
                        self.assertTrue(active(self.m, tokens[1])["active"])
                    for other in ({"subject": "bin"}, {"credential": 22 * "A"}):
                        self.all(other)
                    self.assertTrue(active(self.m, tokens[1])["active"])
                    self.all(what)
                    dead(*tokens)
        tokens = everything()		# nor does one's own logout forget them
        self.m.stop()
        self.m.start()
        self.assertEqual(self.m.request("DELETE", "/session", uid=DAEMON).status, 200)
        dead(*tokens)

    def test_epoch(self):
        """What is older than the epoch is dead though its row be there."""
        kept, opaque = family(self.m, "kept"), prove(self.m, "opaque")["access_token"]
        self.m.stop()
        os.unlink(self.m.public + "/epochs")	# nobody knows what was revoked: all is
        self.m.start()
        self.m.clock.advance(2)		# the epoch's own second has no tokens
        self.assertEqual(active(self.m, opaque), {"active": False})
        self.refused(refresh(self.m, kept))
        self.good(refresh(self.m, family(self.m, "kept")))

    def test_service(self):
        """One whose token was revoked goes on under another sid, and is given nothing of
        before; nor is anybody after all were revoked."""
        def fresh(format="jwt"):
            return ask(self.m, "client_credentials", uid=BIN, audience="backup", min_valid="0",
                       token_format=format).json["access_token"]

        def sid(token):
            return active(self.m, token).get("sid")
        first, opaque = fresh(), fresh("opaque")
        self.assertEqual(fresh(), first)
        self.assertEqual(sid(opaque), sid(first))
        was = sid(first)
        self.assertEqual(self.m.request("POST", "/revoke", uid=DAEMON, form={"token": first}).status, 403)
        self.assertTrue(active(self.m, first)["active"], "another's stays as it is")
        self.revoke(first, BIN)
        for token in (first, opaque):
            self.assertEqual(active(self.m, token), {"active": False})
        second = fresh()
        self.assertNotIn(sid(second), (None, was))
        self.assertEqual(sid(fresh("opaque")), sid(second))
        self.all({"all": True})
        self.assertEqual(active(self.m, second), {"active": False})
        third = fresh()
        self.assertNotEqual(third, second)
        self.assertTrue(active(self.m, third)["active"])


if __name__ == "__main__":
    harness.main()
