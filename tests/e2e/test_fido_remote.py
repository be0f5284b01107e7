# SPDX-License-Identifier: ISC
"""Keys on another host, and browsers: POST /challenge, the assertion grant, and the
enrolment of a browser's credential."""
import json
import unittest

import harness
from browser import (HostKey, Page, SoftKey, UP, UV, answer_natively, b64, context_of, sha256, unb64)
from fidobed import Bed, enrol
from harness import BIN, DAEMON

ASSERTION = "urn:tessera:grant:assertion"
ORIGIN, RP_ID = "https://login.example", "login.example"
WEBAUTHN = {"webauthn": {"rp-id": RP_ID, "origins": [ORIGIN, "https://a.login.example:8443"]}}


def challenge(m, uid=DAEMON, audience="demo", **more):
    return m.request("POST", "/challenge", uid=uid, json={"audience": audience, **more})


def prove(m, offer, response, uid=DAEMON, **more):
    """The assertion grant with an answer to an offer."""
    text = response if isinstance(response, str) else json.dumps(response)
    return m.request("POST", "/token", uid=uid, form={
        "grant_type": ASSERTION, "challenge_id": offer["challenge_id"], "response": text, **more})


def register(m, page, uid=0, admin=True, change=None, **more):
    """Both steps of a browser's enrolment: the last answer."""
    path = "/admin/credentials" if admin else "/credentials"
    more.update({"subject": "daemon"} if admin else {})
    begun = m.request("POST", path, uid=uid, admin=admin, json={"kind": "webauthn", **more})
    if begun.status != 202:
        return begun
    made = page.create(begun.json["public_key"])
    if change is not None:
        made = change(page, begun.json["public_key"], made)
    return m.request("POST", "%s/%s/confirm" % (path, begun.json["id"]), uid=uid, admin=admin,
                     json={"response": made})


