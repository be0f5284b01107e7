# SPDX-License-Identifier: ISC
"""What a FIDO2 key or its helper says that is not believed (WebAuthn level 3
section 7.2): each is refused by name, is in the audit log, and nobody has a
session of it."""
import base64
import hashlib
import json
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import harness
from fidobed import Bed, ask, enrol
from fidoliar import AT, ED, UP, UV, Liar
from harness import DAEMON
from process import until

SIGNATURE = (400, "invalid_grant", "signature")
MALFORMED = (400, "invalid_grant", "malformed")
BROKEN = (503, "temporarily_unavailable", "")
NOT_ASKED = (400, "invalid_grant", "not asked for")
AGAIN = (403, "unauthorized_client", "counter")

# A fault of the key each time, the status, the error, a word of its description.
FALSE = (
    ("bad-signature", SIGNATURE),
    ("wrong-rp", (403, "unauthorized_client", "another service")),
    ("up-clear", (403, "unauthorized_client", "touched")),
    ("uv-clear", (403, "unauthorized_client", "verify")),
    ("flags-junk", MALFORMED),
    ("credential-count", BROKEN),
    ("cbor-truncated", BROKEN),
    ("cbor-garbage", BROKEN),
    ("cbor-deep", BROKEN),
    ("cbor-duplicate", BROKEN),
    ("cbor-indefinite", BROKEN),
    ("cbor-unsorted", BROKEN),
)


class Refusals(unittest.TestCase):
    def refused(self, m, name, expected):
        status, error, word = expected
        answer = ask(m)[0]
        self.assertEqual((answer.status, answer.json["error"]), (status, error), answer)
        self.assertIn(word, answer.json["error_description"])
        self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
        return error

    def told(self, m, errors):
        """Each is in the audit log once, in their order, before the good one that is
        asked for now."""
        self.assertEqual(ask(m)[0].status, 200)

        def lines():
            with open(m.state + "/audit.log", encoding="utf-8") as f:
                found = [json.loads(line) for line in f if line.endswith("\n")]
            return found if any(line["event"] == "mint" for line in found) else None
        found = until(lines, 60, what="the audit log")
        self.assertEqual([line["verdict"] for line in found if line["event"] == "proof"],
                         errors + ["ok"])
        self.assertEqual(sum(line["event"] == "mint" for line in found), 1)

    def test_keys(self):
        with Bed(1, "uv=ok") as (m, keys):
            answer, _ = enrol(m, uv="required")
            self.assertEqual(answer.status, 201, answer)
            errors = []
            for fault, expected in FALSE:
                if fault == "credential-count" and harness.sanitized():
                    continue	# what ends it is a limit on memory, and a sanitizer has none
                with self.subTest(fault):
                    keys[0].set("fault=%s+" % fault)
                    errors.append(self.refused(m, fault, expected))
            keys[0].set("fault=none")
            self.told(m, errors)

    # --- a helper that was taken over

    def lies(self, liar, first, other):
        """(name, what it makes of its answer, what comes of it)"""
        digest = hashlib.sha256

        def browser(said):
            data = json.dumps({"type": "webauthn.get", "origin": "https://localhost", "challenge":
                               base64.urlsafe_b64encode(said.digest).decode().rstrip("=")})
            said.sign(digest=digest(data.encode()).digest())

        def by_p256(said):
            said.signature = ec.generate_private_key(ec.SECP256R1()).sign(
                said.data + said.digest, ec.ECDSA(hashes.SHA256()))

        def cut(said):
            said.data = said.data[:-1]
            said.signature = said.key.sign(said.data + said.digest)

        return (
            ("a challenge that was used", lambda said: first, SIGNATURE),
            ("a challenge of another request", lambda said: said.sign(digest=digest(b"x").digest()),
             SIGNATURE),
            ("the challenge's hash, hashed", lambda said: said.sign(digest=digest(said.digest).digest()),
             SIGNATURE),
            ("a browser's client data", browser, SIGNATURE),
            ("another user's credential", lambda said: said.sign(credential=other, key=liar.keys[other]),
             NOT_ASKED),
            ("another user's key", lambda said: said.sign(key=liar.keys[other]), SIGNATURE),
            ("a credential that nobody has", lambda said: said.sign(credential=b"nobody's"), NOT_ASKED),
            ("another algorithm", by_p256, SIGNATURE),
            ("another relying party", lambda said: said.sign(rp=b"tessera:other"),
             (403, "unauthorized_client", "another service")),
            ("nobody was present", lambda said: said.sign(flags=0),
             (403, "unauthorized_client", "touched")),
            ("verified and not present", lambda said: said.sign(flags=UV),
             (403, "unauthorized_client", "touched")),
            ("data cut short", cut, MALFORMED),
            ("a byte too many", lambda said: said.sign(rest=b"\0"), MALFORMED),
            ("a credential is announced", lambda said: said.sign(flags=UP | AT), MALFORMED),
            ("extensions are announced", lambda said: said.sign(flags=UP | ED), MALFORMED),
            ("an indefinite map", lambda said: said.sign(flags=UP | ED, rest=b"\xbf\xff"), MALFORMED),
            ("a key twice", lambda said: said.sign(flags=UP | ED, rest=b"\xa2\x61a\0\x61a\0"), MALFORMED),
            ("deep", lambda said: said.sign(flags=UP | ED, rest=b"\xa1\x61a" + b"\x81" * 64 + b"\0"),
             MALFORMED),
            ("no signature", lambda said: setattr(said, "signature", b""), SIGNATURE),
            ("signed, then counted up", lambda said: setattr(
                said, "data", said.data[:-1] + bytes([said.data[-1] + 1])), SIGNATURE),
        )

    def liar(self):
        m = harness.Machine(start=False, settings={"fido": {}})
        m.settings["fido"]["socket"] = m.folder + "/liar"
        m.write_conf()
        return m, Liar(m.folder + "/liar")

    def test_helper(self):
        m, liar = self.liar()
        with m, liar:
            m.start()
            for user in ("bin", "daemon"):
                answer, _ = enrol(m, user)
                self.assertEqual(answer.status, 201, answer)
            other = next(iter(liar.keys))
            errors, ever = [], []
            liar.lie = lambda said: ever.append(said) or said.sign(flags=0)
            errors.append(self.refused(m, "first", (403, "unauthorized_client", "touched")))
            for name, lie, expected in self.lies(liar, ever[0], other):
                with self.subTest(name):
                    liar.lie = lie
                    errors.append(self.refused(m, name, expected))
            liar.lie = None
            self.told(m, errors)

    def test_counter(self):
        """A count that does not grow is perhaps a copy's: nobody is let in by it any
        more, until an administrator says so."""
        for name, count in (("the same", lambda last: last), ("less", lambda last: last - 1),
                            ("none", lambda last: 0)):
            m, liar = self.liar()
            with self.subTest(name), m, liar:
                m.start()
                c = enrol(m)[0].json["id"]
                for _ in range(2):
                    self.assertEqual(ask(m)[0].status, 200)
                last = liar.counter
                liar.lie = lambda said: said.sign(counter=count(last))
                answer = ask(m)[0]
                self.assertEqual((answer.status, answer.json["error"]), (403, "unauthorized_client"), answer)
                self.assertIn("copy", answer.json["error_description"])
                self.assertEqual(m.request("GET", "/session", uid=DAEMON).json["sessions"], [])
                liar.lie = None
                self.assertEqual(ask(m)[0].json["error"], "device_not_found")
                m.tessera("credential", "enable", c, check=True)
                self.assertEqual(ask(m)[0].status, 200)


if __name__ == "__main__":
    harness.main()
