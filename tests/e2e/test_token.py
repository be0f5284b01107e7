# SPDX-License-Identifier: ISC
"""From a token's signature to an access token that others accept."""
import base64
import json
import os
import random
import subprocess
import time
import unittest

import harness
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

HERE = os.path.dirname(os.path.abspath(__file__))
PIN = "123456"
KINDS = ["p256", "rsa2048", "rsa3072", "ed25519", "p384"]
ALGORITHMS = ["ecdsa-p256-sha256", "rsa-pss-sha256", "rsa-pss-sha256", "ed25519",
              "ecdsa-p384-sha256"]


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def header(token):
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def foreign(m, token, audience, program):
    """The claims as another implementation reads them; None where it refuses."""
    done = subprocess.run(program + [m.public + "/jwks.json", m.issuer, audience],
                          input=token.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else None


JWCRYPTO = ["/usr/bin/python3", "-B", HERE + "/verify.py"]
JOSE_NPM = ["node", HERE + "/verify.mjs"]


class Base(unittest.TestCase):
    def enrol(self, m, user, uri="pkcs11:token=card;id=%01", *more):
        return m.tessera("enroll", "pkcs11", "--user", user, "--device", uri, "--json", *more,
                         pin=PIN, check=True).json

    def device(self, m, uid=DAEMON, audience="demo", pin=PIN, **more):
        form = {"grant_type": DEVICE_GRANT, "audience": audience, **more}
        if pin is not None:
            form["pin"] = pin
        return m.request("POST", "/token", uid=uid, form=form)

    def session(self, m, uid=DAEMON, audience="demo", **more):
        return m.request("POST", "/token", uid=uid,
                         form={"grant_type": SESSION_GRANT, "audience": audience, **more})

    def refused(self, answer, status, error):
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertNotIn("access_token", answer.json)
        self.assertEqual(answer.headers.get("cache-control"), "no-store")


class WholeWay(Base):
    def test_every_kind_of_key(self):
        """SoftHSM2 keys: enrolled, proved, and the token accepted by programs not ours."""
        with harness.Machine() as m:
            m.make_token("card", PIN, KINDS)
            for i, kind in enumerate(KINDS):
                with self.subTest(kind=kind):
                    cred = self.enrol(m, "daemon", "pkcs11:token=card;object=" + kind)
                    self.assertEqual(cred["algorithm"], ALGORITHMS[i])
                    answer = self.device(m, credential=cred["id"])
                    self.assertEqual(answer.status, 200, answer)
                    token = answer.json["access_token"]
                    for program in (JWCRYPTO, JOSE_NPM):
                        read = foreign(m, token, "demo", program)
                        self.assertIsNotNone(read, program)
                        self.assertEqual((read["sub"], read["aud"]), ("daemon", "demo"))

    def test_rfc9068_claims(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            before = int(time.time())
            answer = self.device(m, scope="read")
            token = answer.json["access_token"]
            c, h = claims(token), header(token)
            self.assertEqual(set(h), {"alg", "typ", "kid"})
            self.assertEqual((h["alg"], h["typ"], len(h["kid"])), ("EdDSA", "at+jwt", 8))
            self.assertEqual(set(c), {"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id",
                                      "scope", "auth_time", "acr", "amr", "sid"})
            self.assertEqual((c["iss"], c["client_id"], c["scope"], c["acr"], c["amr"]),
                             (m.issuer, "uid:1", "read", "software", ["swk"]))
            self.assertEqual(c["exp"] - c["iat"], 300)
            self.assertTrue(before <= c["iat"] <= before + 10)
            self.assertEqual(answer.json["token_type"], "Bearer")
            self.assertEqual((answer.json["expires_in"], answer.json["scope"]), (300, "read"))
            self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_es256_by_configuration(self):
        """ES256, accepted by jwcrypto, the npm package jose and latchset's José."""
        with harness.Machine(settings={"signing": {"algorithm": "ES256"}}) as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            token = self.device(m).json["access_token"]
            self.assertEqual(header(token)["alg"], "ES256")
            for program in (JWCRYPTO, JOSE_NPM):
                self.assertIsNotNone(foreign(m, token, "demo", program), program)
            done = subprocess.run(["jose", "jws", "ver", "-i-", "-k", m.public + "/jwks.json",
                                   "-O-"], input=token.encode(), stdout=subprocess.PIPE,
                                  check=True, timeout=60)
            self.assertEqual(json.loads(done.stdout)["sub"], "daemon")

    def test_helper_under_its_own_uid(self):
        """The socket-activated helper runs as tessera-dev, the agent as tessera."""
        with harness.Machine(helper="activate") as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            self.assertEqual(self.device(m).status, 200)
            users = set()
            for pid in harness.processes_of(m.folder):
                with open("/proc/%d/status" % pid, encoding="ascii") as f:
                    uid = [line.split()[1] for line in f if line.startswith("Uid:")][0]
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    users.add((b"--worker" in f.read(), int(uid)))
            self.assertIn((True, harness.pwd.getpwnam("tessera-dev").pw_uid), users)
            self.assertNotIn((True, harness.pwd.getpwnam("tessera").pw_uid), users)

    def test_user_mode(self):
        """tesserad --user: the user is his own administrator, acr never above self."""
        with harness.Machine(user=BIN) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            ran = m.tessera("enroll", "pkcs11", "--user", "bin", "--device",
                            "pkcs11:token=card;object=p256", "--vouch", "hardware-pin",
                            "--json", uid=BIN, pin=PIN, check=True)
            self.assertEqual(ran.json["acr"], "self")
            c = claims(self.device(m, uid=BIN).json["access_token"])
            self.assertEqual((c["iss"], c["acr"]), (m.issuer + "/user/2", "self"))
            ran = m.tessera("enroll", "pkcs11", "--user", "daemon", "--device",
                            "pkcs11:token=card;object=ed25519", "--json", uid=BIN, pin=PIN)
            self.assertEqual(ran.json["error"], "unauthorized_client", "nobody else's")

    def test_user_mode_needs_no_administrator(self):
        """The first credential without --user, and keys found where this agent puts them."""
        with harness.Machine(user=BIN) as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            for number in 1, 2:
                ran = m.tessera("enroll", "pkcs11", "--device", "pkcs11:token=card;id=%%0%d" % number,
                                "--json", uid=BIN, pin=PIN, check=True)
                self.assertEqual((ran.json["subject"], ran.json["acr"]), ("bin", "self"))
            token = self.device(m, uid=BIN, credential=ran.json["id"]).json["access_token"]
            runtime = os.path.dirname(m.run)
            ran = m.tessera("token", "verify", "--json", uid=BIN, stdin=token, env={
                "TESSERA_SOCK": "", "TESSERA_ADMIN_SOCK": "", "XDG_RUNTIME_DIR": runtime})
            self.assertEqual(ran.status, 0, ran)
            self.assertTrue(ran.json["issuer_checked"])

    def test_restart_keeps_keys_and_credentials(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            token = self.device(m).json["access_token"]
            m.stop()
            m.start()
            self.assertIsNotNone(foreign(m, token, "demo", JWCRYPTO))
            self.refused(self.session(m), 401, "login_required")
            self.assertEqual(self.device(m).status, 200)

    def test_thousand_changed_bytes(self):
        """1,000 random byte changes of a good token: none is accepted."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            token = self.device(m).json["access_token"]
            seed = random.randrange(1 << 30)
            rng = random.Random(seed)

            def accepted():
                wrong = []
                with harness.Client(m.api) as c:
                    good = c.request("POST", "/introspect", form={"token": token})
                    if not good.json["active"]:
                        return ["the unchanged one is refused"]
                    for _ in range(1000):
                        at = rng.randrange(len(token))
                        new = rng.choice([chr(x) for x in range(33, 127) if chr(x) != token[at]])
                        answer = c.request("POST", "/introspect",
                                           form={"token": token[:at] + new + token[at + 1:]})
                        if answer.status != 200 or answer.json != {"active": False}:
                            wrong.append((at, new))
                return wrong
            self.assertEqual(harness.as_user(DAEMON, accepted), [], "seed %d" % seed)

    def test_metadata_and_keys(self):
        with harness.Machine() as m:
            meta = m.request("GET", "/.well-known/oauth-authorization-server", uid=DAEMON).json
            self.assertEqual((meta["issuer"], meta["token_endpoint"]), (m.issuer, m.issuer + "/token"))
            jwks = m.request("GET", "/.well-known/jwks.json", uid=DAEMON).json
            with open(m.public + "/jwks.json", encoding="utf-8") as f:
                self.assertEqual(json.load(f), jwks)
            self.assertEqual(len(jwks["keys"]), 1)
            self.assertEqual(set(jwks["keys"][0]), {"kty", "crv", "x", "kid", "use", "alg"})
            self.assertEqual(os.stat(m.public + "/jwks.json").st_mode & 0o777, 0o644)


class Sessions(Base):
    def test_reuse_and_age(self):
        """never, audience, session; max_age by the audience and by the caller."""
        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            for audience in ("demo", "vpn", "fresh"):
                self.refused(self.session(m, audience=audience), 401, "login_required")
            self.assertEqual(self.device(m).status, 200)
            self.assertEqual(self.session(m).status, 200, "reuse = session")
            self.refused(self.session(m, audience="vpn"), 401, "login_required")
            self.assertEqual(m.answering(PIN, "POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "vpn"})[0].status, 200)
            self.assertEqual(self.session(m, audience="vpn").status, 200, "reuse = audience")
            self.assertEqual(m.answering(PIN, "POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "fresh"})[0].status, 200)
            self.refused(self.session(m, audience="fresh"), 401, "login_required")
            m.clock.advance(100)
            self.assertEqual(self.session(m, max_age="100").status, 200)
            self.refused(self.session(m, max_age="99"), 401, "login_required")
            m.clock.advance(8 * 3600 - 100)		# the audience's own max-age
            self.assertEqual(self.session(m).status, 200)
            m.clock.advance(1)
            self.refused(self.session(m), 401, "login_required")

    def test_session_belongs_to_its_uid(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            self.assertEqual(self.device(m).status, 200)
            self.refused(self.session(m, uid=BIN), 401, "login_required")
            self.assertEqual(m.request("GET", "/session", uid=BIN).json, {"sessions": []})
            self.assertEqual(m.request("DELETE", "/session", uid=BIN).json, {"ended": 0})
            self.assertEqual(self.session(m).status, 200)

    def test_logout_ends_it(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            self.assertEqual(m.tessera("login", uid=DAEMON, pin=PIN).status, 0)
            shown = m.request("GET", "/session", uid=DAEMON).json["sessions"]
            self.assertEqual((len(shown), shown[0]["subject"], shown[0]["locked"]), (1, "daemon", False))
            got = m.tessera("token", "get", "-a", "demo", uid=DAEMON)
            self.assertEqual((got.status, got.out.count("\n"), got.err), (0, 1, ""))
            self.assertEqual(claims(got.out.strip())["sid"], shown[0]["sid"])
            self.assertEqual(m.tessera("logout", uid=DAEMON).status, 0)
            self.refused(self.session(m), 401, "login_required")
            self.assertEqual(m.tessera("token", "get", "-a", "demo", "--no-prompt",
                                       uid=DAEMON).status, 4)

    def test_absolute_end(self):
        with harness.Machine(rehearse=True, settings={"session": {"lifetime": "1h"}}) as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            self.assertEqual(self.device(m).status, 200)
            m.clock.advance(3599)
            self.assertEqual(self.session(m).status, 200)
            m.clock.advance(2)
            self.refused(self.session(m), 401, "login_required")

    def test_weak_session_steps_up(self):
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            self.enrol(m, "daemon")
            self.assertEqual(self.device(m).status, 200)
            answer = self.session(m, audience="strict")
            self.refused(answer, 401, "step_up_required")
            self.assertEqual((answer.json["methods"], answer.json["acr"]), (["device"], "hardware-pin"))
            self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519", "--vouch", "hardware-pin")
            answer, _ = m.answering(PIN, "POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "strict"})
            self.assertEqual(answer.status, 200, answer)
            c = claims(answer.json["access_token"])
            self.assertEqual((c["acr"], c["amr"]), ("hardware-pin", ["hwk", "pin"]))

    def test_disabled_credential_ends_its_session(self):
        with harness.Machine() as m:
            m.make_token("card", PIN, ["p256", "ed25519"])
            first = self.enrol(m, "daemon")
            self.enrol(m, "daemon", "pkcs11:token=card;object=ed25519")
            self.assertEqual(self.device(m, credential=first["id"]).status, 200)
            self.assertEqual(self.session(m).status, 200)
            self.assertEqual(m.tessera("credential", "disable", first["id"]).status, 0)
            self.refused(self.session(m), 401, "login_required")
            self.refused(self.device(m, credential=first["id"]), 404, "device_not_found")


class Prompts(Base):
    FORM = {"grant_type": DEVICE_GRANT, "audience": "vpn"}

    def test_no_prompter_says_so_at_once(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            start = time.monotonic()
            answer = m.request("POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertLess(time.monotonic() - start, 1.0)
            self.refused(answer, 401, "pin_required")
            self.assertEqual(answer.json["reason"], "no_prompter")

    def test_prompt_shows_who_asks_and_for_what(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            cred = self.enrol(m, "daemon", "pkcs11:token=card;id=%01", "--label", "my card")
            answer, prompts = m.answering(PIN, "POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual(answer.status, 200)
            p = prompts[0]
            self.assertEqual((p["purpose"], p["audience"], p["scope"]), ("login", "vpn", "connect"))
            self.assertEqual(p["requester"]["uid"], DAEMON)
            # what the process calls itself, a hint, in any mode and whoever the agent runs as
            with open("/proc/self/comm", encoding="utf-8") as f:
                self.assertEqual(p["requester"]["program"], f.read().rstrip("\n"))
            self.assertNotIn("exe", p["requester"])
            self.assertEqual((p["device"]["label"], p["credential"]["id"], p["credential"]["label"]),
                             ("card", cred["id"], "my card"))
            self.assertEqual((p["retry"], p["seconds_left"]), (False, 60))

    def test_wrong_then_right(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer, prompts = m.answering(["999999", PIN], "POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual((answer.status, len(prompts), prompts[1]["retry"]), (200, 2, True))
            # SoftHSM counts no tries, as its section says: they do not get few
            self.assertEqual([(p["pin"], p["tries_left"]) for p in prompts], [("ok", None)] * 2)

    def test_few_tries(self):
        """CKF_USER_PIN_COUNT_LOW gives no number: none is made up."""
        with harness.Machine(start=False) as m:
            m.modules = {"softhsm": m.softhsm(**{"pin-tries": "counted"})}
            m.write_conf()
            m.start()
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer, prompts = m.answering(["999999", PIN], "POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual((answer.status, len(prompts)), (200, 2), answer)
            self.assertEqual([(p["pin"], p["tries_left"]) for p in prompts], [("ok", None), ("low", None)])
            answer, prompts = m.answering(["888888", None], "POST", "/token", uid=DAEMON, form=self.FORM)
            self.refused(answer, 409, "cancelled")
            answer, prompts = m.answering(PIN, "POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual([(p["pin"], p["tries_left"]) for p in prompts], [("low", None)])

    def test_a_pin_of_no_length_was_no_try(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer, prompts = m.answering(["123", PIN], "POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual(answer.status, 200, answer)
            self.assertEqual([(p["pin"], p["retry"], p["tries_left"]) for p in prompts],
                             [("ok", False, None), ("ok", True, None)])

    def test_wrong_inline_pin_is_told_in_words(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer = self.device(m, pin="999999")
            self.refused(answer, 401, "pin_required")
            self.assertEqual(answer.json["error_description"],
                             "the token refused the PIN (C_Login: CKR_PIN_INCORRECT (0xa0))")

    def test_two_wrong_pins_are_enough(self):
        """A third one could be a card's last: one request never tries it."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            for pins in (["%06d" % n for n in range(9)], ["999999"] * 9):
                answer, prompts = m.answering(pins, "POST", "/token", uid=DAEMON, form=self.FORM)
                self.refused(answer, 401, "pin_required")
                self.assertEqual(len(prompts), 2)
                self.assertEqual(answer.json["reason"], "wrong")

    def test_cancelled(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer, _ = m.answering(None, "POST", "/token", uid=DAEMON, form=self.FORM)
            self.refused(answer, 409, "cancelled")

    def test_prompter_that_goes_away(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")

            def ask():
                with harness.Client(m.api) as c:
                    with harness.Events(m.api, "self") as events:
                        events.next("ready")
                        c.send(harness.request_bytes("POST", "/token", form=self.FORM))
                        events.next("pin-needed")
                    start = time.monotonic()
                    return c.answer(), time.monotonic() - start
            answer, took = harness.as_user(DAEMON, ask)
            self.refused(answer, 401, "pin_required")
            self.assertLess(took, 1.0)

    def test_unanswered_times_out(self):
        with harness.Machine(rehearse=True) as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")

            def ask():
                with harness.Client(m.api) as c, harness.Events(m.api, "self") as events:
                    events.next("ready")
                    c.send(harness.request_bytes("POST", "/token", form=self.FORM))
                    events.next("pin-needed")
                    m.clock.advance(61)
                    return c.answer()
            self.refused(harness.as_user(DAEMON, ask), 408, "timeout")

    def test_standing_prompter_serves_other_programs(self):
        """prompter=all answers for another process of the same user; another user cannot."""
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")

            def prompter():
                with harness.Events(m.api, "all") as events, harness.Client(m.api) as c:
                    events.next("ready")
                    os.write(ready_write, b"x")
                    data = events.next("pin-needed")[1]
                    wrong = c.request("POST", "/prompt/" + "A" * 22, json={"pin": PIN})
                    right = c.request("POST", "/prompt/" + data["prompt"], json={"pin": PIN})
                    again = c.request("POST", "/prompt/" + data["prompt"], json={"pin": PIN})
                    return wrong.status, right.status, again.status, data["requester"]["pid"]
            ready_read, ready_write = os.pipe()
            job = harness.Job(DAEMON, prompter)
            os.read(ready_read, 1)
            answer = m.request("POST", "/token", uid=DAEMON, form=self.FORM)
            self.assertEqual(answer.status, 200, answer)
            wrong, right, again, pid = job.result()
            self.assertEqual((wrong, right, again), (404, 200, 404))
            self.assertNotEqual(pid, job.pid)

    def test_another_user_cannot_answer_or_listen(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")

            def ask(tell, told):
                with harness.Client(m.api) as c, harness.Events(m.api, "self") as events:
                    events.next("ready")
                    c.send(harness.request_bytes("POST", "/token", form=self.FORM))
                    data = events.next("pin-needed")[1]
                    os.write(tell, data["prompt"].encode())
                    os.read(told, 1)
                    with harness.Client(m.api) as own:
                        own.request("POST", "/prompt/" + data["prompt"], json={"cancel": True})
                    return c.answer()
            read, write = os.pipe()
            back_read, back_write = os.pipe()
            job = harness.Job(DAEMON, ask, write, back_read)
            prompt = os.read(read, 64).decode()
            answer = m.request("POST", "/prompt/" + prompt, uid=BIN, json={"pin": "0000"})
            self.assertEqual((answer.status, answer.json["error"]), (404, "not_found"))
            answer = m.request("POST", "/prompt/" + prompt, uid=DAEMON, json={"pin": "0000"})
            self.assertEqual(answer.status, 404, "another process's self-prompt")
            os.write(back_write, b"x")
            self.refused(job.result(), 409, "cancelled")


class Requests(Base):
    """RFC 6749 and the grants: what is refused before anything happens."""

    ROWS = [
        ("no grant_type", {"audience": "demo"}, 400, "invalid_request"),
        ("unknown grant_type", {"grant_type": "password", "audience": "demo"}, 400,
         "unsupported_grant_type"),
        ("no audience", {"grant_type": SESSION_GRANT}, 400, "invalid_request"),
        ("unknown audience", {"grant_type": SESSION_GRANT, "audience": "nope"}, 403,
         "unauthorized_client"),
        ("audience of others", {"grant_type": SESSION_GRANT, "audience": "closed"}, 403,
         "unauthorized_client"),
        ("unknown scope", {"grant_type": SESSION_GRANT, "audience": "demo", "scope": "root"}, 400,
         "invalid_scope"),
        ("scope wildcard", {"grant_type": SESSION_GRANT, "audience": "demo", "scope": "*"}, 400,
         "invalid_scope"),
        ("no value is no parameter (RFC 6749 3.2)",
         {"grant_type": SESSION_GRANT, "audience": "demo", "scope": ""}, 401, "login_required"),
        ("scope prefix", {"grant_type": SESSION_GRANT, "audience": "demo", "scope": "rea"}, 400,
         "invalid_scope"),
        ("unknown format", {"grant_type": SESSION_GRANT, "audience": "demo",
                            "token_format": "saml"}, 400, "invalid_request"),
        ("pin with the session grant", {"grant_type": SESSION_GRANT, "audience": "demo",
                                        "pin": "1"}, 400, "invalid_request"),
        ("pin for another audience", {"grant_type": DEVICE_GRANT, "audience": "vpn",
                                      "pin": PIN}, 403, "unauthorized_client"),
        ("an empty pin is none", {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": ""}, 401,
         "pin_required"),
        ("pin of 256 bytes", {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": "1" * 256},
         400, "invalid_request"),
        ("max_age not a number", {"grant_type": SESSION_GRANT, "audience": "demo",
                                  "max_age": "soon"}, 400, "invalid_request"),
        ("unknown credential", {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN,
                                "credential": "A" * 22}, 404, "device_not_found"),
        ("unknown device", {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": PIN,
                            "device": "A" * 12}, 404, "device_not_found"),
        ("wrong pin", {"grant_type": DEVICE_GRANT, "audience": "demo", "pin": "000000"}, 401,
         "pin_required"),
        ("pin too short for the token", {"grant_type": DEVICE_GRANT, "audience": "demo",
                                         "pin": "1"}, 401, "pin_required"),
    ]

    def test_rows(self):
        closed = dict(harness.AUDIENCES)
        closed["closed"] = {"scopes": ["all"], "acr": "self", "users": ["games"]}
        with harness.Machine(audiences=closed) as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            for name, form, status, error in self.ROWS:
                with self.subTest(name):
                    self.refused(m.request("POST", "/token", uid=DAEMON, form=form), status, error)
            self.assertEqual(m.request("GET", "/session", uid=DAEMON).json, {"sessions": []})

    def test_form(self):
        good = "grant_type=%s&audience=demo" % SESSION_GRANT
        typed = {"Content-Type": "application/x-www-form-urlencoded"}
        rows = [
            ("a parameter twice (RFC 6749 3.2)", "POST", "/token", typed, good + "&audience=demo", 400),
            ("wrong content type", "POST", "/token", {"Content-Type": "application/json"}, good, 400),
            ("no content type", "POST", "/token", {}, good, 400),
            ("GET on /token", "GET", "/token", {}, None, 405),
            ("parameters in the query", "POST", "/token?audience=demo", typed, good, 400),
            ("a NUL in a value", "POST", "/token", typed, good + "&scope=%00", 400),
        ]
        with harness.Machine() as m:
            for name, method, target, headers, body, status in rows:
                with self.subTest(name):
                    answer = m.request(method, target, uid=DAEMON, headers=headers,
                                       body=body.encode() if body else None)
                    self.assertEqual(answer.status, status, answer)

    def test_unknown_method_is_told(self):
        with harness.Machine() as m:
            answer = m.request("BREW", "/healthz", uid=DAEMON)
            self.refused(answer, 501, "invalid_request")
            self.assertIn("the method is unknown", answer.json["error_description"])

    def test_introspection_is_for_verifiers(self):
        with harness.Machine() as m:
            m.make_token("card", PIN)
            self.enrol(m, "daemon")
            answer, _ = m.answering(PIN, "POST", "/token", uid=DAEMON, form={
                "grant_type": DEVICE_GRANT, "audience": "vpn"})
            form = {"token": answer.json["access_token"]}
            self.assertTrue(m.request("POST", "/introspect", uid=BIN, form=form).json["active"])
            self.assertEqual(m.request("POST", "/introspect", uid=DAEMON, form=form).json,
                             {"active": False})
            self.assertEqual(m.request("POST", "/introspect", uid=BIN, form={"token": "x.y.z"}).json,
                             {"active": False})


if __name__ == "__main__":
    harness.main()
