# test_verify.py - token verify against tokens that another implementation
# (python3-jwcrypto) made, and against those that must be refused.
#
# SPDX-License-Identifier: ISC
import base64
import json
import os
import time
import unittest

from jwcrypto import jwk, jws

from base import ClientTest

ISS = "https://desk7.example/tessera"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Verify(ClientTest):
    @classmethod
    def setUpClass(cls):
        cls.keys = {"EdDSA": jwk.JWK.generate(kty="OKP", crv="Ed25519", alg="EdDSA", use="sig", kid="ed1"),
                    "ES256": jwk.JWK.generate(kty="EC", crv="P-256", alg="ES256", use="sig", kid="es1"),
                    "RS256": jwk.JWK.generate(kty="RSA", size=2048, alg="RS256", use="sig", kid="rs1")}
        cls.stranger = jwk.JWK.generate(kty="OKP", crv="Ed25519", alg="EdDSA", use="sig", kid="other")

    def setUp(self):
        super().setUp()
        self.jwks = os.path.join(self.dir, "jwks.json")
        self.set = {"keys": [json.loads(k.export_public()) for k in self.keys.values()]}
        with open(self.jwks, "w") as f:
            json.dump(self.set, f)
        self.now = int(time.time())

    def token(self, alg="EdDSA", key=None, head=None, **claims):
        key = key or self.keys[alg]
        body = {"iss": ISS, "sub": "alice", "aud": "vpn", "exp": self.now + 300, "iat": self.now - 1,
                "nbf": self.now - 1, "jti": "j1", "client_id": "uid:1000", "scope": "connect",
                "auth_time": self.now - 60, "acr": "hardware", "amr": ["hwk", "pin"], "sid": "s1"}
        body.update(claims)
        body = {k: v for k, v in body.items() if v is not None}
        h = {"alg": alg, "typ": "at+jwt", "kid": key.get("kid")}
        h.update(head or {})
        t = jws.JWS(json.dumps(body))
        t.allowed_algs = ["EdDSA", "ES256", "RS256"]
        t.add_signature(key, None, json.dumps({k: v for k, v in h.items() if v is not None}))
        return t.serialize(compact=True)

    def verify(self, token, *args):
        return self.run_client("token", "verify", "--jwks", self.jwks, "--issuer", ISS, "--allow-stale", *args,
                               input=token.encode() + b"\n")

    def refused(self, token, words, *args):
        r = self.verify(token, *(args or ("-a", "vpn")))
        self.assertEqual(r.returncode, 4, (r.stdout, r.stderr))
        self.assertEqual(r.stdout, b"")
        self.assertRegex(r.stderr.decode(), words)
        r = self.verify(token, "--json", *(args or ("-a", "vpn")))
        self.assertEqual(r.returncode, 4)
        self.assertEqual(self.document(r.stdout)["error"], "invalid_token")

    def test_each_algorithm(self):
        for alg in self.keys:
            r = self.verify(self.token(alg), "-a", "vpn")
            self.assertEqual(r.returncode, 0, (alg, r.stderr))
            out = r.stdout.decode()
            for words in (r"^Valid for \d", r"subject: +alice", r"audience: +vpn", r"scope: +connect",
                          r"acr: +hardware", r"methods: +hwk pin", r"expires: +2\d\d\d-"):
                self.assertRegex(out, words)

    def test_document(self):
        doc = self.document(self.verify(self.token(), "--json").stdout)
        self.assertEqual((doc["valid"], doc["issuer_checked"], doc["sub"], doc["aud"], doc["exp"], doc["amr"]),
                         (True, True, "alice", "vpn", self.now + 300, ["hwk", "pin"]))

    def test_refusals(self):
        t = self.token
        rows = [
            ("expired", t(exp=self.now - 12, iat=self.now - 300), r"expired 1[2-9] s ago"),
            ("not yet", t(nbf=self.now + 3000, exp=self.now + 3200, iat=self.now), r"not valid yet.* in \d+ min"),
            ("issued ahead", t(iat=self.now + 600, exp=self.now + 900, nbf=None), r"not valid yet"),
            ("unknown key", t(key=self.stranger), r"key that is not in the set \(kid other\)"),
            ("another's signature under our kid", t(key=self.stranger, head={"kid": "ed1"}), r"signature"),
            ("audience", t(aud="ssh"), r"for the audience ssh, not vpn"),
            ("audiences", t(aud=["ssh", "web"]), r"for the audience ssh web, not vpn"),
            ("issuer", t(iss=ISS + "x"), r"from the issuer .*tesserax, not " + ISS),
            ("type", t(head={"typ": "JWT"}), r"its type is JWT"),
            ("no type", t(head={"typ": None}), r"not an access token"),
            ("lifetime", t(exp=self.now + 90000), r"claim"),
            ("no subject", t(sub=None), r"claim"),
            ("no exp", t(exp=None), r"claim"),
            ("two dots too few", "abc", r"well-formed"),
            ("alg none", b64(b'{"alg":"none","typ":"at+jwt"}') + "." + t().split(".")[1] + ".", r"."),
            ("another key's algorithm", b64(b'{"alg":"ES256","typ":"at+jwt","kid":"ed1"}') + "." +
             ".".join(t().split(".")[1:]), r"ES256, which is not its key's"),
            ("altered", t()[:-6] + ("A" if t()[-6] != "A" else "B") + t()[-5:], r"signature|well-formed"),
            ("too long", "a" * 9000, r"."),
            ("escape in the kid", b64(b'{"alg":"EdDSA","typ":"at+jwt","kid":"\\u001b[2J"}') + "." +
             ".".join(t().split(".")[1:]), r"kid \\x1b\[2J"),
        ]
        for name, token, words in rows:
            with self.subTest(name):
                self.refused(token, words)

    def test_no_audience_asked(self):
        r = self.verify(self.token(aud="ssh"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(b"audience was not checked", r.stdout)

    def test_issuer_not_known(self):
        r = self.run_client("token", "verify", "--jwks", self.jwks, "-a", "vpn", "--allow-stale", input=self.token().encode())
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertIn(b"issuer was not checked", r.stdout)

    def test_nobody_can_say(self):
        """Without the file of what was revoked there is no verdict, unless asked for."""
        r = self.run_client("token", "verify", "--json", "--jwks", self.jwks, "--issuer", ISS, "-a", "vpn",
                            input=self.token().encode())
        self.assertEqual((r.returncode, self.document(r.stdout)["error"]), (4, "stale"))
        r = self.verify(self.token(), "-a", "vpn", "--json")
        self.assertEqual((r.returncode, self.document(r.stdout)["revocation_checked"]), (0, False))
        self.assertIn(b"revoked is not known", self.verify(self.token(), "-a", "vpn").stdout)

    def test_from_file(self):
        path = os.path.join(self.dir, "token")
        with open(path, "w") as f:
            f.write(self.token() + "\n")
        self.ok("token", "verify", "--allow-stale", "--jwks", self.jwks, path)
        self.fails(6, "token", "verify", "--jwks", self.jwks, path + "x")

    def test_token_as_argument(self):
        token = self.token()
        for command in ("verify", "introspect"):
            for word in (token, "tsr_at_" + "x" * 43):
                text = self.fails(2, "token", command, word)
                self.assertIn("every process", text)
                self.assertNotIn(word, text)

    def test_no_token(self):
        for data in (b"", b"\n", b"a\0b", b"a" * 20000):
            r = self.run_client("token", "verify", "--jwks", self.jwks, input=data)
            self.assertEqual(r.returncode, 4, data[:10])

    def test_agent_gives_keys_and_issuer(self):
        self.agent.routes["GET /.well-known/jwks.json"] = (200, self.set)
        self.agent.routes["GET /.well-known/oauth-authorization-server"] = (200, {"issuer": ISS})
        for args in ((), ("--socket", self.agent.path)):
            r = self.run_client("token", "verify", "--json", *args, input=self.token().encode())
            self.assertEqual(r.returncode, 0, r.stdout)
            self.assertTrue(self.document(r.stdout)["issuer_checked"])
        r = self.run_client("token", "verify", input=self.token(iss="https://other/").encode())
        self.assertEqual(r.returncode, 4)
        self.assertIn(b"from the issuer", r.stderr)

    def test_key_sets_that_cannot_be_used(self):
        priv = json.loads(self.keys["EdDSA"].export_private())
        for name, text in (("empty set", '{"keys":[]}'), ("not JSON", "x"), ("an array", "[]"),
                           ("private member", json.dumps({"keys": [priv]})), ("huge", " " * 70000),
                           ("unknown kinds only", '{"keys":[{"kty":"oct","k":"AAAA"}]}')):
            with self.subTest(name):
                with open(self.jwks, "w") as f:
                    f.write(text)
                r = self.verify(self.token())
                self.assertEqual(r.returncode, 1, (r.stdout, r.stderr))
                self.assertIn(b"key set", r.stderr)
        os.unlink(self.jwks)
        self.assertEqual(self.verify(self.token()).returncode, 6)
        os.mkfifo(self.jwks)
        self.assertNotEqual(self.verify(self.token()).returncode, 0)

    def test_only_a_file_that_nobody_else_writes(self):
        """As libtessera has it: file and folders are judged, by what was opened."""
        token = self.token()
        self.assertEqual(self.verify(token).returncode, 0)
        os.chmod(self.jwks, 0o666)
        r = self.verify(token)
        self.assertEqual((r.returncode, r.stdout), (1, b""))
        self.assertIn(b"refused", r.stderr)
        os.chmod(self.jwks, 0o644)
        os.chmod(self.dir, 0o777)		# anybody may replace what is in it
        self.assertEqual(self.verify(token).returncode, 1)
        os.chmod(self.dir, 0o1777)
        self.assertEqual(self.verify(token).returncode, 0)
        os.chmod(self.dir, 0o700)
        if os.geteuid() == 0:
            os.chown(self.jwks, 65533, -1)
            self.assertEqual(self.verify(token).returncode, 1)
            os.chown(self.jwks, 0, -1)
        # a name from here, and a link, are names of what they lead to
        link = os.path.join(self.dir, "link.json")
        os.symlink(self.jwks, link)
        for name in (link, os.path.relpath(self.jwks)):
            r = self.run_client("token", "verify", "--allow-stale", "--jwks", name, input=token.encode())
            self.assertEqual(r.returncode, 0, r.stderr)

    @unittest.skipIf(os.path.exists("/run/tesserad/jwks.json"), "an agent is installed here")
    def test_no_public_file(self):
        del self.env["TESSERA_SOCK"]
        r = self.run_client("token", "verify", input=self.token().encode())
        self.assertEqual(r.returncode, 6)
        self.assertIn(b"--jwks", r.stderr)


if __name__ == "__main__":
    unittest.main()