class Remote(unittest.TestCase):
    def ok(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def refused(self, answer, status, error, words=""):
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertIn(words, answer.json.get("error_description", ""))

    def told(self, m, event, credential):
        """The audit log has it, within the second that its file may be behind."""
        def found():
            shown = m.tessera("audit", "tail", "--config", m.conf, "--json", check=True).out
            return any(line["event"] == event and line.get("credential") == credential
                       for line in map(json.loads, shown.splitlines()))
        harness.until(found, 30, "the audit line")

    def test_native(self):
        """A key that was enrolled here answers from elsewhere, without a browser."""
        with Bed(1, settings=WEBAUTHN) as (m, keys):
            c = self.ok(enrol(m)[0], 201)
            m.bed.helpers_end()
            host = HostKey(keys)
            offer = self.ok(challenge(m, scope="read"))
            said, bound = context_of(offer)
            self.assertEqual(
                (said["purpose"], said["issuer"], said["subject"], said["audience"],
                 said["scope"], said["client_id"], said["credential"]),
                (3, m.issuer.encode(), b"daemon", b"demo", b"read", b"uid:%d" % DAEMON, b""))
            self.assertEqual((unb64(offer["challenge"]), offer["expires_in"]), (bound, 60))
            self.assertEqual([(x["id"], x["kind"], x["rp_id"]) for x in offer["credentials"]],
                             [(c["id"], "native", "tessera:localhost")])
            self.assertNotIn("public_key", offer)
            good = answer_natively(offer, host)
            # another uid can neither answer it nor spend it
            self.refused(prove(m, offer, good, uid=BIN), 400, "invalid_grant")
            token = self.ok(prove(m, offer, good, audience="demo", scope="read"))
            self.assertEqual(token["scope"], "read")
            self.refused(prove(m, offer, good), 400, "invalid_grant", "no challenge of this id")
            # a session came of it, which names no device as there
            session = self.ok(m.request("GET", "/session", uid=DAEMON))["sessions"]
            self.assertEqual([s["credential"] for s in session], [c["id"]])
            self.told(m, "proof", c["id"])
            self.native_refusals(m, keys, host)
            self.told(m, "clone", c["id"])

    def native_refusals(self, m, keys, host):
        def flipped(response, member, bit):
            data = bytearray(unb64(response["response"][member]))
            data[(bit // 8) % len(data)] ^= 1 << bit % 8
            response["response"][member] = b64(bytes(data))
            return response

        def browser(response):
            client = Page(ORIGIN).client_data("webauthn.get", {"challenge": "x"})
            response["response"]["clientDataJSON"] = b64(client)
            return response
        old = self.ok(challenge(m))
        rows = [
            ("of another request", lambda o: answer_natively(old, host), "invalid_grant"),
            ("relayed for another issuer", lambda o: answer_natively(
                o, host, b"tessera challenge v1\0" + unb64(o["nonce"]) + sha256(
                    unb64(o["context"]).replace(b"test.example", b"evil.example"))), "invalid_grant"),
            ("with a browser's client data", lambda o: browser(answer_natively(o, host)), "invalid_grant"),
            ("authenticator data altered", lambda o: flipped(answer_natively(o, host),
                                                             "authenticatorData", 300), "invalid_grant"),
            ("signature altered", lambda o: flipped(answer_natively(o, host), "signature", 200),
             "invalid_grant"),
        ]
        for name, make, error in rows:
            with self.subTest(name):
                offer = self.ok(challenge(m))
                answer = make(offer)
                self.refused(prove(m, offer, answer), 400, error)
                self.refused(prove(m, offer, answer), 400, "invalid_grant", "no challenge")
        with self.subTest("a counter that went back"):
            offer = self.ok(challenge(m))	# the refused ones have moved the key's on
            self.ok(prove(m, offer, answer_natively(offer, host)))
            offer = self.ok(challenge(m))
            keys[0].set("fault=counter-back+")
            self.refused(prove(m, offer, answer_natively(offer, host)), 403, "unauthorized_client",
                         "copy")
            self.refused(challenge(m), 404, "device_not_found")

    def test_browser_with_a_key(self):
        """A browser enrols a key and logs in with it, verified by its PIN."""
        with Bed(1, "pin=1234", settings=WEBAUTHN) as (m, keys):
            m.bed.helpers_end()
            page = Page(ORIGIN, HostKey(keys, "1234"))
            c = self.ok(register(m, page, uv="required", vouch="hardware-pin"), 201)
            self.assertEqual((c["kind"], c["acr"], c["label"]), ("fido", "hardware-pin", "browser"))
            offer = self.ok(challenge(m, audience="strict"))
            self.assertEqual([x["kind"] for x in offer["credentials"]], ["webauthn"])
            self.ok(prove(m, offer, page.get(offer["public_key"])))
            # no program on this host can use it
            self.refused(m.request("POST", "/token", uid=DAEMON, form={
                "grant_type": harness.DEVICE_GRANT, "audience": "demo"}), 404, "device_not_found")

    def test_browser_refused(self):
        """Whatever is not right about a browser's answer (WebAuthn level 3 section 7.2)."""
        with harness.Machine(settings=WEBAUTHN) as m:
            page = Page(ORIGIN)
            c = self.ok(register(m, page), 201)
            stranger = Page(ORIGIN)
            stranger.key.id = page.key.id
            handle = self.ok(m.request("POST", "/admin/credentials", admin=True, json={
                "kind": "webauthn", "subject": "daemon"}), 202)["public_key"]["user"]["id"]

            def native(o):
                r = page.get(o)
                del r["response"]["clientDataJSON"]
                return r

            def twice(o):
                text = page.client_data("webauthn.get", o).replace(
                    b'"type"', b'"type": "webauthn.get", "type"', 1)
                return page.get(o, client=text)

            def flagged(o, flags):
                before, page.key.flags = page.key.flags, flags
                r = page.get(o)
                page.key.flags = before
                return r

            def other_id(o):
                r = page.get(o)
                r["id"] = r["rawId"] = b64(b"another")
                return r
            rows = [
                ("type", lambda o: page.get(o, type="webauthn.create"), 400, "ceremony"),
                ("type absent", lambda o: page.get(o, type=None), 400, "ceremony"),
                ("challenge", lambda o: page.get(o, challenge=b64(bytes(85))), 400, "challenge"),
                ("challenge with padding", lambda o: page.get(o, challenge=o["challenge"] + "="), 400,
                 "challenge"),
                ("origin", lambda o: page.get(o, origin="https://evil.example"), 400, "origin"),
                ("origin of a subdomain", lambda o: page.get(o, origin="https://x.login.example"), 400,
                 "origin"),
                ("origin without TLS", lambda o: page.get(o, origin="http://login.example"), 400, "origin"),
                ("origin with a slash", lambda o: page.get(o, origin=ORIGIN + "/"), 400, "origin"),
                ("crossOrigin", lambda o: page.get(o, crossOrigin=True), 400, "another origin"),
                ("crossOrigin as text", lambda o: page.get(o, crossOrigin="false"), 400, "another origin"),
                ("topOrigin", lambda o: page.get(o, topOrigin=ORIGIN), 400, "another origin"),
                ("member twice", twice, 400, "malformed"),
                ("no JSON", lambda o: page.get(o, client=b"{"), 400, "malformed"),
                ("without client data", native, 400, "browser alone"),
                ("rp id", lambda o: page.get(o, rp_id="evil.example"), 403, "another service"),
                ("presence clear", lambda o: flagged(o, 0), 403, "touched"),
                ("key of another", stranger.get, 400, "signature"),
                ("credential of nobody", other_id, 400, "was not asked"),
                ("user handle of another", lambda o: page.get(o, handle=bytes(32)), 400, "another user"),
            ]
            for name, make, status, words in rows:
                with self.subTest(name):
                    offer = self.ok(challenge(m))
                    answer = prove(m, offer, make(offer["public_key"]))
                    self.refused(answer, status, "invalid_grant" if status == 400 else
                                 "unauthorized_client", words)
                    self.refused(prove(m, offer, page.get(offer["public_key"])), 400, "invalid_grant")
            for name, more in [("plain", {}), ("crossOrigin absent", {"crossOrigin": None}),
                               ("user handle", {"handle": unb64(handle)}),
                               ("another origin that is ours", {"origin": WEBAUTHN["webauthn"]["origins"][1]})]:
                with self.subTest(name):
                    offer = self.ok(challenge(m))
                    self.ok(prove(m, offer, page.get(offer["public_key"], **more)))
            with self.subTest("another audience, another scope"):
                for more in ({"audience": "vpn"}, {"scope": "write"}):
                    offer = self.ok(challenge(m, scope="read"))
                    self.refused(prove(m, offer, page.get(offer["public_key"]), **more), 400,
                                 "invalid_grant", "another audience")
            with self.subTest("of another user's credential"):
                self.refused(challenge(m, uid=BIN), 404, "device_not_found")
            with self.subTest("disabled meanwhile"):
                offer = self.ok(challenge(m))
                m.tessera("credential", "disable", c["id"], "--force", check=True)
                self.refused(prove(m, offer, page.get(offer["public_key"])), 403, "unauthorized_client")
                self.refused(challenge(m), 404, "device_not_found")

    def test_browser_verified(self):
        """Verified where it was enrolled so, and never enrolled so without."""
        with harness.Machine(settings=WEBAUTHN) as m:
            self.refused(register(m, Page(ORIGIN), uv="required"), 403, "unauthorized_client", "verify")
            page = Page(ORIGIN, SoftKey(flags=UP | UV))
            self.ok(register(m, page, uv="required"), 201)
            offer = self.ok(challenge(m))
            self.assertEqual(offer["public_key"]["userVerification"], "required")
            self.ok(prove(m, offer, page.get(offer["public_key"])))
            page.key.flags = UP
            offer = self.ok(challenge(m))
            self.refused(prove(m, offer, page.get(offer["public_key"])), 403, "unauthorized_client",
                         "verify")

    def test_registration_refused(self):
        with harness.Machine(settings=WEBAUTHN) as m:
            def client(**more):
                def change(page, options, made):
                    return page.create(options, **more)
                return change

            def told(member, value):
                def change(page, options, made):
                    (made["response"] if member in made["response"] else made)[member] = value
                    return made
                return change
            rows = [
                ("type", client(type="webauthn.get"), 400, "invalid_grant"),
                ("challenge", client(challenge=b64(bytes(85))), 400, "invalid_grant"),
                ("origin", client(origin="https://evil.example"), 400, "invalid_grant"),
                ("crossOrigin", client(crossOrigin=True), 400, "invalid_grant"),
                ("rp id", client(rp_id="evil.example"), 403, "unauthorized_client"),
                ("attestation object", told("attestationObject", b64(b"\xa0")), 400, "invalid_grant"),
                ("another id", lambda p, o, made: {**made, "id": b64(b"x"), "rawId": b64(b"x")}, 400,
                 "invalid_grant"),
                ("ids that differ", told("rawId", b64(b"x")), 400, "invalid_request"),
                ("not base64url", told("clientDataJSON", "a+b="), 400, "invalid_request"),
                ("a member that is not known", lambda p, o, made: {**made, "x": 1}, 400, "invalid_request"),
            ]
            for name, change, status, error in rows:
                with self.subTest(name):
                    self.refused(register(m, Page(ORIGIN), change=change), status, error)
            page = Page(ORIGIN)
            self.ok(register(m, page), 201)
            self.refused(register(m, page), 409, "conflict")
            # a user's own first one needs an administrator, or his code
            self.refused(register(m, Page(ORIGIN), uid=BIN, admin=False), 401, "step_up_required")
            code = m.tessera("enroll", "code", "--user", "bin", "--json", check=True).json["code"]
            self.assertEqual(self.ok(register(m, Page(ORIGIN), uid=BIN, admin=False, code=code),
                                     201)["subject"], "bin")

    def test_challenges(self):
        """They end, by the clock that knows no suspend; and nobody has them all."""
        with harness.Machine(settings=WEBAUTHN, rehearse=True) as m:
            page = Page(ORIGIN)
            self.ok(register(m, page), 201)
            offer = self.ok(challenge(m))
            m.clock.advance(59)
            self.ok(prove(m, offer, page.get(offer["public_key"])))
            offer = self.ok(challenge(m))
            m.clock.advance(60)
            self.refused(prove(m, offer, page.get(offer["public_key"])), 400, "invalid_grant")
            for _ in range(8):
                offer = self.ok(challenge(m))
            self.refused(challenge(m), 429, "slow_down")
            self.ok(prove(m, offer, page.get(offer["public_key"])))
            self.ok(challenge(m))
            for name, asked, status, error in [
                    ("no audience", {"scope": "read"}, 400, "invalid_request"),
                    ("unknown member", {"audience": "demo", "x": 1}, 400, "invalid_request"),
                    ("subject", {"audience": "demo", "subject": "bin"}, 403, "unauthorized_client"),
                    ("rhost", {"audience": "demo", "rhost": "h"}, 403, "unauthorized_client"),
                    ("unknown audience", {"audience": "none"}, 403, "unauthorized_client"),
                    ("too weak", {"audience": "strict"}, 401, "step_up_required"),
                    ("wrong scope", {"audience": "demo", "scope": "x"}, 400, "invalid_scope")]:
                with self.subTest(name):
                    self.refused(m.request("POST", "/challenge", uid=DAEMON, json=asked), status, error)
            for response in ("{", "[]", "{}", '{"id":"YQ","response":{"signature":"YQ"}}'):
                self.refused(prove(m, offer, response), 400, "invalid_request")
            text = m.request("GET", "/metrics").body.decode()
            self.assertIn('grant="assertion"', text)

    def test_command_line(self):
        """The way of README: a challenge here, its answer where the key is, a token here."""
        with Bed(1, settings=WEBAUTHN) as (m, keys):
            self.ok(enrol(m)[0], 201)
            m.bed.helpers_end()
            got = m.tessera("challenge", "get", "-a", "demo", "-s", "read", check=True, uid=DAEMON)

            def answer(*more, given=got.out, issuer=m.issuer):
                return keys.run(m.bin + "/tessera", "challenge", "answer", "--issuer", issuer,
                                *more, "-", say=given)
            doc = got.json
            relayed = dict(doc, context=b64(unb64(doc["context"]).replace(b"test.ex", b"evil.ex")))
            web = json.loads(got.out)
            web["credentials"][0]["rp_id"] = "bank.example"
            for name, done, words in [
                    ("nobody to ask", answer(), "--yes"),
                    ("another issuer", answer("--yes", issuer="https://other.example"), "of the issuer"),
                    ("relayed", answer("--yes", given=json.dumps(relayed)), "not what would be signed"),
                    ("for the web", answer("--yes", given=json.dumps(web)), "an agent's"),
                    ("no challenge", answer("--yes", given="{}"), "no challenge")]:
                with self.subTest(name):
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(words, done.stderr + done.stdout)
                    self.assertEqual(done.stdout, "")
            done = answer("--yes")
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in (m.issuer, "demo", "read", "daemon", "uid:%d" % DAEMON):
                self.assertIn(line, done.stderr)
            token = m.tessera("token", "get", "-a", "demo", "--answer", "-", stdin=done.stdout, uid=DAEMON)
            self.assertEqual(token.status, 0, token)
            shown = m.tessera("token", "introspect", "--json", stdin=token.out, uid=DAEMON).json
            self.assertEqual((shown["sub"], shown["scope"]), ("daemon", "read"))
            again = m.tessera("token", "get", "-a", "demo", "--answer", "-", stdin=done.stdout, uid=DAEMON)
            self.assertEqual(again.status, 4, again)

    def test_command_line_of_a_browser(self):
        with harness.Machine(settings=WEBAUTHN) as m:
            page = Page(ORIGIN)
            begun = m.tessera("enroll", "webauthn", "--user", "daemon", "--label", "phone", check=True).json
            made = json.dumps({"response": page.create(begun["public_key"])})
            done = m.tessera("enroll", "confirm", begun["id"], "--answer", "-", stdin=made, check=True)
            self.assertIn('Enrolled "phone" for daemon', done.out)
            offer = m.tessera("challenge", "get", "-a", "demo", "--json", uid=DAEMON, check=True).json
            said = json.dumps({"challenge_id": offer["challenge_id"],
                               "response": page.get(offer["public_key"])})
            m.tessera("token", "get", "-a", "demo", "--answer", "-", uid=DAEMON, stdin=said, check=True)

    def test_not_configured(self):
        with harness.Machine() as m:
            self.refused(register(m, Page(ORIGIN)), 503, "temporarily_unavailable", "webauthn")


if __name__ == "__main__":
    harness.main()
